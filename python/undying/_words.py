"""What the library says in the words of the command line, said in those of a caller in Python: `lr` for --lr, `normalize="standard"` for
--normalize standard, `X, y="bought", drop=["id"]` for --data csv:X:label=bought:drop=id.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from typing import Any, Callable, Iterable

from . import _undying
from ._data import COLUMN_OPTIONS
from ._errors import UndyingError

# Flags that the functions have other words for.
_OWN = {"--data": "X", "--test": "test", "--labels": "y", "--quiet": "progress", "--forecast": "undying.forecast", "MODEL": "model"}
_HELP = _undying.help()
_COMMANDS = "|".join(command["name"] for command in _HELP)
_FLAGS = {flag["name"]: flag for command in _HELP for flag in command["flags"]}
_NEGATIVES = {flag["negative"]: flag["name"] for flag in _FLAGS.values() if flag["negative"]}

_FLAG = re.compile(r"(?P<open>\[?)(?P<flag>--[a-z][a-z0-9-]*)(?P<close>\]?)(?:(?P<gap>=|\s+)(?P<value>'[^']*'|[^\s;)\]]+))?")
_OF_COMMAND = re.compile(rf"\b(?:undying )?({_COMMANDS}) (--[a-z][a-z0-9-]*(?: [A-Z]+\b)?)")
_SEE_HELP = re.compile(rf"\bundying ({_COMMANDS}) --help")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(?:,{_NUMBER})*")
_PLACEHOLDER = re.compile(r"[A-Z]+(?:=[A-Z]+)?")
_LISTED = r"(?:^|[,;:] |\bor |, or ){}(?=[,:;([]|$| or )"  # among what the help of a flag names

# Of a report: what readers without scripts see, and what its scripts show.
_PLAIN = re.compile(r"(?<=<noscript><pre>).*?(?=</pre>)", re.S)
_SHOWN = re.compile(r'(<script type="application/json" id="\w+">)(.*?)(?=</script>)', re.S)

_OPTIONS = ("label", *COLUMN_OPTIONS)
_OF_A_COLUMN = ("label", "target")
_WORDS = ("missing", "values", "channels")  # the others take names of columns
_OPTION = re.compile(rf":({'|'.join(_OPTIONS)})=")


def keyword(flag: str) -> str:
    """The keyword argument that is a flag: `max_seeds` of --max-seeds."""
    return flag[2:].replace("-", "_")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _python_value(value: str) -> str:
    if _PLACEHOLDER.fullmatch(value):
        return value
    if _NUMBERS.fullmatch(value):
        return f"[{value.replace(',', ', ')}]" if "," in value else value
    return _quoted(shlex.split(value)[0] if value.startswith("'") else value)


def _is_value(flag: dict[str, Any], word: str) -> bool:
    """Whether a word behind a flag is its value, and does not go on with the sentence."""
    if _PLACEHOLDER.fullmatch(word) or re.fullmatch(rf"{_NUMBERS.pattern}[a-z%]?", word) or word.startswith("'") or ":" in word:
        return True
    return re.search(_LISTED.format(re.escape(word)), flag["help"]) is not None


class Words:
    """`names`: keyword arguments by flag, or by the first word of a subject, where they are not the flags' own. `columns`: the names of X's columns, where it is a frame;
    `predicted`: of that which y became. `files`: what stands for files of the call that its caller knows nothing of."""

    def __init__(self, names: dict[str, str] | None = None, columns: Iterable[str] | None = None, predicted: str | None = None,
                 files: dict[str, str] | None = None):
        self.names = names or {}
        self.columns = None if columns is None else sorted(columns, key=len, reverse=True)
        self.predicted = predicted
        self.files = files or {}

    def say(self, text: str) -> str:
        for file, name in self.files.items():
            text = text.replace(file, name)
        if self.columns is not None:
            text = self._say_columns(text)
        for word, name in self.names.items():
            text = text.replace(f"[{word} ", f"[{name} ")
        if "--" not in text and "[MODEL]" not in text:
            return text
        text = _SEE_HELP.sub(lambda found: f"help(undying.{found[1]})", text.replace("[MODEL]", "[model]"))
        text = _OF_COMMAND.sub(lambda found: f"undying.{found[1]}({self._say_argument(found[2])})", text)
        return _FLAG.sub(self._say_flag, text)

    def say_error(self, error: UndyingError) -> UndyingError:
        subject = self.say(f"[{error.subject}]")[1:-1]
        return type(error)(self.say(str(error)), subject, error.kind)

    def say_all(self, value: Any) -> Any:
        """All texts within what was JSON, but for the call that it came of."""
        if isinstance(value, str):
            return self.say(value)
        if isinstance(value, list) and not (value and isinstance(value[0], (int, float))):
            return [self.say_all(each) for each in value]
        if isinstance(value, dict):
            return {name: each if name == "command" else self.say_all(each) for name, each in value.items()}
        return value

    def say_page(self, page: str) -> str:
        """A report."""

        def shown(found: re.Match[str]) -> str:
            said = json.dumps(self.say_all(json.loads(found[2])), ensure_ascii=False, separators=(",", ":"))
            return found[1] + said.replace("<", "\\u003c")

        page = _PLAIN.sub(lambda found: html.escape(self.say(html.unescape(found[0])), quote=False), page, 1)
        return _SHOWN.sub(shown, page, 1)

    def guard(self, call: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
        """The call, with the errors of the library in these words."""
        try:
            return call(*arguments, **settings)
        except UndyingError as error:
            raise self.say_error(error) from None

    # Flags.

    def _name(self, flag: str) -> str:
        return self.names.get(flag) or _OWN.get(flag) or keyword(flag)

    def _say_argument(self, words: str) -> str:
        flag, _, value = words.partition(" ")
        return f"{self._name(flag)}={value or '...'}"

    def _say_flag(self, found: re.Match[str]) -> str:
        flag = _NEGATIVES.get(found["flag"], found["flag"])
        known = _FLAGS.get(flag)
        if known is None:
            return found[0]
        name, rest = self._name(flag), found[0][found.end("close") - found.start() :]
        if found["open"] or found["close"] or flag == "--forecast":
            return f"{found['open']}{name}{found['close']}{rest}"
        if not known["type"]:
            return f"{name}={'True' if flag == found['flag'] else 'False'}{rest}"
        value = (found["value"] or "").rstrip(",.:")
        if not value or not (found["gap"] == "=" or _is_value(known, value)):
            return name + rest
        return f"{name}={_python_value(value)}{found['value'][len(value):]}"

    # The columns of a frame: what stands behind csv:X are arguments beside X.

    def _say_columns(self, text: str) -> str:
        text = re.sub(r"--data (?:'(csv:X:(?:[^']|'\\'')*)'|(csv:X:\S*))", self._say_notation, text)
        text = re.sub(rf"(?<=\s):({'|'.join(_OPTIONS)})(?=[;,.\s])", r"\1", text)
        text = re.sub(r":(?:label|target)=NAME or :target=NAME", "y=NAME or target=NAME", text)
        at, said = 0, ""
        for found in _OPTION.finditer(text):
            if found.start() >= at:
                value = self._value_at(text, found.end(), found[1] not in _WORDS)
                name = "y" if found[1] == "label" else found[1]
                said += text[at : found.start()] + (f"{name}={_python_value(value)}" if value else name)
                at = found.end() + len(value)
        return said + text[at:]

    def _value_at(self, text: str, at: int, of_columns: bool) -> str:
        """The name of a column, which may have blanks; else a word."""
        for name in self.columns or ():
            if of_columns and name and re.match(rf"{re.escape(name)}(?!\w)", text[at:]):
                return name
        return re.match(r"[^\s;,)|]*", text[at:])[0]

    def _say_notation(self, found: re.Match[str]) -> str:
        notation = found[2] if found[2] is not None else found[1].replace("'\\''", "'")
        arguments = ["X"]
        for option, value in _options(notation[len("csv:X") :]):
            alone = value.strip('"')
            if option == "label" and alone == self.predicted:
                arguments.append("y")
            elif option in _OF_A_COLUMN:
                arguments.append(f"{'y' if option == 'label' else option}={_quoted(alone)}")
            elif option in _WORDS:
                arguments.append(f"{option}={_python_value(alone)}")
            else:
                arguments.append(f"{option}=[{', '.join(map(_quoted, _names(value, self.columns or [])))}]")
        return ", ".join(arguments)


def _options(notation: str) -> list[tuple[str, str]]:
    """":drop=a,b:missing=mean" by option; a quoted name may hold anything."""
    marks = [found for found in _OPTION.finditer(notation) if notation.count('"', 0, found.start()) % 2 == 0]
    ends = [found.start() for found in marks[1:]] + [len(notation)]
    return [(found[1], notation[found.end() : end]) for found, end in zip(marks, ends)]


def _names(value: str, columns: list[str]) -> list[str]:
    """Of columns, within quotes or not; else what commas part."""
    names = []
    while value:
        forms = ((form, name) for name in columns for form in (f'"{name}"', name))
        form, name = next(((form, name) for form, name in forms if value == form or value.startswith(form + ",")), (value.partition(",")[0],) * 2)
        names.append(name)
        value = value[len(form) + 1 :]
    return names

"""How a job stands, on a terminal or in a notebook."""

from __future__ import annotations

import html
import sys
import time
from typing import Callable, Optional

Show = Callable[[list, list], None]

_SECONDS_BETWEEN_LINES = 10.0  # where nothing can be redrawn


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


class _Terminal:
    """Lines redrawn in place."""

    def __init__(self, stream):
        self.stream = stream
        self.shown = 0

    def erase(self) -> str:
        text = f"\x1b[{self.shown}A\r\x1b[J" if self.shown else ""
        self.shown = 0
        return text

    def __call__(self, messages: list, live: list) -> None:
        text = self.erase() + "".join(line + "\n" for line in [*messages, *live])
        self.shown = len(live)
        self.stream.write(text)
        self.stream.flush()

    def close(self) -> None:
        self.stream.write(self.erase())
        self.stream.flush()


class _Lines:
    """Where nothing can be redrawn: lines that stay, and a sign of life now and then."""

    def __init__(self, stream):
        self.stream = stream
        self.last = time.monotonic()

    def __call__(self, messages: list, live: list) -> None:
        lines = list(messages)
        if live and time.monotonic() - self.last > _SECONDS_BETWEEN_LINES:
            self.last = time.monotonic()
            lines.append(live[-1])
        if lines:
            self.stream.write("".join(line + "\n" for line in lines))
            self.stream.flush()

    def close(self) -> None:
        pass


class _Notebook:
    """One output that is replaced, and goes when the job ends."""

    def __init__(self):
        from IPython.display import HTML, display

        self.html = HTML
        self.kept: list = []
        self.handle = display(HTML(""), display_id=True)

    def __call__(self, messages: list, live: list) -> None:
        self.kept = (self.kept + list(messages))[-20:]
        self.handle.update(self.html(f"<pre>{html.escape(chr(10).join([*self.kept, *live]))}</pre>"))

    def close(self) -> None:
        self.handle.update(self.html(""))


def make_progress(wanted: Optional[bool]) -> Optional[object]:
    """`wanted`: None shows it where somebody may look, on a terminal or in a notebook."""
    if wanted is False:
        return None
    if _in_notebook():
        return _Notebook()
    if sys.stderr is not None and sys.stderr.isatty():
        return _Terminal(sys.stderr)
    return _Lines(sys.stderr) if wanted and sys.stderr is not None else None

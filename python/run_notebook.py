"""Runs the code cells of a notebook and writes what they print and show into it.

PYTHONPATH=build/release/python python -P python/run_notebook.py examples/leaky_relu_on_digits.ipynb
"""

import ast
import contextlib
import io
import json
import sys
from pathlib import Path

_MOST_HTML = 20_000  # a report page is no output to keep in a repository


def _shown(value):
    """What a cell shows of its last expression."""
    data = {"text/plain": repr(value).splitlines(keepends=True)}
    page = getattr(value, "_repr_html_", lambda: None)()
    if page is not None and len(page) < _MOST_HTML:
        data["text/html"] = page.splitlines(keepends=True)
    return data


def run_cell(source, names, count):
    """The outputs of a code cell, as the format of notebooks (4.5) has them."""
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {count}", "exec"), names)
        value = None if last is None else eval(compile(last, f"cell {count}", "eval"), names)
    outputs = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)})
    if value is not None:
        outputs.append({"data": _shown(value), "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return outputs


def run(notebook):
    """The notebook with the outputs of today."""
    names = {"__name__": "__main__"}
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        cell["execution_count"] = count
        cell["outputs"] = run_cell("".join(cell["source"]), names, count)
    return notebook


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(json.dumps(run(json.loads(Path(name).read_text())), indent=1, ensure_ascii=False) + "\n")

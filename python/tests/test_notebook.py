"""The notebook's cells run, and what they show is what stands there, numbers aside: these are one processor's."""

import copy
import importlib.util
import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
NOTEBOOK = HERE.parent / "examples" / "leaky_relu_on_digits.ipynb"


def shown(notebook):
    """The texts of all outputs, cell by cell."""
    texts = []
    for cell in notebook["cells"]:
        outputs = cell.get("outputs", [])
        text = "".join("".join(output.get("text") or output["data"]["text/plain"]) for output in outputs)
        texts.append(" ".join(re.sub(r"[-+]?[0-9][0-9.,e-]*", "0", text).split()))
    return texts


def test_the_notebook_shows_what_it_computes(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    spec = importlib.util.spec_from_file_location("run_notebook", HERE / "run_notebook.py")
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    kept = json.loads(NOTEBOOK.read_text())
    monkeypatch.chdir(tmp_path)
    assert shown(runner.run(copy.deepcopy(kept))) == shown(kept), "run python/run_notebook.py"
    assert all(cell["outputs"] for cell in kept["cells"] if cell["cell_type"] == "code")

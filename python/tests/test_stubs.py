"""The committed stubs are those of the flags there are."""

import importlib.util
from pathlib import Path


def test_stubs_are_of_today():
    spec = importlib.util.spec_from_file_location("make_stubs", Path(__file__).parents[1] / "make_stubs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for file, content in module.stubs().items():
        assert file.read_text() == content, "run python/make_stubs.py"

"""The words of the command line become those of a caller in Python."""

import html
import json
import re

import numpy as np
import pytest
import undying
from undying._words import Words

FRAME = Words(columns=["age", "home town", "id", 'say "x", or y', "d"])


@pytest.mark.parametrize(
    "said, ours",
    [
        ("[--max-seeds] 3 is out of range", "[max_seeds] 3 is out of range"),
        ("lower --lr (it is 0.5), or standardise (--normalize\n      standard)", 'lower lr (it is 0.5), or standardise (normalize="standard")'),
        ("a lower rate (--lr), --clip-norm or a draw", "a lower rate (lr), clip_norm or a draw"),
        ("hold another share out (--split 0.5), or none (--split none)", 'hold another share out (split=0.5), or none (split="none")'),
        ("a part of its own; --split would draw one", "a part of its own; split would draw one"),
        ("--split, --ordered or --normalize standard", 'split, ordered=True or normalize="standard"'),
        ("with --loss bce one output tells two classes", 'with loss="bce" one output tells two classes'),
        ("--metric balanced-accuracy (or f1, auc)", 'metric="balanced-accuracy" (or f1, auc)'),
        ("To see: --lr 0.003,0.03,3 (with --store, what was run is kept)", "To see: lr=[0.003, 0.03, 3] (with store, what was run is kept)"),
        ("expected --store FILE too", "expected store=FILE too"),
        ("goes with --no-batch-norm", "goes with batch_norm=False"),
        ("choose it with --output NAME, or leave it", "choose it with output=NAME, or leave it"),
        ("expected --data npz:FILE with arrays", 'expected X="npz:FILE" with arrays'),
        ("what compare --store wrote", "what undying.compare(store=...) wrote"),
        ("takes no value; see undying train --help", "takes no value; see help(undying.train)"),
        ("--fail-on 'dead>5%'", 'fail_on="dead>5%"'),
        ("no flag: --of-nothing 3, and -- 4", "no flag: --of-nothing 3, and -- 4"),
    ],
)
def test_flags_are_keyword_arguments(said, ours):
    assert Words().say(said) == ours


@pytest.mark.parametrize(
    "said, ours",
    [
        ("paste: --data csv:X:label=age:drop=id,d:missing=mean", 'paste: X, y="age", drop=["id", "d"], missing="mean"'),
        ("--data 'csv:X:target=home town:values=40'", 'X, target="home town", values=40'),
        ("""--data 'csv:X:label=d:drop="say "x", or y",age'""", 'X, y="d", drop=["say \\"x\\", or y", "age"]'),
        ("--data csv:X:label=NAME:drop=id", 'X, y="NAME", drop=["id"]'),
        ("; :missing=drop leaves these rows out", '; missing="drop" leaves these rows out'),
        ("; :drop=home town leaves it out", '; drop="home town" leaves it out'),
        ("no column \"z\" for :text; the columns are", "no column \"z\" for text; the columns are"),
        ("another with :label=NAME or :target=NAME", "another with y=NAME or target=NAME"),
        ("of rows in time --ordered tests on the last", "of rows in time ordered=True tests on the last"),
    ],
)
def test_options_of_a_csv_file_are_keyword_arguments(said, ours):
    assert FRAME.say(said) == ours


def test_a_file_is_named_with_its_own_options():
    assert Words().say("paste: --data 'csv:a b.csv:label=x'") == 'paste: X="csv:a b.csv:label=x"'


@pytest.fixture(scope="module")
def table():
    pandas = pytest.importorskip("pandas")
    draw = np.random.default_rng(6)
    frame = pandas.DataFrame({"age": draw.normal(40, 10, 90), "name": [f"person {i}" for i in range(90)], "bought": draw.choice(["n", "y"], 90)})
    frame.loc[::9, "age"] = np.nan
    return frame


def pasted(error, frame, y):
    """The call that an error proposes."""
    arguments = str(error.value).split("Ready to paste: ")[1]
    return eval(f"undying.train({arguments}, model='mlp:4x1', epochs=1)", {"undying": undying, "X": frame, "y": y})


def test_what_is_ready_to_paste_works(table):
    with pytest.raises(undying.InputError, match='perhaps "bought"') as error:
        undying.train(table, "bougth", model="mlp:4x1", epochs=1)
    assert pasted(error, table, None).data.train == 72
    X, y = table.drop(columns="bought"), table["bought"]
    with pytest.raises(undying.InputError, match='Ready to paste: X, y, drop=\\["name"\\]') as error:
        undying.train(X, y, model="mlp:4x1", epochs=1)
    assert pasted(error, X, y).data.train == 72


def test_results_speak_as_errors_do(blobs):
    study = undying.compare(*blobs, model="mlp:8x2", epochs=1, lr=1e6, seeds=2, activations="elu", threads=1)
    assert "--" not in str(study).replace("---", "") and "lr" in str(study)
    assert all("--" not in sentence for sentence in study.verdict)


def test_reports_speak_as_results_do(blobs, tmp_path):
    file = tmp_path / "own.html"
    settings = dict(model="mlp:8x2", epochs=1, lr=1e6, seeds=2, activations="elu", threads=1)
    own, made = undying.compare(*blobs, report=file, **settings), undying.compare(*blobs, **settings)
    made.save_report(tmp_path / "made.html")
    for page in (file.read_text(), (tmp_path / "made.html").read_text(), own._repr_html_()):
        body = re.sub(r"<(style|script)>.*?</\1>", "", html.unescape(page), flags=re.S)
        assert "--lr" not in body and "First lower lr" in body
    shown = json.loads(re.search(r'<script type="application/json" id="study">(.*?)</script>', file.read_text(), re.S)[1])
    assert {**shown, "command": ""} == {**own.to_dict(), "command": ""}


def test_files_of_the_call_are_its_arguments(blobs):
    for call in (undying.inspect, undying.forecast, lambda model: undying.diagnose(model, *blobs)):
        with pytest.raises(undying.InputError, match=r"^\[model\] ") as caught:
            call(b"")
        assert caught.value.subject == "model"
    with pytest.raises(undying.InputError, match=r"^\[init\] "):
        undying.train(*blobs, model="mlp:4x1", init=b"")

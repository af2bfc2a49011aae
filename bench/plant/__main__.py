"""plant --undying PROGRAM [--generator a|b] [--quick] [--markdown FILE] [--json FILE]

Makes networks with planted faults of known truth and healthy ones beside, lets the program train
and diagnose them, and scores its findings, and published rules, against the truth. --quick: one of
most kinds, and an error where the truth is not met."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import check_oracle
import faults
import generator_a
import generator_b
import report
import runner

QUICK = ("dead_by_bias", "dead_by_scale", "dead_by_init", "frozen_layers", "dropout",
         "residual_branches", "vanishing", "exploding", "small_inputs", "out_of_reach", "large_rate",
         "healthy", "healthy_sparse")  # fmt: skip


def plans():
    return {"a": generator_a.plan, "b": generator_b.plan}


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "a tree without history"


def main():
    parser = argparse.ArgumentParser(prog="plant", description=__doc__)
    parser.add_argument("--undying", required=True, help="the program")
    parser.add_argument("--generator", choices=sorted(plans()), default=max(plans()))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--head", default="", help="what the page says before its tables, a file")
    parser.add_argument("--markdown", help="write the tables to this file")
    parser.add_argument("--json", help="write what is true and what was said of each network")
    arguments = parser.parse_args()
    plan = plans()[arguments.generator]()
    if arguments.quick:
        plan.counts = {"": 1}
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        program = runner.Program(arguments.undying, pathlib.Path(folder))
        results = runner.run_plan(program, plan, faults.KINDS, QUICK if arguments.quick else None,
                                  lambda text: print(text, file=sys.stderr))  # fmt: skip
    seconds = time.monotonic() - start
    if arguments.quick:
        missed = report.bars(results) + ["the oracle"] * (not check_oracle.agrees())
        print(f"{len(results)} networks, {program.runs} runs; " +
              (f"missed: {', '.join(missed)}" if missed else "every truth is met"))  # fmt: skip
        return 1 if missed else 0
    head = pathlib.Path(arguments.head).read_text().strip() if arguments.head else ""
    head = head.replace("@NETWORKS@", str(len(results))).replace("@RUNS@", str(program.runs))
    head = head.replace("@SECONDS@", f"{seconds:.0f}").replace("@COMMIT@", commit())
    text = report.whole(results, head)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(report.networks(results), indent=1))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(text)
    else:
        print(text)
    return 0


sys.exit(main())

"""plant --undying PROGRAM [--causes] [--generator a|b] [--quick] [--markdown FILE] [--json FILE]

Makes networks with planted faults of known truth and healthy ones beside, lets the program train
and diagnose them, and scores its findings, and published rules, against the truth. --quick: one of
most kinds, and an error where the truth is not met. --causes: deaths of known cause instead, and
what replay says of them."""

import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import cause_report
import cause_runs
import causes
import check_oracle
import faults
import generator_a
import generator_b
import report
import runner

# Eight of those that a rule on the gradients of weights is wrong about, in both ways.
QUICK_COUNTS = {"": 1, "small_inputs": 8, "vanishing_rescaled": 8}
QUICK = ("dead_by_bias", "dead_by_scale", "dead_by_init", "frozen_layers", "dropout",
         "residual_branches", "vanishing", "exploding", "small_inputs", "out_of_reach", "small_rate",
         "large_rate", "healthy", "healthy_sparse", "vanishing_rescaled")  # fmt: skip


def plans():
    return {"a": generator_a.plan, "b": generator_b.plan}


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "a tree without history"


def parse():
    parser = argparse.ArgumentParser(prog="plant", description=__doc__)
    parser.add_argument("--undying", required=True, help="the program")
    parser.add_argument("--causes", action="store_true")
    parser.add_argument("--generator", choices=sorted(plans()), default=max(plans()))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--head", default="", help="what the page says before its tables, a file")
    parser.add_argument("--markdown", help="write the tables to this file")
    parser.add_argument("--json", help="write what is true and what was said of each network")
    return parser.parse_args()


@dataclasses.dataclass
class Made:
    """What a run of the plan gives: its page's tables, what the quick form misses, and all of it."""

    networks: int
    text: object  # of the page's head
    missed: list
    record: list


def faults_made(program, plan, quick, told):
    if quick:
        plan.counts = QUICK_COUNTS
    results = runner.run_plan(program, plan, faults.KINDS, QUICK if quick else None, told)
    missed = report.bars(results) + ["the oracle"] * (not check_oracle.agrees()) if quick else []
    return Made(len(results), lambda head: report.whole(results, head), missed,
                report.networks(results))  # fmt: skip


def causes_made(program, plan, quick, told):
    kinds = causes.ONLY + causes.LED if quick else causes.KINDS
    verdicts, networks = cause_runs.run_plan(program, plan, kinds, 6 if quick else 40, told)
    return Made(networks, lambda head: cause_report.whole(verdicts, head),
                cause_report.bars(verdicts), [dataclasses.asdict(each) for each in verdicts])  # fmt: skip


def main():
    arguments = parse()
    start = time.monotonic()
    make = causes_made if arguments.causes else faults_made
    with tempfile.TemporaryDirectory() as folder:
        program = runner.Program(arguments.undying, pathlib.Path(folder))
        made = make(program, plans()[arguments.generator](), arguments.quick,
                    lambda text: print(text, file=sys.stderr))  # fmt: skip
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(made.record, indent=1))
    if arguments.quick:
        told = f"missed: {', '.join(made.missed)}" if made.missed else "every truth is met"
        print(f"{made.networks} networks, {program.runs} runs; {told}")
        return 1 if made.missed else 0
    head = pathlib.Path(arguments.head).read_text().strip() if arguments.head else ""
    head = head.replace("@NETWORKS@", str(made.networks)).replace("@RUNS@", str(program.runs))
    head = head.replace("@SECONDS@", f"{time.monotonic() - start:.0f}").replace("@COMMIT@", commit())
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(made.text(head))
    else:
        print(made.text(head))
    return 0


sys.exit(main())

"""Runs the program on a case: trains it in two halves, where it is trained, lets the plant do its
work, diagnoses, and keeps what the oracle and the published rules need."""

import csv
import json
import re
import subprocess
from dataclasses import dataclass, field, replace

import numpy

import oracle
import rules
import truth as truths
from data import Data

BATCH = 32  # what the published rules look at
LOWER, HIGHER = [0.1, 0.01, 1e-3, 1e-5], [10.0**i for i in range(8, 0, -1)]  # other rates, tried
MOST_RATE = 1.0


@dataclass
class Snapshot:
    """Of a moment: the weights, and the oracle's pass over one batch."""

    network: object
    batch: oracle.Pass
    step: int


@dataclass
class Trace:
    """What a monitor of the training would have seen."""

    data: Data
    activations: list
    end: str
    rate: float | None
    snapshots: list = field(default_factory=list)
    losses: list = field(default_factory=list)  # a step
    epochs: list = field(default_factory=list)  # as in the program's JSON
    diverged: bool = False
    said: set = field(default_factory=set)  # by train, of its rate


@dataclass
class Result:
    kind: str
    name: str
    healthy: bool
    truth: truths.Truth
    diagnosis: dict
    trace: Trace
    features: dict = field(default_factory=dict)


class Program:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.runs = 0

    def run(self, *arguments):
        self.runs += 1
        threads = [] if arguments[0] == "replay" else ["--threads", "1"]  # those of the run
        done = subprocess.run([self.binary, *map(str, arguments), *threads, "--quiet"],
                              capture_output=True, text=True)  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"undying {' '.join(map(str, arguments))}: exit code "
                               f"{done.returncode}: {done.stderr.strip()}")  # fmt: skip
        return done.stdout

    def train(self, network, data, training, seed, trace):
        """Half of the epochs; returns the network with the weights after them."""
        start, source, out, log, report = (self.folder / name for name in (
            "start.onnx", "data.npz", "out.safetensors", "steps.csv", "run.json"))  # fmt: skip
        network.save(start)
        data.save(source)
        text = self.run("train", "--model", start, "--init", start, "--data", f"npz:{source}",
                        "--normalize", "unit", "--epochs", max(1, training.epochs // 2), "--seed",
                        seed, *training.arguments(), "--out", out, "--metrics", log, "--json",
                        report)  # fmt: skip
        trace.said.update(re.findall("^Found: (rate too [a-z]+):", text, re.MULTILINE))
        said = json.loads(report.read_text())
        trace.diverged = trace.diverged or said["status"] == "diverged"
        trace.epochs += said["epochs"]
        with open(log, newline="") as file:
            trace.losses += [float(row["loss"]) for row in csv.DictReader(file)]
        return None if trace.diverged else network.copy().load(out)

    def explain(self, case):
        """Trains the case of a death and replays it: the run, its losses and its deaths."""
        start, source, log, report, causes = (self.folder / name for name in (
            "start.onnx", "data.npz", "steps.csv", "run.json", "causes.json"))  # fmt: skip
        case.network.save(start, case.frozen)
        case.data.save(source)
        self.run("train", "--model", start, "--init", start, "--data", f"npz:{source}",
                 "--normalize", "unit", "--no-shuffle", "--steps", case.steps,
                 *case.descent.arguments(), "--metrics", log, "--json", report)  # fmt: skip
        self.run("replay", report, "--first", 0, "--json", causes)
        with open(log, newline="") as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        deaths = [each for each in json.loads(causes.read_text())["events"]
                  if each["event"] == "death"]  # fmt: skip
        return json.loads(report.read_text()), losses, deaths

    def diagnose(self, network, data, part):
        model, source, report = (self.folder / name for name in (
            "model.onnx", "data.npz", "diagnosis.json"))  # fmt: skip
        network.save(model)
        data.save(source)
        self.run("diagnose", model, "--data", f"npz:{source}", "--normalize", "unit", "--part",
                 part, "--json", report)  # fmt: skip
        return json.loads(report.read_text())


def frozen_prefix(network):
    count = 0
    while count < len(network.ops) and network.ops[count].frozen:
        count += 1
    return network.ops[:count], network.ops[count:]


def trained(program, case, data, seed, trace=None):
    """All epochs. Layers that are frozen become data: the program trains what is behind them."""
    network = case.network.copy()
    first, rest = frozen_prefix(network)
    keep = trace if trace is not None else Trace(data, [], "", None)
    if first:
        data = data.changed(inputs=oracle.Run().forward(first, data.inputs.astype(float)))
    for half in (0, 1):
        head = with_ops(network, data.inputs.shape[1:], rest)
        head = program.train(head, data, case.training, 2 * seed + half, keep)
        if head is None:
            return None  # diverged: the program gives no weights
        rest = head.ops
        network = with_ops(network, case.network.shape, first + rest)
        if trace is not None:
            add_snapshot(trace, network)
    return network


def with_ops(network, shape, ops):
    """The names of its operators stay as they are."""
    made = type(network).__new__(type(network))
    made.shape, made.ops = shape, ops
    return made


def add_snapshot(trace, network):
    x, y = trace.data.part()
    batch = oracle.look(network, x[:BATCH], y[:BATCH], trace.data.classes)
    trace.snapshots.append(Snapshot(network, batch, len(trace.losses)))


def dead_units(network, data, part="train"):
    seen = oracle.look(network, *data.part(part), data.classes)
    truth = truths.judge(network, seen)
    return truth.dead() if truth.units else None


def scale_is_to_blame(program, case, seed, dead):
    """Whether the same training at unit scale leaves less than half of the deaths; None: no deaths
    to speak of, or a run that ended early."""
    if case.control is None or not dead or dead < 2:
        return None
    control = trained(program, case, case.control, seed)
    spared = None if control is None else dead_units(control, case.control)
    return True if spared is not None and 2 * spared < dead else None


def learned(program, case, number, rate):
    """The skill of the same training at another rate; of one that diverges, none."""
    other = replace(case, training=replace(case.training, rate=rate))
    network = trained(program, other, case.data, number)
    return -1.0 if network is None else skill_of(network, case)


def skill_of(network, case):
    x, y = case.data.part(case.part)
    return truths.skill(oracle.look(network, x, y, case.data.classes), y, case.data.classes)


def rate_to_blame(program, case, number, network):
    """Of a training that learned nothing: whether the same at lower rates, or at higher ones, learns.
    In between (None) nobody knows."""
    verdict = {"large rate": False, "small rate": False}
    if network is not None and skill_of(network, case) >= truths.LEARNED:
        return verdict
    for name, factors in (("large rate", LOWER), ("small rate", HIGHER)):
        for factor in factors:
            rate = case.training.rate * factor
            if factor > 1 and rate > MOST_RATE:
                continue
            skill = learned(program, case, number, rate)
            if skill >= truths.LEARNED:
                verdict[name] = True
                break
            if skill >= truths.LEARNED / 2:
                verdict[name] = None
    return verdict


def run_case(program, case, number, rng):
    trace = Trace(case.data, case.network.activations(), case.outputs_end,
                  case.training and case.training.rate)  # fmt: skip
    add_snapshot(trace, case.network)
    network = case.network
    if case.training:
        network = trained(program, case, case.data, number, trace)
    rates = rate_to_blame(program, case, number, network) if case.training else {}
    if network is None:
        return diverged(case, number, trace, rates)
    data = case.data
    if case.finish:
        network, data = case.finish(rng, network.copy(), data)
        trace.data = data
        for past in (trace.snapshots, trace.losses, trace.epochs):
            past.clear()  # of another network: a monitor sees this one as it is now
        add_snapshot(trace, network)
    x, y = data.part(case.part)
    seen = oracle.look(network, x, y, data.classes)
    truth = truths.judge(network, seen, numpy.ptp(x, 0).any())
    truth.families.update(case.families | rates)
    if case.families.get("not learned") is False:  # it was meant to learn; did it?
        learned = truths.skill(seen, y, data.classes) >= truths.LEARNED
        truth.families["not learned"] = False if learned else None
    if case.control is not None:
        truth.families["scale"] = scale_is_to_blame(program, case, number, truth.dead())
    diagnosis = program.diagnose(network, data, case.part)
    check_agreement(case, diagnosis, truth)
    return Result(case.kind, f"{case.kind} {number}", case.healthy, truth, diagnosis, trace,
                  rules.fired(trace))  # fmt: skip


def diverged(case, number, trace, rates):
    """Nothing is left to diagnose: what the program says is that the run diverged. Whether it had
    to is told by the oracle's own descent, whose last weights a monitor would have seen."""
    network, training = case.network.copy(), case.training
    lost = oracle.descend(network, *case.data.part(), case.data.classes, training.rate,
                          training.batch, 100)  # fmt: skip
    add_snapshot(trace, network)
    truth = truths.Truth([], {**case.families, **rates, "exploding": lost or None, "not finite": lost or None,
                              "vanishing": False if lost else None})  # fmt: skip
    said = {"findings": [{"what": "diverged", "layer": None, "units": []}], "layers": []}
    return Result(case.kind, f"{case.kind} {number}", case.healthy, truth, said, trace,
                  rules.fired(trace))  # fmt: skip


def check_agreement(case, diagnosis, truth):
    layers = diagnosis["layers"]
    if truth.units and [len(each.dead) for each in truth.units] != [each["units"] for each in layers]:
        raise RuntimeError(f"{case.kind}: the program sees layers of "
                           f"{[each['units'] for each in layers]} units")  # fmt: skip


def run_plan(program, plan, kinds, only=None, told=print):
    results = []
    for position, make in enumerate(kinds):
        if only and make.__name__ not in only:
            continue
        count = plan.counts.get(make.__name__, plan.counts.get("", 25))
        for number in range(plan.first, plan.first + count):
            rng = numpy.random.default_rng([plan.seed, position, number])
            case = plan.variants.get(make.__name__, make)(plan, rng)
            results.append(run_case(program, case, number, rng))
        told(f"plant: {results[-1].kind}, {len(results)} networks so far")
    return results

"""Trains what `causes` planted, lets the program say why units died, and sets what is true beside."""

from dataclasses import dataclass

import numpy

import causes
import retrain

SAME = 1e-3  # relative, of the first losses: else the oracle trains something else
FIRST = 5
MOST = 12  # deaths of a run that are trained again with parts held still


@dataclass
class Verdict:
    """Of one death. `truth`: None where it is not clear; `repeated`: None where nobody looked."""

    kind: str
    network: str
    planted: bool  # the truth is
    truth: str | None
    said: str
    repeated: bool | None = None
    shares: dict | None = None


def said(death):
    return death["cause"] or "no cause"


def again(case, losses):
    run = retrain.Run(case.network, case.data, case.descent, case.frozen, len(losses))
    apart = numpy.abs(numpy.subtract(run.losses, losses))[:FIRST]
    if not (apart <= SAME * (1 + numpy.abs(run.losses[:FIRST]))).all():
        raise RuntimeError(f"{case.kind}: the oracle trains another network: losses "
                           f"{run.losses[:FIRST]}, the program's {losses[:FIRST]}")  # fmt: skip
    return run


def has_norm(network):
    return any(op.kind == "norm" for op in network.walk())


def planted(case, name, run, deaths):
    verdicts = []
    for layer, death in deaths:
        if layer == case.layer:
            end = death["change"]["to"] if death["change"] else death["step"]
            same = run and run.death(layer, death["unit"], end) is not None
            verdicts.append(Verdict(case.kind, name, True, case.cause, said(death), same))
    return verdicts


def retrained(case, name, run, deaths, rng):
    """Some of the deaths that the program explains; where it does not, the oracle looks near the
    step of death."""
    verdicts = []
    for place in sorted(rng.permutation(len(deaths))[:MOST]):
        layer, death = deaths[place]
        end = death["change"]["to"] if death["change"] else death["step"]
        step = run.death(layer, death["unit"], end)
        truth, shares = run.cause(layer, death["unit"], step) if step else (None, None)
        verdicts.append(Verdict(case.kind, name, False, truth, said(death), step is not None,
                                shares))  # fmt: skip
    return verdicts


def run_case(program, case, name, rng):
    trained, losses, deaths = program.explain(case)
    layers = [each["name"] for each in trained["ledger"]["layers"]]
    deaths = [(layers.index(each["layer"]), each) for each in deaths if each["step"] > 0]
    if not deaths:
        return []
    run = None if has_norm(case.network) else again(case, losses)
    if case.cause:
        return planted(case, name, run, deaths)
    return retrained(case, name, run, deaths, rng)


def run_plan(program, plan, kinds, count, told=print):
    verdicts, networks = [], 0
    for position, make in enumerate(kinds):
        for number in range(count):
            rng = numpy.random.default_rng([plan.seed, 1000 + position, number])
            case = make(plan, rng)
            with numpy.errstate(all="ignore"):
                verdicts += run_case(program, case, f"{case.kind} {number}", rng)
            networks += 1
        told(f"plant: {case.kind}, {networks} runs, {len(verdicts)} deaths so far")
    return verdicts, networks

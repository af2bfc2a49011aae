"""Counts findings against truth: precision and recall with Wilson intervals."""

from dataclasses import dataclass

import rules

DEAD = ("dead units", "dead network", "dead branch")
# What counts as finding a family.
FOUND_BY = {
    "vanishing": ("vanishing gradients", "vanishing signal"),
    "exploding": ("exploding gradients", "exploding signal", "outputs that are not finite",
                  "gradients that are not finite", "diverged"),
    "scale": ("scale of the inputs",),
    "reach": ("targets out of reach",),
    "not learned": ("not learned",),
    "small rate": ("rate too small",),
    "large rate": ("rate too large",),
}  # fmt: skip
# Findings of units, and the truth they state.
OF_UNITS = {"constant units": "constant", "always negative units": "negative",
            "dormant units": "dormant", "saturated units": "saturated"}  # fmt: skip


@dataclass
class Score:
    true: int = 0  # found and so
    false: int = 0  # found and not so
    missed: int = 0
    right: int = 0  # not found and not so
    unsure: int = 0  # scored by nobody

    def add(self, found, truth):
        if truth is None:
            self.unsure += 1
        elif found:
            self.true, self.false = self.true + bool(truth), self.false + (not truth)
        else:
            self.missed, self.right = self.missed + bool(truth), self.right + (not truth)

    def precision(self):
        return share(self.true, self.true + self.false)

    def recall(self):
        return share(self.true, self.true + self.missed)

    def alarms(self):
        return share(self.false, self.false + self.right)


def wilson(k, n, z=1.959964):
    """Wilson (1927)."""
    p, d = k / n, 1 + z * z / n
    middle = (p + z * z / (2 * n)) / d
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / d
    return max(0.0, middle - half), min(1.0, middle + half)


def share(k, n):
    if n == 0:
        return "none of 0"
    low, high = wilson(k, n)
    return f"{k / n:.3f} ({low:.3f} to {high:.3f}; {k} of {n})"


def names(result):
    """What the diagnosis found, and training said of its rate."""
    return {finding["what"] for finding in result.diagnosis["findings"]} | result.trace.said


def claimed(result, whats):
    """Layer (by place) and unit of findings about units."""
    places = {layer["name"]: i for i, layer in enumerate(result.diagnosis["layers"])}
    return {(places[f["layer"]], unit) for f in result.diagnosis["findings"] if f["what"] in whats
            for unit in f["units"]}  # fmt: skip


def units_of(result, whats, truth):
    """Score over units, those within rounding of the threshold aside, and whether the set of this
    network is right."""
    score, found = Score(), claimed(result, whats)
    for layer, units in enumerate(result.truth.units):
        for unit, is_so in enumerate(getattr(units, truth)):
            near = units.near[truth][unit]
            score.add((layer, unit) in found, None if near else bool(is_so))
    return score


def together(scores):
    total = Score()
    for score in scores:
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(score, name))
    return total


def dead_units(results):
    return together(units_of(each, DEAD, "dead") for each in results)


def dead_networks(results):
    """A network counts as right where no unit of it is wrong."""
    total = Score()
    for result in results:
        score = units_of(result, DEAD, "dead")
        planted, exact = score.true + score.missed > 0, score.false + score.missed == 0
        total.add(planted and exact or not planted and not exact, planted)
    return total


def family(results, name):
    score = Score()
    for result in results:
        found = bool(names(result) & set(FOUND_BY[name]))
        score.add(found, result.truth.families.get(name))
    return score


def silent_outputs(results):
    """"dead network" says that the output is constant, "dead branch" that it is not."""
    score = Score()
    for result in results:
        lost = result.truth.units and any(each.dead.all() for each in result.truth.units)
        if lost:
            score.add("dead network" in names(result), result.truth.families["silent output"])
    return score


def collapsed(results):
    score = Score()
    for result in results:
        found = {f["layer"] for f in result.diagnosis["findings"] if f["what"] == "collapsed layer"}
        truths = result.truth.labels.get("collapsed layer", [])
        for layer, truth in zip(result.diagnosis["layers"], truths):
            dead = layer["dead"] == layer["units"]
            score.add(layer["name"] in found, None if dead else truth)
    return score


def false_findings(result):
    """Findings that truth contradicts."""
    wrong, found = [], names(result)
    if units_of(result, DEAD, "dead").false:
        wrong.append("dead units")
    for what, truth in OF_UNITS.items():
        if units_of(result, (what,), truth).false:
            wrong.append(what)
    for name, whats in FOUND_BY.items():
        if result.truth.families.get(name) is False:
            wrong += sorted(found & set(whats))
    wrong += sorted(found & {"wrong loss", "stuck gates", "units that never win their pool"})
    if collapsed([result]).false:
        wrong.append("collapsed layer")
    return wrong


def faults_claimed(result):
    """Findings beyond those that only describe units."""
    return sorted(names(result) - {"dormant units", "always negative units"})


def is_healthy(result):
    """Meant to be, and by the oracle: it has learned, no layer is mostly dead, the gradient is
    within its band."""
    families = result.truth.families
    return (result.healthy and result.truth.units and not result.truth.mostly_dead()
            and families["vanishing"] is False and families["exploding"] is False
            and families["not learned"] is False)  # fmt: skip


def rule_truth(result, asks):
    """What a rule is measured by; the rules of layers ask for one that is mostly dead."""
    if asks == "dead":
        return result.truth.mostly_dead() if result.truth.units else None
    return result.truth.families.get(asks)


def of_rules(results):
    """Rule -> its score, and its alarms on healthy networks."""
    scores = {(r.source, r.name, r.asks): (Score(), Score()) for r in rules.RULES}
    for result in results:
        for key, found in result.features.items():
            scores[key][0].add(found, rule_truth(result, key[2]))
            if is_healthy(result):
                scores[key][1].add(found, False)
    return scores

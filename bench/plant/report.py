"""The tables of docs/evidence/planted-faults.md."""

from collections import Counter

import score


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(each) for each in row) + " |" for row in rows])


def ours(results):
    named = {
        "dead: units": score.dead_units(results),
        "dead: networks, right where every unit of them is": score.dead_networks(results),
        "a dead layer is called dead network, and not dead branch, where the output is constant":
            score.silent_outputs(results),
        "vanishing (gradients or signal)": score.family(results, "vanishing"),
        "exploding (gradients or signal, not finite, diverged)": score.family(results, "exploding"),
        "targets out of reach": score.family(results, "reach"),
        "scale of the inputs": score.family(results, "scale"),
        "not learned": score.family(results, "not learned"),
        "rate too small": score.family(results, "small rate"),
        "rate too large": score.family(results, "large rate"),
        "collapsed layer: layers": score.collapsed(results),
    }  # fmt: skip
    for what, truth in score.OF_UNITS.items():
        named[f"{what}: units"] = score.together(
            score.units_of(each, (what,), truth) for each in results
        )
    return table(["finding", "precision", "recall", "alarms where it is not so", "not scored"],
                 [(name, s.precision(), s.recall(), s.alarms(), s.unsure)
                  for name, s in named.items()])  # fmt: skip


def theirs(results):
    rows = []
    for (source, name, asks), (all_of_them, healthy) in score.of_rules(results).items():
        rows.append((source, name, asks, all_of_them.precision(), all_of_them.recall(),
                     healthy.alarms()))  # fmt: skip
    for name in (*score.FOUND_BY,):
        rows.append(("**Undying**", ", ".join(score.FOUND_BY[name]), name,
                     *figures(results, name)))  # fmt: skip
    rows.append(("**Undying**", "a layer with more than half of its units dead", "dead",
                 *figures(results, "dead")))  # fmt: skip
    rows.sort(key=lambda row: ASKED.index(row[2]))
    return table(["source", "rule", "asks for", "precision", "recall", "alarms on healthy networks"],
                 rows)  # fmt: skip


ASKED = ["dead", "vanishing", "exploding", "reach", "scale", "not learned", "small rate",
         "large rate"]  # fmt: skip


def figures(results, name):
    both = score.Score(), score.Score()
    for result in results:
        if name == "dead":
            layers = result.diagnosis["layers"]
            found = any(each["dead"] > 0.5 * each["units"] for each in layers)
        else:
            found = bool(score.names(result) & set(score.FOUND_BY[name]))
        both[0].add(found, score.rule_truth(result, name))
        if score.is_healthy(result):
            both[1].add(found, False)
    return both[0].precision(), both[0].recall(), both[1].alarms()


def by_kind(results):
    groups = {}
    for each in results:
        groups.setdefault(each.kind, []).append(each)
    return groups


def kinds(results):
    """Dead units, and what else was said, kind by kind."""
    rows = []
    for kind, mine in by_kind(results).items():
        units = score.dead_units(mine)
        scores = [score.units_of(each, score.DEAD, "dead") for each in mine]
        exact = sum(each.false == each.missed == 0 for each in scores)
        wrong = sum(bool(score.false_findings(each)) for each in mine)
        said = Counter(what for each in mine for what in score.names(each) or {"nothing"})
        rows.append((kind, units.precision(), units.recall(), score.share(exact, len(mine)),
                     score.share(wrong, len(mine)),
                     ", ".join(f"{what} {times}" for what, times in said.most_common())))  # fmt: skip
    return table(["kind", "dead units: precision", "dead units: recall",
                  "networks whose every unit is judged right", "with a false finding",
                  "findings, each with the number of networks"], rows)  # fmt: skip


def families(results):
    """Precision and recall of the findings about networks, kind by kind, where there are any."""
    rows = []
    for kind, mine in by_kind(results).items():
        for name in score.FOUND_BY:
            s = score.family(mine, name)
            if s.true + s.false + s.missed:
                rows.append((kind, name, s.precision(), s.recall()))
    return table(["kind", "finding", "precision", "recall"], rows)


def healthy(results):
    """False findings on healthy networks, and what is said of them that is so."""
    good = [each for each in results if score.is_healthy(each)]
    wrong = {each.name: score.false_findings(each) for each in good}
    wrong = {name: what for name, what in wrong.items() if what}
    quiet = sum(not score.faults_claimed(each) for each in good)
    lines = [f"- Networks meant to be healthy: {sum(each.healthy for each in results)}; healthy by "
             f"the oracle, too: {len(good)}.",
             f"- With a false finding: {score.share(len(wrong), len(good))}."]  # fmt: skip
    lines += [f"  - {name}: {', '.join(what)}" for name, what in wrong.items()]
    true = sum(bool(score.faults_claimed(each)) and each.name not in wrong for each in good)
    lines.append(f"- With no finding but dormant or always negative units: {quiet}; with others "
                 f"that are so (a few dead units, by the oracle's count): {true}.")  # fmt: skip
    for what in ("dormant units", "always negative units"):
        count = sum(what in score.names(each) for each in good)
        lines.append(f"- With {what}: {count}; so by the definition, and not counted as false. Who "
                     "takes them for a fault is alarmed so often.")  # fmt: skip
    return "\n".join(lines)


def planted(results):
    """Not by the oracle's bands but by the plan: what was made to vanish, explode, be out of reach,
    end, stand still."""
    rows = []
    wanted = {
        "vanishing by depth": ("vanishing",), "vanishing, inputs of another unit": ("vanishing",),
        "exploding": ("exploding",),
        "too small a rate": ("not learned", "small rate"), "too large a rate": ("large rate",),
    }  # fmt: skip
    for kind, name in ((kind, name) for kind, names in wanted.items() for name in names):
        mine = [each for each in results if each.kind == kind]
        found = sum(bool(score.names(each) & set(score.FOUND_BY[name])) for each in mine)
        rows.append((kind, ", ".join(score.FOUND_BY[name]), score.share(found, len(mine))))
    large = [each for each in results if each.kind == "too large a rate"]
    told = {*score.FOUND_BY["exploding"], *score.DEAD, "not learned"}
    found = sum(bool(score.names(each) & told) for each in large)
    rows.append(("too large a rate", "diverged, exploding, dead or not learned",
                 score.share(found, len(large))))  # fmt: skip
    return table(["planted", "finding", "found"], rows)


def networks(results):
    """What is true and what was said, network by network."""
    return [{
        "name": each.name, "healthy": each.healthy, "families": each.truth.families,
        "gradient": each.truth.figures.get("gradient"), "dead": each.truth.dead(),
        "findings": sorted(score.names(each)), "false": score.false_findings(each),
        "missed": [name for name in score.FOUND_BY if each.truth.families.get(name)
                   and not score.names(each) & set(score.FOUND_BY[name])],
        "rules": [" ".join(key[:2]) for key, found in each.features.items() if found],
    } for each in results]  # fmt: skip


def whole(results, head):
    parts = [head, "## Our findings", ours(results), "## On healthy networks", healthy(results),
             "## By the plan alone", planted(results), "## Published rules beside ours",
             theirs(results), "## Kind by kind", families(results), kinds(results)]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def tells_apart(results):
    """Whether the networks would show a rule on the gradients of weights in place of ours: it calls
    vanishing what is not, and misses what is."""
    naive = score.of_rules(results)["AutoTrainer", "vanishing, the symptom", "vanishing"][0]
    return naive.false > 0 and naive.missed > 0


def bars(results):
    """What the quick form asks: the names of bars that are missed."""
    dead, good = score.dead_units(results), [each for each in results if score.is_healthy(each)]
    pairs = {"dead units": dead, "vanishing": score.family(results, "vanishing"),
             "exploding": score.family(results, "exploding"),
             "rate too small": score.family(results, "small rate"),
             "rate too large": score.family(results, "large rate")}  # fmt: skip
    missed = [name for name, s in pairs.items() if s.false or s.missed or not s.true]
    if not tells_apart(results):
        missed.append("networks that a rule on the gradients of weights is wrong about")
    return missed + ["healthy networks"] * (not good or any(map(score.false_findings, good)))

"""The tables of docs/evidence/causes.md."""

from collections import Counter

from report import table
from score import Score, share

CAUSES = ("bias", "weights", "below", "statistics")


def of_cause(verdicts, cause):
    score = Score()
    for each in verdicts:
        score.add(each.said == cause, None if each.truth is None else each.truth == cause)
    return score


def right(verdicts):
    clear = [each for each in verdicts if each.truth]
    return share(sum(each.said == each.truth for each in clear), len(clear))


def right_runs(verdicts):
    """Runs whose every death is explained right."""
    runs = {}
    for each in verdicts:
        if each.truth:
            runs.setdefault(each.network, []).append(each.said == each.truth)
    return share(sum(map(all, runs.values())), len(runs))


def causes(verdicts):
    rows = []
    for cause in CAUSES:
        score = of_cause(verdicts, cause)
        if score.true + score.missed + score.false:
            rows.append((cause, score.precision(), score.recall()))
    rows.append(("**all**", "", right(verdicts)))
    rows.append(("runs whose every death is named right", "", right_runs(verdicts)))
    return table(["cause", "precision", "recall"], rows)


def confusion(verdicts):
    said = [*CAUSES[:3], "mixed", "no cause"]
    rows = []
    for truth in (*CAUSES[:3], None):
        counts = Counter(each.said for each in verdicts if each.repeated and each.truth == truth)
        rows.append((truth or "not clear", *(counts[each] for each in said)))
    return table(["true \\ said", *said], rows)


def kinds(verdicts):
    groups = {}
    for each in verdicts:
        groups.setdefault(each.kind, []).append(each)
    rows = []
    for kind, mine in groups.items():
        looked = [each for each in mine if each.repeated is not None]
        found = Counter(each.truth for each in mine if each.truth)
        clear = ", ".join(f"{cause} {found[cause]}" for cause in CAUSES if found[cause])
        rows.append((kind, len({each.network for each in mine}), len(mine),
                     share(sum(each.repeated for each in looked), len(looked)) if looked else "-",
                     clear, right(mine)))  # fmt: skip
    return table(["plant", "runs with deaths", "deaths", "dies in the oracle's training, too",
                  "clear truth", "named right"], rows)  # fmt: skip


def split(verdicts):
    return [each for each in verdicts if each.planted], [each for each in verdicts if not each.planted]


def whole(verdicts, head):
    planted, found = split(verdicts)
    return "\n\n".join([head, "## Where only one part can move", causes(planted),
                        "## Where everything moves", causes(found), confusion(found),
                        "## Plant by plant", kinds(verdicts)]) + "\n"  # fmt: skip


def bars(verdicts):
    """What the quick form asks: nine in ten deaths right of each cause, and some of each."""
    missed = []
    for name, part in zip(("planted", "retrained"), split(verdicts)):
        for cause in CAUSES if name == "planted" else CAUSES[:3]:
            mine = [each for each in part if each.truth == cause]
            if len(mine) < 5 or sum(each.said == cause for each in mine) < 0.9 * len(mine):
                missed.append(f"{cause}, {name}")
    return missed

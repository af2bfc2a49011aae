"""The tables of docs/evidence/causes.md."""

from collections import Counter

import numpy

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


def by_run(verdicts):
    runs = {}
    for each in verdicts:
        if each.truth:
            runs.setdefault(each.network, []).append(each.said == each.truth)
    return list(runs.values())


def drawn_again(verdicts, times=2000):
    """The share that is right, with a percentile interval over runs: deaths of one are alike."""
    counts = numpy.array([(sum(run), len(run)) for run in by_run(verdicts)])
    chosen = numpy.random.default_rng(1).integers(len(counts), size=(times, len(counts)))
    sums = counts[chosen].sum(1)
    low, high = numpy.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    right, of = counts.sum(0)
    return f"{right / of:.3f} ({low:.3f} to {high:.3f}; {len(counts)} runs)"


def causes(verdicts):
    rows = []
    for cause in CAUSES:
        score = of_cause(verdicts, cause)
        if score.true + score.missed + score.false:
            rows.append((cause, score.precision(), score.recall()))
    rows.append(("**all**", "", right(verdicts)))
    runs = by_run(verdicts)
    rows.append(("all, runs drawn again", "", drawn_again(verdicts)))
    rows.append(("runs whose every death is right", "", share(sum(map(all, runs)), len(runs))))
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
    planted = [each for each in verdicts if each.planted]
    return planted, [each for each in verdicts if not each.planted]


def whole(verdicts, head):
    planted, found = split(verdicts)
    return "\n\n".join([head, "## Where only one part can move", causes(planted),
                        "## Where everything moves", causes(found), confusion(found),
                        "## Plant by plant", kinds(verdicts)]) + "\n"  # fmt: skip


def bars(verdicts):
    """What the quick form asks: some deaths of each cause, and nine in ten right; of the few that
    are trained again, three in four."""
    missed = []
    for name, part, bar in zip(("planted", "retrained"), split(verdicts), (0.9, 0.75)):
        for cause in CAUSES if name == "planted" else CAUSES[:3]:
            mine = [each for each in part if each.truth == cause]
            if len(mine) < 5 or sum(each.said == cause for each in mine) < bar * len(mine):
                missed.append(f"{cause}, {name}")
    return missed

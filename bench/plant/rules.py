"""Published rules of others, written anew from their manuals, papers and settings. Each looks at
what a monitor of the training would have seen (`runner.Trace`): activations and gradients over one
batch, weights, losses, accuracies.

Sources:
- SageMaker Debugger: Amazon SageMaker developer guide, "List of Debugger built-in rules" (defaults).
- AutoTrainer: Zhang et al., ICSE 2021; github.com/shiningrain/AUTOTRAINER at 03a463e, monitor.py and
  the default parameters of utils.py.
- DeepDiagnosis: Wardat et al., ICSE 2022; github.com/DeepDiagnosis/ICSE2022 at 500b017, callbacks.py.
- TheDeepChecker: Ben Braiek and Khomh, TOSEM 2023; github.com/thedeepchecker/thedeepchecker at
  d0a2b3a, settings.yaml and hooks.py.
- UMLAUT: Schoop et al., CHI 2021; github.com/BerkeleyHCI/umlaut at 68c2a02, heuristics.py.
"""

from dataclasses import dataclass

import numpy

import truth


@dataclass
class Rule:
    """`asks`: the family of faults it speaks of."""

    source: str
    name: str
    asks: str
    test: object


def rectified(trace, snapshot):
    """(n, units, ...) outputs of the relus over the batch."""
    return [h for op, h in zip(trace.activations, snapshot.batch.h) if op.kind == "relu"]


def kernels(snapshot):
    """Gradients of weights, first to last."""
    return [snapshot.batch.gradients[op.name] for op in snapshot.network.weighted()]


def all_gradients(snapshot):
    """Of weights and biases, frozen ones aside: nobody computes those."""
    return [part[op.name] for op in snapshot.network.weighted() if not op.frozen
            for part in (snapshot.batch.gradients, snapshot.batch.biases)]  # fmt: skip


def not_finite(arrays):
    return any(not numpy.isfinite(each).all() for each in arrays)


def ever(test):
    """True as soon as one snapshot shows it."""
    return lambda trace: any(test(trace, snapshot) for snapshot in trace.snapshots)


# SageMaker Debugger


def sagemaker_dead(trace, snapshot):
    """DeadRelu: threshold_inactivity 1.0 (percent), threshold_layer 50.0."""
    return any(((truth.flat(h) > 0).mean(1) < 0.01).mean() > 0.5 for h in rectified(trace, snapshot))


def sagemaker_all_zero(trace, snapshot):
    """AllZero, of activations: threshold 100."""
    return any((h == 0).all() for h in rectified(trace, snapshot))


def sagemaker_vanishing(_, snapshot):
    """VanishingGradient: threshold 1e-7, of the mean of absolute gradients of a tensor."""
    return any(numpy.abs(each).mean() < 1e-7 for each in all_gradients(snapshot))


def sagemaker_exploding(_, snapshot):
    """ExplodingTensor: a value that is infinite or NaN."""
    return not_finite(all_gradients(snapshot)) or not_finite(snapshot.batch.h)


def update_ratios(trace):
    """Of each weight tensor between two snapshots, a step: mean |change| over mean |weight|."""
    ratios = []
    for first, second in zip(trace.snapshots, trace.snapshots[1:]):
        steps = max(1, second.step - first.step)
        for a, b in zip(first.network.weighted(), second.network.weighted()):
            change = numpy.abs(b.weight.astype(float) - a.weight).mean()
            ratios.append(change / (numpy.abs(a.weight).mean() + 1e-9) / steps)
    return ratios


def sagemaker_update_large(trace):
    """WeightUpdateRatio: large_threshold 10.0."""
    return any(not each <= 10.0 for each in update_ratios(trace))


def sagemaker_update_small(trace):
    """WeightUpdateRatio: small_threshold 1e-8."""
    return any(each < 1e-8 for each in update_ratios(trace))


def sagemaker_loss(trace):
    """LossNotDecreasing: num_steps 10, diff_percent 0.1."""
    losses = trace.losses[::10]
    return any(not b < a * 0.999 for a, b in zip(losses, losses[1:]))


# AutoTrainer


def autotrainer_features(snapshot):
    """beta_1 1e-3, beta_2 1e-4, beta_3 70, gamma 0.7: dying, vanishing, exploding."""
    norms = [numpy.linalg.norm(each) for each in kernels(snapshot)]
    ratio = norms[0] / norms[-1] if norms[-1] > 0 else numpy.nan
    every = all_gradients(snapshot)
    zeros = sum((each == 0).sum() for each in every) / sum(each.size for each in every)
    return {
        "dead": zeros >= 0.7,
        "vanishing": ratio < 1e-3 and norms[0] < 1e-4,
        "exploding": ratio > 70 or not_finite(every),
    }


def autotrainer(family, gated):
    """`gated`: only of trainings that have not reached the accuracy Theta = 0.7, as the tool does."""

    def test(trace):
        accuracies = [each[key] for each in trace.epochs
                      for key in ("train_accuracy", "test_accuracy")
                      if each.get(key) is not None]  # fmt: skip
        accuracies.append(trace.snapshots[-1].batch.accuracy)
        if gated and numpy.nanmax(accuracies + [-1.0]) >= 0.7:
            return False
        return any(autotrainer_features(each)[family] for each in trace.snapshots)

    return test


def gains(trace, key):
    values = [each.get(key) or 0.0 for each in trace.epochs]
    return numpy.diff(values) if len(values) > 1 else numpy.array([0.0])


def autotrainer_slow(trace):
    """Slow convergence: delta 0.01, of accuracy from epoch to epoch, training and test."""
    keys = ("train_accuracy", "test_accuracy")
    return len(trace.epochs) > 1 and all(gains(trace, key).max() < 0.01 for key in keys)


# DeepDiagnosis


def deepdiagnosis_dead(trace, snapshot):
    """70% of a layer's outputs are not above 0, at the last epoch."""
    last = snapshot is trace.snapshots[-1]
    return last and any((h <= 0).mean() >= 0.7 for h in rectified(trace, snapshot))


def deepdiagnosis_vanishing(_, snapshot):
    """Mean of absolute gradients of a dense layer's weights below 1e-7."""
    dense = [op.name for op in snapshot.network.weighted() if op.kind == "dense"]
    return any(numpy.abs(snapshot.batch.gradients[name]).mean() < 1e-7 for name in dense)


def deepdiagnosis_numerical(_, snapshot):
    """A layer's mean output, or the mean of a gradient, is NaN, infinite or 0."""
    means = [each.mean() for each in (*snapshot.batch.h, *kernels(snapshot))]
    return not_finite(means) or any(each == 0 for each in means)


def deepdiagnosis_range(trace):
    """Out of range: targets beyond what the last activation can put out."""
    low, high = {"tanh": (-1, 1), "sigmoid": (0, 1), "relu": (0, numpy.inf)}.get(
        trace.end, (-numpy.inf, numpy.inf))  # fmt: skip
    y = trace.data.part()[1]
    return not trace.data.classes and bool(y.min() < low or y.max() > high)


# TheDeepChecker


def deepchecker_dead(trace, snapshot):
    """A unit whose 95th percentile of |h| is below 1e-5; a layer with more than half of them."""
    return any((numpy.percentile(truth.flat(h), 95, axis=1) < 1e-5).mean() > 0.5
               for h in rectified(trace, snapshot))  # fmt: skip


def deepchecker_vanishing(_, snapshot):
    """Mean of absolute gradients of a weight tensor below 1e-6."""
    return any(numpy.abs(each).mean() < 1e-6 for each in kernels(snapshot))


def deepchecker_exploding(_, snapshot):
    """Above 1e6, or not finite."""
    return any(not numpy.abs(each).mean() <= 1e6 for each in kernels(snapshot))


def deepchecker_fast(trace):
    """Unstable learning: log10 of the update ratio above -1."""
    return any(not each <= 1e-1 for each in update_ratios(trace))


def deepchecker_slow(trace):
    """log10 of the update ratio below -4, or no change at all."""
    return any(each < 1e-4 for each in update_ratios(trace))


def deepchecker_unnormalised(trace):
    """Inputs whose least value is neither 0 nor -1, or whose largest is not 1."""
    x = trace.data.part()[0]
    return not (x.min() in (0.0, -1.0) and x.max() == 1.0)


def deepchecker_expression(trace):
    """Targets beyond 1, or below 0, where no output ever is."""
    if trace.data.classes:
        return False
    y = trace.data.part()[1]
    outputs = numpy.concatenate([each.batch.output.ravel() for each in trace.snapshots])
    return bool(((numpy.abs(y) > 1).any() and not (numpy.abs(outputs) > 1).any())
                or ((y < 0).any() and not (outputs < 0).any()))  # fmt: skip


# UMLAUT


def umlaut_inputs(trace):
    """A value below -1 or above 1 in the last batch."""
    x = trace.data.part()[0][-32:]
    return bool(x.min() < -1 or x.max() > 1)


def umlaut_end(trace):
    return trace.end != "linear"


def umlaut_high(trace):
    return trace.rate is not None and trace.rate > 0.01


def umlaut_low(trace):
    return trace.rate is not None and trace.rate < 1e-7


SAGEMAKER, AUTOTRAINER, DIAGNOSIS = "SageMaker Debugger", "AutoTrainer", "DeepDiagnosis"
CHECKER, UMLAUT = "TheDeepChecker", "UMLAUT"

RULES = [
    Rule(SAGEMAKER, "DeadRelu", "dead", ever(sagemaker_dead)),
    Rule(SAGEMAKER, "AllZero of activations", "dead", ever(sagemaker_all_zero)),
    Rule(AUTOTRAINER, "dying ReLU, the symptom", "dead", autotrainer("dead", False)),
    Rule(AUTOTRAINER, "dying ReLU, with its gate", "dead", autotrainer("dead", True)),
    Rule(DIAGNOSIS, "dead node", "dead", ever(deepdiagnosis_dead)),
    Rule(CHECKER, "dead layer", "dead", ever(deepchecker_dead)),
    Rule(SAGEMAKER, "VanishingGradient", "vanishing", ever(sagemaker_vanishing)),
    Rule(AUTOTRAINER, "vanishing, the symptom", "vanishing", autotrainer("vanishing", False)),
    Rule(AUTOTRAINER, "vanishing, with its gate", "vanishing", autotrainer("vanishing", True)),
    Rule(DIAGNOSIS, "vanishing gradient", "vanishing", ever(deepdiagnosis_vanishing)),
    Rule(CHECKER, "vanishing gradient", "vanishing", ever(deepchecker_vanishing)),
    Rule(SAGEMAKER, "ExplodingTensor", "exploding", ever(sagemaker_exploding)),
    Rule(AUTOTRAINER, "exploding, the symptom", "exploding", autotrainer("exploding", False)),
    Rule(AUTOTRAINER, "exploding, with its gate", "exploding", autotrainer("exploding", True)),
    Rule(DIAGNOSIS, "numerical error", "exploding", ever(deepdiagnosis_numerical)),
    Rule(CHECKER, "exploding gradient", "exploding", ever(deepchecker_exploding)),
    Rule(DIAGNOSIS, "out of range", "reach", deepdiagnosis_range),
    Rule(CHECKER, "lack of expression", "reach", deepchecker_expression),
    Rule(UMLAUT, "activation on the last layer", "reach", umlaut_end),
    Rule(CHECKER, "inputs not normalised", "scale", deepchecker_unnormalised),
    Rule(UMLAUT, "inputs not normalised", "scale", umlaut_inputs),
    Rule(SAGEMAKER, "LossNotDecreasing", "not learned", sagemaker_loss),
    Rule(AUTOTRAINER, "slow convergence", "not learned", autotrainer_slow),
    Rule(SAGEMAKER, "WeightUpdateRatio, small", "small rate", sagemaker_update_small),
    Rule(CHECKER, "slow learning", "small rate", deepchecker_slow),
    Rule(UMLAUT, "low learning rate", "small rate", umlaut_low),
    Rule(SAGEMAKER, "WeightUpdateRatio, large", "large rate", sagemaker_update_large),
    Rule(CHECKER, "unstable learning", "large rate", deepchecker_fast),
    Rule(UMLAUT, "high learning rate", "large rate", umlaut_high),
]


def fired(trace):
    with numpy.errstate(all="ignore"):
        return {(rule.source, rule.name, rule.asks): bool(rule.test(trace)) for rule in RULES}

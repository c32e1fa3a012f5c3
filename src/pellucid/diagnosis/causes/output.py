"""Causes at the end of the network: its last activation, its width, its loss, and how they fit the targets."""

from collections.abc import Iterator

from pellucid.diagnosis.causes.progress import Progress
from pellucid.diagnosis.observation import LossSite, Observation
from pellucid.diagnosis.observer.losses import BINARY_LOSSES, CLASS_LOSSES, DISTANCES
from pellucid.diagnosis.suspicion import Evidence, Place, Severity, Suspicion

_REDUNDANT = {
    "cross_entropy": ("Softmax", "Sigmoid"),
    "binary_cross_entropy_with_logits": ("Sigmoid", "Softmax"),
    "nll_loss": ("Softmax",),
}
_RANGE = {"Relu": (0.0, float("inf")), "Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Softmax": (0.0, 1.0)}
_SAID = {"Relu": "ReLU", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax"}
_LOGARITHMS = frozenset({"LogSoftmax", "Log", "LogSigmoid"})
_DEFINITION = "the function's own definition"


def double_softmax(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Softmax or sigmoid before a loss that applies it, or before a distribution that is given scores."""
    for site in seen.training_losses():
        found = next((op for op in site.chain if op in _REDUNDANT.get(site.function, ())), None)
        applies = site.function != "nll_loss" or "LogSoftmax" in site.chain
        if found and applies and site.softmax_size != 1:
            evidence = Evidence(f"operation before {site.function}", found, "none", _DEFINITION)
            takes = f"{site.function} turns scores into probabilities itself. What it is given"
            gives = "Give it the scores of the last layer."
            facts = {"activation": found, "loss": site.function}
            yield _twice(progress, 0.95, site.place, evidence, facts, takes, gives)
    for structure in seen.structures.values():
        for module, first in structure.doubled[:1]:
            place = Place(structure.place.file, structure.place.line, module)
            evidence = Evidence("what a softmax or its logarithm reads", first, "scores", _DEFINITION)
            gives = (
                "Give it the scores of the last layer (`logits=` of a distribution), or say that they are "
                "probabilities (`probs=`)."
            )
            yield _twice(
                progress, 0.9, place, evidence, {"activation": first}, "What is normalised to probabilities", gives
            )


def _twice(
    progress: Progress,
    confidence: float,
    where: Place,
    evidence: Evidence,
    facts: dict[str, str],
    takes: str,
    gives: str,
) -> Suspicion:
    return Suspicion(
        cause="double-softmax",
        severity=severity_of(progress),
        confidence=confidence,
        where=where,
        evidence=(evidence,),
        explanation=(
            f"{takes} are already outputs of a {_SAID[facts['activation']]}, between 0 and 1, so that the "
            f"probabilities can hardly differ from each other and the gradients are small. {gives}"
        ),
        facts=facts,
        explains=frozenset({"lr-low", "too-few-epochs", "plateau", "vanishing-gradient", "saturation"}),
    )


def wrong_output_activation(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """An output that cannot take the values of the targets."""
    for site in seen.training_losses():
        head = next((op for op in site.chain if op in _RANGE), None)
        for confidence, reason, evidence in _mismatches(site, head):
            yield Suspicion(
                cause="wrong-output-activation",
                severity=severity_of(progress),
                confidence=confidence if not progress.has_learned else confidence - 0.4,
                where=site.place,
                evidence=evidence,
                explanation=reason,
                facts={"activation": head, "loss": site.function, "width": site.width},
                explains=frozenset(
                    {"dead-relu", "saturation", "plateau", "lr-low", "too-few-epochs", "vanishing-gradient"}
                    | {"capacity-low", "target-scale", "label-misalignment", "optimizer-unsuited", "missing-step"}
                ),
            )


def _mismatches(site: LossSite, head: str | None) -> Iterator[tuple[float, str, tuple[Evidence, ...]]]:
    if head == "Softmax" and site.softmax_size == 1:
        yield (
            0.97,
            (
                "A softmax over a single number is always 1: the network's output does not depend on its input. "
                "Use a sigmoid for a probability, or nothing for a value."
            ),
            (Evidence("numbers that the softmax is over", 1.0, "2 or more", _DEFINITION),),
        )
    elif head is not None and site.function in DISTANCES and site.target.count:
        yield from _out_of_range(site, head)
    elif head in {"Relu", "Tanh"} and site.function in {*CLASS_LOSSES, "binary_cross_entropy_with_logits"}:
        lost = "negative scores become 0" if head == "Relu" else "scores stay between -1 and 1"
        yield (
            0.9 if head == "Relu" else 0.6,
            (
                f"The scores pass through {_SAID[head]} before {site.function}, so that {lost} and a class cannot be "
                "ruled out. The last layer's outputs are scores and need no activation."
            ),
            (Evidence(f"lowest score given to {site.function}", site.prediction.low, "below 0", _DEFINITION),),
        )
    elif site.function == "binary_cross_entropy" and head not in {"Sigmoid", "Softmax"} and site.chain:
        yield (
            0.93,
            (
                "binary_cross_entropy compares probabilities, and the network's output is not made one by a sigmoid. "
                "Use a sigmoid, or better binary_cross_entropy_with_logits on the bare output."
            ),
            (Evidence("operation before the loss", site.chain[0], "Sigmoid", _DEFINITION),),
        )
    elif head == "Softmax" and site.function in BINARY_LOSSES and site.width > 1 and not site.one_hot:
        yield _several_labels(site)
    elif site.function == "nll_loss" and site.prediction.high > 0 and not _LOGARITHMS & set(site.chain):
        yield (
            0.95,
            (
                "nll_loss needs log-probabilities and is given bare scores: it falls without bound as scores grow. "
                "Use cross_entropy, or log_softmax before it."
            ),
            (Evidence("highest log-probability", site.prediction.high, 0.0, _DEFINITION),),
        )


def _out_of_range(site: LossSite, head: str) -> Iterator[tuple[float, str, tuple[Evidence, ...]]]:
    low, high = _RANGE[head]
    slack = 0.02 * max(site.target.std, 1e-12)
    if head == "Softmax" and site.width > 1 and not site.one_hot and site.whole:
        yield _several_labels(site)
    elif site.target.low < low - slack or site.target.high > high + slack:
        yield (
            0.93,
            (
                f"The output passes through {_SAID[head]}, whose values lie between {low:g} and {high:g}; targets lie "
                f"between {site.target.low:.4g} and {site.target.high:.4g}. What lies outside can never be predicted. "
                "A network for values ends with a linear layer."
            ),
            (
                Evidence("lowest target", site.target.low, low, f"range of {_SAID[head]}"),
                Evidence("highest target", site.target.high, high, f"range of {_SAID[head]}"),
            ),
        )


def _several_labels(site: LossSite) -> tuple[float, str, tuple[Evidence, ...]]:
    return (
        0.92,
        (
            "Softmax makes the outputs of a sample sum to 1, and several of these labels can hold at once, or none. "
            "Use a sigmoid for each label."
        ),
        (Evidence("mean of a row's labels times their number", site.target.mean * site.width, 1.0, _DEFINITION),),
    )


def wrong_loss(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A loss that does not match what is to be predicted."""
    for site in seen.training_losses():
        for confidence, reason, evidence, fit in _unfit(site, progress):
            yield Suspicion(
                cause="wrong-loss",
                severity=severity_of(progress),
                confidence=confidence,
                where=site.place,
                evidence=(evidence,),
                explanation=reason,
                facts={"loss": site.function, "wanted_loss": fit, "classes": len(site.classes), "width": site.width},
                explains=frozenset({"plateau", "capacity-low", "lr-low", "too-few-epochs"}),
            )


def _unfit(site: LossSite, progress: Progress) -> Iterator[tuple[float, str, Evidence, str]]:
    """Yield (confidence, reason, evidence, the loss that fits) of a loss by its definition, then by its minimum."""
    yield from _beyond_its_targets(site)
    if not progress.has_learned:  # what follows is learned badly, or not: one that is learned shows that it can be
        yield from _distances_of_classes(site)
        if site.function == "binary_cross_entropy_with_logits" and site.one_hot and site.width > 2:
            yield (
                0.55,
                "Each row of the targets has exactly one 1: the classes exclude each other, and cross_entropy says so.",
                Evidence("sum of a row of targets", 1.0, "any", _DEFINITION),
                "cross_entropy",
            )


def _beyond_its_targets(site: LossSite) -> Iterator[tuple[float, str, Evidence, str]]:
    """Targets that the loss is not defined for."""
    low, high = site.target.low, site.target.high
    lowest = -1.0 if site.function == "soft_margin_loss" else 0.0
    if site.function in BINARY_LOSSES and (high > 1 + 1e-6 or low < lowest - 1e-6):
        yield (
            0.9,
            (
                f"{site.function} needs targets between {lowest:g} and 1 and is given {low:.4g} to {high:.4g}: its "
                "loss has no lowest value. For classes use cross_entropy with one output each."
            ),
            Evidence("highest target", high, 1.0, _DEFINITION),
            "cross_entropy",
        )
    elif site.function == "cross_entropy" and site.floating and not site.one_hot and site.target.count:
        yield (
            0.85,
            (
                "cross_entropy is given floating-point targets whose rows do not sum to 1: they are neither classes "
                "nor probabilities. For values use mse_loss."
            ),
            Evidence("targets", f"{low:.4g} to {high:.4g}", "rows that sum to 1", _DEFINITION),
            "mse_loss",
        )


def _distances_of_classes(site: LossSite) -> Iterator[tuple[float, str, Evidence, str]]:
    """Classes that are treated as values."""
    labels = sorted(site.classes)
    are_ids = site.whole and not site.many and labels == [float(at) for at in range(len(labels))]
    if site.function in DISTANCES and are_ids and len(labels) >= 3 and site.width == 1:
        yield (
            0.8,
            (
                f"The targets are the whole numbers 0 to {len(labels) - 1}, the loss a distance: as if class 3 lay "
                "between 2 and 4. For classes use one output each and cross_entropy."
            ),
            Evidence("distinct whole targets", len(labels), "values, not classes", _DEFINITION),
            "cross_entropy",
        )
    elif site.function in {"l1_loss", "smooth_l1_loss", "huber_loss"} and labels == [0.0, 1.0]:
        yield (
            0.88,
            (
                "The targets are 0 and 1 and the loss is an absolute distance, which is least at the median: the "
                "network is drawn to the commoner class. Use binary_cross_entropy_with_logits."
            ),
            Evidence("targets", "0 and 1", "values", "the minimiser of E|y - c| is the median"),
            "binary_cross_entropy_with_logits",
        )
    elif site.function in {"mse_loss", "manual"} and labels == [0.0, 1.0] and not site.target_is_input:
        fit = "cross_entropy" if site.one_hot else "binary_cross_entropy_with_logits"
        yield (
            0.6,
            (
                "The targets are 0 and 1 and the loss is a squared error, whose gradient vanishes where a sigmoid or "
                f"softmax is sure and wrong. Use {fit}."
            ),
            Evidence("targets", "0 and 1", "values", "Golik, Doetsch and Ney (2013)"),
            fit,
        )


def output_size(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """An output of another width than the targets."""
    for site in seen.training_losses():
        predicted, target = site.shapes
        is_stretched = site.function == "manual" and target[1:] == (1,)  # as for several quantiles of one value
        differ = len(predicted) == len(target) > 1 and predicted[1:] != target[1:]
        if site.function in DISTANCES and differ and not is_stretched:
            yield _size(site, progress, 0.92, float(predicted[1]), float(target[1]))
        elif site.function in CLASS_LOSSES and site.width == 1 and len(predicted) == 2:
            yield _size(site, progress, 0.95, 1.0, float(max(len(site.classes), 2)))
        elif site.function in BINARY_LOSSES and site.width == 1 and site.whole and site.target.high > 1 + 1e-6:
            yield _size(site, progress, 0.94, 1.0, float(len(site.classes)))


def _size(site: LossSite, progress: Progress, confidence: float, width: float, wanted: float) -> Suspicion:
    return Suspicion(
        cause="output-size",
        severity=severity_of(progress),
        confidence=confidence,
        where=site.place,
        evidence=(Evidence("numbers predicted of a sample", width, wanted, "the targets"),),
        explanation=f"The network predicts {width:g} number(s) of a sample where its targets need {wanted:g}.",
        facts={"width": width, "wanted_width": wanted},
        explains=frozenset({"plateau", "loss-broadcast", "capacity-low", "lr-high", "label-misalignment"}),
    )


def loss_broadcast(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Prediction and target of different shapes, each compared with every other's numbers."""
    for site in seen.training_losses():
        predicted, target = site.shapes
        if site.function in DISTANCES and predicted != target and _broadcast(predicted, target):
            yield Suspicion(
                cause="loss-broadcast",
                severity=severity_of(progress),
                confidence=0.95,
                where=site.place,
                evidence=(Evidence("shape of the prediction", str(predicted), str(target), "shape of the target"),),
                explanation=(
                    f"A prediction of shape {predicted} and a target of shape {target} are stretched against each "
                    "other, so that every prediction is compared with every target; the best answer is then their "
                    "mean. Give both the same shape, for instance by prediction.squeeze(1)."
                ),
                facts={"prediction": predicted, "target": target},
                explains=frozenset({"plateau", "capacity-low", "lr-low", "lr-high", "too-few-epochs", "output-size"}),
            )


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Say whether two shapes stretch each other to more numbers than either has."""
    if not one or not other:
        return False
    padded = [(1,) * (max(len(one), len(other)) - len(shape)) + shape for shape in (one, other)]
    pairs = list(zip(*padded, strict=True))
    grown = any(a != b and 1 in (a, b) for a, b in pairs)
    return grown and all(a == b or 1 in (a, b) for a, b in pairs) and (len(one) != len(other) or one[0] != other[0])


def softmax_axis(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A softmax that makes the samples of a batch share one probability."""
    for structure in seen.structures.values():
        for module, batch in structure.batch_axis[:1]:
            yield Suspicion(
                cause="softmax-axis",
                severity=severity_of(progress),
                confidence=0.93,
                where=structure.place,
                evidence=(Evidence("axis of the softmax", 0.0, -1.0, "axis 0 counts the samples of the batch"),),
                explanation=(
                    f"A softmax sums to 1 over the {batch} samples of the batch, not over the classes"
                    f"{f' ({module})' if module else ''}. Use dim=-1, or dim=1."
                ),
                step=structure.step,
                facts={"module": module},
                explains=frozenset({"batch-mixing", "plateau", "double-softmax", "lr-low", "too-few-epochs"}),
            )


def softmax_of_one(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A softmax over an axis of one number, which is 1 whatever the number is."""
    for structure in seen.structures.values():
        for module, shape in structure.single[:1]:
            sizes = shape_said(shape)
            yield Suspicion(
                cause="softmax-axis",
                severity=severity_of(progress),
                confidence=0.9,
                where=Place(structure.place.file, structure.place.line, module),
                evidence=(Evidence("numbers that the softmax sums to 1", 1.0, "two or more", f"its shape: {sizes}"),),
                explanation=(
                    f"A softmax of numbers of the shape {sizes} runs along an axis of length 1: every one of its "
                    "outputs is 1, whatever it is given, and nothing before it can learn. Give it the axis along which "
                    "there is something to choose from."
                ),
                step=structure.step,
                facts={"module": module},
                explains=frozenset({"plateau", "frozen-parameters", "vanishing-gradient", "lr-low", "too-few-epochs"}),
            )


def severity_of(progress: Progress) -> Severity:
    """Critical where the network does not learn its task, a warning where it does all the same."""
    return "warning" if progress.has_learned else "critical"


def shape_said(sizes: tuple[int, ...]) -> str:
    """Return a shape as it is said: 32 x 8 x 30."""
    return " x ".join(map(str, sizes))


RULES = (
    double_softmax,
    wrong_output_activation,
    wrong_loss,
    output_size,
    loss_broadcast,
    softmax_axis,
    softmax_of_one,
)

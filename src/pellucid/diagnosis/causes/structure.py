"""Causes in how the network is built and how its weights begin."""

import math
from collections.abc import Iterator
from itertools import pairwise

from pellucid.diagnosis.causes.output import severity_of, shape_said
from pellucid.diagnosis.causes.progress import Progress
from pellucid.diagnosis.observation import Layer, Observation, Structure
from pellucid.diagnosis.suspicion import Evidence, Place, Suspicion
from pellucid.diagnosis.thresholds import ALL_LINEAR, GAIN_LARGE, GAIN_SMALL, LEARNED, MIXING

_RECTIFIED = frozenset({"Relu", "LeakyRelu", "Gelu", "Silu", "Elu"})


def missing_nonlinearity(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Layers that follow each other with nothing nonlinear between: together they are one layer."""
    if _is_linear(seen):
        return
    for structure in seen.structures.values():
        whole = not structure.nonlinearities
        hopeless = whole and not progress.has_learned
        pairs = [
            (first, second)
            for first, second in pairwise(structure.layers)
            if second.after == "linear" and not _is_bottleneck(first, second, strictly=hopeless)
        ]
        if not whole and 2 * len(pairs) < len(structure.layers):
            continue  # a projection among nonlinear layers: what they compute together is no linear map
        if not pairs:
            continue
        confidence = (0.95 if whole else 0.7) - (0.35 if progress.has_learned else 0.0)
        first, second = pairs[0]
        yield Suspicion(
            cause="missing-nonlinearity",
            severity=severity_of(progress),
            confidence=confidence,
            where=Place(structure.place.file, structure.place.line, second.module),
            evidence=(
                Evidence(
                    "pairs of layers with nothing nonlinear between", float(len(pairs)), 0.0, "W2(W1 x) = (W2 W1) x"
                ),
                Evidence(
                    "nonlinear operations in the network", float(structure.nonlinearities.total()), "1 or more", ""
                ),
            ),
            explanation=(
                f"Between {first.module or 'one layer'} and {second.module or 'the next'} there is no activation: a "
                "linear map of a linear map is one linear map, so the layers together can express no more than a "
                "single one. Put an activation such as ReLU between them."
            ),
            step=structure.step,
            facts={"modules": tuple((a.module, b.module) for a, b in pairs)},
            explains=frozenset({"capacity-low", "plateau", "too-few-epochs", "lr-low"}) if whole else frozenset(),
        )


def _is_linear(seen: Observation) -> bool:
    """Say whether a linear model learns all of the task: then no nonlinearity is missing."""
    linear = seen.after.linear
    return linear is not None and linear > ALL_LINEAR.value


def _is_bottleneck(first: Layer, second: Layer, *, strictly: bool) -> bool:
    """Say whether a layer narrows: two linear layers around a narrow place are a factorisation, made on purpose.

    Strictly, the second must widen again, as an autoencoder does.
    """
    narrows = 1 < first.fan_out < first.units_in
    return narrows and (first.fan_out < second.fan_out or not strictly)


def bias_before_norm(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A bias that the batch norm after it subtracts again."""
    for structure in seen.structures.values():
        if structure.biased_norms:
            yield Suspicion(
                cause="bias-before-norm",
                severity="info",
                confidence=0.9,
                where=Place(structure.place.file, structure.place.line, structure.biased_norms[0]),
                evidence=(
                    Evidence("layers with a bias before batch norm", float(len(structure.biased_norms)), 0.0, _NORM),
                ),
                explanation="Batch norm subtracts the mean, and with it the bias before it. bias=False saves it.",
                facts={"modules": tuple(structure.biased_norms)},
            )


_NORM = "Ioffe and Szegedy, Batch Normalization (2015), 3.2"


def batch_mixing(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """The output of one sample depends on the others."""
    for structure in seen.structures.values():
        if progress.has_learned and _is_one_sample(seen, structure):
            continue
        if structure.mixing is not None and structure.mixing > MIXING.value:
            yield Suspicion(
                cause="batch-mixing",
                severity=severity_of(progress),
                confidence=0.92,
                where=structure.place,
                evidence=(
                    MIXING.evidence("share of a sample's gradient that falls on other samples", structure.mixing),
                ),
                explanation=(
                    "The gradient of the first sample's output reaches other samples of the batch: somewhere a "
                    "reshape or an operation over the batch's axis mixes them. view and reshape do not move axes; "
                    "transpose and permute do."
                ),
                step=structure.step,
                explains=frozenset({"plateau", "capacity-low", "overfitting", "label-misalignment", "lr-low"}),
            )


def _is_one_sample(seen: Observation, structure: Structure) -> bool:
    """Say whether what looks like a batch is one thing, as the nodes of a graph are.

    It is all there is, or the loss is of some of it only.
    """
    judged = [seen.losses[key].shapes[0][:1] for key in structure.losses if key in seen.losses]
    is_all = 0 < seen.after.distinct <= (structure.batch or 0)
    return is_all or any(len(rows) == 1 and rows[0] < (structure.batch or 0) for rows in judged)


def view_for_transpose(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A reshape where axes were to change places: what belonged to one step or channel comes to belong to another."""
    if progress.gain is not None and progress.gain > LEARNED.value:
        return  # it may be meant
    for structure in seen.structures.values():
        for module, before, after in structure.swapped[:1]:
            yield Suspicion(
                cause="batch-mixing",
                severity=severity_of(progress),
                confidence=0.85,
                where=Place(structure.place.file, structure.place.line, module),
                evidence=(
                    Evidence("a reshape's result", shape_said(after), f"a transpose, from {shape_said(before)}", ""),
                ),
                explanation=(
                    f"Numbers of the shape {shape_said(before)} are reshaped to {shape_said(after)}, as if two axes "
                    "changed places. view and reshape leave every number where it is and only cut the row of them "
                    "anew: steps, channels or samples are mixed. transpose and permute move axes."
                ),
                step=structure.step,
                facts={"kind": "view"},
                explains=frozenset({"plateau", "capacity-low", "overfitting", "label-misalignment", "lr-low"}),
            )


def symmetric_init(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Units that began alike and stayed alike."""
    for network in seen.networks:
        alike = [p for p in network.parameters if p.constant and p.still_constant and "Norm" not in p.kind]
        if alike and network.backed:
            modules = tuple(p.name.rsplit(".", 1)[0] for p in alike)
            place, units = Place(module=modules[0]), alike[0].shape[-1 if "Embedding" in alike[0].kind else 0]
            value = Evidence("value that all its weights began with", alike[0].mean, "drawn at random", "")
            yield _symmetric(progress, place, 0.95, (_units(alike[0].name, units), value), modules)
    yield from _alike_by_hand(seen, progress)


def _units(name: str, units: int) -> Evidence:
    return Evidence(f"distinct units of {name}", 1.0, float(units), "its width")


def _symmetric(
    progress: Progress,
    where: Place,
    confidence: float,
    evidence: tuple[Evidence, ...],
    modules: tuple[str, ...] = (),
) -> Suspicion:
    return Suspicion(
        cause="symmetric-init",
        severity=severity_of(progress),
        confidence=confidence,
        where=where,
        evidence=evidence,
        explanation=(
            "All units of a layer began with the same weights. They compute the same, get the same gradient "
            "and stay the same: the layer has one unit, however wide it is. Draw weights at random."
        ),
        facts={"modules": modules},
        explains=frozenset(
            {"init-scale", "capacity-low", "plateau", "vanishing-gradient", "lr-low", "dead-relu"}
            | {"too-few-epochs", "frozen-parameters"}
        ),
    )


def _alike_by_hand(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Say the same of hidden layers that belong to no module, whose weights are only seen in the graph."""
    modules = _of_modules(seen)
    for structure in seen.structures.values():
        alike = [layer for layer in structure.hidden if layer.weight not in modules and _is_constant(layer)]
        if alike and structure.step == 0:
            yield _symmetric(progress, structure.place, 0.9, (_units("a layer", alike[0].fan_out),))


def _of_modules(seen: Observation) -> set[int]:
    return {p.key for network in seen.networks for p in network.parameters}


def _is_constant(layer: Layer) -> bool:
    return layer.spread == 0.0 and layer.fan_out > 1 and layer.fan_in > 1


def init_scale(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Weights that began far too large or small for what they sum over."""
    # recurrent layers draw their weights by the size of the state, whatever the number of inputs
    initial = {
        p.key
        for network in seen.networks
        if not network.loaded
        for p in network.parameters
        if not p.kind.startswith(("RNN", "LSTM", "GRU"))
    }
    modules = _of_modules(seen)
    for structure in seen.structures.values():
        if structure.step == 0 and all(layer.module is None for layer in structure.layers):
            # weights that belong to no module are seen in the graph alone; those beside modules may be made of others
            initial |= {layer.weight for layer in structure.layers if layer.weight not in modules}
        # a weight that is read the other way round, for a gradient's gradient, has a fan-in of one output
        plain = [layer for layer in structure.hidden if _is_plain(layer) and layer.fan_in > 1]
        hidden = [layer for layer in plain if layer.weight in initial]
        if progress.has_learned or not hidden or structure.has_batch_norm:
            continue
        large = [layer for layer in hidden if _gain(layer) > GAIN_LARGE.value]
        small = [layer for layer in hidden if 0 < _gain(layer) < GAIN_SMALL.value]
        for found, threshold, word in ((large, GAIN_LARGE, "large"), (small, GAIN_SMALL, "small")):
            if found:
                yield _scaled(structure, found, threshold.evidence(_GAIN, _gain(found[0])), word, len(hidden))


_GAIN = "std of a layer's first weights * sqrt(fan-in)"


def _scaled(structure: Structure, found: list[Layer], evidence: Evidence, word: str, hidden: int) -> Suspicion:
    return Suspicion(
        cause="init-scale",
        severity="critical",
        confidence=0.9 if len(found) >= max(2, hidden // 2) else 0.75,
        where=Place(structure.place.file, structure.place.line, found[0].module),
        evidence=(evidence,),
        explanation=(
            f"{len(found)} of {hidden} hidden layers begin with weights far too {word} for the number of inputs they "
            "sum over, so that the signal grows or fades from layer to layer. "
            "torch's own initialisation, or kaiming_normal_ before ReLU, keeps its size."
        ),
        facts={"modules": tuple(layer.module for layer in found)},
        explains=frozenset(
            {"vanishing-gradient", "exploding-gradient", "saturation", "dead-relu", "lr-low", "lr-high", "plateau"}
            | {"wrong-hidden-activation", "too-few-epochs", "capacity-low"}
        ),
    )


def _is_plain(layer: Layer) -> bool:
    return layer.kind in {"Addmm", "Mm", "Convolution", "MkldnnConvolution", "Linear", "MkldnnLinear"}


def _gain(layer: Layer) -> float:
    return layer.spread * math.sqrt(layer.fan_in)


def hidden_softmax(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A softmax between two layers."""
    for structure in seen.structures.values():
        found = [layer for layer in structure.layers if layer.reads == "Softmax" and _is_plain(layer)]
        if found:
            yield Suspicion(
                cause="wrong-hidden-activation",
                severity=severity_of(progress),
                confidence=0.88 - (0.3 if progress.has_learned else 0.0),
                where=Place(structure.place.file, structure.place.line, found[0].module),
                evidence=(
                    Evidence("layers that read a softmax", float(len(found)), 0.0, "hidden layers use ReLU or tanh"),
                ),
                explanation=(
                    "A softmax stands between two layers. Its outputs sum to 1, so a wide layer's are all near 0 and "
                    "nearly equal, and little of the signal and of the gradient passes. Use ReLU."
                ),
                step=structure.step,
                facts={"activation": "Softmax", "wanted": "ReLU", "modules": tuple(layer.module for layer in found)},
                explains=frozenset({"vanishing-gradient", "plateau", "lr-low", "too-few-epochs", "capacity-low"}),
            )


RULES = (
    missing_nonlinearity,
    bias_before_norm,
    batch_mixing,
    view_for_transpose,
    symmetric_init,
    init_scale,
    hidden_softmax,
)

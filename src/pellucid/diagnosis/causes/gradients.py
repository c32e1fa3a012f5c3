"""Causes in what passes through the layers: activations forward, gradients back."""

import math
from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean, median

from pellucid.diagnosis import thresholds
from pellucid.diagnosis.causes.output import severity_of
from pellucid.diagnosis.causes.progress import Progress
from pellucid.diagnosis.causes.rate import first_and_last
from pellucid.diagnosis.observation import Activation, Flow, Observation, Structure
from pellucid.diagnosis.suspicion import Evidence, Place, Suspicion

_SQUASHING = frozenset({"Tanh", "Sigmoid"})
_NAMES = {"Relu": "ReLU", "Tanh": "tanh", "Sigmoid": "sigmoid"}


def _by_layer(seen: Observation, kinds: frozenset[str]) -> dict[tuple[Place, str | None, int], list[Activation]]:
    layers: dict[tuple[Place, str | None, int], list[Activation]] = defaultdict(list)
    for activation in seen.activations:
        if activation.kind in kinds:
            layers[activation.site, activation.module, activation.order].append(activation)
    return layers


def dead_relu(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Units that are zero whatever comes."""
    if progress.has_learned:
        return
    dead = []
    for measured in _by_layer(seen, frozenset({"Relu"})).values():
        late = measured[len(measured) // 2 :]
        if late[0].units >= 3 and fmean(a.dead for a in late) > thresholds.DEAD.value:
            dead.append((fmean(a.dead for a in late), measured))
    if dead:
        share, measured = max(dead, key=lambda one: one[0])
        from_start = measured[0].dead > thresholds.DEAD.value
        yield Suspicion(
            cause="dead-relu",
            severity=severity_of(progress),
            confidence=0.88 if share > 0.9 else 0.7,
            where=Place(measured[0].site.file, measured[0].site.line, measured[0].module),
            evidence=(
                thresholds.DEAD.evidence("share of units that are zero for every sample", share),
                Evidence("the same at the first step", measured[0].dead, thresholds.DEAD.value, ""),
            ),
            explanation=(
                f"{share:.0%} of the units of a ReLU are zero for all samples. Where a ReLU is zero its gradient is "
                "zero too, so such a unit never learns again. They were dead "
                f"{'from the first step' if from_start else 'later'}: look at "
                f"{'initial weights and biases' if from_start else 'the learning rate'}, or use LeakyReLU."
            ),
            step=measured[0].step,
            facts={"module": measured[0].module, "from_start": from_start},
            explains=frozenset({"plateau", "vanishing-gradient", "capacity-low", "too-few-epochs", "lr-low"}),
        )


def saturation(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Units on the flat part of tanh or sigmoid."""
    limit = thresholds.FLAT.value
    if progress.has_learned:  # it costs accuracy all the same
        imperfect = progress.test is not None and progress.test < 0.95
        limit = 0.85 if imperfect and not _unrolled(seen) else 1.0
    flat = []
    for measured in _by_layer(seen, _SQUASHING).values():
        share = fmean(a.flat for a in measured)
        if measured[0].units >= 2 and share > limit and measured[0].order < measured[0].depth - _heads(progress):
            flat.append((share, measured))
    if flat:
        share, measured = max(flat, key=lambda one: one[0])
        name = _NAMES[measured[0].kind]
        yield Suspicion(
            cause="saturation",
            severity=severity_of(progress),
            confidence=0.8,
            where=Place(measured[0].site.file, measured[0].site.line, measured[0].module),
            evidence=(thresholds.FLAT.evidence(f"share of outputs of {name} on its flat part", share),),
            explanation=(
                f"{share:.0%} of the outputs of a {name} lie where it is flat and passes no gradient: what it reads "
                "is too large. Smaller weights or inputs before it, batch norm, or ReLU help."
            ),
            step=measured[0].step,
            facts={"module": measured[0].module, "activation": name},
            explains=frozenset({"vanishing-gradient", "plateau", "too-few-epochs", "lr-low", "capacity-low"}),
        )


def vanishing_gradient(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A gradient that fades on its way back to the first layer."""
    ends = first_and_last(seen)
    if progress.has_learned or ends is None:
        return
    ratios = [
        (a / math.prod(ends[0].shape) ** 0.5) / (b / math.prod(ends[1].shape) ** 0.5)
        for a, b in zip(ends[0].gradients, ends[1].gradients, strict=False)
        if b > 0 and math.isfinite(a) and math.isfinite(b)
    ]
    squashing = {a.kind for a in seen.activations} & _SQUASHING
    depth = max((a.depth for a in seen.activations), default=0) - _heads(progress)
    stuck = progress.baseline is not None and progress.last > 0.9 * progress.baseline
    faint = 100 * thresholds.FADED.value if squashing and depth >= 2 and stuck and not _unrolled(seen) else 0.0
    if not ratios or median(ratios) > max(thresholds.FADED.value, faint):
        return
    evidence = thresholds.FADED.evidence("gradient of the first layer by that of the last", median(ratios))
    if squashing and depth >= 2:
        name = _NAMES[min(squashing)]
        yield Suspicion(
            cause="wrong-hidden-activation",
            severity="critical",
            confidence=0.8,
            where=Place(module=ends[0].name),
            evidence=(
                evidence,
                Evidence(f"layers of {name}", float(depth), 2.0, "the derivative of a sigmoid is at most 1/4"),
            ),
            explanation=(
                f"{depth} layers of {name} follow each other, each of which makes the gradient smaller: the first "
                f"layer gets {median(ratios):.1g} of what the last one gets. Use ReLU with He initialisation, or "
                "batch norm."
            ),
            facts={"activation": name, "wanted": "ReLU"},
            explains=frozenset({"vanishing-gradient", "plateau", "lr-low", "too-few-epochs", "capacity-low"}),
        )
    yield Suspicion(
        cause="vanishing-gradient",
        severity="critical",
        confidence=0.75,
        where=Place(module=ends[0].name),
        evidence=(evidence,),
        explanation=(
            f"The gradient that reaches the first layer is {median(ratios):.1g} of that of the last. "
            "He initialisation, ReLU, batch norm or shortcuts keep it."
        ),
        explains=frozenset({"plateau", "lr-low", "too-few-epochs", "capacity-low"}),
    )


def _length(seen: Observation) -> int | None:
    """Return how many steps the sequences have, where the inputs show it."""
    return next((rows.shape[1] for rows in seen.rows["train"].inputs if rows.dim() > 1), None)


def fading_through_time(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A gradient that does not reach back to the first steps of a sequence."""
    unrolled = _unrolled(seen)
    ratios = [ratio for flow in seen.flows if flow.site in unrolled and (ratio := _first_to_last(flow)) is not None]
    if progress.has_learned or len(ratios) < 3 or not 0 < median(ratios) < thresholds.FADED_IN_TIME.value:
        return
    # the state of gated cells goes past their nonlinearities: where they learn at all, it carries the gradient
    gated = any(
        min(seen.structures[place].nonlinearities[kind] for kind in ("Sigmoid", "Tanh")) > 1 for place in unrolled
    )
    if gated and (progress.gain or 0.0) > thresholds.NO_SIGNAL.value:
        return
    yield Suspicion(
        cause="vanishing-gradient",
        severity="critical",
        confidence=0.8,
        evidence=(
            thresholds.FADED_IN_TIME.evidence(
                "gradient at the first steps of a sequence by that at the last", median(ratios)
            ),
        ),
        explanation=(
            "Going back through the sequence the gradient is multiplied by the same weights and by derivatives below 1 "
            f"at every step: {median(ratios):.1g} of it reaches the first steps, and what stands there cannot be "
            "learned. Use LSTM or GRU, or shorter sequences."
        ),
        facts={"through": "time", "length": _length(seen)},
        explains=frozenset({"plateau", "lr-low", "too-few-epochs", "capacity-low", "wrong-hidden-activation"}),
    )


def _unrolled(seen: Observation) -> set[Place]:
    """Return the lines whose graphs repeat the same layers again and again, as the steps of a sequence do."""
    return {
        place
        for place, structure in seen.structures.items()
        if structure.nonlinearities.total() > 3 * len(structure.layers)
    }


def _heads(progress: Progress) -> int:
    """Return how many of the nonlinearities are the network's output, which may be sure of itself."""
    chain = progress.site.chain if progress.site else ()
    return int(any(op in _SQUASHING for op in chain))


def _first_to_last(flow: Flow) -> float | None:
    """Return the mean gradient over the first tenth of the steps by that over the last tenth."""
    norms = [flow.norms[order] for order in sorted(flow.norms)]
    if len(norms) < 10:
        return None
    tenth = max(1, len(norms) // 10)
    last = fmean(norms[-tenth:])
    return fmean(norms[:tenth]) / last if last > 0 else None


def exploding_gradient(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Gradients that grow without bound, in a recurrent or deep network."""
    recurrent = _is_recurrent(seen)
    deep = any(  # weights that are used again and again are one layer, and as many nonlinearities as uses
        max(len(structure.layers), structure.nonlinearities.total()) >= thresholds.DEEP.value
        for structure in seen.structures.values()
    )
    burst = _burst(progress)
    if burst is not None and (recurrent or deep) and not progress.has_learned:
        yield Suspicion(
            cause="exploding-gradient",
            severity="critical",
            confidence=0.75,
            evidence=(thresholds.BURST.evidence("loss of the first step by that of the best constant", burst),),
            explanation=(
                "Before anything is learned the outputs are far larger than the targets: what passes through the "
                f"{'steps of a sequence' if recurrent else 'layers'} grows at each of them, and the gradients with it "
                "on their way back. Normalise (LayerNorm, batch norm), begin with smaller weights where results are "
                "added up or multiplied again and again (orthogonal ones in a recurrence), and clip the gradient."
            ),
            facts={"wanted_limit": 1.0},
            explains=frozenset(
                {"lr-high", "plateau", "numerical-instability", "saturation", "overfitting", "label-misalignment"}
            ),
        )
        return
    norms = [norm for clipping in seen.clippings.values() for norm in clipping.norms if math.isfinite(norm)]
    if not norms:
        norms = [norm for parameter in seen.parameters.values() for norm in parameter.gradients if math.isfinite(norm)]
    if progress.has_learned or not norms or not recurrent:
        return
    largest = max(norms[len(norms) // 20 :])  # those of the first steps are of weights that fit nothing yet
    ratio = largest / max(median(norms), 1e-30)
    if ratio > thresholds.SPIKE.value and largest > 10:
        yield Suspicion(
            cause="exploding-gradient",
            severity="critical",
            confidence=0.85 if progress.broken is not None else 0.7,
            evidence=(thresholds.SPIKE.evidence("largest gradient norm by the median", ratio),),
            explanation=(
                "Now and then the gradient is far larger than usual: going back through the steps of a sequence it is "
                "multiplied by the same weights again and again. Clip its norm (clip_grad_norm_), or use LSTM or GRU."
            ),
            step=progress.broken or 0,
            facts={"wanted_limit": 1.0},
            explains=frozenset({"lr-high", "plateau", "numerical-instability", "saturation"}),
        )


def _is_recurrent(seen: Observation) -> bool:
    return any(network.recurrent for network in seen.networks) or any(
        structure.sizes and _is_unrolled(structure) for structure in seen.structures.values()
    )


def _is_unrolled(structure: Structure) -> bool:
    """Say whether few weights are used again and again, one use after the other and not side by side."""
    layers = max(len(structure.layers), 1)
    return structure.sizes[0][1] > 40 * layers and structure.depth > thresholds.UNROLLED.value * layers


def _burst(progress: Progress) -> float | None:
    """Return how many times larger the first loss is than that of the best constant, where it is far too large."""
    if not progress.baseline or not math.isfinite(progress.start):
        return None
    ratio = progress.start / progress.baseline
    return ratio if ratio > thresholds.BURST.value else None


def numerical_instability(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A loss that stops being a number although nothing had grown."""
    finite = [abs(value) for value in progress.losses if math.isfinite(value)]
    if progress.broken is None or progress.series is None:
        return
    calm = not finite or max(finite) < 20 * (abs(progress.first) if math.isfinite(progress.first) else 1.0)
    if calm and _burst(progress) is None:
        yield Suspicion(
            cause="numerical-instability",
            severity="critical",
            confidence=0.8,
            where=progress.series.place,
            evidence=(
                Evidence("step from which on the loss is NaN or infinite", float(progress.broken), "never", "IEEE 754"),
                Evidence("largest loss before", max(finite, default=math.nan), "", ""),
            ),
            explanation=(
                "The loss becomes NaN or infinite from one step to the next, without having grown: a logarithm or "
                "square root of zero, an overflow of exp, or a division by zero. Use the library's stable forms "
                "(log_softmax, cross_entropy with scores, logsumexp) or add a small number."
            ),
            step=progress.broken,
            explains=frozenset({"lr-high", "exploding-gradient", "plateau", "too-few-epochs", "class-imbalance"}),
        )


RULES = (dead_relu, saturation, vanishing_gradient, fading_through_time, exploding_gradient, numerical_instability)

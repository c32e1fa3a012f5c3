"""Causes in how the weights move: rate, schedule, optimiser, batches, clipping, decay, and when training stopped."""

import math
from collections.abc import Iterator
from statistics import fmean, median

from pellucid.diagnosis import thresholds
from pellucid.diagnosis.causes.output import severity_of
from pellucid.diagnosis.causes.progress import Progress
from pellucid.diagnosis.observation import Clipping, LossSite, Observation, OptimizerSeen, ParameterSeen, Score
from pellucid.diagnosis.suspicion import Evidence, Suspicion

_PLAIN = frozenset({"SGD"})


def relative_updates(seen: Observation) -> list[float]:
    """Return, for every parameter of two or more axes, the median of |update| / |weight| over the measured steps."""
    ratios = []
    for parameter in seen.parameters.values():
        if len(parameter.shape) > 1:
            steps = [u / w for u, w in zip(parameter.updates, parameter.weights, strict=False) if w > 0]
            if steps:
                ratios.append(median(steps))
    return ratios


def first_leap(seen: Observation) -> float:
    """Return the median over the weights of |update| / |weight| at the first three measured steps."""
    leaps = [
        max(u / w for u, w in zip(p.updates[:3], p.weights[:3], strict=False) if w > 0)
        for p in seen.parameters.values()
        if len(p.shape) > 1 and p.updates and any(w > 0 for w in p.weights[: len(p.updates[:3])])
    ]
    return median(leaps) if leaps else 0.0


def lr_high(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Steps so large that the loss grows, jumps or stays where weights of any size would leave it."""
    optimizer = main_optimizer(seen)
    if progress.series is None or progress.has_learned or (seen.adversaries and progress.broken is None):
        return  # the loss of one of two rivals grows as the other learns
    updates = relative_updates(seen)
    largest = max(updates, default=0.0)
    found = list(_too_far(progress, largest, first_leap(seen)))
    if found:
        confidence, evidence = max(found, key=lambda one: one[0])
        rate = optimizer.highest_rate if optimizer else math.nan
        kind = optimizer.kind if optimizer else "gradient descent by hand"
        yield Suspicion(
            cause="lr-high",
            severity="critical",
            confidence=confidence,
            where=optimizer.place if optimizer else progress.series.place,
            evidence=(
                evidence,
                thresholds.UPDATE_LARGE.evidence("median |update| / |weight| of the fastest layer", largest),
                Evidence("learning rate", rate, None, kind),
            ),
            explanation=(
                f"The steps of {kind} at a rate of {rate:g} are too large: they overshoot, and what one "
                "step wins the next loses. Lower the rate, first tenfold."
            ),
            step=progress.broken or 0,
            facts={"rate": rate, "wanted_rate": rate / 10, "optimizer": kind},
            explains=frozenset(
                {"exploding-gradient", "saturation", "dead-relu", "plateau", "numerical-instability", "overfitting"}
                | {"vanishing-gradient", "capacity-low", "optimizer-unsuited", "wrong-hidden-activation"}
            ),
        )


def _too_far(progress: Progress, largest: float, leap: float) -> Iterator[tuple[float, Evidence]]:
    finite = [value for value in progress.losses if math.isfinite(value)]
    peak = max(finite, default=0.0)
    first = abs(progress.start) or 1e-12
    if progress.broken is not None and peak > 20 * first:
        yield 0.85, thresholds.GROWTH.evidence("largest loss by the first", peak / first)
    elif progress.last > 2 * first and progress.last > (progress.baseline or 0.0):
        yield 0.8, thresholds.GROWTH.evidence("last loss by the first", progress.last / first)
    stuck = progress.baseline is not None and progress.last > 0.7 * progress.baseline
    if leap > thresholds.FIRST_LEAP.value and (stuck or progress.baseline is None) and progress.broken is None:
        yield (0.78 if stuck else 0.55), thresholds.FIRST_LEAP.evidence("|update| / |weight| of the first steps", leap)
    if largest > thresholds.UPDATE_LARGE.value:
        beyond = progress.baseline is not None and progress.last > 0.9 * progress.baseline
        yield (0.82 if beyond else 0.62), thresholds.GROWTH.evidence("last loss by the first", progress.last / first)


def lr_low(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Steps so small that the weights hardly move in the whole run."""
    optimizer = main_optimizer(seen)
    updates = relative_updates(seen)
    if optimizer is None or not updates or progress.has_learned:
        return
    way = fmean(updates) * optimizer.steps
    rate = optimizer.highest_rate
    if fmean(updates) < thresholds.UPDATE_SMALL.value and way < thresholds.WAY_SHORT.value:
        yield Suspicion(
            cause="lr-low",
            severity="critical",
            confidence=0.85 if progress.still_falls or progress.fall > 0.002 else 0.7,
            where=optimizer.place,
            evidence=(
                thresholds.UPDATE_SMALL.evidence("mean |update| / |weight| of a step", fmean(updates)),
                thresholds.WAY_SHORT.evidence("the same, added up over all steps", way),
                Evidence("learning rate", rate, None, optimizer.kind),
            ),
            explanation=(
                f"In all {optimizer.steps} steps together the weights could move by {way:.2g} of their size: at a "
                f"rate of {rate:g} learning this takes far longer. Raise the rate tenfold, and again while the loss "
                "falls smoothly."
            ),
            facts={"rate": rate, "wanted_rate": rate * 10, "optimizer": optimizer.kind},
            explains=frozenset(
                {"too-few-epochs", "plateau", "optimizer-unsuited", "vanishing-gradient", "capacity-low"}
            ),
        )


def too_few_epochs(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A run that was stopped while it was learning."""
    unknown = progress.gain is None and progress.baseline is None
    if (progress.has_learned and not unknown) or not progress.still_falls or progress.broken is not None:
        return
    if unknown and progress.earlier - progress.last < thresholds.LAST_SHARE.value * abs(progress.first - progress.last):
        return  # without a score, and with a loss that may pass zero, it is compared with all that was gained
    if progress.fall > thresholds.STILL_FALLING.value and not _stands_still(seen.scored("eval"), seen.steps):
        yield Suspicion(
            cause="too-few-epochs",
            severity="warning",
            confidence=min(0.75, 0.55 + 2 * progress.fall),
            evidence=(
                thresholds.STILL_FALLING.evidence("fall of the loss within the last 15 % of the run", progress.fall),
                Evidence("steps made", float(seen.steps), None, ""),
            ),
            explanation=(
                f"The loss still fell by {progress.fall:.0%} over the last 15 % of the run when it was stopped, and "
                "the task was not learned. Train for several times as long."
            ),
            facts={"steps": seen.steps, "passes": seen.after.passes},
            explains=frozenset({"plateau", "capacity-low"}),
        )


def _stands_still(judged: list[Score], steps: int) -> bool:
    """Say whether the loss of unseen samples fell no more over the last fifth of a run, while that of seen ones did."""
    losses = [(score.step, score.loss) for score in judged if score.loss is not None and math.isfinite(score.loss)]
    late = [loss for step, loss in losses if step >= 0.9 * steps]
    before = [loss for step, loss in losses if 0.7 * steps <= step < 0.8 * steps]
    return bool(late) and bool(before) and fmean(late) > fmean(before) * (1 - thresholds.STILL_FALLING.value / 2)


def optimizer_unsuited(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Plain gradient descent where it crawls."""
    optimizer = main_optimizer(seen)
    if optimizer is None or progress.has_learned or optimizer.kind not in _PLAIN:
        return
    updates = relative_updates(seen)
    slow = bool(updates) and min(updates) < thresholds.UPDATE_SMALL.value
    if not optimizer.settings.get("momentum") and slow and progress.broken is None:
        yield Suspicion(
            cause="optimizer-unsuited",
            severity="warning",
            confidence=0.65 if max(updates) > 30 * min(updates) else 0.55,
            where=optimizer.place,
            evidence=(
                thresholds.UPDATE_SMALL.evidence("|update| / |weight| of the slowest layer", min(updates)),
                Evidence("the same of the fastest layer", max(updates), min(updates), "the slowest"),
            ),
            explanation=(
                "Gradient descent with one rate for all weights hardly moves some layers, where others move fast. "
                "Adam gives every weight a rate of its own."
            ),
            facts={"optimizer": optimizer.kind, "wanted_optimizer": "Adam"},
        )


def batch_size(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Batch norm over so few samples that its statistics are noise."""
    for network in seen.networks:
        sizes = [size for (phase, size), _ in network.batch_sizes.most_common() if phase == "train"]
        if not sizes or not network.backed:
            continue
        if network.batch_norms and sizes[0] <= thresholds.BATCH_FOR_NORM.value and not progress.has_learned:
            yield Suspicion(
                cause="batch-size",
                severity="critical",
                confidence=0.9,
                evidence=(thresholds.BATCH_FOR_NORM.evidence("samples of a batch, with batch norm", float(sizes[0])),),
                explanation=(
                    f"Batch norm standardises over {sizes[0]} samples: what it subtracts and divides by is mostly "
                    "noise, and its running averages describe no batch. Use batches of 16 or more, or layer norm."
                ),
                facts={"size": sizes[0], "wanted_size": 32},
                explains=frozenset(
                    {"lr-high", "plateau", "too-few-epochs", "overfitting", "capacity-low", "batch-mixing", "lr-low"}
                    | {"train-eval-mode", "vanishing-gradient"}
                ),
            )
        site = progress.site
        if site is not None and _is_contrast(site) and sizes[0] <= thresholds.BATCH_FOR_CONTRAST.value:
            yield Suspicion(
                cause="batch-size",
                severity=severity_of(progress),
                confidence=0.75,
                where=site.place,
                evidence=(
                    thresholds.BATCH_FOR_CONTRAST.evidence("samples that each is told from", float(sizes[0] - 1)),
                ),
                explanation=(
                    f"Every sample is to be told from the others of its batch, and a batch has {sizes[0]}: that is "
                    "soon done, and little is learned by it. Use batches of 64 and more."
                ),
                facts={"size": sizes[0], "wanted_size": 64},
                explains=frozenset({"overfitting", "too-few-epochs", "plateau", "capacity-low"}),
            )
        whole = seen.after.distinct > 0 and sizes[0] >= 0.9 * seen.after.distinct
        if whole and progress.still_falls and seen.steps < 500 and not progress.has_learned:
            yield Suspicion(
                cause="batch-size",
                severity="warning",
                confidence=0.65,
                evidence=(
                    Evidence("samples of a batch", float(sizes[0]), float(seen.after.distinct), "all samples"),
                    Evidence("steps made", float(seen.steps), None, ""),
                ),
                explanation=(
                    f"Every batch holds all {sizes[0]} samples, so that one pass through the data is one step, and "
                    "the loss still falls. Batches of 32 to 128 make many steps of nearly the same quality at the "
                    "same cost."
                ),
                facts={"size": sizes[0], "wanted_size": 64},
                explains=frozenset({"too-few-epochs", "lr-low", "plateau"}),
            )


def _is_contrast(site: LossSite) -> bool:
    """Say whether the classes are the samples of the batch: each is its own, and there are as many as samples."""
    shape = site.shapes[0]
    return (
        site.function == "cross_entropy"
        and len(shape) == 2
        and shape[0] == shape[1] == len(site.classes)
        and len(set(site.classes.values())) == 1
    )


def scheduler_misuse(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A schedule that takes the rate away long before the end, or never moves it."""
    for optimizer in seen.optimizers:
        rates = optimizer.rates
        if not seen.schedulers or len(rates) < 2 or seen.steps < 20:
            continue
        if progress.has_learned and (progress.short or 0.0) <= thresholds.SHORT_OF.value:
            continue
        peak = optimizer.highest_rate
        ends = [*(step for step, _ in rates[1:]), seen.steps]
        idle = sum(end - step for (step, rate), end in zip(rates, ends, strict=True) if rate < 0.01 * peak) / seen.steps
        if idle > thresholds.IDLE.value:
            schedule = seen.schedulers[0]
            yield Suspicion(
                cause="scheduler-misuse",
                severity=severity_of(progress),
                confidence=0.9,
                where=schedule.place,
                evidence=(
                    thresholds.IDLE.evidence("share of the steps made at less than 1 % of the highest rate", idle),
                    Evidence(
                        "steps of the schedule", float(schedule.calls), float(seen.steps), "steps of the optimiser"
                    ),
                ),
                explanation=(
                    f"{schedule.kind} has taken the learning rate to less than 1 % of its highest before "
                    f"{1 - idle:.0%} of the run was over; the rest of the steps change nothing. A schedule counted "
                    "in epochs must be stepped once an epoch, one counted in steps once a step."
                ),
                facts={"schedule": schedule.kind, "calls": schedule.calls},
                explains=frozenset({"lr-low", "too-few-epochs", "plateau", "capacity-low"}),
            )


def clip_too_tight(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Clipping that leaves nearly nothing of a gradient whose size matters."""
    optimizer = main_optimizer(seen)
    counts = optimizer.kind in {"SGD", "ASGD"} if optimizer is not None else seen.by_hand > 0
    crawls = progress.still_falls and progress.fall > thresholds.CRAWLS.value
    if not counts or (progress.has_learned and not crawls):
        return
    for clipping in seen.clippings.values():
        norms = [norm for norm in clipping.norms if math.isfinite(norm)]
        if clipping.limit <= 0:
            continue
        if clipping.function == "clip_grad_value_":
            yield from _cut_to_signs(seen, clipping)
            continue
        times = median(norms) / clipping.limit if len(norms) >= 5 else 0.0
        if times > thresholds.CLIPPED.value:
            yield _too_tight(
                clipping,
                median(norms),
                thresholds.CLIPPED.evidence("median gradient norm by the limit it is clipped to", times),
                f"Nearly every gradient is cut to 1/{times:.0f} of its length, and with it every step. "
                "Clipping is for rare outliers: set the limit near the usual norm.",
            )


def _cut_to_signs(seen: Observation, clipping: Clipping) -> Iterator[Suspicion]:
    """Say that of nearly every number of a gradient only its sign was left."""
    shares = [share for parameter in seen.parameters.values() if len(parameter.shape) > 1 for share in parameter.cut]
    share = median(shares) if shares else 0.0
    if share > thresholds.SIGNS.value:
        yield _too_tight(
            clipping,
            100 * clipping.limit,
            thresholds.SIGNS.evidence("share of the gradients' numbers that are cut", share),
            f"Nearly all numbers of the gradients are cut to {clipping.limit:g}: what is left is their sign, and "
            "every step is as small as the limit. Clip the norm, at about its usual size, or set the limit higher.",
        )


def _too_tight(clipping: Clipping, wanted: float, evidence: Evidence, explanation: str) -> Suspicion:
    return Suspicion(
        cause="clip-too-tight",
        severity="critical",
        confidence=0.88,
        where=clipping.place,
        evidence=(evidence,),
        explanation=explanation,
        facts={"limit": clipping.limit, "wanted_limit": wanted},
        explains=frozenset({"lr-low", "too-few-epochs", "plateau", "optimizer-unsuited"}),
    )


def _shrunk(seen: Observation) -> float:
    """Return the size of the weights in the end by that in the beginning, or 1 where none is known."""
    sizes = [p.sizes[1] / p.sizes[0] for n in seen.networks for p in n.parameters if _is_weight(p.shape, p.sizes)]
    return median(sizes) if sizes else 1.0


def _penalised(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Say the same of a penalty that the script adds to the loss itself."""
    own = [score.loss for score in seen.scored("train") if score.loss is not None and math.isfinite(score.loss)]
    if len(list(seen.training_losses())) != 1 or not own or progress.series is None:
        return
    added = progress.start - own[0]
    shrunk = _shrunk(seen)
    if added > thresholds.ADDED.value * abs(own[0]) and shrunk < thresholds.SHRUNK.value:
        yield Suspicion(
            cause="over-regularised",
            severity="critical",
            confidence=0.85,
            where=progress.series.place,
            evidence=(
                thresholds.ADDED.evidence("what the script adds to the first loss, by that loss", added / abs(own[0])),
                thresholds.SHRUNK.evidence("size of the weights in the end by that in the beginning", shrunk),
            ),
            explanation=(
                f"The first loss is {own[0]:.3g} and {progress.start:.3g} is minimised: the rest is a penalty, and it "
                f"pulls the weights to {shrunk:.0%} of the size they began with, faster than the data pushes "
                "them away. Make it a hundredth of what it is."
            ),
            explains=frozenset(
                {"lr-low", "plateau", "too-few-epochs", "capacity-low", "vanishing-gradient", "dead-relu"}
            ),
        )


def over_regularised(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Decay or dropout that keeps the network from fitting even what it learns from."""
    if progress.has_learned:
        return
    for optimizer in seen.optimizers:
        decay = float(optimizer.settings.get("weight_decay", 0.0) or 0.0)
        shrunk = _shrunk(seen)
        if decay > thresholds.DECAY.value and shrunk < thresholds.SHRINKS.value:
            yield Suspicion(
                cause="over-regularised",
                severity="critical",
                confidence=0.88,
                where=optimizer.place,
                evidence=(
                    thresholds.DECAY.evidence("weight decay", decay),
                    Evidence("size of the weights in the end by that in the beginning", shrunk, "1 or more", ""),
                ),
                explanation=(
                    f"A weight decay of {decay:g} pulls the weights to zero faster than the data pushes them away: "
                    f"they end at {shrunk:.0%} of the size they began with. Usual values lie between 0 and 0.1."
                ),
                facts={"weight_decay": decay, "wanted_weight_decay": 0.01},
                explains=frozenset(
                    {"lr-low", "plateau", "too-few-epochs", "capacity-low", "vanishing-gradient", "dead-relu"}
                ),
            )
    yield from _penalised(seen, progress)
    strong = {name: p for network in seen.networks for name, p in network.dropouts.items() if network.backed}
    if strong and max(strong.values()) >= thresholds.DROPOUT.value:
        name = max(strong, key=lambda at: strong[at])
        yield Suspicion(
            cause="over-regularised",
            severity="critical",
            confidence=0.8,
            evidence=(thresholds.DROPOUT.evidence(f"probability of {name}", strong[name]),),
            explanation=(
                f"{name} drops {strong[name]:.0%} of its inputs, and the network does not fit even its training data. "
                "Usual values lie between 0.1 and 0.5."
            ),
            facts={"dropout": strong[name], "wanted_dropout": 0.2, "module": name},
            explains=frozenset({"too-few-epochs", "plateau", "capacity-low", "lr-low"}),
        )


def _is_weight(shape: tuple[int, ...], sizes: tuple[float, float]) -> bool:
    return len(shape) > 1 and sizes[0] > 0


def main_optimizer(seen: Observation) -> OptimizerSeen | None:
    """Return the optimiser that made most steps."""
    return max((o for o in seen.optimizers if o.steps), key=lambda o: o.steps, default=None)


def first_and_last(seen: Observation) -> tuple[ParameterSeen, ParameterSeen] | None:
    """Return the first and the last layer's weights, as the graph orders them."""
    for structure in seen.structures.values():
        known = [seen.parameters[layer.weight] for layer in structure.layers if layer.weight in seen.parameters]
        if len(known) >= 2:
            return known[0], known[-1]
    return None


RULES = (
    lr_high,
    lr_low,
    too_few_epochs,
    optimizer_unsuited,
    batch_size,
    scheduler_misuse,
    clip_too_tight,
    over_regularised,
)

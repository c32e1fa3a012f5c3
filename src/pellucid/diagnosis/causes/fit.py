"""Causes in how the network fits: too little to fit what it learns from, or nothing but that."""

import math
from collections import defaultdict
from collections.abc import Iterator

from pellucid.diagnosis import thresholds
from pellucid.diagnosis.causes.progress import Progress, is_made_anew
from pellucid.diagnosis.causes.rate import main_optimizer
from pellucid.diagnosis.observation import Observation, Score
from pellucid.diagnosis.suspicion import Evidence, Place, Suspicion


def capacity_low(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A network that stands still below what far simpler models reach."""
    short = progress.short
    if progress.has_learned or short is None or progress.broken is not None:
        return
    widths = [layer.fan_out for structure in seen.structures.values() for layer in structure.hidden]
    if widths and min(widths) <= thresholds.NARROW.value and short > thresholds.SHORT_OF.value:
        yield Suspicion(
            cause="capacity-low",
            severity="warning",
            confidence=0.8,
            evidence=(
                thresholds.NARROW.evidence("units of the narrowest hidden layer", float(min(widths))),
                thresholds.SHORT_OF.evidence("reached by a simpler model, less what the network reaches", short),
            ),
            explanation=(
                "The network stands still below what a nearest-neighbour or linear model reaches on samples left "
                f"out: the data allows more, and its narrowest layer has {min(widths)} units. Use wider or more layers."
            ),
            facts={"width": min(widths), "wanted_width": 8 * min(widths)},
            explains=frozenset({"plateau"}),
        )


def narrow_code(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """An autoencoder that does what principal components do that are as many as its code has numbers, and too few."""
    site, shares = progress.site, seen.after.components
    structure = seen.structures.get(progress.series.place) if progress.series is not None else None
    if site is None or not site.target_is_input or structure is None or progress.train is None:
        return
    code = min((layer.fan_out for layer in structure.hidden), default=len(shares))
    reached = max(progress.train, -math.inf if progress.test is None else progress.test)
    if code + 1 >= len(shares) or reached > thresholds.HALF.value or progress.fall > thresholds.CRAWLS.value:
        return
    if (
        reached < thresholds.AS_COMPONENTS.value * shares[code - 1]
        or shares[code + 1] - reached < thresholds.WORTH.value
    ):
        return
    wanted = next((at for at, share in enumerate(shares, 1) if share > thresholds.LEARNED.value), len(shares))
    yield Suspicion(
        cause="capacity-low",
        severity="warning",
        confidence=0.75,
        evidence=(
            thresholds.HALF.evidence("share of the inputs' variance that is reconstructed", reached),
            thresholds.WORTH.evidence(
                f"explained by principal components, {code + 2} of them, less what is reconstructed",
                shares[code + 1] - reached,
            ),
            Evidence(f"explained by principal components, {code} of them", shares[code - 1], None, ""),
        ),
        explanation=(
            f"The code between inputs and reconstruction is {code} wide and {reached:.0%} of the variance is "
            f"reconstructed, where that many principal components explain {shares[code - 1]:.0%}. {wanted} of them "
            f"explain {shares[wanted - 1]:.0%}: the code is too short for what the inputs hold. Make it wider."
        ),
        facts={"width": code, "wanted_width": wanted},
        explains=frozenset({"plateau"}),
    )


def overfitting(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A network that gets better on what it learns from and worse on all else."""
    gap = progress.gap
    rise = _rise(seen.scored("eval"))
    if progress.train_then is not None and progress.train_then < progress.chance:
        return  # it does not even fit what it learns from
    wide = gap is not None and gap > max(thresholds.GAP.value, 2 * _standard_error(seen, progress))
    if not wide and not (rise > 2 * thresholds.RISE.value and (gap is None or gap > 0.04)):
        return
    confidence = 0.85 if wide and rise > thresholds.RISE.value else 0.65
    yield Suspicion(
        cause="overfitting",
        severity="warning",
        confidence=confidence,
        evidence=(
            thresholds.GAP.evidence("training score less test score", math.nan if gap is None else gap),
            thresholds.RISE.evidence("rise of the validation loss from its lowest", rise),
            Evidence("distinct training samples seen", float(seen.after.distinct), None, ""),
        ),
        explanation=(
            "The network fits the samples it learns from better and better and does worse on others: it learns them by "
            "heart. Stop earlier, use more data or augmentation, dropout, weight decay, or a smaller network."
        ),
        facts={"gap": gap, "rise": rise},
    )


def _standard_error(seen: Observation, progress: Progress) -> float:
    """Return the standard error of the test score: of a share, or of an r2 (Olkin and Finn, 1995)."""
    samples, score = seen.after.eval_rows, progress.test
    if samples == 0 or score is None:
        return 0.0
    score = min(max(score, 0.0), 1.0)
    variance = 4 * score * (1 - score) ** 2 if progress.is_regression else score * (1 - score)
    return math.sqrt(variance / samples)


def plateau(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A loss that stands still far above what the data allow; `rank` says so only where no cause was found."""
    short, optimizer = progress.short, main_optimizer(seen)
    if progress.has_learned or short is None or progress.broken is not None or optimizer is None:
        return
    site = progress.site
    if site is not None and (site.weighted or is_made_anew(seen, site)):
        return  # it is not the share of right answers that is wanted, or nothing there is to be learned by heart
    if progress.still_falls or progress.fall > thresholds.STILL_FALLING.value or short < thresholds.STANDS_BELOW.value:
        return
    held = held_still(seen)
    most = held > thresholds.HELD_STILL.value
    yield Suspicion(
        cause="plateau",
        severity="critical",
        confidence=0.5,
        where=optimizer.place,
        evidence=(
            thresholds.STILL_FALLING.evidence("fall of the loss within the last 15 % of the run", progress.fall),
            thresholds.STANDS_BELOW.evidence("reached by a simpler model, less what the network reaches", short),
            *((thresholds.HELD_STILL.evidence("share of the weights that are kept from learning", held),) * most),
        ),
        explanation=_STANDS_STILL + (_HELD.format(held=held) if most else _UNEXPLAINED),
        facts={"optimizer": optimizer.kind, "rate": optimizer.highest_rate, "held_still": held if most else None},
    )


_STANDS_STILL = (
    "The loss stands still, and on samples left out a nearest-neighbour or linear model does far better than this "
    "network on those it learns from: the data allow more. "
)
_UNEXPLAINED = (
    "None of the causes that are measured here explains it. Try another optimiser or rate, then fit a single batch: if "
    "even that fails, look at how predictions reach the loss."
)
_HELD = (
    "{held:.0%} of the weights are kept from learning (requires_grad is off), and what they make of the inputs may not "
    "hold what is asked for. Let more of them learn, the layers nearest to the output first; only then try another "
    "optimiser or rate."
)


def held_still(seen: Observation) -> float:
    """Return the share of the weights of all trained networks that asked for no gradient and never changed."""
    of_trained = [parameter for network in seen.networks if network.backed for parameter in network.parameters]
    still = sum(math.prod(each.shape) for each in of_trained if not each.asked and not each.changed)
    return still / max(sum(math.prod(each.shape) for each in of_trained), 1)


def _rise(judged: list[Score]) -> float:
    """Return how far the validation loss is above its lowest, of the line that evaluates most often."""
    passes: dict[Place, dict[int, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
    for score in judged:
        if score.loss is not None and math.isfinite(score.loss):
            passes[score.site][score.step].append((score.loss, score.size))
    if not passes:
        return 0.0
    longest = max(passes.values(), key=len)
    losses = [sum(a * n for a, n in batch) / sum(n for _, n in batch) for _, batch in sorted(longest.items())]
    if len(losses) < 4:
        return 0.0
    lowest = min(losses)
    last = sum(losses[-2:]) / 2
    return (last - lowest) / max(abs(lowest), 1e-9)


RULES = (capacity_low, narrow_code, overfitting, plateau)

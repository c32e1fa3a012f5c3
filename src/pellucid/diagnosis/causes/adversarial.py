"""Causes in the balance of two networks that learn against each other."""

from collections.abc import Iterator

from pellucid.diagnosis import thresholds
from pellucid.diagnosis.causes.progress import Progress, in_the_end
from pellucid.diagnosis.observation import AdversarySeen, Observation
from pellucid.diagnosis.suspicion import Evidence, Place, Suspicion


def unbalanced(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """One of the two wins, or the generator makes few kinds of samples."""
    for pair in seen.adversaries.values():
        yield from unbalanced_pair(pair, seen.steps)


def unbalanced_pair(pair: AdversarySeen, steps: int) -> Iterator[Suspicion]:
    """Say of one pair, after so many steps, whether one of the two wins or the generator makes few kinds of samples."""
    if len(pair.told) < 10 or not pair.coverage:
        return
    told, covered, spread = (in_the_end(each, steps) for each in (pair.told, pair.coverage, pair.spread))
    if covered >= thresholds.COVERED.value:
        return
    is_fooled = told < thresholds.FOOLED.value
    reference = thresholds.FOOLED if is_fooled else thresholds.TELLS
    evidence = (
        reference.evidence("share of pairs that the discriminator orders rightly", told),
        thresholds.COVERED.evidence("share of real samples with a made one near", covered),
        Evidence("distance between made samples by that between real ones", spread, 1.0, "equal distributions"),
    )
    if told > thresholds.TELLS.value:
        yield _finding(
            "discriminator-dominates",
            0.85,
            pair,
            evidence,
            "The discriminator tells nearly every made sample from a real one, and what it says of made ones "
            "hardly depends on how bad they are: the generator's gradient vanishes. Use the non-saturating loss or "
            "Wasserstein with gradient penalty, or slow the discriminator.",
        )
    elif is_fooled:
        yield _finding(
            "generator-dominates",
            0.8,
            pair,
            evidence,
            "The discriminator gives made samples higher scores than real ones, and large parts of the real data "
            "have no made sample near them: it learns too slowly to tell them apart, and the generator runs after "
            "its mistakes instead of the data. Let the discriminator learn faster, or make it larger.",
        )
    else:
        yield _finding(
            "mode-collapse",
            0.8,
            pair,
            evidence,
            "Large parts of the real data have no made sample near them: the generator makes only some kinds. "
            "Let the discriminator learn as fast as the generator, one step each, or use Wasserstein with penalty.",
        )


def _finding(
    cause: str, confidence: float, pair: AdversarySeen, evidence: tuple[Evidence, ...], explanation: str
) -> Suspicion:
    return Suspicion(
        cause=cause,
        severity="critical",
        confidence=confidence,
        where=Place(module=pair.generator),
        evidence=evidence,
        explanation=explanation,
        facts={"generator": pair.generator, "discriminator": pair.discriminator},
        explains=frozenset(
            {"plateau", "lr-low", "lr-high", "too-few-epochs", "vanishing-gradient", "saturation", "overfitting"}
            | {"capacity-low", "wrong-loss", "missing-shuffle", "target-scale", "optimizer-unsuited"}
        ),
    )


RULES = (unbalanced,)

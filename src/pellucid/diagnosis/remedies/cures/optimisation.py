"""Remedies of steps that are too long, too short, too few, or in the wrong direction."""

from collections.abc import Iterator

from pellucid.diagnosis.remedies.anatomy import optimizer_at, optimizers
from pellucid.diagnosis.remedies.edit import Edit, combined
from pellucid.diagnosis.remedies.edits import loop, losses, numbers, parameters
from pellucid.diagnosis.remedies.facts import fact
from pellucid.diagnosis.remedies.interventions import (
    ClipGradients,
    Intervention,
    LiftClipping,
    ScaleRate,
    SetRate,
    SwapOptimizer,
)
from pellucid.diagnosis.remedies.remedy import Cures, Patient, Remedy

CURES = Cures()
ADAM_RATES = (3e-3, 1e-2, 1e-3)
"""Rates at which Adam trains most small networks; 1e-3 is its paper's."""
USUAL_GAN_RATE = 1e-3
LONGER = (4.0, 12.0)
"""How many times as long training may go on when it stopped too soon."""


def _rates(patient: Patient, *, higher: bool) -> Iterator[tuple[float, Edit | None, Intervention]]:
    found = optimizer_at(patient.source, patient.line)
    facts = patient.suspicion.facts
    written = patient.source.number(found.option("lr")) if found else None
    now = fact(facts, "rate", float) or (written[0] if written else None)
    kind = fact(facts, "optimizer", str) or (found.kind if found else "")
    for rate in numbers.rate_ladder(now, fact(facts, "wanted_rate", float), higher=higher, kind=kind):
        yield rate, numbers.rate(patient.source, patient.line, value=rate), SetRate(rate)


@CURES("lr-high")
def _lower(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy("Lower the learning rate.")
    for rate, edit, intervention in _rates(patient, higher=False):
        yield patient.remedy(f"Lower the learning rate to {rate:g}.", edit, intervention)


@CURES("lr-low")
def _raise(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy("Raise the learning rate.")
    for rate, edit, intervention in _rates(patient, higher=True):
        yield patient.remedy(f"Raise the learning rate to {rate:g}.", edit, intervention)


@CURES("too-few-epochs")
def _longer(patient: Patient) -> Iterator[Remedy]:
    factors = dict.fromkeys([fact(patient.suspicion.facts, "factor", float), *LONGER])
    for factor in factors:
        if factor:
            edit = numbers.epochs(patient.source, patient.line, factor)
            yield patient.remedy(f"Train {factor:g} times as long.", edit, longer=factor)
    for rate, edit, _ in _rates(patient, higher=True):
        both = _both(patient, edit, numbers.epochs(patient.source, patient.line, LONGER[0]))
        yield patient.remedy(f"Train {LONGER[0]:g} times as long at a rate of {rate:g}.", both, longer=LONGER[0])


def _both(patient: Patient, *edits: Edit | None) -> Edit | None:
    known = [edit for edit in edits if edit is not None]
    return combined(known, patient.source.text) if len(known) == len(edits) else None


@CURES("optimizer-unsuited", "plateau")
def _swap(patient: Patient) -> Iterator[Remedy]:
    found = optimizer_at(patient.source, patient.line)
    kind = fact(patient.suspicion.facts, "optimizer", str) or (found.kind if found else "SGD")
    if fact(patient.suspicion.facts, "held_still", float):
        yield patient.remedy("Let the frozen parameters learn.", parameters.trainable(patient.source))
    if kind not in {"Adam", "AdamW"}:
        for rate in ADAM_RATES:
            edit = numbers.swap_optimizer(patient.source, patient.line, "Adam", rate)
            yield patient.remedy(f"Use Adam, at a rate of {rate:g}.", edit, SwapOptimizer("Adam", rate))
    if kind == "SGD":
        edit = numbers.optimizer_option(patient.source, patient.line, "momentum", 0.9)
        yield patient.remedy("Give the optimiser a momentum of 0.9.", edit)
    for factor in (10.0, 0.1):
        edit = numbers.rate(patient.source, patient.line, factor=factor)
        yield patient.remedy(f"Multiply the learning rate by {factor:g}.", edit, ScaleRate(factor))


@CURES("clip-too-tight")
def _looser(patient: Patient) -> Iterator[Remedy]:
    wanted = fact(patient.suspicion.facts, "wanted_limit", float)
    for limit in dict.fromkeys([float(f"{wanted:.2g}") if wanted else 1.0, 1.0, 10.0]):
        edit = numbers.clip_limit(patient.source, patient.line, limit)
        yield patient.remedy(f"Clip gradients at {limit:g}.", edit, LiftClipping(limit))


@CURES("exploding-gradient")
def _clip(patient: Patient) -> Iterator[Remedy]:
    for limit in (1.0, 0.1):
        edit = loop.clip_gradients(patient.source, patient.line, limit)
        yield patient.remedy(f"Clip the gradient's norm at {limit:g}.", edit, ClipGradients(limit))
    for rate, edit, intervention in _rates(patient, higher=False):
        yield patient.remedy(f"Lower the learning rate to {rate:g}.", edit, intervention)


@CURES("numerical-instability")
def _stable(patient: Patient) -> Iterator[Remedy]:
    at_line = losses.stable(patient.source, patient.line) if patient.line else None
    yield patient.remedy(
        "Keep logarithms, roots and divisors away from zero.", at_line or losses.stable(patient.source, None)
    )
    yield patient.remedy(
        "Clip the gradient's norm.", loop.clip_gradients(patient.source, None, 1.0), ClipGradients(1.0)
    )


def _rates_of_two(patient: Patient, generator: float, discriminator: float, *, factors: bool = True) -> Edit | None:
    """Return the edit that changes the rates of generator and discriminator, by factors or to values."""
    lines = _lines_of_two(patient)
    if lines is None:
        return None
    edits = [
        numbers.rate(patient.source, line, **({"factor": wanted} if factors else {"value": wanted}))
        for line, wanted in zip(lines, (generator, discriminator), strict=True)
        if not (factors and wanted == 1)
    ]
    return _both(patient, *edits)


def _lines_of_two(patient: Patient) -> tuple[int, int] | None:
    """Return where the optimisers of generator and discriminator are made."""
    names = [fact(patient.suspicion.facts, name, str) or name for name in ("generator", "discriminator")]
    others = (("gen", "netg", "opt_g", "g_opt"), ("disc", "critic", "netd", "opt_d", "d_opt"))
    found: list[int] = []
    for name, words in zip(names, others, strict=True):
        made = optimizers(patient.source)
        texts = [(item, patient.source.segment(item.statement)) for item in made]
        exact = [item for item, text in texts if f"{name}.parameters()" in text]
        alike = [item for item, text in texts if any(word in text.lower() for word in words)]
        if not exact and not alike:
            return None
        found.append((exact or alike)[0].call.lineno)
    return (found[0], found[1]) if found[0] != found[1] else None


@CURES("discriminator-dominates")
def _tame(patient: Patient) -> Iterator[Remedy]:
    flowing = losses.not_saturating(patient.source)
    equal = _rates_of_two(patient, USUAL_GAN_RATE, USUAL_GAN_RATE, factors=False)
    if flowing and equal:
        both = _both(patient, flowing, equal)
        yield patient.remedy("Maximise log D(G(z)), and let both learn at the same rate.", both)
    yield patient.remedy("Let both networks learn at the same rate.", equal)
    yield patient.remedy("Let the generator maximise log D(G(z)): its gradient does not vanish.", flowing)
    slower = _rates_of_two(patient, 3.0, 0.2)
    yield patient.remedy("Let the discriminator learn slower and the generator faster.", slower)


@CURES("generator-dominates", "mode-collapse")
def _strengthen(patient: Patient) -> Iterator[Remedy]:
    action = "Let the discriminator learn faster than the generator (two time scales, Heusel et al. 2017): rates times "
    for generator, discriminator in ((0.2, 4.0), (0.5, 2.0), (0.1, 1.0)):
        edit = _rates_of_two(patient, generator, discriminator)
        yield patient.remedy(f"{action}{discriminator:g} and {generator:g}.", edit)
    yield patient.remedy("Let both networks learn at the same rate.", _rates_of_two(patient, 1e-3, 1e-3, factors=False))

"""Remedies of a network that fits its training data too well, or may not fit it at all."""

from collections.abc import Iterator

from pellucid.diagnosis.remedies.edit import combined
from pellucid.diagnosis.remedies.edits import numbers, width
from pellucid.diagnosis.remedies.facts import fact
from pellucid.diagnosis.remedies.interventions import SetDropout, SetOption
from pellucid.diagnosis.remedies.remedy import Cures, Patient, Remedy

CURES = Cures()


@CURES("overfitting")
def _restrain(patient: Patient) -> Iterator[Remedy]:
    source = patient.source
    share = fact(patient.suspicion.facts, "best_share", float)
    shorter = numbers.epochs(source, None, share or 0.3)
    for decay in (0.1, 1.0):
        edit = numbers.weight_decay(source, decay)
        yield patient.remedy(f"Give the optimiser a weight decay of {decay:g}.", edit, SetOption("weight_decay", decay))
    for narrow in (width.wider(source, 1 / 8), width.wider(source, 1 / 4)):
        held = [edit for edit in (narrow, numbers.weight_decay(source, 0.1)) if edit]
        yield patient.remedy(
            "Use a smaller network with weight decay.", combined(held, source.text) if len(held) == 2 else narrow
        )
    yield patient.remedy(
        "Put dropout after the hidden layers.", numbers.dropout(source, 0.3, add=True), SetDropout(0.3)
    )
    yield patient.remedy("Stop training where the validation score was best.", shorter)


@CURES("over-regularised")
def _loosen(patient: Patient) -> Iterator[Remedy]:
    facts = patient.suspicion.facts
    wanted_decay, wanted_share = (fact(facts, f"wanted_{name}", float) for name in ("weight_decay", "dropout"))
    decays = [
        patient.remedy(
            f"Lower the weight decay to {decay:g}.",
            numbers.weight_decay(patient.source, decay),
            SetOption("weight_decay", decay),
        )
        for decay in dict.fromkeys([wanted_decay if wanted_decay is not None else 0.01, 0.0])
    ]
    drops = [
        patient.remedy(f"Lower dropout to {share:g}.", numbers.dropout(patient.source, share), SetDropout(share))
        for share in dict.fromkeys([wanted_share if wanted_share is not None else 0.1, 0.0])
    ]
    yield from (*drops, *decays) if "dropout" in facts else (*decays, *drops)

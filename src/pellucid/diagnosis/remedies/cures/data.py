"""Remedies of what a network is given."""

from collections.abc import Iterator

from pellucid.diagnosis.remedies.edits import data
from pellucid.diagnosis.remedies.facts import fact
from pellucid.diagnosis.remedies.interventions import (
    FiniteInputs,
    ScaleTargets,
    ShuffleLoaders,
    StandardiseInputs,
    WeightClasses,
)
from pellucid.diagnosis.remedies.remedy import Cures, Patient, Remedy

CURES = Cures()


@CURES("input-scale")
def _standardise(patient: Patient) -> Iterator[Remedy]:
    facts = patient.suspicion.facts
    action = "Standardise the inputs: subtract the training data's mean, divide by its deviation"
    orders = (False, True) if facts.get("alike") else (True, False)
    for by_feature in orders:
        edit = data.standardise_inputs(patient.source, by_feature=by_feature)
        how = f"{action}, feature by feature." if by_feature else f"{action}."
        yield patient.remedy(how, edit, StandardiseInputs(by_feature))
    means, deviations = list(facts.get("means") or ()), list(facts.get("deviations") or ())
    yield patient.remedy(
        f"{action}, as they were measured.", data.standardise_inputs_by(patient.source, means, deviations)
    )


@CURES("input-not-finite")
def _finite(patient: Patient) -> Iterator[Remedy]:
    action = "Put finite numbers for infinities and missing values in the inputs."
    yield patient.remedy(action, data.finite_inputs(patient.source, patient.line), FiniteInputs())


@CURES("target-scale")
def _targets(patient: Patient) -> Iterator[Remedy]:
    level, unit = (fact(patient.suspicion.facts, name, float) for name in ("mean", "std"))
    from_outside = (ScaleTargets(level, unit),) if level is not None and unit else ()
    action = "Let the network predict standardised targets, and give its answer in their own unit."
    yield patient.remedy(action, data.scale_targets(patient.source), *from_outside)


@CURES("missing-shuffle")
def _shuffle(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy("Draw batches in a new order every epoch.", data.shuffle(patient.source), ShuffleLoaders())


@CURES("class-imbalance")
def _weights(patient: Patient) -> Iterator[Remedy]:
    shares = patient.suspicion.facts.get("shares") or {}
    labels = sorted(shares)
    counts = [float(shares[label]) for label in labels] if labels == list(range(len(labels))) else []
    yield patient.remedy("Draw every class as often.", data.balanced_batches(patient.source))
    action = "Weight the classes by how rare they are."
    if len(counts) < 2 or min(counts) <= 0:
        yield patient.remedy(action)
        return
    for power, how in ((1.0, action), (0.5, "Weight the classes by the root of how rare they are.")):
        raw = [(sum(counts) / (len(counts) * count)) ** power for count in counts]
        edit = data.class_weights(patient.source, None, raw)
        yield patient.remedy(how, edit, WeightClasses(tuple(raw)))


@CURES("label-misalignment")
def _aligned(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy("Reorder inputs and labels by one and the same permutation.", data.same_order(patient.source))
    yield patient.remedy(
        "Leave class numbers as they are: scaling makes other classes of them.", data.labels_unscaled(patient.source)
    )


@CURES("label-noise")
def _noise(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy(
        "Have the labels of the rows with the largest loss checked; no change of the script mends them."
    )


@CURES("split-leak")
def _leak(patient: Patient) -> Iterator[Remedy]:
    action = "Measure on samples that training never saw: what is reported now is memory."
    yield patient.remedy(action, data.disjoint_slices(patient.source), provable=False)

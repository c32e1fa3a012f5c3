"""Remedies of what stands between the last layer and the loss."""

from collections.abc import Iterator

from pellucid.diagnosis.remedies.anatomy import loss_at
from pellucid.diagnosis.remedies.edit import Edit, combined
from pellucid.diagnosis.remedies.edits import losses, width
from pellucid.diagnosis.remedies.facts import fact, spelled
from pellucid.diagnosis.remedies.interventions import InvertOutput, MatchShapes, SwapLoss
from pellucid.diagnosis.remedies.layers import output_uses
from pellucid.diagnosis.remedies.remedy import Cures, Patient, Remedy

CURES = Cures()
PROBABILITY_LOSSES = {"binary_cross_entropy": "sigmoid", "nll_loss": "log_softmax"}
"""Loss -> the activation that gives what it expects."""
DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
SCORE_LOSSES = frozenset({"cross_entropy", "binary_cross_entropy_with_logits"})


def _loss(patient: Patient) -> str:
    found = loss_at(patient.source, patient.line)
    return fact(patient.suspicion.facts, "loss", str) or (found.function if found else "")


def _joined(patient: Patient, *edits: Edit | None) -> Edit | None:
    known = [edit for edit in edits if edit is not None]
    return combined(known, patient.source.text) if len(known) == len(edits) else None


@CURES("wrong-output-activation")
def _output(patient: Patient) -> Iterator[Remedy]:
    loss, source = _loss(patient), patient.source
    bare = "Let the last layer end the network, without an activation."
    wanted = PROBABILITY_LOSSES.get(loss)
    if wanted is not None:
        edit = losses.output_activation(source, wanted)
        yield patient.remedy(f"End the network in {wanted}, which gives what the loss expects.", edit)
        return
    if output_uses(source):
        yield patient.remedy(bare, losses.without_output_activation(source))
    else:
        yield patient.remedy(bare)
    if loss in DISTANCES and output_uses(source):
        sigmoid = losses.output_activation(source, "sigmoid")
        both = _joined(patient, sigmoid, losses.swap_loss(source, patient.line, "binary_cross_entropy"))
        yield patient.remedy("End the network in a sigmoid and train it with binary cross-entropy.", both)
        yield patient.remedy("End the network in a sigmoid.", sigmoid)


@CURES("double-softmax")
def _double(patient: Patient) -> Iterator[Remedy]:
    uses = output_uses(patient.source)
    kind = spelled(patient.suspicion.facts) or (uses[0].function if uses else "softmax")
    inverse = (InvertOutput(kind),) if kind in {"softmax", "sigmoid"} else ()
    edit = losses.matched_pair(patient.source, patient.line)
    yield patient.remedy("Let one of network and loss apply it, not both.", edit, *inverse)
    bare = losses.without_output_activation(patient.source)
    yield patient.remedy("Give the loss scores: it applies softmax or sigmoid itself.", bare)


@CURES("wrong-loss")
def _swap(patient: Patient) -> Iterator[Remedy]:
    facts, loss, source, line = patient.suspicion.facts, _loss(patient), patient.source, patient.line
    wanted = fact(facts, "wanted_loss", str)
    classes = fact(facts, "classes", int)
    given = fact(facts, "width", int)
    ends = {use.function for use in output_uses(source)}
    if wanted in {None, "cross_entropy"} and classes and classes > 2 and (given or 1) == 1:
        yield patient.remedy(
            f"Predict a score for each of the {classes} classes and train with cross-entropy.",
            _classes(patient, classes),
        )
    if wanted == "cross_entropy" or (wanted is None and (given or 1) > 1):
        yield patient.remedy("Train with cross-entropy.", _scores(patient))
    if wanted in {None, "binary_cross_entropy", "binary_cross_entropy_with_logits"}:
        function = "binary_cross_entropy" if "sigmoid" in ends else "binary_cross_entropy_with_logits"
        edit = losses.swap_loss(source, line, function)
        yield patient.remedy("Train with binary cross-entropy.", edit, SwapLoss(loss or "mse_loss", function))
        with_sigmoid = losses.output_activation(source, "sigmoid") if ends and "sigmoid" not in ends else None
        swapped = losses.swap_loss(source, line, "binary_cross_entropy")
        if with_sigmoid:
            both = _joined(patient, with_sigmoid, swapped)
            yield patient.remedy("End the network in a sigmoid and train it with binary cross-entropy.", both)
    elif wanted:
        yield patient.remedy(f"Train with {wanted}.", losses.swap_loss(source, line, wanted), SwapLoss(loss, wanted))


def _scores(patient: Patient) -> Edit | None:
    """Return cross-entropy on whatever the targets are, less an activation that it would apply again."""
    swapped = losses.swap_loss(patient.source, patient.line, "cross_entropy")
    ends = [use for use in output_uses(patient.source) if use.function in {"softmax", "sigmoid", "log_softmax", "relu"}]
    return _joined(patient, swapped, losses.without_output_activation(patient.source)) if ends else swapped


def _classes(patient: Patient, classes: int) -> Edit | None:
    wide = width.output_width(patient.source, classes)
    read = losses.classify(patient.source, patient.line, classes)
    return _joined(patient, wide, read)


@CURES("output-size")
def _width(patient: Patient) -> Iterator[Remedy]:
    wanted = fact(patient.suspicion.facts, "wanted_width", int)
    loss = _loss(patient)
    if wanted is None:
        yield patient.remedy("Let the last layer give as many numbers as there are classes or targets.")
        return
    wide = width.output_width(patient.source, wanted)
    if loss in SCORE_LOSSES | {"nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"} - {
        "binary_cross_entropy"
    }:
        found = loss_at(patient.source, patient.line)
        narrow = found is not None and found.function.startswith("binary")
        if not narrow:
            yield patient.remedy(f"Let the last layer give {wanted} numbers.", wide)
    yield patient.remedy(
        f"Let the last layer give {wanted} scores and train with cross-entropy.", _classes(patient, wanted)
    )


@CURES("loss-broadcast")
def _broadcast(patient: Patient) -> Iterator[Remedy]:
    facts = patient.suspicion.facts
    shapes = [tuple(int(size) for size in facts.get(name) or ()) for name in ("prediction", "target")]
    action = "Give prediction and target one shape: else every sample is compared with every other."
    if len(shapes[0]) > len(shapes[1]) and shapes[0][-1:] == (1,):
        squeezed = losses.squeezed_output(patient.source)
        yield patient.remedy(
            "Let the network drop its last axis of one, so that shapes agree.", squeezed, MatchShapes()
        )
    yield patient.remedy(action, losses.match_shapes(patient.source, shapes[0], shapes[1], patient.line), MatchShapes())


@CURES("softmax-axis")
def _axis(patient: Patient) -> Iterator[Remedy]:
    axis = fact(patient.suspicion.facts, "axis", int)
    for tried in dict.fromkeys([axis if axis is not None else -1, 1, -1]):
        edit = losses.softmax_axis(patient.source, patient.line, tried)
        yield patient.remedy(f"Let softmax sum over the classes, dim={tried}.", edit)

"""Remedies of a training loop that forgets a call, or makes it at the wrong place."""

from collections.abc import Iterator

from pellucid.diagnosis.remedies.edits import loop, network, numbers, parameters
from pellucid.diagnosis.remedies.facts import fact
from pellucid.diagnosis.remedies.interventions import (
    ClearGradients,
    EvaluateInMode,
    HoldRate,
    KeepOptimizer,
    StepAfterBackward,
    TrainInMode,
)
from pellucid.diagnosis.remedies.remedy import Cures, Patient, Remedy

CURES = Cures()


@CURES("missing-zero-grad")
def _clear(patient: Patient) -> Iterator[Remedy]:
    edit = loop.clear_gradients(patient.source, patient.line)
    yield patient.remedy("Clear the gradients before every backward pass.", edit, ClearGradients())


@CURES("missing-step")
def _step(patient: Patient) -> Iterator[Remedy]:
    edit = loop.step_optimizer(patient.source, patient.line)
    yield patient.remedy("Let the optimiser step after every backward pass.", edit, StepAfterBackward())
    cleared = loop.clear_gradients(patient.source, patient.line)
    yield patient.remedy("Clear the gradients before backward, not between backward and step.", cleared)


@CURES("optimizer-reset")
def _once(patient: Patient) -> Iterator[Remedy]:
    edit = loop.optimizer_once(patient.source, patient.line)
    yield patient.remedy(
        "Make the optimiser once, before the loop: its momentum is lost each time.", edit, KeepOptimizer()
    )


@CURES("scheduler-misuse")
def _schedule(patient: Patient) -> Iterator[Remedy]:
    by_epoch = loop.schedule_by_epoch(patient.source, patient.line)
    yield patient.remedy("Step the scheduler once an epoch, after the loop over batches.", by_epoch)
    stepped = loop.schedule_stepped(patient.source, patient.line)
    yield patient.remedy("Step the scheduler at the end of every epoch.", stepped)
    without = loop.schedule_without(patient.source, patient.line)
    yield patient.remedy("Leave the schedule out: the rate then stays as it was set.", without, HoldRate())


@CURES("train-eval-mode")
def _mode(patient: Patient) -> Iterator[Remedy]:
    name = fact(patient.suspicion.facts, "network", str)
    phase = fact(patient.suspicion.facts, "phase", str)
    measured = loop.evaluate_in_mode(patient.source, patient.line, name)
    trained = loop.train_in_mode(patient.source, name)
    evaluation = patient.remedy(
        "Call eval() before the network is measured, train() before it is trained.", measured, EvaluateInMode()
    )
    training = patient.remedy("Call train() at the head of every epoch.", trained, TrainInMode())
    yield from (training, evaluation) if phase == "train" else (evaluation, training)


@CURES("state-carryover")
def _state(patient: Patient) -> Iterator[Remedy]:
    kind = fact(patient.suspicion.facts, "kind", str)
    if kind == "reset":
        kept = loop.keep_state(patient.source, patient.line)
        yield patient.remedy("Begin with the state that the last step left, detached.", kept)
        return
    reset = patient.remedy("Begin every batch with a fresh state.", loop.reset_state(patient.source, patient.line))
    cut = patient.remedy("Detach the state between batches.", loop.detach_state(patient.source, patient.line))
    yield from (cut, reset) if kind == "graph" else (reset, cut)


@CURES("frozen-parameters")
def _frozen(patient: Patient) -> Iterator[Remedy]:
    tried = {
        "not-in-optimizer": patient.remedy(
            "Give the optimiser all parameters that are to learn.", parameters.optimised(patient.source)
        ),
        "detached": patient.remedy(
            "Do not cut the gradient inside the network.", parameters.attached(patient.source, patient.line)
        ),
        "requires-grad": patient.remedy("Let the frozen parameters learn.", parameters.trainable(patient.source)),
    }
    why = fact(patient.suspicion.facts, "why", str) or ""
    first = "requires-grad" if "requires_grad" in why else "detached" if "detaches" in why else "not-in-optimizer"
    yield from sorted(tried.values(), key=lambda remedy: remedy is not tried[first])


@CURES("unregistered-parameters")
def _registered(patient: Patient) -> Iterator[Remedy]:
    edit = parameters.registered(patient.source)
    yield patient.remedy("Keep layers in ModuleList or ModuleDict, tensors in Parameter.", edit)


@CURES("batch-mixing")
def _mixing(patient: Patient) -> Iterator[Remedy]:
    first = patient.remedy("Say that the batch is the first axis.", network.batch_first(patient.source))
    swap = patient.remedy(
        "Transpose the axes; a view only renames them.", network.transposed(patient.source, patient.line)
    )
    yield from (swap, first) if fact(patient.suspicion.facts, "kind", str) == "view" else (first, swap)


@CURES("batch-size")
def _batch(patient: Patient) -> Iterator[Remedy]:
    size = fact(patient.suspicion.facts, "size", float)
    wanted = fact(patient.suspicion.facts, "wanted_size", float)
    sizes = [int(wanted)] if wanted else []
    sizes += [64, 32, 16] if size is None or size < 32 else [32, 8]
    for tried in dict.fromkeys(sizes):
        if tried != size:
            edit = numbers.batch_size(patient.source, None, tried)
            yield patient.remedy(f"Train on batches of {tried}.", edit)

"""Remedies of layers: activations, initial weights, size."""

from collections.abc import Iterator

from pellucid.diagnosis.remedies.edits import data, initial, network, width
from pellucid.diagnosis.remedies.facts import fact, spelled
from pellucid.diagnosis.remedies.interventions import FreshWeights, StandardiseInputs, SwapActivation
from pellucid.diagnosis.remedies.remedy import Cures, Patient, Remedy

CURES = Cures()


@CURES("missing-nonlinearity")
def _nonlinear(patient: Patient) -> Iterator[Remedy]:
    for function in ("relu", "tanh", "gelu"):
        edit = network.activation_between(patient.source, function)
        yield patient.remedy(f"Put {function} between the layers: without it they are one linear map.", edit)


@CURES("wrong-hidden-activation")
def _hidden(patient: Patient) -> Iterator[Remedy]:
    kind = spelled(patient.suspicion.facts)
    kinds = (kind,) if kind else ()
    for function in ("relu", "gelu"):
        edit = network.hidden_activation(patient.source, function, kinds)
        yield patient.remedy(
            f"Use {function} in the hidden layers.", edit, *((SwapActivation(kind, function),) if kind else ())
        )
    yield patient.remedy("Put batch normalisation before the hidden activations.", network.normalised(patient.source))


@CURES("vanishing-gradient")
def _vanishing(patient: Patient) -> Iterator[Remedy]:
    length = fact(patient.suspicion.facts, "length", int)
    if patient.source.calls("RNN"):
        if length:
            edit = network.gated(patient.source, length)
            yield patient.remedy("Use a GRU whose gate begins by keeping its state.", edit)
        yield patient.remedy("Use a GRU in place of the plain recurrent layer.", network.gated(patient.source))
    yield from _hidden(patient)
    yield from _weights(patient)


@CURES("saturation")
def _saturated(patient: Patient) -> Iterator[Remedy]:
    yield from _gains(patient)
    yield from _hidden(patient)
    edit = data.standardise_inputs(patient.source)
    yield patient.remedy("Standardise the inputs.", edit, StandardiseInputs())
    yield from _weights(patient)


def _gains(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy("Leave out the factor inside the activation.", network.without_gain(patient.source))


@CURES("dead-relu")
def _dead(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy("Begin with biases of zero.", initial.zero_biases(patient.source))
    edit = initial.fresh_weights(patient.source)
    yield patient.remedy("Begin with the initial weights of torch's own layers.", edit, FreshWeights())
    leaky = network.hidden_activation(patient.source, "leaky_relu", ("relu",))
    yield patient.remedy("Use leaky ReLU, whose gradient is never zero.", leaky, SwapActivation("relu", "leaky_relu"))


@CURES("symmetric-init", "init-scale")
def _weights(patient: Patient) -> Iterator[Remedy]:
    edit = initial.fresh_weights(patient.source)
    for rule, name in (("kaiming_uniform_", "He"), ("xavier_uniform_", "Glorot")):
        drawn = initial.scaled_init(patient.source, rule)
        yield patient.remedy(f"Draw the initial weights by {name}'s rule.", drawn)
    yield patient.remedy("Begin with the initial weights of torch's own layers.", edit, FreshWeights())


@CURES("capacity-low")
def _larger(patient: Patient) -> Iterator[Remedy]:
    yield patient.remedy("Make hidden layers wider and add one.", width.deeper(patient.source, 64))
    for factor, least in ((16.0, 64), (4.0, 16)):
        edit = width.wider(patient.source, factor, least)
        yield patient.remedy(f"Make hidden layers {factor:g} times as wide.", edit)


@CURES("bias-before-norm")
def _bias(patient: Patient) -> Iterator[Remedy]:
    edit = network.without_bias(patient.source)
    yield patient.remedy("Leave out the bias before the norm: it is subtracted again.", edit, provable=False)

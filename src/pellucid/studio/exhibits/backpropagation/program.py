"""One round as a program that needs PyTorch alone."""

from torch import Tensor

from pellucid.networks import parse, to_source
from pellucid.studio.exhibits.backpropagation.settings import BackpropagationSettings
from pellucid.studio.exhibits.backpropagation.subject import Subject
from pellucid.studio.exhibits.backpropagation.updating import Learner

_LOSSES = {
    "half-squared-error": "((targets - outputs) ** 2).sum() / {twice}",
    "squared-error": "F.mse_loss(outputs, targets)",
    "cross-entropy": "F.cross_entropy({logits}, targets)",
    "binary-cross-entropy": "F.binary_cross_entropy_with_logits(outputs, targets)",
}
_OPTIMISERS = {
    "sgd": "SGD(network.parameters(), lr={rate})",
    "momentum": "SGD(network.parameters(), lr={rate}, momentum={momentum})",
    "nesterov": "SGD(network.parameters(), lr={rate}, momentum={momentum}, nesterov={positive})",
    "adagrad": "Adagrad(network.parameters(), lr={rate})",
    "rmsprop": "RMSprop(network.parameters(), lr={rate})",
    "adam": "Adam(network.parameters(), lr={rate}, betas=({momentum}, 0.999))",
}
_PROGRAM = """{source}

network = {made}.double()
network.load_state_dict({{
{state}
}})
inputs = [
{inputs}
]
targets = torch.tensor({targets})
optimizer = torch.optim.{optimizer}

for round in range({rounds}):
    outputs = network(*inputs)
    loss = {loss}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"round {{round}}: E = {{loss.item():.9f}}")
for name, parameter in network.named_parameters():
    print(name, "gradient", parameter.grad.tolist(), "after the update", parameter.tolist())
"""


def program(subject: Subject, settings: BackpropagationSettings, start: Learner) -> str:
    """Return the program: the network with its first numbers, the batch, and the rounds up to the one that is shown.

    Args:
        subject: what is derived.
        settings: with the optimiser and the round.
        start: before the first update.
    """
    source = (
        to_source(parse(subject.arrows)) if subject.arrows else subject.source or "# `Network()` makes your network"
    )
    lines = ["import torch", "from torch import Tensor, nn", "from torch.nn import functional as F"]
    missing = [line for line in lines if line not in source]
    name = type(subject.model).__name__ if subject.source else "Network"
    state = "\n".join(f"    {key!r}: {_written(value)}," for key, value in start.model.state_dict().items())
    inputs = "\n".join(f"    {_written(each)}," for each in subject.inputs)
    logits = "outputs" if subject.targets.dim() == 1 else "outputs.movedim(-1, 1)"
    momentum = settings.momentum
    return _PROGRAM.format(
        source="\n".join([*missing, "", source]), made=f"{name}()", state=state, inputs=inputs,
        targets=_numbers(subject.targets), rounds=settings.round + 1,
        loss=_LOSSES[subject.loss].format(twice=2 * len(subject.inputs[0]), logits=logits),
        optimizer=_OPTIMISERS[settings.optimizer].format(
            rate=subject.learning_rate, momentum=momentum, positive=momentum > 0
        ),
    )  # fmt: skip


def _written(tensor: Tensor) -> str:
    return f"torch.tensor({_numbers(tensor)})"


def _numbers(tensor: Tensor) -> str:
    kind = ", dtype=torch.float64" if tensor.is_floating_point() else ""
    return f"{tensor.tolist()}{kind}"

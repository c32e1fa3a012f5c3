"""K networks of one make whose parameters are the rows of one matrix, called together.

Each network stays what it was, and its own: its parameters and buffers are views of its row.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.seed import begin_streams, isolated
from pellucid.training.population.chained import Tensors, together
from pellucid.training.population.stacked import Drawn, StackingError, draw, refused, stacked

Outputs = Tensor | Tensors
_AGREE = 1e-3, 1e-2
"""Of their size, how much the outputs and the gradients of a network computed together with others may differ from its
own by rounding: of millions of ReLUs that decides a few, which the outputs hardly feel and the gradients do."""


class Stack:
    """K networks as one function of K batches.

    Args:
        networks: of one make, on one device; from now on their tensors are views of this stack's.
        inputs_KB: a batch for each, to try them on; nothing is changed by it.

    Attributes:
        weights_KP: every parameter that wants a gradient, a row a network.
        gradients_KP: of each network's own loss, those that were put there last.

    Raises:
        StackingError: they cannot be computed together.
    """

    def __init__(self, networks: Sequence[nn.Module], inputs_KB: Tensor) -> None:
        _require_one_make(networks)
        self.networks = list(networks)
        self._form = stacked(copy.deepcopy(networks[0]))
        # by the samples' order in memory: what is given to each layer that draws, in their order
        self._given: dict[tuple[int, ...], dict[str, Tensor]] = {}
        first = dict(networks[0].named_parameters())
        self._shapes = {name: parameter.shape for name, parameter in first.items() if parameter.requires_grad}
        if not self._shapes:
            raise StackingError(
                "there is nothing to train", expected="a network with parameters", received="none in it"
            )
        if len({first[name].dtype for name in self._shapes}) > 1:
            raise StackingError("networks whose parameters are of several types cannot be computed together")
        self._still = [name for name, parameter in first.items() if not parameter.requires_grad]
        self._join()
        self._try(inputs_KB)

    def __len__(self) -> int:
        return len(self.networks)

    def _join(self) -> None:
        """Gather the networks' tensors into the stack and let them be views of it."""
        each: list[dict[str, Tensor]] = [dict(network.named_parameters()) for network in self.networks]
        self.weights_KP = torch.stack(
            [torch.cat([one[name].detach().flatten() for name in self._shapes]) for one in each]
        )
        self.gradients_KP = torch.empty_like(self.weights_KP)
        for one, row_P in zip(each, self.weights_KP, strict=True):
            for name, part in _parts(row_P, self._shapes).items():
                one[name].data = part
        buffers = [dict(network.named_buffers()) for network in self.networks]
        self._buffers = {name: torch.stack([one[name] for one in buffers]) for name in buffers[0]}
        self._buffers |= {name: torch.stack([one[name].detach() for one in each]) for name in self._still}
        for number, (one, parameters) in enumerate(zip(buffers, each, strict=True)):
            for name, stack in self._buffers.items():
                (parameters[name] if name in parameters else one[name]).data = stack[number]

    def keep(self, members: Sequence[int]) -> None:
        """Go on with these networks alone; the others keep their tensors."""
        left = set(range(len(self))) - set(members)
        for k in left:
            for tensor in (*self.networks[k].parameters(), *self.networks[k].buffers()):
                tensor.data = tensor.data.clone()
        self.networks = [self.networks[k] for k in members]
        self._join()

    def named(self, numbers_KP: Tensor) -> dict[str, Tensor]:
        """Return what stands for each parameter of all members, (K, ...): views of the rows."""
        return _parts(numbers_KP, self._shapes)

    def leaves(self) -> dict[str, Tensor]:
        """Return each parameter of all members, for gradients to be asked for."""
        return {name: part.requires_grad_() for name, part in self.named(self.weights_KP).items()}

    def find_gradients(self, losses_K: Tensor, leaves: Tensors) -> None:
        """Put the gradients of the members' losses in place by autograd."""
        found = torch.autograd.grad(losses_K.sum(), list(leaves.values()), allow_unused=True, materialize_grads=True)
        torch.cat([gradient.flatten(1) for gradient in found], 1, out=self.gradients_KP)

    def parts(self, member: int, numbers_P: Tensor) -> Iterator[tuple[nn.Parameter, Tensor]]:
        """Yield each parameter of a network with the numbers of a row that stand for it, a view in its shape."""
        parameters = dict(self.networks[member].named_parameters())
        for name, part in _parts(numbers_P, self._shapes).items():
            yield parameters[name], part

    def pulled(self, exempt: set[nn.Parameter]) -> Tensor:
        """Return 1 for each weight that penalties pull on and 0 for the exempt ones of the first network."""
        first = dict(self.networks[0].named_parameters())
        return torch.cat(
            [torch.full_like(first[name].detach().flatten(), float(first[name] not in exempt)) for name in self._shapes]
        )

    def __call__(self, leaves: Tensors, inputs_KB: Tensor, drawn: Tensors) -> Outputs:
        """Return the outputs in training, (K, B, ...); batch statistics are taken in."""
        self._form.train()
        outputs: Outputs = together(self._form, {**leaves, **self._buffers, **drawn}, inputs_KB)
        return outputs

    @torch.no_grad()
    def judged(self, inputs_B: Tensor) -> Outputs:
        """Return what each network gives for one batch when it is judged, (K, B, ...)."""
        self._form.eval()
        inputs_KB = inputs_B.expand(len(self), *inputs_B.shape)
        outputs: Outputs = together(self._form, {**self.named(self.weights_KP), **self._buffers}, inputs_KB)
        return outputs

    def draw(self, seeds: Iterable[int], samples: Tensor) -> dict[str, Tensor]:
        """Return what each member draws at a step that its seed begins, (K, ...) for each layer that draws.

        Args:
            seeds: of the step, one a member.
            samples: a batch of one member, for its shape and its order in memory, in which numbers are drawn.
        """
        given = self._drawing(samples)
        if not given:
            return {}
        drawn: dict[str, list[Tensor]] = {f"{path}.drawn": [] for path in given}
        stream = torch.Generator(samples.device)
        for seed, network in zip(seeds, self.networks, strict=True):
            stream.manual_seed(seed)
            for path, like in given.items():
                drawn[f"{path}.drawn"].append(draw(network.get_submodule(path), like, stream))
        return {name: torch.stack(each) for name, each in drawn.items()}

    def _drawing(self, samples: Tensor) -> dict[str, Tensor]:
        """Return what each layer that draws is given, in the order in which they do, without its numbers."""
        order = len(samples), *samples.stride()
        if order not in self._given:
            paths = {path for path, module in self._form.named_modules() if isinstance(module, Drawn)}
            self._given[order] = _inputs_of(self.networks[0], paths, samples) if paths else {}
        return self._given[order]

    def _try(self, inputs_KB: Tensor) -> None:
        """Compute a batch together, and of each network by itself.

        Raises:
            StackingError: it cannot be done, or does not come to the same.
        """
        kept = {name: tensor.clone() for name, tensor in self._buffers.items()}
        with _following(self._form) as last:
            try:
                leaves = self.leaves()
                outputs = _each(self(leaves, inputs_KB, self.draw(range(len(self)), inputs_KB[0])))
                self.find_gradients(_summed(outputs, len(self)), leaves)
            except StackingError:
                raise
            except Exception as error:  # whatever a layer does that cannot be done for many
                raise refused(*last[-1], str(error).split("\n", 1)[0]) from error
        for name, tensor in self._buffers.items():
            tensor.copy_(kept[name])
        for k, network in enumerate(self.networks):
            *given, gradients_P = _alone(network, inputs_KB[k], list(self._shapes), seed=k)
            for one, other in zip(outputs, given, strict=True):
                _require_agreement(one[k].detach(), other, _AGREE[0])
            _require_agreement(self.gradients_KP[k], gradients_P, _AGREE[1])


def _summed(outputs: list[Tensor], members: int) -> Tensor:
    """Return a number of each member's outputs, (K), with gradients that say something.

    Not their sum: what batch norm gives sums to the same whatever it is given, and its gradient is rounding alone.
    """
    numbers = [each.reshape(members, -1) for each in outputs]
    return torch.stack([(each * torch.arange(each.shape[1]).to(each).cos()).sum(1) for each in numbers]).sum(0)


def _each(outputs: Outputs) -> list[Tensor]:
    return list(outputs.values()) if isinstance(outputs, Mapping) else [outputs]


def _require_agreement(together: Tensor, alone: Tensor, most: float) -> None:
    difference = (together - alone).norm() / alone.norm().clamp_min(1e-6)
    if not difference <= most:  # NaN, too
        raise StackingError(
            "these networks compute something else together than each by itself",
            expected="the same outputs and gradients but for rounding",
            received=f"a difference of {float(difference):.2g} of their size",
        )


def _require_one_make(networks: Sequence[nn.Module]) -> None:
    def make(network: nn.Module) -> list[tuple[str, torch.Size, torch.dtype, torch.device, bool]]:
        tensors = (*network.named_parameters(), *network.named_buffers())
        return [(name, each.shape, each.dtype, each.device, each.requires_grad) for name, each in tensors]

    first = make(networks[0])
    if any(make(network) != first for network in networks[1:]):
        raise StackingError(
            "networks of different shapes cannot be computed together",
            expected="one architecture",
            received="parameters of other names, shapes or types",
        )


def _parts(weights: Tensor, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Return the views that the parameters are of a row (P) or of all of them (K, P)."""
    lengths = [shape.numel() for shape in shapes.values()]
    parts = weights.detach().split(lengths, -1)
    return {
        name: part.view(*weights.shape[:-1], *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


@contextmanager
def _following(network: nn.Module) -> Iterator[list[tuple[nn.Module, str]]]:
    """Give the layers that are being called, with their paths, the innermost last."""
    called: list[tuple[nn.Module, str]] = [(network, "")]

    def enter(path: str) -> Any:
        return lambda layer, _: called.append((layer, path))

    def leave(*_: object) -> None:
        called.pop()

    hooks = [layer.register_forward_pre_hook(enter(path)) for path, layer in network.named_modules()]
    hooks += [layer.register_forward_hook(leave) for layer in network.modules()]
    try:
        yield called
    finally:
        for hook in hooks:
            hook.remove()


def _alone(network: nn.Module, inputs_B: Tensor, names: list[str], seed: int) -> list[Tensor]:
    """Return what a network gives in training at a step that a seed begins, and the gradient of its `_summed`.

    Nothing of the network is changed.
    """
    copied = copy.deepcopy(network).train()
    with isolated():
        begin_streams(seed)
        outputs = _each(copied(inputs_B))
    parameters = dict(copied.named_parameters())
    wanted = [parameters[name] for name in names]
    found = torch.autograd.grad(_summed(outputs, 1), wanted, allow_unused=True, materialize_grads=True)
    return [*(each.detach() for each in outputs), torch.cat([gradient.flatten() for gradient in found])]


@torch.no_grad()
def _inputs_of(network: nn.Module, paths: set[str], samples_B: Tensor) -> dict[str, Tensor]:
    """Return what some layers of a network are given, in the order in which it calls them, without the numbers.

    Raises:
        StackingError: one is called twice.
    """
    given: dict[str, Tensor] = {}
    copied = copy.deepcopy(network).train()

    def note(path: str) -> Any:
        def noted(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if path in given:
                raise refused(layer, path, "it draws random numbers more than once a step")
            given[path] = torch.empty_like(inputs[0], device="meta")

        return noted

    for path in paths:
        copied.get_submodule(path).register_forward_pre_hook(note(path))
    with isolated():
        copied(samples_B)
    return given

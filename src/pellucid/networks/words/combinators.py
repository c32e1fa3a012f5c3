"""Words around chains: repetition, branches that are added or joined, residual blocks, several outputs."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import nn

from pellucid.blocks import Add as AddBlock
from pellucid.blocks import Concat as ConcatBlock
from pellucid.blocks import FromLast as FromLastBlock
from pellucid.blocks import Heads as HeadsBlock
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import Named, Output, Word, Words
from pellucid.networks.words.activation import Identity
from pellucid.networks.words.adversarial import Gan
from pellucid.networks.words.branching import (
    Branching,
    NamedChain,
    branch_shapes,
    chain_text,
    numbered,
    refuse_unequal_lengths,
)
from pellucid.networks.words.composite import (
    Composite,
    chain_shape,
)
from pellucid.networks.words.convolution import Conv
from pellucid.networks.words.dense import Fc
from pellucid.networks.words.normalisation import BatchNorm
from pellucid.shapes import Features, Image, Sequence, Shape


@dataclass(frozen=True)
class Repeat(Composite):
    """A chain several times over: `3 * (fc(64) -> relu)`; each repetition has weights of its own."""

    name: ClassVar[str] = "repeat"
    count: int
    body: Words

    def expanded(self) -> Words:
        """Return the chain `count` times; what is asserted of the whole is asserted of its end."""
        return self.body * self.count

    def shape(self, incoming: Shape) -> Output:
        """Return the shape behind the last repetition; one that changes nothing need not be repeated to know that."""
        shape: Output = incoming
        for _ in range(self.count):
            before = shape
            assert not isinstance(before, Named)
            shape = chain_shape(self.body, before)
            if shape == before:
                break
            if isinstance(shape, Named):
                raise MisfitError(
                    "heads cannot be repeated", expected="heads at the end", received="heads in a repetition"
                )
        return shape

    def __str__(self) -> str:
        return f"{self.count} * ({chain_text(self.body)})"


@dataclass(frozen=True)
class Add(Branching):
    """The sum of branches: `add(a | b)`."""

    name: ClassVar[str] = "add"
    block: ClassVar[type[nn.Module]] = AddBlock
    chains: tuple[Words, ...]

    def branches(self, incoming: Shape) -> tuple[NamedChain, ...]:
        """Return branch1, branch2, ..."""
        return numbered(self.chains)

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape all branches have."""
        first, *others = branch_shapes(self, self.chains, incoming)
        for number, shape in enumerate(others, start=2):
            if shape != first:
                raise MisfitError(
                    "add needs branches of one shape",
                    expected=f"{first}, as branch 1 gives",
                    received=f"{shape} from branch {number}",
                    advice="residual(...) fits its shortcut by itself; concat(...) joins channels",
                )
        refuse_unequal_lengths(self, self.chains, incoming)
        return first

    def __str__(self) -> str:
        return f"{self.name}({' | '.join(map(chain_text, self.chains))})"


@dataclass(frozen=True)
class Concat(Branching):
    """Branches side by side: the channels of images, the features of rows and steps are joined: `concat(a | b)`."""

    name: ClassVar[str] = "concat"
    also_called: ClassVar[tuple[str, ...]] = ("concatenate", "cat", "inception")
    block: ClassVar[type[nn.Module]] = ConcatBlock
    chains: tuple[Words, ...]

    def branches(self, incoming: Shape) -> tuple[NamedChain, ...]:
        """Return branch1, branch2, ..."""
        return numbered(self.chains)

    def shape(self, incoming: Shape) -> Shape:
        """Return the joined shape."""
        shapes = branch_shapes(self, self.chains, incoming)
        first, *others = shapes
        for number, shape in enumerate(others, start=2):
            if type(shape) is not type(first) or _places(shape) != _places(first):
                raise MisfitError(
                    "concat joins channels or features, all else must agree",
                    expected=f"a shape like {first}, as branch 1 gives",
                    received=f"{shape} from branch {number}",
                )
        refuse_unequal_lengths(self, self.chains, incoming)
        match first:
            case Image(height, width):
                return Image(height, width, sum(shape.channels for shape in shapes if isinstance(shape, Image)))
            case Sequence(length=length):
                return Sequence(sum(shape.features for shape in shapes if isinstance(shape, Sequence)), length)
            case Features():
                return Features(sum(shape.count for shape in shapes if isinstance(shape, Features)))
        raise MisfitError("concat joins numbers", expected="features, images and sequences", received=str(first))

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that joins channels (dimension 1 of images) or features (the last)."""
        (layer,) = super().modules(incoming)
        image = isinstance(self.shape(incoming), Image)
        return (replace(layer, positional=(1 if image else -1,)),)

    def __str__(self) -> str:
        return f"{self.name}({' | '.join(map(chain_text, self.chains))})"


@dataclass(frozen=True)
class Residual(Branching):
    """A chain and its input added, y = f(x) + x: `residual(a)`. He et al. (2016).

    Where the shapes differ, the shortcut is a projection: a 1x1 convolution with the stride that fits (a fully
    connected layer on features), with batch norm and then no bias where the chain has batch norm.
    """

    name: ClassVar[str] = "residual"
    also_called: ClassVar[tuple[str, ...]] = ("skip", "shortcut", "resblock")
    block: ClassVar[type[nn.Module]] = AddBlock
    body: Words

    def branches(self, incoming: Shape) -> tuple[NamedChain, ...]:
        """Return body and shortcut."""
        (shape,) = branch_shapes(self, (self.body,), incoming)
        return ("body", self.body), ("shortcut", self._shortcut(incoming, shape))

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape of the chain."""
        (shape,) = branch_shapes(self, (self.body,), incoming)
        refuse_unequal_lengths(self, (self.body, ()), incoming)
        self._shortcut(incoming, shape)
        return shape

    def _shortcut(self, incoming: Shape, shape: Shape) -> Words:
        if incoming == shape:
            return (Identity(place=self.place),)
        norm = any(isinstance(word, BatchNorm) for word in every(self.body))
        bias = not norm
        match incoming, shape:
            case Image(), Image():
                strides = _stride(incoming.height, shape.height), _stride(incoming.width, shape.width)
                if 0 in strides:
                    raise self._refusal(incoming, shape)
                stride: int | tuple[int, int] = strides[0] if strides[0] == strides[1] else strides
                project: Word = Conv(shape.channels, (1, 1), stride, bias=bias, place=self.place)
            case Sequence(length=before), Sequence(length=after):
                stride = 1 if before == after else 0 if before is None or after is None else _stride(before, after)
                if stride == 0:
                    raise self._refusal(incoming, shape)
                project = Conv(shape.features, 1, stride, bias=bias, place=self.place)
            case Features(), Features(count):
                project = Fc(count, bias=bias, place=self.place)
            case _:
                raise self._refusal(incoming, shape)
        return (project, BatchNorm(place=self.place)) if norm else (project,)

    def _refusal(self, incoming: Shape, shape: Shape) -> MisfitError:
        return MisfitError(
            "no 1x1 projection leads from the input of residual to its output",
            expected=f"a shape that a stride makes of {incoming}",
            received=str(shape),
            advice="pad with padding=same, or write the shortcut yourself: add(a | b)",
        )

    def __str__(self) -> str:
        return f"{self.name}({chain_text(self.body)})"


@dataclass(frozen=True)
class FromLast(Branching):
    """A forecast from where the sequence stands, y = f(x - x[T]) + x[T, 0]: `fromlast(gru(64) -> last -> fc(1))`.

    The chain sees how each step differs from the last one and gives changes of the first feature, which is the one
    that is forecast. Zeng et al. (2023), NLinear.
    """

    name: ClassVar[str] = "fromlast"
    also_called: ClassVar[tuple[str, ...]] = ("nlinear", "relative")
    block: ClassVar[type[nn.Module]] = FromLastBlock
    body: Words

    def branches(self, incoming: Shape) -> tuple[NamedChain, ...]:
        """Return body."""
        return (("body", self.body),)

    def shape(self, incoming: Shape) -> Features:
        """Return the shape of the chain, a row of values to come."""
        if not isinstance(incoming, Sequence):
            raise MisfitError(
                "fromlast works on sequences", expected="a sequence, T x F", received=str(incoming),
            )  # fmt: skip
        (shape,) = branch_shapes(self, (self.body,), incoming)
        if not isinstance(shape, Features):
            raise MisfitError(
                "the chain of fromlast gives values to come",
                expected="a row of features",
                received=str(shape),
                advice="end it with last -> fc(1), or flatten -> fc(1)",
            )
        return shape

    def __str__(self) -> str:
        return f"{self.name}({chain_text(self.body)})"


@dataclass(frozen=True)
class Heads(Branching):
    """Several outputs, a dict of tensors: `heads(digit: fc(10) | parity: fc(2))`; nothing can stand behind it.

    A head that ends in heads gives their outputs in place of one of its own, so that outputs can branch off on the way:
    `heads(aux: fc(10) | main: conv(8, 3x3) -> heads(aux2: fc(10) | main: fc(10)))` has the outputs aux, aux2 and main.
    """

    name: ClassVar[str] = "heads"
    also_called: ClassVar[tuple[str, ...]] = ("outputs",)
    block: ClassVar[type[nn.Module]] = HeadsBlock
    chains: tuple[NamedChain, ...]

    def __post_init__(self) -> None:
        """Check the names."""
        names = [name for name, _ in self.chains]
        for name in names:
            if names.count(name) > 1:
                raise MisfitError("two heads have one name", expected="a name of its own", received=name)
            if not name.isidentifier() or hasattr(HeadsBlock(), name):
                raise MisfitError("a head cannot have this name", expected="a name torch does not use", received=name)

    def branches(self, incoming: Shape) -> tuple[NamedChain, ...]:
        """Return the heads."""
        return self.chains

    def shape(self, incoming: Shape) -> Named:
        """Return the shape of each output."""
        shapes: list[tuple[str, Shape]] = []
        for name, words in self.chains:
            shape = chain_shape(words, incoming)
            shapes += shape.shapes if isinstance(shape, Named) else [(name, shape)]
        names = [name for name, _ in shapes]
        for name in names:
            if names.count(name) > 1:
                raise MisfitError("two outputs have one name", expected="a name of its own", received=name)
        return Named(tuple(shapes))

    def __str__(self) -> str:
        return f"{self.name}({' | '.join(f'{name}: {chain_text(words)}' for name, words in self.chains)})"


def inner(word: Word) -> tuple[Words, ...]:
    """Return the chains written inside a word."""
    match word:
        case Repeat(body=body) | Residual(body=body) | FromLast(body=body):
            return (body,)
        case Add(chains=chains) | Concat(chains=chains):
            return chains
        case Heads(chains=named) | Gan(chains=named):
            return tuple(words for _, words in named)
    return ()


def every(words: Words) -> Iterable[Word]:
    """Yield every word of a chain and, behind it, those written inside it."""
    for word in words:
        yield word
        for chain in inner(word):
            yield from every(chain)


def _places(shape: Shape) -> tuple[int | None, ...]:
    """Return the sizes of a shape but for its channels or features."""
    match shape:
        case Image(height, width):
            return height, width
        case Sequence(length=length):
            return (length,)
    return ()


def _stride(before: int, after: int) -> int:
    """Return the stride s with ceil(before / s) = after, or 0 where there is none."""
    stride = -(-before // after)
    return stride if -(-before // stride) == after else 0

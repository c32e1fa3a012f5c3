"""What a word of the notation is: its arguments, shape rule, parameters, FLOPs, receptive field, layers, printed form.

FLOPs are 2 x the multiply-adds of one sample's forward pass through weighted layers (convolution, fully connected,
recurrent); additions of biases, activations, pooling and normalisation are left out, as papers do.
"""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from pellucid.networks.arguments import Kernel, Kind
from pellucid.networks.field import Field
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError, Place, failure, failure_of
from pellucid.networks.tree import Assertion
from pellucid.recipe import LossName, TaskName
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens

LARGEST_DIMENSION = 2**40


@dataclass(frozen=True)
class Named:
    """The shapes of several outputs: what `heads` gives, a dict of tensors."""

    shapes: tuple[tuple[str, Shape], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name}: {shape}" for name, shape in self.shapes)


Output = Shape | Named


@dataclass(frozen=True)
class Word(ABC):
    """One word of a network, with its arguments; a subclass is all that a new word needs.

    Attributes:
        place: where the word was written; not part of what it is.
        asserted: the shape written behind it.
    """

    name: ClassVar[str]
    also_called: ClassVar[tuple[str, ...]] = ()
    learns: ClassVar[TaskName | None] = None
    """The task that a network with this word is made for, where it is learned without a target beside the input."""
    loss: ClassVar[LossName | None] = None
    """The loss that a classifier which ends in this word is trained with, where that is not the usual one."""

    place: Place | None = dataclasses.field(default=None, compare=False, repr=False, kw_only=True)
    asserted: Assertion | None = dataclasses.field(default=None, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        """Check every argument."""
        for spec in arguments_of(type(self)):
            value = getattr(self, spec.name)
            if value is None and spec.default is None:
                continue
            object.__setattr__(self, spec.name, kind_of(spec).read(spec.name, value))

    @abstractmethod
    def shape(self, incoming: Shape) -> Output:
        """Return the shape of the output.

        Raises:
            MisfitError: the word cannot take such an input.
        """

    @abstractmethod
    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the layers the word stands for, given an input its `shape` accepts."""

    def parameters(self, incoming: Shape) -> int:
        """Return the number of trainable parameters."""
        return 0

    def flops(self, incoming: Shape) -> int | None:
        """Return 2 x the multiply-adds of one sample, or None where they depend on a free length."""
        return 0

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the receptive field of the output, given that of the input."""
        return before

    def __str__(self) -> str:
        texts = [text for spec in arguments_of(type(self)) if (text := _written(spec, getattr(self, spec.name)))]
        return f"{self.name}({', '.join(texts)})" if texts else self.name


Words = tuple[Word, ...]


def arguments_of(word: type[Word]) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a word that are its arguments, in the order they are written."""
    return tuple(spec for spec in dataclasses.fields(word) if "kind" in spec.metadata)


def kind_of(spec: dataclasses.Field[Any]) -> Kind:
    """Return the kind of an argument."""
    kind = spec.metadata["kind"]
    assert isinstance(kind, Kind)
    return kind


def output_of(word: Word, incoming: Output) -> Output:
    """Return the shape of a word's output and check what is asserted of it.

    Raises:
        NotationError: the word cannot take the input, or the shape written behind it is another.
    """
    try:
        shape = _checked(word, incoming)
    except MisfitError as misfit:
        raise failure_of(misfit, word.place) from None
    if word.asserted is not None and not agrees(word.asserted.shape, shape):
        raise failure(
            word.asserted.place,
            f"{word.name} gives another shape",
            expected=str(shape),
            received=str(word.asserted.shape),
            advice=f"{word} makes {shape} of {incoming}",
        )
    return shape


def _checked(word: Word, incoming: Output) -> Output:
    if isinstance(incoming, Named):
        raise MisfitError("nothing can stand behind heads", expected="the end of the network", received=word.name)
    shape = word.shape(incoming)
    for each in [inner for _, inner in shape.shapes] if isinstance(shape, Named) else [shape]:
        if prod(d for d in each.dimensions if d is not None) > LARGEST_DIMENSION:
            raise MisfitError(
                f"what {word.name} gives is too large",
                expected=f"at most {LARGEST_DIMENSION:,} numbers a sample",
                received=str(each),
            )
    return shape


def walk(words: Words, incoming: Shape) -> Iterator[tuple[Word, Shape, Output]]:
    """Yield each word of a chain with its input's and its output's shape."""
    shape: Output = incoming
    for word in words:
        after = output_of(word, shape)
        assert not isinstance(shape, Named)
        yield word, shape, after
        shape = after


def agrees(asserted: Shape, shape: Output) -> bool:
    """Say whether a shape is the asserted one; a free length agrees with any length."""
    match asserted, shape:
        case Sequence(features, None), Sequence():
            return shape.features == features
        case Tokens(vocabulary, None), Tokens():
            return shape.vocabulary == vocabulary
    return asserted == shape


def positions(shape: Shape) -> int | None:
    """Return over how many pixels or steps a word works: height x width, the length (None if free), or 1."""
    match shape:
        case Image(height, width):
            return height * width
        case Sequence(length=length) | Tokens(length=length):
            return length
        case Features():
            return 1


def refusal(word: Word, incoming: Shape, works_on: str, advice: str = "") -> MisfitError:
    """Return the misfit of a word that works on another sort of shape."""
    return MisfitError(
        f"{word.name} works on {works_on}",
        expected=works_on,
        received=f"{incoming} ({SORTS[type(incoming)]})",
        advice=advice or _ADVICE.get((type(incoming), works_on), ""),
    )


IMAGES = "images, HxWxC"
PLACES = "images, HxWxC, and sequences, T x F"
NUMBERS = "features, images and sequences"
SORTS: dict[type[Shape], str] = {
    Features: "a row of features",
    Image: "an image",
    Sequence: "a sequence",
    Tokens: "token ids",
}
_EMBED = "embed the ids first: embed(64)"
_ADVICE: dict[tuple[type[Shape], str], str] = {
    (Features, IMAGES): "images are HxWxC, such as 28x28x1; reshape(28x28x1) makes one of 784 features",
    (Features, PLACES): "images are HxWxC, such as 28x28x1; reshape(28x28x1) makes one of 784 features",
    (Tokens, IMAGES): _EMBED,
    (Tokens, PLACES): _EMBED,
    (Tokens, NUMBERS): _EMBED,
}


def _written(spec: dataclasses.Field[Any], value: Any) -> str:
    if value == spec.default:
        return ""
    kind = kind_of(spec)
    # 5x5 needs no name, a one-dimensional kernel does: a plain number would be a count
    plain = spec.metadata["positional"] and not (isinstance(kind, Kernel) and isinstance(value, int))
    text = kind.write(value)
    return text if plain else f"{spec.name}={text}"

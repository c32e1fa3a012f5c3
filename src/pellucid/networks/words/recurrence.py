"""Recurrent layers, the embedding of tokens, and the ways from a sequence to features and back."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from pellucid.blocks import Ends as EndsBlock
from pellucid.blocks import Last as LastBlock
from pellucid.blocks import Outputs, PaddedOutputs
from pellucid.blocks import RepeatVector as RepeatVectorBlock
from pellucid.networks.arguments import Count, Flag, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import Word, positions, refusal
from pellucid.networks.words.normalisation import last_count
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens

SEQUENCES = "sequences, T x F"
MOST_LAYERS = 1000
_ADVICE: dict[type[Shape], str] = {
    Tokens: "embed the ids first: embed(64)",
    Features: "a row has no steps; after last, globalavgpool or flatten none are left",
    Image: "reshape(T=28 x 28) reads an image of 28x28x1 row by row",
}


@dataclass(frozen=True)
class _Recurrent(Word):
    """A layer that reads a sequence step by step and gives its hidden state at every step."""

    module: ClassVar[type[nn.RNNBase]]
    gates: ClassVar[int]
    units: int = argument(Count(), help="size of the hidden state", letter="n", positional=True)
    layers: int = argument(Count(), 1, help="layers on top of each other")
    bidirectional: bool = argument(Flag(), False, help="whether a second layer reads backwards")
    padded: bool = argument(Flag(), False, help="whether steps of zeros in front are padding, not to be read")

    def shape(self, incoming: Shape) -> Sequence:
        """Return the hidden state at every step."""
        if not isinstance(incoming, Sequence):
            raise refusal(self, incoming, SEQUENCES, _ADVICE.get(type(incoming), ""))
        if self.layers > MOST_LAYERS:
            raise MisfitError(
                f"{self.name} has too many layers", expected=f"at most {MOST_LAYERS:,}", received=str(self)
            )
        return Sequence(self.units * self._directions, incoming.length)

    def parameters(self, incoming: Shape) -> int:
        """Return gates * units * (inputs + units + 2) for each layer and direction; torch has two biases."""
        each = [self.gates * self.units * (inputs + self.units + 2) for inputs in self._inputs(incoming)]
        return self._directions * sum(each)

    def flops(self, incoming: Shape) -> int | None:
        """Return 2 * gates * units * (inputs + units) for each layer, direction and step."""
        steps = positions(incoming)
        each = [2 * self.gates * self.units * (inputs + self.units) for inputs in self._inputs(incoming)]
        return None if steps is None else self._directions * sum(each) * steps

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input: the last step has seen every step."""
        return WHOLE

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a recurrent layer that gives its outputs only."""
        inputs, *_ = self._inputs(incoming)
        named: dict[str, Any] = {"batch_first": True}
        if self.layers > 1:
            named["num_layers"] = self.layers
        if self.bidirectional:
            named["bidirectional"] = True
        block = PaddedOutputs if self.padded else Outputs
        return (Layer(self.name, block, (Layer(self.name, self.module, (inputs, self.units), named),)),)

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _inputs(self, incoming: Shape) -> list[int]:
        """Return the inputs of each layer."""
        assert isinstance(incoming, Sequence)
        return [incoming.features] + [self.units * self._directions] * (self.layers - 1)


@dataclass(frozen=True)
class Rnn(_Recurrent):
    """A plain recurrent layer, h_t = tanh(W x_t + b + U h_(t-1) + c). Elman (1990)."""

    name: ClassVar[str] = "rnn"
    also_called: ClassVar[tuple[str, ...]] = ("simplernn", "elman")
    module: ClassVar[type[nn.RNNBase]] = nn.RNN
    gates: ClassVar[int] = 1


@dataclass(frozen=True)
class Gru(_Recurrent):
    """A gated recurrent unit, h_t = (1 - z_t) n_t + z_t h_(t-1). Cho et al. (2014)."""

    name: ClassVar[str] = "gru"
    module: ClassVar[type[nn.RNNBase]] = nn.GRU
    gates: ClassVar[int] = 3


@dataclass(frozen=True)
class Lstm(_Recurrent):
    """A long short-term memory: c_t = f_t c_(t-1) + i_t g_t, h_t = o_t tanh(c_t). Hochreiter and Schmidhuber (1997)."""

    name: ClassVar[str] = "lstm"
    module: ClassVar[type[nn.RNNBase]] = nn.LSTM
    gates: ClassVar[int] = 4


@dataclass(frozen=True)
class Embed(Word):
    """An embedding: a learned vector for every token, vocabulary * units parameters."""

    name: ClassVar[str] = "embed"
    also_called: ClassVar[tuple[str, ...]] = ("embedding",)
    units: int = argument(Count(), help="numbers a token becomes", letter="n", positional=True)
    padded: bool = argument(Flag(), False, help="whether token 0 is padding, which becomes zeros and is not learned")

    def shape(self, incoming: Shape) -> Sequence:
        """Return a vector for each token."""
        if not isinstance(incoming, Tokens):
            raise refusal(
                self, incoming, "token ids, tokens(5000)", "only whole numbers below a vocabulary can be looked up"
            )
        return Sequence(self.units, incoming.length)

    def parameters(self, incoming: Shape) -> int:
        """Return vocabulary * units."""
        return last_count(incoming) * self.units

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return an embedding."""
        named = {"padding_idx": 0} if self.padded else {}
        return (Layer("embed", nn.Embedding, (last_count(incoming), self.units), named),)


@dataclass(frozen=True)
class Last(Word):
    """The last step of a sequence; where sequences of unequal length are padded on the left, it is a real one."""

    name: ClassVar[str] = "last"

    def shape(self, incoming: Shape) -> Features:
        """Return the features of one step."""
        if not isinstance(incoming, Sequence):
            raise refusal(self, incoming, SEQUENCES, _ADVICE.get(type(incoming), ""))
        return Features(incoming.features)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that takes the last step."""
        return (Layer("last", LastBlock),)


@dataclass(frozen=True)
class Ends(Word):
    """Both ends of what `bidirectional=yes` has read: the last step forwards, beside the first step backwards.

    `last` would show of the backward layer the one step with which it began.
    """

    name: ClassVar[str] = "ends"
    padded: bool = argument(Flag(), False, help="whether steps of zeros in front are padding")

    def shape(self, incoming: Shape) -> Features:
        """Return the features of one step."""
        if not isinstance(incoming, Sequence):
            raise refusal(self, incoming, SEQUENCES, _ADVICE.get(type(incoming), ""))
        if incoming.features % 2:
            raise MisfitError(
                "ends takes half of the features from either end",
                expected="an even number of features, as bidirectional=yes gives",
                received=str(incoming),
                advice="last takes all of them from the last step",
            )
        return Features(incoming.features)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that takes both ends."""
        return (Layer("ends", EndsBlock, (), {"padded": True} if self.padded else {}),)


@dataclass(frozen=True)
class RepeatVector(Word):
    """A row of features at each of so many steps, from which a recurrent layer makes a sequence: one to many."""

    name: ClassVar[str] = "repeatvector"
    also_called: ClassVar[tuple[str, ...]] = ("unroll",)
    steps: int = argument(Count(), help="length of the sequence", letter="n", positional=True)

    def shape(self, incoming: Shape) -> Sequence:
        """Return a sequence of that length."""
        if not isinstance(incoming, Features):
            raise refusal(self, incoming, "a row of features", "flatten or last make one")
        return Sequence(incoming.count, self.steps)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that repeats."""
        return (Layer("repeatvector", RepeatVectorBlock, (self.steps,)),)

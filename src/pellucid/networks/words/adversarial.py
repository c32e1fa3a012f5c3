"""Two chains that learn against each other, and the random code one of them starts from."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from dataclasses import dataclass, replace
from typing import ClassVar

from torch import nn

from pellucid.blocks import Code as CodeBlock
from pellucid.blocks import Gan as GanBlock
from pellucid.networks.arguments import Count, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import NUMBERS, Word, Words, refusal
from pellucid.networks.words.branching import Branching, NamedChain, branch_shapes, chain_text
from pellucid.networks.words.composite import chain_field
from pellucid.recipe import TaskName
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens, size

GENERATOR, DISCRIMINATOR = "generator", "discriminator"


@dataclass(frozen=True)
class Code(Word):
    """As many standard normal numbers for each sample, whatever the input is: what a generator begins with."""

    name: ClassVar[str] = "code"
    also_called: ClassVar[tuple[str, ...]] = ("noise", "latent", "prior")
    units: int = argument(Count(), help="random numbers of one sample", letter="n", positional=True)

    def shape(self, incoming: Shape) -> Features:
        """Return a row of that many numbers."""
        return Features(self.units)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input, of which nothing is used: there are no places in a code."""
        return WHOLE

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that draws."""
        return (Layer("code", CodeBlock, (self.units,)),)


@dataclass(frozen=True)
class Gan(Branching):
    """A generator and a discriminator: `gan(generator: code(8) -> fc(2) | discriminator: fc(64) -> relu -> fc(1))`.

    Goodfellow et al. (2014). As a layer it is the discriminator, and gives the logit of its input being a real one.
    """

    name: ClassVar[str] = "gan"
    also_called: ClassVar[tuple[str, ...]] = ("adversarial",)
    learns: ClassVar[TaskName | None] = "generation"
    block: ClassVar[type[nn.Module]] = GanBlock
    chains: tuple[NamedChain, ...]

    def __post_init__(self) -> None:
        """Put the two chains in order and check their names and the generator's beginning."""
        chains = dict(self.chains)
        if len(self.chains) != 2 or chains.keys() != {GENERATOR, DISCRIMINATOR}:
            raise MisfitError(
                "gan has a generator and a discriminator",
                expected="gan(generator: ... | discriminator: ...)",
                received=", ".join(name for name, _ in self.chains),
            )
        object.__setattr__(self, "chains", tuple((name, chains[name]) for name in (GENERATOR, DISCRIMINATOR)))
        first = self.generator[0]
        if not isinstance(first, Code):
            raise MisfitError(
                "the generator makes its samples of random numbers",
                expected="code(...) as its first word",
                received=first.name,
                advice=f"write generator: code(16) -> {chain_text(self.generator)}",
            )

    @property
    def generator(self) -> Words:
        """The chain that makes samples."""
        return dict(self.chains)[GENERATOR]

    @property
    def discriminator(self) -> Words:
        """The chain that tells them from real ones."""
        return dict(self.chains)[DISCRIMINATOR]

    def branches(self, incoming: Shape) -> tuple[NamedChain, ...]:
        """Return generator and discriminator."""
        return self.chains

    def shape(self, incoming: Shape) -> Features:
        """Return one number, the discriminator's."""
        if isinstance(incoming, Tokens):
            raise refusal(self, incoming, NUMBERS, "a generator makes numbers, which cannot be ids")
        made, judged = branch_shapes(self, (self.generator, self.discriminator), incoming)
        if made != incoming:
            raise MisfitError(
                "the generator does not make what the discriminator is shown, which is the data",
                expected=f"{incoming} at the end of the generator",
                received=str(made),
                advice=ending(incoming),
            )
        if judged != Features(1):
            raise MisfitError(
                "the discriminator gives one number, the logit of a sample being real",
                expected="1 at the end of the discriminator",
                received=str(judged),
                advice="end it with fc(1)",
            )
        return Features(1)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the discriminator's."""
        return chain_field(self.discriminator, before, incoming)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that holds both, and the generator once more for the average of its weights."""
        (layer,) = super().modules(incoming)
        return (replace(layer, named={**layer.named, "average": layer.named[GENERATOR]}),)

    def __str__(self) -> str:
        return f"{self.name}({' | '.join(f'{name}: {chain_text(words)}' for name, words in self.chains)})"


def ending(shape: Shape) -> str:
    """Return how a generator of such samples can end."""
    match shape:
        case Features(count):
            return f"end it with fc({count})"
        case Image() | Sequence(length=int()):
            return f"end it with fc({size(shape)}) -> reshape({shape})"
    return "give the data a fixed length, such as T=24 x 8"

"""Random plans over all words, and random texts: what the property tests draw from."""

import string
from functools import cache

from hypothesis import strategies as st

from pellucid.errors import NotationError
from pellucid.networks import COMBINATORS, WORDS, ZOO, Named, Plan
from pellucid.networks.initialisation import INITS
from pellucid.networks.word import Word, Words, output_of
from pellucid.networks.words import (
    AdaptiveAvgPool,
    Add,
    AvgPool,
    BatchNorm,
    Cbapd,
    Codes,
    Concat,
    Conv,
    ConvTranspose,
    Dropout,
    Edges,
    Elu,
    Embed,
    Fc,
    Flatten,
    FromLast,
    GaussianNoise,
    Gelu,
    GlobalAvgPool,
    Gru,
    HardTanh,
    Heads,
    Identity,
    Last,
    LayerNorm,
    LeakyRelu,
    Lrn,
    Lstm,
    Maxout,
    MaxPool,
    MedianPool,
    MinPool,
    Mish,
    PadChannels,
    Prelu,
    Rbf,
    Relu,
    Repeat,
    Reshape,
    Residual,
    Rnn,
    Sample,
    ScaledTanh,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Step,
    Subsample,
    TableConv,
    Tanh,
    Upsample,
)
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens, size
from tests.networks.samples import EVERYTHING

LARGEST_SAMPLE = 4000
small = st.integers(1, 6)
inits = st.sampled_from(list(INITS))
rates = st.floats(0, 0.99, allow_nan=False)
numbers = st.floats(0, 1e3, allow_nan=False, allow_infinity=False)

INPUTS: st.SearchStrategy[Shape] = st.one_of(
    st.builds(Features, st.integers(1, 30)),
    st.builds(Image, st.integers(1, 12), st.integers(1, 12), st.integers(1, 6)),
    st.builds(Sequence, st.integers(1, 8), st.none() | st.integers(1, 20)),
    st.builds(Tokens, st.integers(1, 20), st.none() | st.integers(1, 10)),
)
SMOOTH = (Relu, Prelu, Selu, Gelu, Silu, Mish, Softplus, Sigmoid, Tanh, ScaledTanh, HardTanh, Identity)
ANYWHERE: tuple[st.SearchStrategy[Word], ...] = (
    *(st.just(word()) for word in (*SMOOTH, Softmax, BatchNorm, LayerNorm, Flatten)),
    st.builds(LeakyRelu, numbers),
    st.builds(Elu, numbers),
    st.builds(Step, st.floats(-5, 5)),
    st.builds(Dropout, rates),
    st.builds(Fc, small, st.booleans(), inits),
    st.builds(Maxout, small, small),
    st.builds(Rbf, small, st.sampled_from(["shared", "own"]), st.booleans(), st.booleans()),
    st.builds(Codes, small),
    st.builds(GaussianNoise, numbers),
    st.builds(Sample, numbers),
)


def windows(image: bool, free: bool) -> tuple[st.SearchStrategy[Word], ...]:
    """Return the words with a window for an image or a sequence; on a free length they keep it nearly."""
    side = st.integers(1, 3) if free else st.integers(1, 4)
    pair = st.tuples(st.integers(1, 4), st.integers(1, 4)) if image else st.nothing()
    kernel = side | pair
    stride = st.just(1) if free else st.integers(1, 3) | pair
    padding = st.just("same") | st.integers(0, 2)
    grouped = st.integers(1, 2)
    pools: list[st.SearchStrategy[Word]] = [
        st.builds(pool, kernel, stride, padding) for pool in (MaxPool, AvgPool, MinPool)
    ]
    if not free:
        pools += [st.builds(pool, kernel) for pool in (MaxPool, AvgPool, MinPool)]
        pools += [st.builds(MedianPool, kernel)]
    return (
        st.builds(Conv, small, kernel, stride, padding, st.integers(1, 2), grouped, st.booleans(), inits),
        st.builds(ConvTranspose, small, kernel, stride, padding, st.booleans()),
        st.builds(Cbapd, small, kernel, activation=st.sampled_from(["relu", "tanh"]), pool=st.just(1), dropout=rates),
        *pools,
        st.builds(MedianPool, kernel, stride),
        st.just(GlobalAvgPool()),
        st.builds(Upsample, st.integers(1, 2)),
    )


@cache
def plain_words(sort: str, free: bool) -> st.SearchStrategy[Word]:
    """Return the words without branches many of which can take a shape of the sort."""
    choices: list[st.SearchStrategy[Word]] = list(ANYWHERE)
    if sort == "Tokens":
        choices = [st.builds(Embed, small)]
    elif sort == "Image":
        choices += windows(image=True, free=False)
        sides = st.tuples(st.integers(1, 3), st.integers(1, 3))
        choices += [st.builds(Subsample, sides), st.builds(TableConv, sides)]
        filters = st.sampled_from(["prewitt", "sobel", "scharr"])
        choices += [st.builds(Edges, filters, st.floats(-360, 360), st.integers(0, 2))]
        choices += [st.builds(Lrn, st.integers(1, 5), numbers, st.floats(0, 2), st.floats(0.5, 3))]
        to = st.tuples(st.integers(1, 9), st.integers(1, 9))
        choices += [st.builds(AdaptiveAvgPool, to), st.builds(PadChannels, st.integers(4, 9))]
        choices += [st.builds(Upsample, st.none(), to, st.sampled_from(["nearest", "bilinear"]))]
    elif sort == "Sequence":
        choices += windows(image=False, free=free)
        choices += [st.builds(cell, small, st.integers(1, 2), st.booleans()) for cell in (Rnn, Lstm, Gru)]
        choices += [st.just(Last())]
    return st.one_of(choices)


def reshape(draw: st.DrawFn, count: int) -> Word:
    divisors = [d for d in range(1, count + 1) if count % d == 0]
    first = draw(st.sampled_from(divisors))
    second = draw(st.sampled_from([d for d in divisors if (count // first) % d == 0]))
    to: list[Features | Image | Sequence] = [Features(count), Sequence(first, count // first)]
    to.append(Image(first, second, count // first // second))
    return Reshape(to[draw(st.integers(0, 2))])


def combinator(draw: st.DrawFn, shape: Shape, depth: int) -> Word:
    words = chain(draw, shape, depth)
    match draw(st.integers(0, 5)):
        case 0:
            return Repeat(draw(st.integers(1, 3)), words)
        case 1:
            return Add((words,))
        case 2:
            return Add((words, words))
        case 3:
            return Concat((words, chain(draw, shape, depth)))
        case 4:
            return FromLast((*words, Last()))
    return Residual(words)


def chain(draw: st.DrawFn, shape: Shape, depth: int) -> Words:
    """Draw one to four words that fit behind one another."""
    words: list[Word] = []
    for _ in range(draw(st.integers(1, 4))):
        sort, count = draw(st.integers(0, 9)), size(shape)
        try:
            if sort < 3 and depth:
                word = combinator(draw, shape, depth - 1)
            elif sort == 3 and count is not None and not isinstance(shape, Tokens):
                word = reshape(draw, count)
            else:
                word = draw(plain_words(type(shape).__name__, isinstance(shape, Sequence) and shape.length is None))
            after = output_of(word, shape)
        except NotationError:
            continue
        if isinstance(after, Named) or (size(after) or 1) > LARGEST_SAMPLE:
            continue
        words.append(word)
        shape = after
    fallback: Word = Embed(3) if isinstance(shape, Tokens) else Identity()
    return tuple(words) or (fallback,)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Return a valid plan; some end in heads."""
    shape = draw(INPUTS)
    words = chain(draw, shape, 2)
    plan = Plan(shape, words)
    if draw(st.integers(0, 4)) == 0 and not isinstance(plan.output, Named | Tokens):
        heads = [(name, chain(draw, plan.output, 1)) for name in ("one", "other")]
        plan = Plan(shape, (*words, Heads(tuple(heads))))
    return plan


VOCABULARY = [
    *WORDS,
    *COMBINATORS,
    *ZOO,
    *(
        "->",
        "→",
        "(",
        ")",
        "|",
        ",",
        "=",
        "*",
        "x",
        "×",
        ":",
        ".",
        " ",
        "\n",
        "#",
        "T",
        "tokens",
        "same",
        "valid",
        "yes",
    ),
    *("0", "1", "2", "3", "28x28x1", "5x5", "0.5", "1e-3", "-1", "99999999999999999999", "1e999", "stride", "padding"),
    *("kernel", "to", "f", "s", "p", "n", "units", "layers", "classes", "features"),
]
texts = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.printable + "→×", max_size=60),
    st.lists(st.sampled_from(VOCABULARY), max_size=25).map(" ".join),
    st.lists(st.sampled_from(VOCABULARY), max_size=25).map("".join),
)


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    """Return a valid text with a few pieces cut out, doubled, exchanged or put in."""
    text = draw(st.sampled_from(EVERYTHING))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(0, 8))
        new = draw(st.sampled_from(VOCABULARY) | st.text(max_size=3) | st.just(""))
        text = text[:start] + new + text[start + end :]
    return text

"""Every word of the notation has a written formula, but for those listed here with the reason why not."""

import pytest
import torch
from torch import Tensor

import pellucid
from pellucid.errors import OptionError
from pellucid.explain import backprop
from pellucid.explain.derivation import Derivation, as_latex, as_text
from pellucid.networks.words import COMBINATORS, WORDS
from pellucid.seed import generator
from pellucid.shapes import Features, Image, Sequence, Tokens

ARROWS = {
    "conv": "6x5x2 -> conv(3, 3x2, stride=2x1) -> fc(2)",
    "convtranspose": "4x3x2 -> convtranspose(3, 3x3, stride=2, padding=same) -> fc(2)",
    "cbapd": "8x8x2 -> cbapd(4, 3x3) -> fc(2)",
    "edges": "6x6x2 -> edges(sobel) -> fc(2)",
    "maxpool": "6x6x2 -> conv(2, 1x1) -> maxpool(3x3, stride=2) -> fc(2)",
    "avgpool": "6x6x2 -> conv(2, 1x1) -> avgpool(2x2) -> fc(2)",
    "minpool": "6x6x2 -> conv(2, 1x1) -> minpool(2x2) -> fc(2)",
    "medianpool": "6x7x2 -> conv(2, 1x1) -> medianpool(3x2, stride=2) -> fc(2)",
    "adaptiveavgpool": "6x6x2 -> conv(2, 1x1) -> adaptiveavgpool(4x3) -> fc(2)",
    "globalavgpool": "6x6x2 -> conv(2, 1x1) -> globalavgpool",
    "fc": "3 -> fc(2)",
    "maxout": "5 -> maxout(4, 3) -> fc(2)",
    "rbf": "5 -> rbf(4) -> fc(2)",
    "leakyrelu": "3 -> fc(4) -> leakyrelu(0.1) -> fc(2)",
    "step": "3 -> fc(4) -> step(0.1) -> fc(2)",
    "dropout": "3 -> fc(4) -> dropout(0.3) -> fc(2)",
    "gaussiannoise": "3 -> gaussiannoise(0.3) -> fc(2)",
    "lrn": "4x3x6 -> conv(5, 1x1) -> lrn(4, alpha=0.2, k=1) -> fc(2)",
    "rnn": "T=6 x 3 -> rnn(4, layers=2, bidirectional=yes, padded=yes) -> last -> fc(2)",
    "lstm": "T=6 x 3 -> lstm(4, layers=2, padded=yes) -> last -> fc(2)",
    "gru": "T=6 x 3 -> gru(4, bidirectional=yes, padded=yes) -> last -> fc(2)",
    "last": "T=6 x 3 -> rnn(4) -> last -> fc(2)",
    "ends": "T=6 x 3 -> gru(4, bidirectional=yes, padded=yes) -> ends(padded=yes) -> fc(2)",
    "embed": "tokens(9) -> embed(3, padded=yes) -> gru(4, padded=yes) -> last -> fc(2)",
    "repeatvector": "3 -> fc(2) -> repeatvector(4) -> rnn(3) -> last -> fc(2)",
    "tableconv": "6x6x6 -> tableconv(3x3) -> fc(2)",
    "subsample": "6x6x2 -> subsample(2x2) -> fc(2)",
    "codes": "5 -> fc(6) -> codes(4)",
    "flatten": "3x2x2 -> conv(2, 1x1) -> flatten -> fc(2)",
    "reshape": "6 -> fc(6) -> reshape(3x2x1) -> conv(2, 2x2) -> fc(2)",
    "upsample": "4x5x2 -> conv(2, 1x1) -> upsample(to=7x9, mode=bilinear) -> upsample(2) -> fc(2)",
    "padchannels": "4x4x2 -> conv(2, 1x1) -> padchannels(5) -> fc(2)",
    "sample": "5 -> fc(4) -> sample -> fc(2)",
    "code": "5 -> code(4) -> fc(2)",
    "binarise": "5 -> binarise(mean) -> fc(2)",
    "hopfield": "5 -> hopfield(2) -> fc(2)",
    "modernhopfield": "5 -> modernhopfield(2) -> fc(2)",
    "add": "3 -> add(fc(4) | fc(4) -> tanh) -> fc(2)",
    "concat": "3 -> concat(fc(4) | fc(2) -> tanh) -> fc(2)",
    "residual": "3 -> residual(fc(4) -> tanh) -> fc(2)",
    "fromlast": "T=6 x 3 -> fromlast(flatten -> fc(2))",
    "heads": "3 -> fc(4) -> tanh -> heads(a: fc(2) | b: fc(1) -> heads(c: fc(2) | d: fc(1)))",
    "gan": "2 -> gan(generator: code(3) -> fc(2) | discriminator: fc(4) -> relu -> fc(1))",
}
"""What is derived of a word; an activation without arguments stands between two layers."""

UNWRITTEN = {
    "hopfield": "it recalls until nothing changes, in an order that is drawn: no fixed operations, and no gradient",
    "modernhopfield": "its empty places are masked by what is stored; nothing of it is learned by a gradient",
}
"""Words that torch computes, with the reason."""

RANDOM = {
    "code": "its numbers are drawn anew at every call, at inference too",
}
"""Words that have no one derivation, with the reason."""

RANDOM_IN_TRAINING = {
    "cbapd": "it ends in dropout",
    "dropout": "it drops numbers at random",
    "gaussiannoise": "it adds noise that is drawn anew",
    "sample": "it draws a code",
}


def arrows_of(word: str) -> str:
    return ARROWS.get(word, f"3 -> fc(4) -> {word} -> fc(2)")


def inputs_of(text: str) -> Tensor:
    random = generator(0, "inputs")
    match pellucid.parse(text).input:
        case Image(height=height, width=width, channels=channels):
            return torch.randn(3, channels, height, width, generator=random)
        case Sequence(features=features):
            x = torch.randn(3, 6, features, generator=random)
            x[1, :2], x[2, :5] = 0, 0
            return x
        case Tokens(vocabulary=vocabulary):
            tokens = torch.randint(1, vocabulary, (3, 6), generator=random)
            tokens[1, :2] = 0
            return tokens
        case Features(count=count):
            return torch.randn(3, count, generator=random)
    raise AssertionError(text)


def derived(word: str, *, is_training: bool) -> Derivation:
    text = arrows_of(word)
    network, x = pellucid.build(text, seed=0).train(is_training), inputs_of(text)
    with torch.no_grad():
        outputs = network(x)
    named = outputs if isinstance(outputs, dict) else {"": outputs}
    targets = {name: torch.randn(each.shape, generator=generator(1, name)) for name, each in named.items()}
    y = targets if isinstance(outputs, dict) else targets[""]
    return backprop(network, x, y, loss="squared-error", learning_rate=0.1)


@pytest.mark.covers("C1", "E5")
@pytest.mark.parametrize("is_training", [False, True], ids=["at rest", "training"])
@pytest.mark.parametrize("word", [*WORDS, *COMBINATORS])
def test_every_word_has_a_written_formula_or_a_reason(word: str, is_training: bool) -> None:
    if word in RANDOM or (is_training and word in RANDOM_IN_TRAINING):
        with pytest.raises(OptionError, match="random"):
            derived(word, is_training=is_training)
        return
    found = derived(word, is_training=is_training)
    left = [step.kind for step in found.steps if not step.is_recomputed]
    assert bool(left) == (word in UNWRITTEN), left
    assert found.agreement.relative < 1e-9
    assert found.loss.is_recomputed
    assert as_text(found).count("NOT recomputed") == len(left)
    assert as_latex(found).count("{") == as_latex(found).count("}")


def test_the_lists_name_words() -> None:
    words = {*WORDS, *COMBINATORS}
    assert ARROWS.keys() <= words
    assert UNWRITTEN.keys() | RANDOM.keys() | RANDOM_IN_TRAINING.keys() <= words


def test_a_threshold_by_otsu_is_left_to_torch() -> None:
    text = "5 -> binarise -> fc(2)"  # its threshold depends on the numbers' order, in a way that cannot be traced
    found = backprop(pellucid.build(text, seed=0), inputs_of(text), torch.zeros(3, 2))
    assert [step.kind for step in found.steps if not step.is_recomputed] == ["Binarise"]

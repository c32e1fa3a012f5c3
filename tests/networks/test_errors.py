"""What a mistake is answered with, to the letter."""

import pytest

from pellucid.errors import NotationError
from pellucid.networks import COMBINATORS, WORDS, fit_to, parse
from pellucid.shapes import Features, Image, Sequence, Tokens

MISTAKES = {
    "32x32 -> conv(6, 5x5)": """
an image's shape has three numbers
    32x32 -> conv(6, 5x5)
    ^^^^^
  expected: height x width x channels
  received: 32x32
  advice: write 32x32x1 for grey images, 32x32x3 for colour; 32 steps of 32 features are T=32 x 32
""",
    "conv(6, 5x5) -> relu -> fc(10)": """
the shape of the input is missing
    conv(6, 5x5) -> relu -> fc(10)
    ^
  expected: a shape first: 28x28x1, 13, T x 8 or tokens(5000)
  received: conv(6, 5x5)
  advice: write 28x28x1 -> conv(6, 5x5) -> relu -> fc(10)
""",
    "5x5x16 -> relu -> conv(32, 7x7)": """
the kernel of conv is larger than the image
    5x5x16 -> relu -> conv(32, 7x7)
                      ^^^^^^^^^^^^^
  expected: a kernel of at most 5x5
  received: 7x7 on 5x5x16
  advice: shrink the kernel, pad (padding=same keeps the size), or pool less before
""",
    "28x28x1 -> conv(6, 5)": """
a plain number is a count, not a kernel
    28x28x1 -> conv(6, 5)
                       ^
  expected: 5x5 on an image, kernel=5 on a sequence
  received: 5
""",
    "28x28x1 -> conv(5x5, 6)": """
maps cannot be 5x5
    28x28x1 -> conv(5x5, 6)
                    ^^^
  expected: a whole number
  received: 5x5
  advice: a plain number is a count, AxB is a kernel
""",
    "13 -> conv(6, 5x5)": """
conv works on images, HxWxC, and sequences, T x F
    13 -> conv(6, 5x5)
          ^^^^^^^^^^^^
  expected: images, HxWxC, and sequences, T x F
  received: 13 (a row of features)
  advice: images are HxWxC, such as 28x28x1; reshape(28x28x1) makes one of 784 features
""",
    "28x28x1 -> conv(6, 5x5, strides=2)": """
conv has no argument 'strides'
    28x28x1 -> conv(6, 5x5, strides=2)
                            ^^^^^^^^^
  expected: conv(maps, kernel, stride=1, padding=0, dilation=1, groups=1, bias=yes, init=uniform)
  received: strides
  advice: did you mean 'stride'?
""",
    "28x28x1 -> conv(6)": """
conv needs its kernel: size of the window
    28x28x1 -> conv(6)
               ^^^^^^^
  expected: conv(maps, kernel, stride=1, padding=0, dilation=1, groups=1, bias=yes, init=uniform)
  received: conv(6)
""",
    "28x28x1 -> conv(6, 5x5) -> 28x28x6 -> fc(10)": """
conv gives another shape
    28x28x1 -> conv(6, 5x5) -> 28x28x6 -> fc(10)
                               ^^^^^^^
  expected: 24x24x6
  received: 28x28x6
  advice: conv(6, 5x5) makes 24x24x6 of 28x28x1
""",
    "T x 8 -> lstm(16) -> flatten -> fc(2)": """
flatten needs to know how many numbers there are, but the sequence's length is free
    T x 8 -> lstm(16) -> flatten -> fc(2)
                         ^^^^^^^
  expected: a fixed length such as T=24 x 8
  received: T x 16
  advice: last or globalavgpool make one row of a sequence of any length
""",
    "tokens(5000) -> lstm(64) -> last -> fc(2)": """
lstm works on sequences, T x F
    tokens(5000) -> lstm(64) -> last -> fc(2)
                    ^^^^^^^^
  expected: sequences, T x F
  received: tokens(5000) (token ids)
  advice: embed the ids first: embed(64)
""",
    "28x28x1 -> maxpool(2)": """
a plain number is a count, not a kernel
    28x28x1 -> maxpool(2)
                       ^
  expected: 2x2 on an image, kernel=2 on a sequence
  received: 2
""",
    "28x28x1 -> dropout(1.5)": """
rate cannot be 1.5
    28x28x1 -> dropout(1.5)
                       ^^^
  expected: a number from 0 to below 1
  received: 1.5
""",
    "28x28x1 -> relu tanh": """
this does not belong here
    28x28x1 -> relu tanh
                    ^^^^
  expected: '->'
  received: 'tanh'
  advice: two layers are joined by an arrow
""",
    "28x28x1 -> fc(10": """
this parenthesis is never closed
    28x28x1 -> fc(10
                 ^
  expected: ')'
  received: the end of the text
""",
    "28x28x1 -> add(conv(4, 3x3) | conv(4, 5x5))": """
add needs branches of one shape
    28x28x1 -> add(conv(4, 3x3) | conv(4, 5x5))
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected: 26x26x4, as branch 1 gives
  received: 24x24x4 from branch 2
  advice: residual(...) fits its shortcut by itself; concat(...) joins channels
""",
    "T x 3 -> add(conv(3, kernel=3) | identity)": """
the branches of add give sequences of different lengths
    T x 3 -> add(conv(3, kernel=3) | identity)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected: one length; a convolution with padding=same keeps it
  received: of 1000 steps 998 and 1000
""",
    "T=9 x 3 -> concat(identity | maxpool(kernel=2))": """
concat joins channels or features, all else must agree
    T=9 x 3 -> concat(identity | maxpool(kernel=2))
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected: a shape like T=9 x 3, as branch 1 gives
  received: T=4 x 3 from branch 2
""",
    "7 -> heads(fc(2))": """
every head has a name
    7 -> heads(fc(2))
               ^^^^^
  expected: name: layers
  received: fc(2)
""",
    "mlp(64)": """
mlp takes the shape of its data
    mlp(64)
    ^^^^^^^
  expected: a shape before it
  received: mlp(64)
  advice: such as 13 -> mlp(64)
""",
    "28x28x1 -> relu -> lenet5": """
lenet5 is a whole network of the zoo
    28x28x1 -> relu -> lenet5
                       ^^^^^^
  expected: lenet5 at the beginning, alone or behind an input shape
  received: lenet5
""",
    "lenet5.feature -> fc(7)": """
lenet5 has no part 'feature'
    lenet5.feature -> fc(7)
    ^^^^^^^^^^^^^^
  expected: features or classifier
  received: feature
  advice: did you mean 'features'?
""",
    "13 -> 200000 * (relu)": """
the network has too many layers
    13 -> 200000 * (relu)
          ^^^^^^^^^^^^^^^
  expected: at most 100,000
  received: 200,000
""",
    "": """
the text is empty
    \x20
    ^
  expected: a network
  advice: such as 28x28x1 -> fc(10), or lenet5
""".replace("    \x20\n", "    \n"),
}


@pytest.mark.parametrize(("text", "answer"), MISTAKES.items(), ids=list(MISTAKES))
def test_mistake(text: str, answer: str) -> None:
    with pytest.raises(NotationError) as refused:
        parse(text)
    assert str(refused.value) == answer.strip("\n")


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("cnov(6, 5x5)", "did you mean 'conv'?"),
        ("dense(10)", "here it is called 'fc'"),
        ("Linear(10)", "here it is called 'fc'"),
        ("Conv2d(6, 5x5)", "here it is called 'conv'"),
        ("ReLU", "here it is called 'relu'"),
        ("embedding(3)", "here it is called 'embed'"),
        ("lenet", "did you mean 'lenet5'?"),
    ],
)
def test_unknown_word(word: str, advice: str) -> None:
    with pytest.raises(NotationError, match="there is no such word") as refused:
        parse(f"28x28x1 -> {word} -> fc(10)")
    assert refused.value.advice == advice


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("28x28x1 => fc(10)", "an arrow is written -> or →"),
        ("28x28x1 - > fc(10)", "an arrow is written -> or →"),
        ("28x28x1 -> conv(6, 5x5, padding='same')", "names stand without quotes"),
        ("28x28x1 -> conv(6, (5, 5))", "a kernel is written 5x5, without parentheses"),
        ("28x28x1 -> conv(6, [5, 5])", "a kernel is written 5x5, without parentheses"),
        ("28x28x1 -> dropout(50%)", "a share is written 0.5"),
    ],
)
def test_signs_from_elsewhere(text: str, advice: str) -> None:
    with pytest.raises(NotationError) as refused:
        parse(text)
    assert refused.value.advice == advice


def test_a_word_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(NotationError) as refused:
        parse("28x28x1 -> zzzz")
    assert refused.value.expected == "one of " + ", ".join([*WORDS, *COMBINATORS])


def test_only_the_line_of_the_mistake_is_shown() -> None:
    text = "28x28x1 -> conv(6, 5x5)  # C1\n  -> relu\n  -> cnov(16, 5x5)\n  -> fc(10)"
    with pytest.raises(NotationError) as refused:
        parse(text)
    lines = str(refused.value).splitlines()
    assert lines[1:3] == ["    line 3:   -> cnov(16, 5x5)", "                 ^^^^"]


def test_a_long_line_is_cut_around_the_mistake() -> None:
    text = "8 -> " + "relu -> " * 60 + "fc(0) -> " + "relu -> " * 60 + "fc(1)"
    with pytest.raises(NotationError) as refused:
        parse(text)
    _, line, carets, *_ = str(refused.value).splitlines()
    assert len(line) < 110
    assert line[carets.index("^") : carets.rindex("^") + 1] == "0"


@pytest.mark.parametrize(
    "text",
    [
        "9" * 5000 + " -> fc(1)",
        "1000000000x1000000000x1000000000 -> fc(1)",
        "8 -> fc(1000000000) -> fc(1000000000)",
        "8 -> " + "1000 * (" * 8 + "relu" + ")" * 8,
        "8 -> " + "residual(" * 300 + "relu" + ")" * 300,
        "8 -> " + "2 * " * 5000 + "relu",
        "8x8x1 -> 99999 * (upsample(1000))",
        "T x 3 -> lstm(3, layers=100000000)",
        "8 -> dropout(1e999)",
        "8 -> fc(1e3)",
        "8 -> fc(2.5)",
        "8 -> fc(-3)",
        "8 -> fc(٣)",
        "0 -> fc(1)",
        "8 -> maxout(1000000000, 1000000000)",
        "mlp" + "(" * 10_000,
        "8x8x1 -> reshape(0x8x8)",
    ],
    ids=lambda text: text[:30],
)
def test_absurd_texts_are_refused(text: str) -> None:
    with pytest.raises(NotationError):
        parse(text)


@pytest.mark.parametrize("start", ["8", "T x 8"])
def test_deep_nesting_takes_no_time(start: str) -> None:
    inner = "relu"
    for _ in range(9):
        inner = f"residual(concat({inner} | identity) -> fc(8))"
    assert len(parse(f"{start} -> {inner}").table().rows) == 46


FITS = {
    ("784 -> fc(10)", Image(28, 28, 1), 10): "write 28x28x1 -> fc(10)",
    ("32x32x1 -> conv(6, 5x5) -> fc(10)", Image(28, 28, 1), 7): "write 28x28x1 -> conv(6, 5x5) -> fc(7)",
    ("13 -> fc(5) -> softmax", Features(13), 3): "write 13 -> fc(3) -> softmax",
    ("13 -> fc(5) -> relu", Features(13), 3): "write 13 -> fc(3) -> relu",
    ("13 -> relu", Features(13), 3): "write 13 -> relu -> fc(3)",
    ("T x 3 -> lstm(5) -> fc(2)", Sequence(3), Features(2)): "write T x 3 -> lstm(5) -> fc(2) -> last",
    ("relu -> fc(2)", Tokens(9), 2): "write tokens(9) -> relu -> fc(2)",
    ("8x8x1 -> conv(6, 7x7) -> fc(3)", Image(4, 4, 1), 3): "change the layers to fit the data's shape",
    ("13 -> fc(3)", Features(13), (("a", 2), ("b", 1))): "write 13 -> heads(a: fc(2) | b: fc(1))",
    ("13 -> fc(84) -> codes(9)", Features(13), 10): "write 13 -> fc(84) -> codes(10)",
    ("13 -> heads(aux: fc(3) | main: relu -> heads(on: fc(3) | main: fc(3)))", Features(13), 2): (
        "write 13 -> heads(aux: fc(2) | main: relu -> heads(on: fc(2) | main: fc(2)))"
    ),
    ("13 -> heads(aux: fc(3) | main: relu -> fc(3))", Features(13), (("a", 2), ("b", 1))): (
        "write 13 -> relu -> heads(a: fc(2) | b: fc(1))"
    ),
    ("8x8x1 -> conv(4, 3x3, padding=1) -> relu -> conv(9, 1x1)", Image(8, 8, 1), Image(8, 8, 5)): (
        "write 8x8x1 -> conv(4, 3x3, padding=1) -> relu -> conv(5, 1x1)"
    ),
    ("8x8x1 -> fc(5)", Image(8, 8, 1), Image(8, 8, 5)): "write 8x8x1 -> conv(5, 1x1)",
    ("8x8x1 -> conv(4, 3x3) -> fc(5)", Image(8, 8, 1), Image(8, 8, 5)): (
        "fcn and unet answer at every pixel, whatever the size"
    ),
}


@pytest.mark.parametrize(("case", "advice"), FITS.items(), ids=lambda case: str(case[0]))
def test_arrows_that_do_not_fit_the_data(case: tuple[str, object, object], advice: str) -> None:
    text, shape, outputs = case
    assert isinstance(shape, Features | Image | Sequence | Tokens)
    wanted = dict(outputs) if isinstance(outputs, tuple) else outputs
    with pytest.raises(NotationError) as refused:
        fit_to(text, shape, wanted)  # type: ignore[arg-type]
    assert refused.value.advice == advice
    assert "^" in str(refused.value)

"""Generator and discriminator written apart and put together."""

import pytest

from pellucid.errors import NotationError
from pellucid.networks import paired, parse
from pellucid.shapes import Features, Image, Sequence, Shape

DIGIT = Image(8, 8, 1)


@pytest.mark.covers("B9")
@pytest.mark.parametrize(
    ("generator", "discriminator", "shape", "whole"),
    [
        ("4 -> fc(8) -> relu -> fc(2)", "fc(8) -> fc(1)", Features(2),
         "2 -> gan(generator: code(4) -> fc(8) -> relu -> fc(2) | discriminator: fc(8) -> fc(1))"),
        ("code(4) -> fc(2)", "2 -> fc(1)", Features(2), "2 -> gan(generator: code(4) -> fc(2) | discriminator: fc(1))"),
        ("4 -> mlp(8, classes=2)", "linear", Features(2),
         "2 -> gan(generator: code(4) -> fc(8) -> relu -> fc(2) | discriminator: fc(1))"),
        ("9 -> fc(64) -> reshape(8x8x1)", "8x8x1 -> conv(2, 3x3) -> fc(1)", DIGIT,
         "8x8x1 -> gan(generator: code(9) -> fc(64) -> reshape(8x8x1) | discriminator: conv(2, 3x3) -> fc(1))"),
    ],
)  # fmt: skip
def test_two_networks_become_one(generator: str, discriminator: str, shape: Shape, whole: str) -> None:
    assert parse(paired(generator, discriminator, shape)) == parse(whole)


@pytest.mark.parametrize("shape", [Features(2), DIGIT, Sequence(3, 12)])
def test_the_half_that_is_not_written_is_the_zoos(shape: Shape) -> None:
    zoos = parse(f"{shape} -> gan")
    assert parse(paired(None, None, shape)) == zoos
    flat = "" if isinstance(shape, Features) else "flatten -> "
    mixed = paired(None, f"{flat}fc(1)", shape)
    assert mixed.split(" | ")[0] == str(zoos).split(" | ")[0]
    assert mixed.endswith(f"discriminator: {flat}fc(1))")


@pytest.mark.covers("B9")
@pytest.mark.parametrize(
    ("generator", "discriminator", "shape", "words"),
    [
        ("4 -> fc(3)", None, Features(2), ("2 at the end of --generator", "received: 3", "end it with fc(2)")),
        ("4 -> fc(64)", None, DIGIT, ("8x8x1 at the end", "fc(64) -> reshape(8x8x1)")),
        ("8x8x1 -> fc(2)", None, Features(2), ("row of random numbers", "such as 64 -> ...")),
        ("fc(2)", None, Features(2), ("shape of the input is missing",)),
        (None, "3 -> fc(1)", Features(2), ("not shown what the data is", "received: 3")),
        (None, "fc(4) -> fc(2)", Features(2), ("one number", "received: 2", "end it with fc(1)")),
        (None, "conv(2, 3x3) -> fc(1)", Features(2), ("conv works on images",)),
        (None, "fc(1", Features(2), ("never closed",)),
        (None, None, Sequence(3), ("one length",)),
    ],
)
def test_halves_that_do_not_go_together_are_refused(
    generator: str | None, discriminator: str | None, shape: Shape, words: tuple[str, ...]
) -> None:
    with pytest.raises(NotationError) as refusal:
        paired(generator, discriminator, shape)
    for word in words:
        assert word in str(refusal.value)

"""The autoencoder of the zoo: what comes out has the shape of what goes in, and goes through the code."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.blocks import GaussianNoise, Sample
from pellucid.errors import NotationError
from pellucid.networks import ZOO, build, fit_to, parse
from pellucid.networks.words import Fc
from pellucid.shapes import Features, Image, Sequence, Shape
from tests.networks.test_contract import example

SHAPES = st.one_of(
    st.builds(Features, st.integers(1, 40)),
    st.builds(Image, st.integers(1, 37), st.integers(1, 37), st.integers(1, 3)),
    st.builds(Sequence, st.integers(1, 4), st.integers(1, 9)),
)


@pytest.mark.covers("B10")
@settings(max_examples=30)
@given(SHAPES, st.integers(1, 9), st.booleans())
def test_what_comes_out_has_the_shape_of_what_goes_in(shape: Shape, code: int, variational: bool) -> None:
    arrows = f"{shape} -> autoencoder({code}, width=3, noise=0.1, variational={'yes' if variational else 'no'})"
    plan = parse(arrows)
    assert plan.output == shape
    x = example(shape)
    assert build(plan, seed=0)(x).shape == x.shape
    codes = [word.units for word in plan.steps if isinstance(word, Fc)]
    assert (2 * code if variational else code) in codes


def test_its_parts_are_the_encoder_and_the_decoder() -> None:
    arrows = ZOO["autoencoder"].write(Image(28, 28, 1), 7, classes=0)
    encoder = parse(f"28x28x1 -> {arrows.parts['encoder']}")
    assert encoder.output == Features(7)
    assert parse(f"7 -> {arrows.parts['decoder']}").output == Image(28, 28, 1)
    assert parse("autoencoder.encoder -> fc(10)").output == Features(10)


def test_noise_masks_and_samples_are_there_where_they_are_asked_for() -> None:
    kinds = {type(module) for module in build("9 -> autoencoder").modules()}
    assert not kinds & {GaussianNoise, Sample, torch.nn.Dropout}
    model = build("9 -> autoencoder(2, noise=0.3, masking=0.2, variational=yes, beta=0.5)")
    found = {type(module): module for module in model.modules()}
    assert found[GaussianNoise].deviation == 0.3
    assert found[torch.nn.Dropout].p == 0.2
    assert found[Sample].beta == 0.5


def test_a_weight_without_what_it_weighs_is_told() -> None:
    _, notes = fit_to("autoencoder(beta=0.5)", Features(9), Features(9))
    assert "autoencoder: beta weighs what only variational=yes has" in notes


def test_a_free_length_is_refused() -> None:
    with pytest.raises(NotationError, match="length is free"):
        parse("T x 3 -> autoencoder")

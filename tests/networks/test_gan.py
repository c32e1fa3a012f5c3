"""The words `code` and `gan`: what they draw, what they refuse, and the pairs that are put together for data."""

import pytest
import torch

from pellucid.blocks import Code, Gan
from pellucid.errors import NotationError
from pellucid.networks import build, parse
from pellucid.networks.zoo import ZOO

PAIR = "2 -> gan(generator: code(3) -> fc(2) | discriminator: fc(1))"


def gan_of(text: str, seed: int = 0) -> Gan:
    gan = next(build(text, seed=seed).children())
    assert isinstance(gan, Gan)
    return gan


@pytest.mark.covers("B9")
def test_a_code_is_standard_normal_and_looks_at_nothing_but_the_number_of_samples() -> None:
    torch.manual_seed(0)
    code_NK = Code(4)(torch.full((20_000, 2, 2), 7.0))
    assert code_NK.shape == (20_000, 4)
    assert code_NK.mean(0).abs().max() < 5 / 20_000**0.5
    assert torch.cov(code_NK.T) == pytest.approx(torch.eye(4), abs=5 * (2 / 20_000) ** 0.5)


@pytest.mark.covers("B9")
def test_a_gan_gives_the_discriminators_logit_and_samples_of_the_generator() -> None:
    gan = gan_of(PAIR)
    x = torch.randn(5, 2)
    assert torch.equal(gan(x), gan.discriminator(x))
    torch.manual_seed(1)
    ours = gan.sample(6)
    torch.manual_seed(1)
    assert torch.equal(ours, gan.generator(torch.empty(6, 2)))  # the average begins as the generator


@pytest.mark.covers("B9")
def test_the_average_follows_the_generator_by_the_written_rule_and_takes_no_gradient() -> None:
    gan = gan_of("4 -> gan(generator: code(3) -> fc(4) -> batchnorm | discriminator: fc(1))")
    expected = gan.average.get_parameter("fc1.weight").clone()
    for step in range(3):
        with torch.no_grad():
            gan.generator.get_parameter("fc1.weight").normal_(generator=torch.Generator().manual_seed(step))
        gan.generator(torch.empty(7, 4))  # moves the statistics of the norm
        gan.follow(0.9)
        expected = 0.9 * expected + 0.1 * gan.generator.get_parameter("fc1.weight").detach()
    assert gan.average.get_parameter("fc1.weight") == pytest.approx(expected, abs=1e-6)
    assert not torch.equal(gan.average.get_buffer("bn1.running_mean"), torch.zeros(4))
    assert not any(parameter.requires_grad for parameter in gan.average.parameters())
    assert {name.split(".")[0] for name in gan.state_dict()} == {"generator", "discriminator", "average"}


def test_sampling_is_done_in_evaluation_mode_and_leaves_the_mode_as_it_was() -> None:
    gan = gan_of("4 -> gan(generator: code(3) -> fc(4) -> dropout(0.9) | discriminator: fc(1))").train()
    assert (gan.sample(200) != 0).all()
    assert gan.average.training


REFUSED = {
    "2 -> gan(generator: code(3) -> fc(3) | discriminator: fc(1))": ("received: 3", "end it with fc(2)"),
    "8x8x1 -> gan(generator: code(3) -> fc(64) | discriminator: fc(1))": ("8x8x1", "fc(64) -> reshape(8x8x1)"),
    "2 -> gan(generator: code(3) -> fc(2) | discriminator: fc(2))": ("one number", "end it with fc(1)"),
    "8x8x1 -> gan(generator: code(3) -> fc(64) -> reshape(8x8x1) | discriminator: conv(1, 3x3))": ("6x6x1", "fc(1)"),
    "2 -> gan(generator: fc(2) | discriminator: fc(1))": ("received: fc", "write generator: code(16) -> fc(2)"),
    "2 -> gan(generator: code(3) -> fc(2))": ("received: generator", "generator: ... | discriminator: ..."),
    "2 -> gan(generator: code(3) -> fc(2) | judge: fc(1))": ("received: generator, judge", "discriminator"),
    "2 -> gan(code(3) -> fc(2) | fc(1))": ("both networks of gan have a name", "name: layers"),
    "T x 3 -> gan(generator: code(3) -> fc(3) | discriminator: last -> fc(1))": ("T x 3", "T=24 x 8"),
    "tokens(9) -> gan(generator: code(3) | discriminator: embed(2))": ("token ids", "numbers"),
    "T x 3 -> gan": ("one length", "T=24 x 8"),
    "2 -> gan(classes=2)": ("one number", "classes=2"),
    "2 -> gan(cod=2)": ("no such argument", "did you mean 'code'?"),
    "gan": ("takes the shape of its data", "13 -> gan"),
    "2 -> fc(2) -> gan": ("whole network of the zoo", "gan"),
}


@pytest.mark.covers("B9")
@pytest.mark.parametrize("text", REFUSED)
def test_networks_that_do_not_go_together_are_refused(text: str) -> None:
    with pytest.raises(NotationError) as refusal:
        parse(text)
    for part in REFUSED[text]:
        assert part in str(refusal.value)


def test_the_two_may_be_written_in_either_order() -> None:
    assert parse("2 -> gan(discriminator: fc(1) | generator: code(3) -> fc(2))") == parse(PAIR)


@pytest.mark.covers("B9")
@pytest.mark.parametrize("input", ["28x28x1", "32x32x3", "8x8x1", "64x64x3", "20x12x1", "5x5x1", "2", "T=24 x 3"])
def test_the_zoos_pair_fits_any_data(input: str) -> None:
    plan = parse(f"{input} -> gan")
    assert str(plan.output) == "1"
    assert gan_of(str(plan)).sample(2).shape[1:] == plan.input.dimensions
    assert ("convtranspose" in str(plan)) == (input in {"28x28x1", "32x32x3", "8x8x1", "64x64x3", "20x12x1"})


def test_the_zoos_arguments_are_told() -> None:
    plan = parse("2 -> gan(code=5, width=7, layers=2)")
    assert plan == parse(
        "2 -> gan(generator: code(5) -> 2 * (fc(7) -> relu) -> fc(2) | discriminator: 2 * (fc(7) -> relu) -> fc(1))"
    )
    assert ZOO["gan"].classes == 1

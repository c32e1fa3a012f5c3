"""GoogLeNet, its Inception modules and the small net of two of them, held against the paper's and torchvision's."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from pellucid.errors import NotationError
from pellucid.networks import ZOO, Named, build, fit_to, parse, to_source
from pellucid.networks.word import walk
from pellucid.report.markup import text_of
from pellucid.report.network_drawing import network_drawing
from pellucid.shapes import Features, Image

# Table 1 of the paper: output size, then #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj
TABLE_1 = {
    "3a": ("28x28x256", 64, 96, 128, 16, 32, 32),
    "3b": ("28x28x480", 128, 128, 192, 32, 96, 64),
    "4a": ("14x14x512", 192, 96, 208, 16, 48, 64),
    "4b": ("14x14x512", 160, 112, 224, 24, 64, 64),
    "4c": ("14x14x512", 128, 128, 256, 24, 64, 64),
    "4d": ("14x14x528", 112, 144, 288, 32, 64, 64),
    "4e": ("14x14x832", 256, 160, 320, 32, 128, 128),
    "5a": ("7x7x832", 256, 160, 320, 32, 128, 128),
    "5b": ("7x7x1024", 384, 192, 384, 48, 128, 128),
}


def published_tensors(auxiliary: bool) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of torchvision's state dict for `googlenet(aux_logits=auxiliary)`, each part in its order.

    A convolution has no bias; batch norm has weight, bias, running mean, running variance and a count of batches.
    """

    def convolution(maps: int, channels: int, kernel: int) -> Iterator[tuple[int, ...]]:
        yield (maps, channels, kernel, kernel)
        yield from [(maps,)] * 4
        yield ()

    def classifier(channels: int) -> Iterator[tuple[int, ...]]:
        yield from convolution(128, channels, 1)
        yield from [(1024, 2048), (1024,), (1000, 1024), (1000,)]

    yield from convolution(64, 3, 7)
    yield from convolution(64, 64, 1)
    yield from convolution(192, 64, 3)
    channels = 192
    for name, (_, one, reduced3, three, reduced5, five, pooled) in TABLE_1.items():
        yield from convolution(one, channels, 1)
        yield from [*convolution(reduced3, channels, 1), *convolution(three, reduced3, 3)]
        # not 5x5: https://github.com/pytorch/vision/issues/906
        yield from [*convolution(reduced5, channels, 1), *convolution(five, reduced5, 3)]
        yield from convolution(pooled, channels, 1)
        channels = one + three + five + pooled
        if auxiliary and name in ("4a", "4d"):
            yield from classifier(channels)
    yield from [(1000, 1024), (1000,)]


@pytest.mark.covers("B4")
def test_parameters_are_the_known_ones() -> None:
    assert parse("googlenet").parameters == 6_998_552
    assert parse("googlenet(form=published)").parameters == 6_624_904
    assert parse("googlenet(form=published, auxiliary=yes)").parameters == 13_004_888
    assert parse("inception-small").parameters == 97_298
    assert ZOO["googlenet"].figures["parameters"] == 6_998_552
    assert ZOO["googlenet"].figures["parameters of form=published"] == 6_624_904
    assert ZOO["inception-small"].figures["parameters"] == 97_298


@pytest.mark.covers("B11")
def test_the_published_result_is_told_with_its_source() -> None:
    assert str(ZOO["googlenet"].figures["ImageNet top-5 error"]).startswith("6.67 % (first in ILSVRC 2014")


@pytest.mark.covers("B4")
def test_the_modules_are_those_of_table_1() -> None:
    """Output sizes, and parameters counted from the table: each convolution f*f*c + 1 a map."""
    plan = parse("googlenet")
    found = [
        (str(after), word.parameters(before))
        for word, before, after in walk(plan.steps, plan.input)
        if word.name == "concat"
    ]
    channels, expected = 192, []
    for size, one, reduced3, three, reduced5, five, pooled in TABLE_1.values():
        first = (channels + 1) * (one + reduced3 + reduced5 + pooled)
        expected.append((size, first + (9 * reduced3 + 1) * three + (25 * reduced5 + 1) * five))
        channels = one + three + five + pooled
    assert found == expected


def test_the_stem_is_the_papers() -> None:
    """112x112x64, 56x56x64, 56x56x192, 28x28x192: Table 1; about 1.5 billion multiply-adds: section 5."""
    plan = parse("googlenet")
    sizes = [str(shape) for shape in plan.shapes[:10]]
    assert list(dict.fromkeys(sizes)) == ["112x112x64", "56x56x64", "56x56x192", "28x28x192"]
    assert plan.flops is not None
    assert plan.flops / 2 == pytest.approx(1.5e9, rel=0.06)
    assert [word.name for word in plan.steps[:10]].count("lrn") == 2
    assert not any("batchnorm" in row.word for row in plan.table().rows)


@pytest.mark.covers("B4")
@pytest.mark.parametrize("auxiliary", [False, True])
def test_the_published_form_has_the_tensors_of_the_published_weights(auxiliary: bool) -> None:
    model = build(f"googlenet(form=published, auxiliary={'yes' if auxiliary else 'no'})", seed=0)
    assert [tuple(tensor.shape) for tensor in model.state_dict().values()] == list(published_tensors(auxiliary))
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {0.001}


def test_auxiliary_classifiers_are_the_papers() -> None:
    """Section 5: 4x4x512 and 4x4x528 behind the average pooling, 128 maps, 1,024 units, 70 % dropout."""
    plan = parse("googlenet(auxiliary=yes)")
    assert str(plan.output) == "aux1: 1000, aux2: 1000, main: 1000"
    rows = {row.name: row for row in plan.table().rows}
    for place, size in (("heads1.aux1", "4x4x512"), ("heads1.main.heads1.aux2", "4x4x528")):
        assert str(rows[f"{place}.avgpool1"].shape) == size
        words = [row.word for name, row in rows.items() if name.startswith(f"{place}.")]
        assert words == [
            *("avgpool(5x5, stride=3)", "conv(128, 1x1, init=he)", "relu"),
            *("fc(1024, init=he)", "relu", "dropout(0.7)", "fc(1000)"),
        ]
    heads = [128 * (channels + 1) + 1024 * (2048 + 1) + 1000 * (1024 + 1) for channels in (512, 528)]
    assert plan.parameters == 6_998_552 + sum(heads)


def test_auxiliary_classifiers_change_nothing_of_the_main_one() -> None:
    plain = build("32x32x1 -> googlenet(classes=5)", seed=0).eval()
    helped = build("32x32x1 -> googlenet(classes=5, auxiliary=yes)", seed=1).eval()
    theirs = {name: tensor for name, tensor in helped.state_dict().items() if ".aux" not in name}
    plain.load_state_dict(dict(zip(plain.state_dict(), theirs.values(), strict=True)))
    x = torch.randn(2, 1, 32, 32)
    outputs = helped(x)
    assert list(outputs) == ["aux1", "aux2", "main"]
    assert torch.equal(plain(x), outputs["main"])


@pytest.mark.covers("B4")
def test_the_small_net_is_that_of_the_notes() -> None:
    plan = parse("inception-small")
    assert [str(shape) for shape in plan.shapes] == [
        *("24x24x10", "12x12x10", "12x12x10", "12x12x88"),
        *("8x8x20", "4x4x20", "4x4x20", "4x4x88", "1408", "10"),
    ]
    assert 16 + 24 + 24 + 24 == 88
    assert fit_to("inception-small", Image(32, 30, 3), 4)[0].output == Features(4)


@pytest.mark.covers("B4")
@pytest.mark.parametrize("channels", [1, 16, 192])
def test_a_5x5_sees_what_two_3x3_see_and_has_more_parameters(channels: int) -> None:
    one = parse(f"15x15x{channels} -> conv({channels}, 5x5)")
    two = parse(f"15x15x{channels} -> 2 * (conv({channels}, 3x3))")
    assert one.receptive_field == two.receptive_field
    assert one.receptive_field.extent == (5, 5)
    assert one.shapes == two.shapes
    assert two.parameters - 2 * channels == (one.parameters - channels) * 18 / 25


@pytest.mark.parametrize("form", ["paper", "published"])
@pytest.mark.parametrize("sides", [(1, 1), (8, 8), (28, 28), (32, 40), (64, 64), (97, 113), (224, 225)])
def test_any_size_fits(sides: tuple[int, int], form: str) -> None:
    text = f"googlenet(form={form}, auxiliary=yes)"
    plan, notes = fit_to(text, Image(*sides, 1), 4)
    assert fit_to(text, Image(*sides, 1), Features(4))[0] == plan
    assert isinstance(plan.output, Named)
    assert {shape for _, shape in plan.output.shapes} == {Features(4)}
    left_out = [note for note in notes if "halvings are left out" in note]
    assert len(left_out) == (min(sides) <= 96)


def test_its_drawing_and_source_name_all_outputs() -> None:
    plan = parse("8x8x1 -> googlenet(classes=5, auxiliary=yes)")
    drawn = text_of(network_drawing(plan))
    assert all(name in drawn for name in ("aux1", "aux2", "main"))
    assert drawn.count("main") == 1
    assert "dict[str, Tensor]" in to_source(plan)


def test_forms_and_flags_are_read() -> None:
    with pytest.raises(NotationError, match="form cannot be torchvision"):
        parse("googlenet(form=torchvision)")

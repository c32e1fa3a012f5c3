"""AlexNet, VGG, ResNet: counts and shapes of the papers, the order of torchvision's weights, other inputs, training."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import groupby

import numpy as np
import pytest
import torch
from torch import nn

import pellucid
from benchmarks.degradation import NETWORKS, images, measure
from pellucid.cli import main
from pellucid.errors import NotationError
from pellucid.networks import ZOO, Plan, build, fit_to, parse, renamed
from pellucid.networks.words import Add, Conv, Fc, Residual
from pellucid.networks.words.combinators import every
from pellucid.recipe import Recipe
from pellucid.record import Step
from pellucid.report.catalogue import network_page
from pellucid.seed import seed_torch
from pellucid.shapes import Features, Image
from pellucid.training import begin, steps
from tests.networks.test_contract import example
from tests.networks.twins import VGG_LINES, AlexNet, Basic, Bottleneck, CifarResNet, ResNet, Vgg

COUNTS = {
    "alexnet": 62_378_344,
    "alexnet(form=two-group)": 60_965_224,
    "alexnet(form=published)": 61_100_840,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg16(batchnorm=yes)": 138_365_992,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet20": 269_722,
    "resnet20(shortcuts=projected)": 272_474,
}
"""The papers' and torchvision's; torchvision documents those of the ImageNet networks."""

IN_THE_PAPER = {"resnet20": 0.27, "resnet32": 0.46, "resnet44": 0.66, "resnet56": 0.85, "resnet110": 1.7}
"""Millions of parameters (He et al., table 6)."""

MULTIPLY_ADDS = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3, "vgg19": 19.6}
"""Billions (He et al., table 1 and figure 3), which the paper cuts off or rounds to a digit."""

TWINS: dict[str, Callable[[], nn.Module]] = {
    "alexnet(form=published)": AlexNet,
    **{f"vgg{depth}": partial(Vgg, line) for depth, line in VGG_LINES.items()},
    "vgg16(batchnorm=yes)": lambda: Vgg(VGG_LINES[16], batchnorm=True),
    "resnet18": lambda: ResNet(Basic, (2, 2, 2, 2)),
    "resnet34": lambda: ResNet(Basic, (3, 4, 6, 3)),
    "resnet50": lambda: ResNet(Bottleneck, (3, 4, 6, 3)),
    "resnet101": lambda: ResNet(Bottleneck, (3, 4, 23, 3)),
    "resnet152(form=published)": lambda: ResNet(Bottleneck, (3, 8, 36, 3)),
}


@pytest.mark.covers("B2", "B3", "B5")
@pytest.mark.parametrize(("text", "count"), COUNTS.items(), ids=list(COUNTS))
def test_parameters_are_the_published_ones(text: str, count: int) -> None:
    assert parse(text).parameters == count


@pytest.mark.parametrize("name", [name for name, entry in ZOO.items() if entry.figures and entry.input])
def test_figures_of_an_entry_are_those_of_its_plan(name: str) -> None:
    plan, figures = parse(name), ZOO[name].figures
    assert figures.get("parameters", plan.parameters) == plan.parameters
    assert figures.get("FLOPs", plan.flops) == plan.flops


@pytest.mark.covers("B5")
@pytest.mark.parametrize(("name", "millions"), IN_THE_PAPER.items())
def test_parameters_for_cifar_are_those_the_paper_rounds(name: str, millions: float) -> None:
    assert parse(name).parameters / 1e6 == pytest.approx(millions, abs=0.05 if millions > 1 else 0.005)
    counted = ZOO[name].figures["parameters with shortcuts=projected"]
    assert counted == f"{parse(f'{name}(shortcuts=projected)').parameters:,}"


@pytest.mark.parametrize(("name", "billions"), MULTIPLY_ADDS.items())
def test_multiply_adds_are_those_the_paper_rounds(name: str, billions: float) -> None:
    flops = parse(name).flops
    assert flops is not None
    assert flops / 2e9 == pytest.approx(billions, abs=0.1)


@pytest.mark.covers("B2")
@pytest.mark.parametrize("form", ["single-tower", "two-group"])
def test_alexnet_has_the_papers_shapes_and_asserts_them(form: str) -> None:
    plan = parse(f"alexnet(form={form})")
    assert plan.input == Image(227, 227, 3)
    images = ["55x55x96", "27x27x96", "27x27x256", "13x13x256", "13x13x384", "13x13x256", "6x6x256"]
    assert [shape for shape, _ in groupby(map(str, plan.shapes))] == [*images, "4096", "1000"]
    asserted = [str(word.asserted.shape) for word in plan.steps if word.asserted]
    assert [shape for shape, _ in groupby(asserted)] == images
    assert [str(word) for word in plan.steps][-8:] == [
        *("maxpool(3x3, stride=2)", "fc(4096, init=he)", "relu", "dropout", "fc(4096, init=he)", "relu", "dropout"),
        "fc(1000)",
    ]
    assert [str(word) for word in plan.steps].count("lrn") == 2


@pytest.mark.covers("B2")
def test_alexnets_groups_each_see_half_the_maps() -> None:
    sizes = {name: tuple(tensor.shape) for name, tensor in on_meta("alexnet(form=two-group)").items()}
    assert [sizes[f"conv{number}.weight"][1] for number in range(1, 6)] == [3, 48, 256, 192, 192]


def test_a_form_has_its_own_input() -> None:
    assert parse("alexnet(form=published)").input == Image(224, 224, 3)
    _, notes = fit_to("alexnet(form=published)", Image(227, 227, 3), 1000)
    assert notes == ("alexnet: input 227x227x3 in place of 224x224x3",)


@pytest.mark.covers("B3")
@pytest.mark.parametrize("depth", VGG_LINES)
def test_vgg_has_the_papers_shapes_and_parts(depth: int) -> None:
    plan = parse(f"vgg{depth}")
    assert sum("conv" in row.word or "fc" in row.word for row in plan.table().rows) == depth
    pooled = [str(shape) for word, shape in zip(plan.steps, plan.shapes, strict=True) if word.name == "maxpool"]
    assert pooled == ["112x112x64", "56x56x128", "28x28x256", "14x14x512", "7x7x512"]
    features = parse(f"vgg{depth}.features -> fc(7)")
    assert features.output == Features(7)
    assert features.shapes[-2] == Image(7, 7, 512)


@pytest.mark.covers("B5")
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet152"])
def test_resnet_has_the_papers_shapes(name: str) -> None:
    maps = [64, 128, 256, 512] if name == "resnet18" else [256, 512, 1024, 2048]
    shapes = list(dict.fromkeys(str(shape) for shape in parse(name).shapes))
    stages = [f"{side}x{side}x{count}" for side, count in zip((56, 28, 14, 7), maps, strict=True)]
    assert shapes == list(dict.fromkeys(["112x112x64", "56x56x64", *stages, str(maps[-1]), "1000"]))


@pytest.mark.covers("B5")
@pytest.mark.parametrize("depth", [8, 20, 32, 44, 56, 110])
def test_cifar_resnet_has_the_papers_layers(depth: int) -> None:
    rows = parse(f"resnet{depth}").table().rows
    convolutions = [str(row.shape) for row in rows if row.word.startswith("conv")]
    n = (depth - 2) // 6
    assert convolutions == ["32x32x16"] * (2 * n + 1) + ["16x16x32"] * 2 * n + ["8x8x64"] * 2 * n
    plain = [str(row.shape) for row in parse(f"plain{depth}").table().rows if row.word.startswith("conv")]
    assert plain == convolutions


def on_meta(text: str) -> dict[str, torch.Tensor]:
    """Return a state dict whose tensors have shapes and no memory."""
    with torch.device("meta"):
        return build(text).state_dict()


@pytest.mark.covers("B2", "B3", "B5")
@pytest.mark.parametrize("text", TWINS)
def test_weights_are_in_the_order_of_torchvisions(text: str) -> None:
    with torch.device("meta"):
        theirs = TWINS[text]().state_dict()
    ours = on_meta(text)
    assert [tensor.shape for tensor in ours.values()] == [tensor.shape for tensor in theirs.values()]
    kinds = [[name.rpartition(".")[2] for name in state] for state in (ours, theirs)]
    assert kinds[0] == kinds[1]


def same_output(text: str, twin: nn.Module) -> bool:
    """Say whether a network with a twin's weights, taken in their order, computes what the twin does."""
    plan = parse(text)
    model, x = build(plan, seed=0).eval(), example(plan.input)
    seed_torch(1, "twin")
    for module in twin.modules():
        if isinstance(module, nn.Conv2d):  # drawn anew, so that what goes in is still seen in what comes out
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):  # statistics as a training leaves them, not 0 and 1
            nn.init.uniform_(module.get_buffer("running_mean"), -0.2, 0.2)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 1.5)
    model.load_state_dict(renamed(twin.state_dict(), model))
    with torch.no_grad():
        ours, theirs = model(x), twin.eval()(x)
    return bool((ours - theirs).abs().max() < 0.01 * theirs.std(0).mean())  # in what differs from input to input


@pytest.mark.covers("B3", "B5")
@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("32x32x3 -> vgg11", lambda: Vgg(VGG_LINES[11], places=1)),
        ("64x64x3 -> resnet18", lambda: ResNet(Basic, (2, 2, 2, 2))),
        ("64x64x3 -> resnet50(form=published)", lambda: ResNet(Bottleneck, (3, 4, 6, 3))),
        ("resnet20", lambda: CifarResNet(20)),
        ("resnet8(width=4)", lambda: CifarResNet(8, 4)),
        ("plain20", lambda: CifarResNet(20, residual=False)),
    ],
    ids=["vgg11", "resnet18", "resnet50", "resnet20", "resnet8", "plain20"],
)
def test_computes_what_a_network_by_hand_does(text: str, twin: Callable[[], nn.Module]) -> None:
    assert same_output(text, twin())


@pytest.mark.covers("B2")
@pytest.mark.slow
def test_published_alexnet_computes_what_torchvisions_layout_does() -> None:
    assert same_output("alexnet(form=published)", AlexNet())


def test_renamed_weights_may_have_any_order_inside_a_layer() -> None:
    """torchvision's older files hold a batch norm's averages before its scale, and no counter."""
    twin, model = CifarResNet(8), build("resnet8", seed=0)
    state = twin.state_dict()
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    order = ["conv1.weight", "bn1.running_mean", "bn1.running_var", "bn1.weight", "bn1.bias"]
    named = renamed({name: old[name] for name in dict.fromkeys([*order, *old])}, model)
    assert torch.equal(named["bn1.running_var"], state["bn1.running_var"])
    assert torch.equal(named["bn1.weight"], state["bn1.weight"])
    model.load_state_dict(named)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(NotationError, match="another network") as refused:
        renamed(CifarResNet(8).state_dict(), build("plain20"))
    assert refused.value.received == "15"
    with pytest.raises(NotationError, match="another network") as refused:
        renamed(CifarResNet(8, width=8).state_dict(), build("resnet8"))
    assert "conv1.weight of (16, 3, 3, 3)" in str(refused.value)
    assert "conv1.weight of (8, 3, 3, 3)" in str(refused.value)


def test_the_papers_bottleneck_halves_in_its_first_convolution() -> None:
    assert not same_output("64x64x3 -> resnet50", ResNet(Bottleneck, (3, 4, 6, 3)))
    words = [str(word) for word in every(parse("resnet50").steps)]
    assert "conv(128, 1x1, stride=2, bias=no, init=he)" in words
    assert not any("3x3" in word and "stride=2" in word and word.startswith("conv") for word in words)


@pytest.mark.covers("B5")
def test_a_block_is_relu_of_its_input_and_its_layers() -> None:
    """y = ReLU(x + f(x)), with batch norm and, as in the notes, without."""
    for batchnorm in ("yes", "no"):
        model = build(f"resnet8(batchnorm={batchnorm})", seed=0).eval()
        block, relu = model.get_submodule("residual1"), model.get_submodule("relu2")
        assert isinstance(block.get_submodule("shortcut")[0], nn.Identity)  # type: ignore[index]
        x = torch.randn(2, 16, 8, 8)
        assert torch.equal(relu(block(x)), torch.relu(block.get_submodule("body")(x) + x))
        assert any(isinstance(module, nn.BatchNorm2d) for module in model.modules()) == (batchnorm == "yes")


def test_plain_networks_are_the_residual_ones_without_shortcuts() -> None:
    for residual, plain in (("resnet20", "plain20"), ("resnet110", "plain110")):
        ours, theirs = on_meta(residual), on_meta(plain)
        assert [tensor.shape for tensor in ours.values()] == [tensor.shape for tensor in theirs.values()]
    for name in ZOO:
        if name.startswith("plain"):
            assert not any(isinstance(word, Residual | Add) for word in every(parse(name).steps))
    projections = 64 * 128 + 128 * 256 + 256 * 512 + 2 * (128 + 256 + 512)
    assert parse("resnet18").parameters - parse("plain18").parameters == projections


# other inputs


@pytest.mark.parametrize("name", ["alexnet", "alexnet(form=two-group)", "alexnet(form=published)", "vgg11"])
@pytest.mark.parametrize("shape", [Image(8, 8, 1), Image(28, 28, 1), Image(32, 32, 3), Image(20, 31, 3)])
def test_small_images_are_enlarged_as_little_as_the_poolings_allow(name: str, shape: Image) -> None:
    plan, notes = fit_to(name, shape, 10)
    assert plan.output == Features(10)
    side = 32 if name == "vgg11" else 63 if "published" in name else 67
    if min(shape.height, shape.width) < side:
        assert str(plan.steps[0]).startswith("upsample(to=")
        enlarged = plan.shapes[0]
        assert isinstance(enlarged, Image)
        assert min(enlarged.height, enlarged.width) == side
        assert enlarged.height / enlarged.width == pytest.approx(shape.height / shape.width, rel=0.03)
        assert any("images are enlarged from" in note and "times the pixels" in note for note in notes)
        smaller = Image(side - 1, side - 1, 3)
        words = [replace(word, asserted=None) for word in parse(name).steps if word.name in ("conv", "maxpool")]
        with pytest.raises(NotationError, match="kernel of maxpool is larger"):
            Plan(smaller, tuple(words))
    else:
        assert plan.steps[0].name == "conv"


@pytest.mark.parametrize(
    ("name", "shape", "last"),
    [
        ("alexnet", Image(224, 224, 3), "5x5x256"),
        ("alexnet", Image(256, 256, 3), "6x6x256"),
        ("alexnet", Image(480, 640, 3), "6x6x256"),
        ("alexnet(form=published)", Image(100, 100, 3), "6x6x256"),
        ("vgg16", Image(96, 64, 3), "3x2x512"),
        ("vgg16", Image(256, 100, 1), "7x3x512"),
        ("vgg16", Image(600, 800, 3), "7x7x512"),
    ],
)
def test_large_images_do_not_make_the_dense_layers_larger_than_the_papers(name: str, shape: Image, last: str) -> None:
    plan, _ = fit_to(name, shape, 1000)
    images = [shape for shape in plan.shapes if isinstance(shape, Image)]
    assert str(images[-1]) == last
    assert plan.parameters <= parse(name).parameters


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "plain18", "resnet20", "plain8"])
@pytest.mark.parametrize("shape", [Image(1, 1, 1), Image(8, 8, 1), Image(28, 28, 1), Image(17, 33, 3)])
def test_resnets_take_images_of_any_size(name: str, shape: Image) -> None:
    plan, notes = fit_to(name, shape, 5)
    assert plan.output == Features(5)
    assert not any("upsample" in str(word) for word in plan.steps)
    imagenet = ZOO[name].classes == 1000
    assert any("3x3, without stride and pooling" in note for note in notes) == imagenet
    whole, _ = fit_to(name, Image(64, 64, 3), 5)
    assert ("7x7" in str(whole.steps[0])) == imagenet


@pytest.mark.covers("B2", "B3", "B4", "B5")
@pytest.mark.parametrize(
    ("text", "narrow", "times"),
    [
        ("alexnet", "alexnet(width=24)", 4),
        ("alexnet(form=two-group)", "alexnet(form=two-group, width=24)", 4),
        ("alexnet(form=published)", "alexnet(form=published, width=32)", 2),
        ("vgg13", "vgg13(width=16)", 4),
        ("googlenet(auxiliary=yes)", "googlenet(auxiliary=yes, width=32)", 2),
        ("googlenet(form=published)", "googlenet(form=published, width=32)", 2),
        ("resnet18", "resnet18(width=16)", 4),
        ("resnet50", "resnet50(width=16)", 4),
        ("plain34", "plain34(width=16)", 4),
    ],
)
def test_width_makes_every_layer_narrower_in_proportion(text: str, narrow: str, times: int) -> None:
    """Every convolution and hidden layer has a share of the maps, nothing else is changed."""

    def widths(name: str) -> list[int]:
        found = [word.maps if isinstance(word, Conv) else word.units for word in every(parse(name).steps)
                 if isinstance(word, Conv | Fc)]  # fmt: skip
        return [width for width in found if width != 1000]  # the classes stay

    assert widths(narrow) == [width // times for width in widths(text)]
    assert [shape for shape in parse(narrow).shapes if isinstance(shape, Image)] == [
        Image(shape.height, shape.width, shape.channels // times)
        for shape in parse(text).shapes
        if isinstance(shape, Image)
    ]


def test_any_width_will_do() -> None:
    for width in (1, 3, 100):
        for name in ("alexnet", "vgg16", "googlenet", "googlenet(form=published)", "resnet34", "resnet50"):
            opened = f"{name[:-1]}, " if name.endswith(")") else f"{name}("
            plan, _ = fit_to(f"{opened}width={width})", Image(32, 32, 3), 7)
            assert plan.output == Features(7)
        groups = parse(f"alexnet(form=two-group, width={width})")
        assert all(word.maps % 2 == 0 for word in every(groups.steps) if isinstance(word, Conv))


def test_wrong_arguments_say_which_would_be_right() -> None:
    with pytest.raises(NotationError, match="form cannot be two-towers") as refused:
        parse("alexnet(form=two-towers)")
    assert "single-tower, two-group, published" in str(refused.value)
    with pytest.raises(NotationError, match="shortcuts cannot be b"):
        parse("resnet20(shortcuts=b)")
    with pytest.raises(NotationError, match="resnet20 works on an image"):
        fit_to("resnet20", Features(64), 10)


# words these networks need


def test_adaptive_averages_are_those_of_their_windows() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 5)).astype(np.float32)
    for rows, columns in ((3, 4), (7, 5), (1, 1), (9, 2)):
        ours = build(f"7x5x3 -> adaptiveavgpool({rows}x{columns})")(torch.from_numpy(x)).numpy()
        for i in range(rows):
            for j in range(columns):
                window = x[:, :, 7 * i // rows : -(-7 * (i + 1) // rows), 5 * j // columns : -(-5 * (j + 1) // columns)]
                assert ours[:, :, i, j] == pytest.approx(window.mean((2, 3)), abs=1e-6)


def test_padded_channels_are_zeros_behind() -> None:
    x = torch.randn(2, 3, 4, 5)
    y = build("4x5x3 -> padchannels(7)")(x)
    assert torch.equal(y[:, :3], x)
    assert y[:, 3:].abs().sum() == 0
    with pytest.raises(NotationError, match="padchannels only adds channels"):
        parse("4x5x3 -> padchannels(2)")
    with pytest.raises(NotationError, match="padchannels works on images"):
        parse("12 -> padchannels(20)")
    with pytest.raises(NotationError, match="adaptiveavgpool works on images"):
        parse("12 -> adaptiveavgpool(2x2)")


@pytest.mark.parametrize(("init", "variance"), [("uniform", 1 / 3), ("he", 2), ("xavier", 2 * 450 / (450 + 50 * 9))])
def test_weights_start_with_the_variance_of_their_init(init: str, variance: float) -> None:
    """Times the inputs of a unit: 450 here, a 3x3 over 50 maps."""
    conv = build(f"8x8x50 -> conv(50, 3x3, init={init})", seed=0).get_submodule("conv1")
    weight, bias = conv.get_parameter("weight").detach(), conv.get_parameter("bias")
    assert float(weight.var()) * 450 == pytest.approx(variance, rel=0.05)
    assert bool(bias.any()) == (init == "uniform")
    fc = build(f"300 -> fc(100, init={init})", seed=0).get_submodule("fc1").get_parameter("weight").detach()
    of_fc = {"uniform": 1 / 3, "he": 2, "xavier": 2 * 300 / (300 + 100)}
    assert float(fc.var()) * 300 == pytest.approx(of_fc[init], rel=0.05)


@pytest.mark.parametrize(("init", "least", "most"), [("he", 0.3, 3.0), ("uniform", 0.0, 1e-5)])
def test_he_keeps_the_signal_of_a_deep_relu_network_and_torchs_own_does_not(
    init: str, least: float, most: float
) -> None:
    """Mean square of the last of 20 layers against the first's, without biases."""
    model = build(f"500 -> 20 * (fc(500, bias=no, init={init}) -> relu)", seed=0)
    x = torch.randn(200, 500, generator=torch.Generator().manual_seed(0))
    first = model[:2](x)  # type: ignore[index]
    ratio = float((model(x).square().mean() / first.square().mean()).detach())
    assert least <= ratio <= most


# what the pages say


@pytest.mark.covers("B11")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("alexnet", "16.4 %"),
        ("vgg16", "7.3 %"),
        ("vgg19", "7.3 %"),
        ("resnet152", "3.57 %"),
        ("resnet20", "8.75 %"),
        ("resnet110", "6.43 %"),
    ],
)
def test_the_published_error_is_shown_with_its_source(name: str, error: str) -> None:
    page = network_page(ZOO[name], parse(name))
    (line,) = [line for line in page.splitlines() if f"  {error} (" in line]
    assert "error" in line
    assert ZOO[name].reference in page


def test_a_page_breaks_its_arrows_only_at_arrows() -> None:
    plan = parse("resnet50")
    lines = network_page(ZOO["resnet50"], plan).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("224x224x3 ->"))
    arrows = lines[start : lines.index("", start)]
    assert parse(" ".join(arrows)) == plan
    assert max(map(len, arrows)) <= 110


def test_the_list_of_networks_has_their_figures(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["zoo", "vgg16", "--json", "-"])
    document = json.loads(capsys.readouterr().out)
    assert document["figures"]["parameters"] == document["parameters"] == 138_357_544


# training


@pytest.mark.covers("B5")
@pytest.mark.slow
@pytest.mark.skipif("PELLUCID_DATA" not in os.environ, reason="PELLUCID_DATA names no folder with CIFAR-10")
def test_a_deep_plain_network_learns_its_own_images_worse_and_a_residual_one_does_not() -> None:
    """He et al., section 4.2, at 8 and 32 layers on 5,000 images: the errors are those on the images learned from."""
    data = images()
    error = {name: float(measure(data, name, seed=0)["training_error"]) for name in NETWORKS}
    assert error["plain32"] > error["plain8"] + 0.1, error
    assert error["resnet32"] < error["resnet8"], error


def trains(network: str) -> None:
    """Take two steps on handwritten digits; every weight must have moved, by finite numbers."""
    data = pellucid.load("digits")
    session = begin(data, network, Recipe(batch_size=8, epochs=1, threads=1, schedule="constant")).session
    before = {name: tensor.clone() for name, tensor in session.network.named_parameters()}
    run = steps(session, every=1)
    losses = [event.loss for event in (next(run), next(run)) if isinstance(event, Step)]
    assert len(losses) == 2
    assert all(np.isfinite(losses))
    for name, tensor in session.network.named_parameters():
        assert tensor.isfinite().all(), name
        assert not torch.equal(tensor, before[name]), name


CHEAP = ("resnet8", "plain8(width=4)", "resnet20(batchnorm=no)", "plain20", "resnet56(width=4)", "resnet18", "plain18")


@pytest.mark.covers("B5")
@pytest.mark.parametrize("network", CHEAP)
def test_a_step_on_digits(network: str) -> None:
    trains(network)


@pytest.mark.covers("B2", "B3", "B5")
@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        *("alexnet", "alexnet(form=two-group)", "alexnet(form=published)"),
        *("vgg11", "vgg13", "vgg16", "vgg16(batchnorm=yes)", "vgg19"),
        *("resnet34", "resnet50", "resnet50(form=published)", "resnet101", "resnet152", "plain34"),
        *("resnet32", "resnet44", "resnet110", "plain32", "plain44", "plain56", "plain110"),
    ],
)
def test_a_step_of_a_large_network_on_digits(network: str) -> None:
    trains(network)

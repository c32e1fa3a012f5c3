"""LeNet-5, in the form of 1998 and in the modern one, held against the paper's figures."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pellucid import blocks
from pellucid.errors import NotationError
from pellucid.networks import ZOO, Plan, build, fit_to, parse
from pellucid.shapes import Features, Image

PAPER = parse("lenet5(form=paper)")

# Table I of the paper, a row for each map of S2, an X for each map of C3 that sees it
TABLE_I = """
    X . . . X X X . . X X X X . X X
    X X . . . X X X . . X X X X . X
    X X X . . . X X X . . X . X X X
    . X X X . . X X X X . . X . X X
    . . X X X . . X X X X . X X . X
    . . . X X X . . X X X X . X X X
"""
SEES = [[cell == "X" for cell in line.split()] for line in TABLE_I.strip().splitlines()]


def trainable(plan: Plan) -> list[tuple[str, int]]:
    """Return the layers that have parameters, and how many, counted in the built network."""
    counts = [(name, sum(p.numel() for p in child.parameters())) for name, child in build(plan).named_children()]
    return [(name, count) for name, count in counts if count]


@pytest.mark.covers("B1")
def test_the_papers_form_has_the_papers_parameters_layer_by_layer() -> None:
    """C1, S2, C3, S4, C5 and F6 of section II.B; the output codes are fixed."""
    assert trainable(PAPER) == [
        *(("conv1", 156), ("subsample1", 12), ("tableconv1", 1_516), ("subsample2", 32), ("conv2", 48_120)),
        ("fc1", 10_164),
    ]
    figures = ZOO["lenet5"].figures
    assert PAPER.parameters == figures["parameters of form=paper"] == 60_000
    assert parse("lenet5").parameters == figures["parameters"] == 61_706
    assert [(row.name, row.parameters) for row in PAPER.table().rows if row.parameters] == trainable(PAPER)


@pytest.mark.covers("B1")
@pytest.mark.parametrize("side", [28, 32])
@pytest.mark.parametrize("form", ["paper", "modern"])
def test_both_forms_have_the_papers_shapes(form: str, side: int) -> None:
    plan = parse(f"{side}x{side}x1 -> lenet5(form={form})")
    sizes = ["28x28x6", "14x14x6", "10x10x16", "5x5x16", "120", "84", "10"]
    met = [str(shape).removeprefix("1x1x") for shape in plan.shapes]
    assert [size for size, before in zip(met, ["", *met], strict=False) if size != before] == sizes
    with pytest.raises(NotationError, match="conv gives another shape"):
        parse("30x30x1 -> conv(6, 5x5) -> 28x28x6")


def test_c3_sees_what_table_i_says() -> None:
    """A map of C3 changes where, and only where, a map that it sees changes."""
    model = blocks.TableConv((5, 5))
    x = torch.randn(1, 6, 9, 9)
    for source in range(6):
        changed = x.clone()
        changed[:, source] += 1
        differs = (model(changed) != model(x)).any(-1).any(-1)[0]
        assert differs.tolist() == SEES[source]
    assert sum(map(sum, SEES)) * 25 + 16 == 1_516 == sum(p.numel() for p in model.parameters())


def test_c3_is_the_sum_of_single_convolutions() -> None:
    model, x = blocks.TableConv((3, 2)), torch.randn(2, 6, 7, 8)
    kernels = iter(model.weight)
    for number in range(16):
        expected = model.bias[number].expand(2, 1, 5, 7)
        for source in range(6):
            if SEES[source][number]:
                expected = expected + F.conv2d(x[:, source : source + 1], next(kernels)[None, None])
        assert torch.allclose(model(x)[:, number : number + 1], expected, atol=1e-5)


def test_subsampling_is_a_coefficient_times_the_sum_plus_a_bias() -> None:
    model = blocks.Subsample(3, (2, 3))
    model.load_state_dict({"weight": torch.tensor([1.0, 2.0, -1.0]), "bias": torch.tensor([0.0, 1.0, 5.0])})
    x = torch.randn(2, 3, 5, 6)
    for channel, (weight, bias) in enumerate(((1, 0), (2, 1), (-1, 5))):
        for row, column in ((0, 0), (1, 1)):
            window = x[:, channel, 2 * row : 2 * row + 2, 3 * column : 3 * column + 3]
            expected = weight * window.sum((1, 2)) + bias
            assert torch.allclose(model(x)[:, channel, row, column], expected, atol=1e-5)
    assert model(x).shape == (2, 3, 2, 2)


def test_the_squashing_takes_one_to_one_where_it_bends_most() -> None:
    """Appendix A: f(1) = 1, f(-1) = -1, and the second derivative has its largest size at ±1."""
    x = torch.linspace(-3, 3, 601, dtype=torch.float64, requires_grad=True)
    y = blocks.ScaledTanh()(x)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x)
    assert y[400].item() == pytest.approx(1, abs=1e-4)
    assert y[200].item() == pytest.approx(-1, abs=1e-4)
    assert x[bend.abs().argmax()].abs().item() == pytest.approx(1, abs=0.02)
    assert y.abs().max() < 1.7159


def test_outputs_are_minus_squared_distances_to_the_codes() -> None:
    for inputs, classes in ((84, 10), (20, 7)):
        model, x = blocks.Codes(inputs, classes), torch.randn(5, inputs)
        expected = -torch.cdist(x.double(), model.codes.double()).square()
        assert torch.allclose(model(x).double(), expected, atol=1e-3)
        assert model(model.codes).argmax(1).tolist() == list(range(classes))
        assert model(model.codes).diagonal().abs().max() < 1e-4


def test_digits_that_look_alike_have_codes_that_are_alike() -> None:
    codes = blocks.Codes(84, 10).codes
    apart = (codes[:, None] != codes[None]).sum(-1)
    assert codes.abs().unique().tolist() == [1.0]
    assert apart[~torch.eye(10, dtype=torch.bool)].min() >= 15
    for digit, other in ((8, 0), (8, 6), (5, 6), (7, 2)):
        assert apart[digit, other] < apart[digit].sum() / 9


@pytest.mark.parametrize(("inputs", "classes"), [(84, 3), (84, 100), (10, 26), (7, 10), (65, 2)])
def test_other_codes_differ_are_half_positive_and_always_the_same(inputs: int, classes: int) -> None:
    codes = blocks.Codes(inputs, classes).codes
    assert len(codes.unique(dim=0)) == classes
    assert (codes > 0).sum(1).tolist() == [inputs // 2] * classes
    assert torch.equal(codes, blocks.Codes(inputs, classes).codes)


@pytest.mark.parametrize(
    "block", [blocks.Subsample(6, (2, 2)), blocks.TableConv((2, 2)), blocks.ScaledTanh(), blocks.Codes(4, 3)], ids=str
)
def test_gradients_are_those_of_finite_differences(block: nn.Module) -> None:
    block = block.double()
    x = torch.randn(2, 4) if isinstance(block, blocks.Codes) else torch.randn(2, 6, 4, 4)
    parameters = dict(block.named_parameters())

    def run(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = torch.func.functional_call(block, dict(zip(parameters, values, strict=True)), (x,))
        return output

    assert torch.autograd.gradcheck(run, (x.double().requires_grad_(), *parameters.values()))


def test_the_codes_are_part_of_what_is_saved_and_are_not_trained() -> None:
    model = build("84 -> codes(10)")
    assert list(model.state_dict()) == ["codes1.codes"]
    assert not list(model.parameters())


def test_the_papers_form_adapts_to_data() -> None:
    plan, notes = fit_to("lenet5(form=paper)", Image(28, 28, 1), 7)
    assert plan.output == Features(7)
    assert plan.parameters == 60_000
    assert notes[-1] == "lenet5: 7 outputs in place of 10"
    assert fit_to("lenet5(form=paper)", Image(8, 9, 3), 10)[0].parameters == 60_000 + 2 * 25 * 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9x9x3 -> tableconv(5x5)", "the connection table of tableconv is of six maps"),
        ("T x 6 -> subsample(2x2)", "subsample works on images"),
        ("6 -> tableconv(5x5)", "tableconv works on images"),
        ("9x9x3 -> codes(5)", "codes works on a row of features"),
        ("4 -> codes(10)", "10 codes of 4 numbers, half of them \\+1, would be too alike"),
        ("100 -> codes(20000)", "these are too many codes"),
        ("lenet5(form=1998)", "form cannot be 1998"),
    ],
)
def test_what_the_words_refuse(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        parse(text)

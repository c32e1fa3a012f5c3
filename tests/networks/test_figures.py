"""The figures a plan tells, held against an independent computation: torch's own counter, gradients, the papers."""

from itertools import pairwise

import pytest
import torch
from scipy import signal
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from pellucid.blocks import Gan
from pellucid.networks import Plan, build, parse
from pellucid.shapes import Image, Sequence
from tests.networks.samples import ADVERSARIAL, FEATURES, IMAGES, SEQUENCES
from tests.networks.test_contract import example, tensors

UNCOUNTED = ("rnn", "lstm", "gru", "tableconv")  # torch sees a fused cell not at all, and multiplies a table's gaps
COUNTED = [
    plan
    for text in (*IMAGES, *SEQUENCES, *FEATURES, "lenet5", "cnn")
    if (plan := parse(text)).flops is not None and not any(cell in text for cell in UNCOUNTED)
]
PLACED = [
    "15x15x1 -> conv(2, 3x3)",
    "15x17x1 -> conv(2, 3x5, stride=2) -> relu -> conv(1, 3x3, dilation=2)",
    "16x16x2 -> conv(2, 5x5, padding=same) -> maxpool(2x2) -> conv(2, 3x3, padding=same)",
    "16x16x1 -> avgpool(3x3, stride=2, padding=1) -> medianpool(2x2) -> conv(1, 1x1)",
    "21x21x1 -> 3 * (conv(1, 3x3))",
    "21x21x1 -> cbapd(2, 3x3, activation=tanh, dropout=0) -> minpool(2x2)",
    "15x15x1 -> concat(conv(2, 1x1) | conv(2, 5x5, padding=same) | maxpool(3x3, stride=1, padding=1))",
    "15x15x2 -> residual(conv(2, 3x3, padding=same) -> conv(2, 3x3, padding=same))",
    "15x15x2 -> residual(conv(4, 3x3, stride=2, padding=1)) -> conv(1, 3x3)",
    "9x9x1 -> upsample(2) -> conv(1, 3x3, padding=same)",
    "9x9x1 -> upsample(2, mode=bilinear)",
    "9x9x1 -> convtranspose(1, 4x4, stride=2) -> conv(1, 3x3)",
    "9x9x1 -> convtranspose(1, 3x3) -> batchnorm -> conv(1, 2x2)",
    "9x9x6 -> lrn -> conv(1, 3x3)",
    "16x16x1 -> conv(6, 3x3) -> subsample(2x2) -> tableconv(3x3) -> subsample(2x2)",
    "T=21 x 2 -> conv(2, kernel=5, stride=2) -> conv(1, kernel=3)",
    "T=21 x 2 -> fc(3) -> maxpool(kernel=3) -> layernorm",
    "T=12 x 2 -> upsample(2) -> conv(1, kernel=2)",
]


@pytest.mark.parametrize("plan", COUNTED, ids=str)
def test_flops_are_those_torch_counts(plan: Plan) -> None:
    x = example(plan.input)[:1]
    with FlopCounterMode(display=False) as counter:
        build(plan).eval()(x)
    assert plan.flops == counter.get_total_flops()


@pytest.mark.parametrize("text", [text for text in ADVERSARIAL if "rnn" not in text])
def test_flops_of_a_gan_are_those_of_making_one_sample_and_judging_it(text: str) -> None:
    model = build(text).eval()
    gan = next(model.children())
    assert isinstance(gan, Gan)
    with FlopCounterMode(display=False) as counter:
        model(gan.sample(1))
    assert parse(text).flops == counter.get_total_flops()


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_flops_of_recurrent_layers_are_those_of_their_cells(cell: str, gates: int) -> None:
    modules = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}
    with FlopCounterMode(display=False) as counter:
        modules[cell](5, 7)(torch.randn(1, 5))
    one_step = 2 * gates * 7 * (5 + 7)
    assert counter.get_total_flops() in (one_step, 0)  # a fused cell is not seen by torch's counter
    assert parse(f"T=9 x 5 -> {cell}(7)").flops == 9 * one_step
    assert parse(f"T=9 x 5 -> {cell}(7, bidirectional=yes)").flops == 2 * 9 * one_step
    assert parse(f"T=9 x 5 -> {cell}(7, layers=2)").flops == 9 * (one_step + 2 * gates * 7 * (7 + 7))
    assert parse(f"T x 5 -> {cell}(7)").flops is None


def measured_field(plan: Plan) -> tuple[int, ...]:
    """Return the largest extent of the input that has a gradient from any one place of the output.

    The gradients of many random inputs are added, so that the choices of max pooling and ReLU do not hide a place.
    """
    places = (plan.input.height, plan.input.width) if isinstance(plan.input, Image) else (plan.input.dimensions[0],)
    model = build(plan, seed=0).eval()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)  # positive weights cannot cancel
    x = torch.cat([example(plan.input, seed) for seed in range(40)]).abs().requires_grad_()
    (output,) = tensors(model(x))
    image = isinstance(plan.input, Image)
    summed = output.sum((0, 1)) if image else output.sum((0, 2))
    largest = [0] * len(places)
    for place in summed.flatten():
        (gradient,) = torch.autograd.grad(place, x, retain_graph=True)
        seen = gradient.abs().sum((0, 1)) if image else gradient.abs().sum((0, 2))
        for axis in range(len(places)):
            others = [other for other in range(len(places)) if other != axis]
            hit = (seen.sum(others) if others else seen).nonzero().flatten()
            largest[axis] = max(largest[axis], int(hit.max() - hit.min()) + 1)
    return tuple(largest)


@pytest.mark.covers("A14")
@pytest.mark.parametrize("text", PLACED)
def test_receptive_field_is_the_one_gradients_measure(text: str) -> None:
    plan = parse(text)
    assert isinstance(plan.input, Image | Sequence)
    assert plan.receptive_field.extent == measured_field(plan)
    last = [row for row in plan.table().rows if row.depth == 0][-1]
    assert last.receptive_field == plan.receptive_field


@pytest.mark.parametrize(
    "text", ["6x6x2 -> fc(3)", "6x6x2 -> layernorm", "6x6x2 -> globalavgpool", "T=6 x 2 -> lstm(3)"]
)
def test_receptive_field_of_all(text: str) -> None:
    assert str(parse(text).receptive_field) == "all"


@pytest.mark.parametrize("n", [5, 6, 7, 12, 13])
@pytest.mark.parametrize("f", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("s", [1, 2, 3])
@pytest.mark.covers("A7")
def test_convolution_arithmetic(n: int, f: int, s: int) -> None:
    """Output (n + 2p - f)/s + 1; SAME n/s rounded up, VALID (n - f + 1)/s rounded up; on unlike heights and widths."""
    g = f % 5 + 1

    def size(padding: int | str) -> tuple[int, int]:
        plan = parse(f"{n}x{n + 1}x1 -> conv(1, {f}x{g}, stride={s}, padding={padding})")
        assert isinstance(plan.output, Image)
        real = build(plan)(torch.zeros(1, 1, n, n + 1)).shape
        assert tuple(real[2:]) == (plan.output.height, plan.output.width)
        return plan.output.height, plan.output.width

    for p in range(3):
        assert size(p) == ((n + 2 * p - f) // s + 1, (n + 1 + 2 * p - g) // s + 1)
    assert size("same") == (-(-n // s), -(-(n + 1) // s))
    assert size("valid") == (-(-(n - f + 1) // s), -(-(n + 1 - g + 1) // s))


@pytest.mark.covers("A7")
def test_convolution_does_not_flip_its_kernel() -> None:
    x, kernel = torch.randn(8, 7), torch.randn(3, 2)
    model = build(parse("8x7x1 -> conv(1, 3x2, bias=no)"))
    model.load_state_dict({"conv1.weight": kernel[None, None]})
    ours = model(x[None, None])[0, 0].detach().numpy()
    assert ours == pytest.approx(signal.correlate2d(x.numpy(), kernel.numpy(), mode="valid"), abs=1e-5)
    flipped = kernel.flip(0, 1).numpy()
    assert ours == pytest.approx(signal.convolve2d(x.numpy(), flipped, mode="valid"), abs=1e-5)


@pytest.mark.covers("A7")
def test_odd_kernels_keep_the_size_by_symmetric_padding() -> None:
    for f in range(1, 10):
        sizes = [parse(f"12x12x1 -> conv(1, {f}x{f}, padding={p})").output for p in range(6)]
        kept = [p for p, size in enumerate(sizes) if size == Image(12, 12, 1)]
        assert kept == ([(f - 1) // 2] if f % 2 else [])


@pytest.mark.covers("A7")
def test_corner_pixels_count_less() -> None:
    """Without padding a corner is in one window, a pixel in the middle in f*f of them."""
    model = build(parse("7x7x1 -> conv(1, 3x3, bias=no)"))
    model.load_state_dict({"conv1.weight": torch.ones(1, 1, 3, 3)})
    x = torch.zeros(1, 1, 7, 7, requires_grad=True)
    (windows,) = torch.autograd.grad(model(x).sum(), x)
    assert windows[0, 0, 0, 0] == 1
    assert windows[0, 0, 3, 3] == 9


@pytest.mark.parametrize(("n", "f", "s", "before", "after"), [(6, 3, 2, 0, 1), (5, 3, 2, 1, 1), (7, 4, 1, 1, 2)])
def test_same_padding_is_tensorflows(n: int, f: int, s: int, before: int, after: int) -> None:
    """The figures of tf.nn.convolution's SAME: where the padding is odd, the greater part comes behind."""
    plan = parse(f"{n}x{n}x1 -> conv(1, {f}x{f}, stride={s}, padding=same)")
    model, x = build(plan, seed=0), torch.randn(2, 1, n, n)
    weight, bias = model.state_dict()["conv1.weight"], model.state_dict()["conv1.bias"]
    padded = F.pad(x, (before, after, before, after))
    assert torch.allclose(model(x), F.conv2d(padded, weight, bias, s), atol=1e-6)


@pytest.mark.parametrize("kernel", ["2x2", "3x3", "4x3"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pool", ["max", "min"])
def test_padding_never_wins_a_pooling(kernel: str, stride: int, pool: str) -> None:
    """Max and min pooling of constant images with `same` padding give the constant, whatever its sign."""
    plan = parse(f"7x6x2 -> {pool}pool({kernel}, stride={stride}, padding=same)")
    for constant in (-3.0, 3.0):
        assert build(plan)(torch.full((1, 2, 7, 6), constant)).unique().tolist() == [constant]


@pytest.mark.parametrize(
    "text", ["avgpool(3x3, stride=1, padding=same)", "avgpool(2x2, padding=same)", "avgpool(3x3, stride=2, padding=1)"]
)
def test_padding_is_no_part_of_an_average(text: str) -> None:
    assert build(parse(f"7x7x1 -> {text}"))(torch.ones(1, 1, 7, 7)).unique().tolist() == [1.0]


@pytest.mark.covers("A9")
def test_pooling_keeps_the_channels_and_takes_what_its_name_says() -> None:
    window = torch.tensor([[[[1.0, 2.0], [4.0, 9.0]]]]).repeat(1, 3, 1, 1)
    expected = {"maxpool": 9.0, "minpool": 1.0, "avgpool": 4.0, "medianpool": 3.0}
    for pool, value in expected.items():
        plan = parse(f"2x2x3 -> {pool}(2x2)")
        assert plan.output == Image(1, 1, 3)
        assert build(plan)(window).flatten().tolist() == [value] * 3
    assert build(parse("2x2x3 -> globalavgpool"))(window).tolist() == [[4.0] * 3]


@pytest.mark.covers("A13")
def test_cbapd_is_the_five_words_in_their_order() -> None:
    children = build(parse("8x8x3 -> cbapd(4, 3x3)")).named_children()
    assert [name for name, _ in children] == ["conv1", "bn1", "relu1", "maxpool1", "dropout1"]


@pytest.mark.covers("A15")
def test_lrn_is_the_papers_formula() -> None:
    x = torch.randn(2, 7, 3, 3)
    got = build(parse("3x3x7 -> lrn(5, alpha=0.1, beta=0.75, k=2)"))(x)
    for channel in range(7):
        near = x[:, max(0, channel - 2) : channel + 3].square().sum(1)
        assert torch.allclose(got[:, channel], x[:, channel] / (2 + 0.1 * near) ** 0.75, atol=1e-6)


def test_lenet_has_the_papers_sizes() -> None:
    text = (
        "32x32x1 -> conv(6, 5x5) -> 28x28x6 -> tanh -> avgpool(2x2) -> 14x14x6 -> conv(16, 5x5) -> 10x10x16 -> tanh"
        " -> avgpool(2x2) -> 5x5x16 -> fc(120) -> 120 -> tanh -> fc(84) -> 84 -> tanh -> fc(10) -> 10"
    )
    assert parse(text) == parse("lenet5")
    assert parse("lenet5").parameters == parse("28x28x1 -> lenet5").parameters == 61_706


@pytest.mark.covers("A4")
def test_mlp_parameters_are_the_sum_of_previous_times_next_plus_next() -> None:
    sizes = [13, 128, 64, 10]
    assert parse("13 -> mlp").parameters == sum((a + 1) * b for a, b in pairwise(sizes))


@pytest.mark.parametrize("length", [1, 5, 50])
def test_parameters_do_not_grow_with_the_length(length: int) -> None:
    assert parse(f"T={length} x 3 -> lstm(8) -> last -> fc(2)").parameters == 4 * 8 * (3 + 8 + 2) + 18


@pytest.mark.covers("A11")
def test_batch_norm_is_the_formula_in_training_and_at_inference() -> None:
    model, x = build(parse("4 -> batchnorm")), 3 * torch.randn(50, 4) + 2
    mean, variance = x.mean(0), x.var(0, unbiased=False)
    state = {"bn1.weight": torch.tensor([1.0, 2.0, 3.0, 4.0]), "bn1.bias": torch.tensor([0.0, 1.0, 2.0, 3.0])}
    model.load_state_dict(state, strict=False)
    gamma, beta = state.values()
    trained = model.train()(x)
    assert torch.allclose(trained, gamma * (x - mean) / torch.sqrt(variance + 1e-5) + beta, atol=1e-5)
    moving_mean, moving_variance = 0.1 * mean, 0.9 + 0.1 * x.var(0)
    expected = gamma * (x - moving_mean) / torch.sqrt(moving_variance + 1e-5) + beta
    assert torch.allclose(model.eval()(x), expected, atol=1e-5)
    assert not torch.allclose(model(x), trained, atol=0.1)


@pytest.mark.covers("A12")
def test_dropout_keeps_the_mean_and_is_off_at_inference() -> None:
    model, x = build(parse("1000 -> dropout(0.3)")), torch.ones(400, 1000)
    torch.manual_seed(0)
    dropped = model.train()(x)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 1 / 0.7])
    deviation = (0.3 / 0.7) ** 0.5 / x.numel() ** 0.5
    assert abs(dropped.mean() - 1) < 5 * deviation
    assert torch.equal(model.eval()(x), x)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_recurrent_layers_are_their_formulas(cell: str) -> None:
    """The first step, whose state before is zero."""
    x, model = torch.randn(1, 1, 3), build(parse(f"T x 3 -> {cell}(4)"), seed=0)
    weight, _, bias, other_bias = (parameter.detach() for parameter in model.parameters())
    inside = x[0] @ weight.T + bias
    match cell:
        case "rnn":
            hidden = torch.tanh(inside + other_bias)
        case "gru":
            hidden = _gru(inside, other_bias)
        case _:
            hidden = _lstm(inside + other_bias)
    assert torch.allclose(model(x)[0], hidden, atol=1e-6)


def _gru(z: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Return (1 - update) * new for a zero state."""
    (reset_x, update_x, new_x), (reset_c, update_c, new_c) = z.chunk(3, -1), c.chunk(3, -1)
    reset, update = torch.sigmoid(reset_x + reset_c), torch.sigmoid(update_x + update_c)
    return (1 - update) * torch.tanh(new_x + reset * new_c)


def _lstm(z: torch.Tensor) -> torch.Tensor:
    """Return output * tanh(input * cell) for a zero state."""
    i, _, g, o = z.chunk(4, -1)
    return torch.sigmoid(o) * torch.tanh(torch.sigmoid(i) * torch.tanh(g))

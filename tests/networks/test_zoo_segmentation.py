"""The networks that answer at every pixel."""

import pytest
import torch

from pellucid.errors import NotationError
from pellucid.networks import build, fit_to, parse
from pellucid.shapes import Features, Image


@pytest.mark.covers("B12")
@pytest.mark.parametrize("name", ["fcn", "unet"])
@pytest.mark.parametrize("sides", [(1, 1), (2, 7), (5, 9), (17, 16), (33, 47), (64, 64)])
def test_the_output_has_the_inputs_size_whatever_it_is(name: str, sides: tuple[int, int]) -> None:
    shape = Image(*sides, 2)
    plan, _ = fit_to(f"{name}(width=4)", shape, Image(*sides, 5))
    assert plan.output == Image(*sides, 5)
    assert build(plan).eval()(torch.randn(2, 2, *sides)).shape == (2, 5, *sides)


@pytest.mark.covers("B12")
@pytest.mark.parametrize("name", ["fcn", "unet"])
def test_it_is_fully_convolutional(name: str) -> None:
    """The same weights fit images of every size, and what lies beyond the receptive field changes nothing."""
    small, large = (build(f"{side}x{side}x1 -> {name}(width=4, depth=1)", seed=0).eval() for side in (32, 64))
    large.load_state_dict(small.state_dict())
    assert {shape for tensor in small.state_dict().values() if len(shape := tensor.shape) == 2} == set()
    reach = parse(f"64x64x1 -> {name}(width=4, depth=1)").receptive_field.extent
    assert reach is not None
    x = torch.randn(1, 1, 64, 64)
    changed = x.clone()
    changed[..., : 32 - (reach[0] + 1) // 2, :] += 1
    assert torch.equal(large(x)[..., 32:, :], large(changed)[..., 32:, :])
    assert not torch.equal(large(x), large(changed))


def test_fcn_is_the_sum_of_the_scores_of_all_scales() -> None:
    """With the scores of every scale but one at zero, the output is that one's, enlarged."""
    model = build("16x16x1 -> fcn(classes=3, width=4, depth=1)", seed=0).eval()
    x = torch.randn(2, 1, 16, 16)
    state = model.state_dict()
    biases = [name for name in state if name.endswith("bias") and ".conv" in name]
    assert len(biases) == 2
    for name in biases:
        for other in biases:
            state[other.replace("bias", "weight")].zero_()
            state[other].fill_(0.0)
        state[name].copy_(torch.tensor([1.0, 2.0, 3.0]))
        output = model(x)
        assert torch.allclose(output, torch.tensor([1.0, 2.0, 3.0])[:, None, None].expand_as(output), atol=1e-6)


def test_unet_hands_each_scales_maps_across() -> None:
    plan = parse("32x32x3 -> unet(width=8, depth=2)")
    rows = {row.name: row for row in plan.table().rows}
    assert str(rows["concat1"].shape) == "32x32x24"
    assert str(rows["concat1.branch2.concat1"].shape) == "16x16x48"
    assert str(rows["concat1.branch2.concat1.branch2.conv2"].shape) == "8x8x32"


@pytest.mark.parametrize("name", ["fcn", "unet"])
def test_it_learns_where_a_square_is(name: str) -> None:
    """A few steps of plain gradient descent on images of a bright square on noise."""
    torch.manual_seed(0)
    images_B1HW, masks_BHW = squares(32)
    model = build(f"13x11x1 -> {name}(width=4)", seed=0)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images_B1HW), masks_BHW).backward()
        optimizer.step()
    others_B1HW, others_BHW = squares(32)
    right = (model.eval()(others_B1HW).argmax(1) == others_BHW).float().mean()
    always_background = 1 - others_BHW.float().mean()
    assert right > 1 - 0.2 * (1 - always_background)


def squares(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    images_B1HW, masks_BHW = torch.randn(count, 1, 13, 11), torch.zeros(count, 13, 11, dtype=torch.int64)
    for number in range(count):
        top, left = (int(torch.randint(0, most, ())) for most in (9, 7))
        masks_BHW[number, top : top + 4, left : left + 4] = 1
    return images_B1HW + 3 * masks_BHW[:, None], masks_BHW


def test_a_network_that_answers_once_is_refused_where_every_pixel_is_asked() -> None:
    with pytest.raises(NotationError, match="the network's output is not what the data asks for") as refused:
        fit_to("lenet5", Image(28, 28, 1), Image(28, 28, 5))
    assert "fcn" in refused.value.advice
    with pytest.raises(NotationError, match="the network's output is not what the data asks for"):
        fit_to("fcn", Image(28, 28, 1), Features(5))

"""A class for every pixel: the figures are scikit-learn's, and a fully convolutional network learns them."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import accuracy_score, jaccard_score
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.data import Dataset, load
from pellucid.errors import NotationError, OptionError
from pellucid.networks import Plan, build
from pellucid.recipe import Recipe
from pellucid.training import begin, fit
from pellucid.training.device import choose_device
from pellucid.training.evaluation import evaluate
from pellucid.training.tasks import Segmentation, task_for
from pellucid.training.tasks.segmentation import coloured

DEVICE = choose_device(Recipe(device="cpu"))
CLASSES = 4
RANDOM = np.random.default_rng(0)


def made_of(masks: np.typing.NDArray[Any], images: np.typing.NDArray[Any] | None = None) -> Dataset:
    pictures = RANDOM.random((*masks.shape, 1)) if images is None else images
    return load((pictures, masks), task="segmentation", split="50:25:25")


class Answer(nn.Module):
    """A network that says for each image what is written in its single channel."""

    def forward(self, x: Tensor) -> Tensor:
        said = (x[:, 0] * 1e3).round().long().abs() % CLASSES
        return F.one_hot(said, CLASSES).permute(0, 3, 1, 2).float() * 5


@pytest.mark.covers("B12")
@given(arrays.arrays(np.int64, (8, 3, 2), elements=st.integers(0, CLASSES - 1)))
def test_the_figures_are_scikit_learns(masks: np.typing.NDArray[np.int64]) -> None:
    masks[0] = [[0, 1], [2, 3], [0, 0]]  # every class is somewhere, though maybe not in the rows judged
    data = made_of(masks)
    task = task_for(data, Recipe())
    network = Answer().eval()
    figures = evaluate(network, data, task, "test", DEVICE)
    inputs, truth = data.split("test")
    said = network(inputs).argmax(1)
    true, guessed = truth.flatten().numpy(), said.flatten().numpy()
    assert figures["accuracy"] == pytest.approx(accuracy_score(true, guessed))
    present = sorted({*true.tolist(), *guessed.tolist()})
    assert figures["iou"] == pytest.approx(jaccard_score(true, guessed, labels=present, average="macro"))
    expected = F.cross_entropy(network(inputs), truth)
    assert figures["loss"] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.covers("B12")
def test_a_class_that_is_absent_in_both_counts_for_nothing() -> None:
    masks = np.zeros((8, 2, 2), dtype=int)
    masks[:, 0, 0] = 1
    data = load((RANDOM.random((8, 2, 2, 1)), masks), task="segmentation", split="50:25:25")
    task = task_for(data, Recipe())
    assert isinstance(task, Segmentation)

    def all_background(x: Tensor) -> Tensor:
        return torch.tensor([1.0, 0.0])[None, :, None, None].expand(len(x), 2, 2, 2)

    figures = evaluate(all_background, data, task, "test", DEVICE)
    assert figures["accuracy"] == pytest.approx(0.75)
    assert figures["iou"] == pytest.approx((0.75 + 0) / 2)
    right = np.zeros((8, 2, 2), dtype=int)
    right[:4] = masks[:4]  # class 1 stands in training rows only
    order = load((RANDOM.random((8, 2, 2, 1)), right), task="segmentation", split="50:25:25")
    rows = torch.arange(4, 8)
    assert task.evaluate(all_background, order, rows, DEVICE)["iou"] == 1


def test_labels_are_smoothed_where_asked() -> None:
    data = made_of(RANDOM.integers(0, CLASSES, (8, 3, 2)))
    task = task_for(data, Recipe(label_smoothing=0.1))
    assert isinstance(task, Segmentation)
    scores, truth = torch.randn(2, CLASSES, 3, 2), torch.randint(CLASSES, (2, 3, 2))
    log = scores.log_softmax(1)
    spread = 0.9 * F.one_hot(truth, CLASSES).permute(0, 3, 1, 2) + 0.1 / CLASSES
    assert torch.allclose(task.loss(scores, truth), -(spread * log).sum(1).mean(), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": "flip"}, "no longer fit their masks"),
        ({"loss": "squared-error"}, "does not go with segmentation"),
        ({"metric": "f1"}, "does not go with segmentation"),
    ],
)
def test_choices_that_do_not_go_with_masks_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        begin(made_of(RANDOM.integers(0, 3, (12, 8, 8))), None, Recipe(device="cpu", **options))


def test_a_network_that_answers_once_is_refused_with_what_is_wanted() -> None:
    with pytest.raises(NotationError) as misfit:
        begin(made_of(RANDOM.integers(0, 3, (12, 8, 8))), "8x8x1 -> fc(3)", Recipe(device="cpu"))
    assert misfit.value.expected == "8x8x3"


@pytest.mark.parametrize(
    "network", [None, "unet(width=4)", "8x8x1 -> conv(4, 3x3, padding=same) -> relu -> conv(3, 1x1)"]
)
def test_networks_that_answer_at_every_pixel_take_a_step(network: str | None) -> None:
    data = made_of(RANDOM.integers(0, 3, (24, 8, 8)))
    beginning = begin(data, network, Recipe(device="cpu", epochs=1, batch_size=6))
    assert isinstance(beginning.plan, Plan)
    assert str(beginning.plan.output) == "8x8x3"
    assert beginning.session.recipe.augment == "none"
    assert fit(beginning.session)


def test_every_class_has_a_colour_of_its_own_up_to_thirteen() -> None:
    shown = coloured(torch.arange(13).view(1, 1, 13))
    assert shown.shape == (1, 3, 1, 13)
    assert len({tuple(colour) for colour in shown[0, :, 0].T.tolist()}) == 13
    assert torch.equal(coloured(torch.full((1, 1, 1), 13)), coloured(torch.zeros(1, 1, 1)))


def test_images_are_shown_beside_their_masks_and_what_is_said() -> None:
    data = load("digits_scenes")
    task = task_for(data, Recipe())
    network = build("32x32x1 -> conv(11, 3x3, padding=same)", seed=0).eval()
    with torch.no_grad():
        shown = task.specimens(network, data, data.rows["test"], DEVICE)
    assert shown is not None
    assert len(shown.items) == 12
    assert [*shown.items[0].pictures] == ["input", "mask", "said"]
    first = data.rows["test"][:1]
    assert torch.equal(shown.items[0].pictures["input"], data.inputs[first][0])
    assert torch.equal(shown.items[0].pictures["mask"], coloured(data.targets[first])[0])


@pytest.mark.slow
@pytest.mark.covers("B12")
def test_without_any_option_it_finds_them_better_still() -> None:
    """The network and the recipe chosen from the data: measured once, an IoU of 0.85 after 60 epochs."""
    data = load("digits_scenes")
    session = begin(data, None, Recipe(device="cpu", threads=1)).session
    assert fit(session)
    session.network.load_state_dict(session.best_weights)
    assert evaluate(session.network, data, session.task, "test", DEVICE)["iou"] > 0.7


@pytest.mark.slow
@pytest.mark.covers("B12")
def test_it_finds_real_digits_in_scenes() -> None:
    """Far above the answer that everything is background: 92 % of the pixels, an IoU of 1 / 11 of that."""
    data = load("digits_scenes")
    recipe = Recipe(device="cpu", threads=1, epochs=30, learning_rate=0.01)
    session = begin(data, "fcn(width=8)", recipe).session
    assert fit(session)
    session.network.load_state_dict(session.best_weights)
    figures = evaluate(session.network, data, session.task, "test", DEVICE)
    background = float((data.targets[data.rows["test"]] == 0).double().mean())
    assert background < 0.93
    assert figures["accuracy"] > 0.975
    assert figures["iou"] > 0.65

"""Networks whose heads help to train them, and the loss of the LeNet-5 of 1998, through the same loop as all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

import pellucid
from pellucid.errors import OptionError
from pellucid.networks import build
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.training import begin, steps
from pellucid.training.rules.gradient import total_loss

DEEP = "8x8x1 -> conv(8, 3x3) -> relu -> heads(aux: fc(10) | main: conv(8, 3x3) -> relu -> fc(10))"


@pytest.fixture(scope="module")
def digits() -> pellucid.data.Dataset:
    return pellucid.load("digits")


def one_epoch(data: pellucid.data.Dataset, network: str, **options: object) -> tuple[list[float], Epoch, nn.Module]:
    """Return the loss of each step of an epoch, the epoch and the network."""
    session = begin(data, network, Recipe(epochs=1, augment="none", **options)).session  # type: ignore[arg-type]
    losses, epoch = [], None
    for event in steps(session, every=1):
        if isinstance(event, Epoch):
            epoch = event
        else:
            losses.append(event.loss)
    assert epoch is not None
    return losses, epoch, session.network


def test_the_loss_is_the_main_ones_and_three_tenths_of_the_others() -> None:
    """Szegedy et al. (2015), section 5; against the sum written out, with its gradient."""
    model, x, targets = build(DEEP, seed=0), torch.randn(4, 1, 8, 8), torch.tensor([1, 2, 3, 4])
    outputs = model(x)
    loss = total_loss(F.cross_entropy, outputs, targets)
    expected = F.cross_entropy(outputs["main"], targets) + 0.3 * F.cross_entropy(outputs["aux"], targets)
    assert loss.item() == pytest.approx(expected.item())
    assert total_loss(F.cross_entropy, outputs["main"], targets) == F.cross_entropy(outputs["main"], targets)
    loss.backward()
    weight = dict(model.named_parameters())["heads1.aux.fc1.weight"]
    (alone,) = torch.autograd.grad(F.cross_entropy(model(x)["aux"], targets), weight)
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 0.3 * alone, atol=1e-7)


def test_what_is_judged_predicted_and_exported_is_the_main_output(tmp_path: Path) -> None:
    run = pellucid.train("digits", network=DEEP, epochs=2, folder=str(tmp_path), quiet=True)
    data = pellucid.load("digits")
    inputs, targets = data.split("test")
    model = run.model().eval()
    with torch.no_grad():
        outputs = model(inputs)
    right = (outputs["main"].argmax(1) == targets).double().mean().item()
    assert run.evaluate()["accuracy"] == pytest.approx(right)
    assert right > 0.5
    assert right != (outputs["aux"].argmax(1) == targets).double().mean().item()
    rows = data.rows["test"][:5]
    images = data.inputs[rows].permute(0, 2, 3, 1).numpy()
    said = [prediction.label for prediction in run.predict(images)]
    folder = pellucid.export(run, output=tmp_path / "alone").target
    Image.fromarray(images[0, ..., 0]).save(tmp_path / "digit.png")
    alone = subprocess.run(
        [sys.executable, folder / "predict.py", tmp_path / "digit.png"], capture_output=True, text=True, check=True
    )
    assert json.loads(alone.stdout)["class"] == said[0]
    names = data.target.names if isinstance(data.target, pellucid.data.Classes) else ()
    assert said == [names[int(k)] for k in outputs["main"][:5].argmax(1)]


@pytest.mark.parametrize(
    "network",
    [
        *("lenet5", "lenet5(form=paper)", "inception-small", "googlenet", "googlenet(auxiliary=yes)"),
        "googlenet(form=published)",
    ],
)
def test_each_network_trains(digits: pellucid.data.Dataset, network: str) -> None:
    session = begin(digits, network, Recipe(epochs=1, batch_size=16)).session
    before = {name: parameter.detach().clone() for name, parameter in session.network.named_parameters()}
    step = next(steps(session, every=1))
    assert step.loss > 0
    changed = [name for name, p in session.network.named_parameters() if not torch.equal(p, before[name])]
    assert changed == list(before)


def test_the_paper_form_is_trained_with_the_papers_loss_unless_another_is_asked_for(
    digits: pellucid.data.Dataset,
) -> None:
    begun = begin(digits, "lenet5(form=paper)", Recipe(epochs=1))
    assert begun.session.recipe.loss == "map"
    assert begun.notes[-1] == "loss map, which codes is made for; another with --loss"
    other = begin(digits, "lenet5(form=paper)", Recipe(epochs=1, loss="cross-entropy"))
    assert other.session.recipe.loss == "cross-entropy"
    assert begin(digits, "lenet5", Recipe(epochs=1)).session.recipe.loss is None
    with pytest.raises(OptionError, match="loss 'map' has no label smoothing"):
        begin(digits, "lenet5(form=paper)", Recipe(epochs=1, label_smoothing=0.1))


def test_the_papers_loss_is_equation_9(digits: pellucid.data.Dataset) -> None:
    """E = y_right + log(exp(-j) + sum_k exp(-y_k)), in double precision, with y_k minus the outputs and j = 1."""
    loss = begin(digits, "lenet5(form=paper)", Recipe(epochs=1)).session.rule.loss  # type: ignore[attr-defined]
    y_BK, targets = 20 * torch.rand(6, 10, dtype=torch.float64), torch.tensor([0, 9, 3, 3, 5, 1])
    expected = [
        float(y_K[k] + torch.log(torch.exp(torch.tensor(-1.0).double()) + torch.exp(-y_K).sum()))
        for y_K, k in zip(y_BK, targets, strict=True)
    ]
    assert loss(-y_BK, targets).item() == pytest.approx(sum(expected) / 6)
    # far from every code it pulls as the mean squared error does: by the whole distance to the right one
    far = (100 + y_BK).requires_grad_()
    loss(-far, targets).backward()
    assert far.grad is not None
    assert torch.allclose(6 * far.grad, F.one_hot(targets, 10).double(), atol=1e-6)


def test_the_paper_form_learns_digits(digits: pellucid.data.Dataset) -> None:
    losses, epoch, _ = one_epoch(digits, "lenet5(form=paper)")
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert epoch.validation["accuracy"] > 0.3

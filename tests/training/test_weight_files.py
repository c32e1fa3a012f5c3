"""Files of weights: read without running anything, found under whatever names, taken over where they fit."""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from safetensors.torch import save_file
from torch import Tensor, nn

import pellucid
from pellucid.cli import main
from pellucid.data import Dataset, load
from pellucid.data.images.images import ImagePreprocessing
from pellucid.errors import NotationError, OptionError, PellucidError, RunError
from pellucid.networks import build, published_form
from pellucid.recipe import Recipe
from pellucid.training import begin
from pellucid.training.weight_files import read_weights
from tests.networks.twins import Basic, ResNet

STATE = nn.Linear(2, 3).state_dict()
TEXT = "resnet18(width=4)"


class Planted:
    """What runs a command when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.witness}",)


def flowers(side: int = 64, channels: int = 3, classes: int = 3) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (60, channels, side, side), dtype=np.uint8)
    return load((torch.from_numpy(pixels), np.asarray([f"kind {i % classes}" for i in range(60)])))


def published(text: str = TEXT, classes: int = 1000) -> dict[str, Tensor]:
    """Return random weights of a network under torchvision's names, in torchvision's order."""
    form = published_form(text, classes)
    assert form is not None
    own = build(form.plan, seed=5).state_dict()
    ours = list(dict.fromkeys(name.rpartition(".")[0] for name in own))
    theirs = dict(zip(ours, form.layers, strict=True))
    named = ((theirs[name.rpartition(".")[0]], name.rpartition(".")[2], tensor) for name, tensor in own.items())
    return {f"{layer}.{part}": tensor for layer, part, tensor in named}


# reading


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
        lambda state: {"model": {f"module.{name}": tensor for name, tensor in state.items()}},
        lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()},
    ],
)
def test_weights_are_found_as_training_scripts_keep_them(tmp_path: Path, wrap: Any, old: bool) -> None:
    path = tmp_path / "weights.pth"
    torch.save(wrap(STATE), path, _use_new_zipfile_serialization=not old)
    weights, told = read_weights(path)
    assert list(weights) == list(STATE)
    assert all(torch.equal(weights[name], STATE[name]) for name in STATE)
    assert told is None


def test_the_content_says_what_a_file_is(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "weights.bin", {"note": "mine"})
    weights, told = read_weights(tmp_path / "weights.bin")
    assert weights.keys() == STATE.keys()
    assert told == {"note": "mine"}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("place", ["alone", "beside weights", "the whole module"])
def test_a_pickle_runs_nothing(tmp_path: Path, place: str, old: bool) -> None:
    path, witness = tmp_path / "weights.pth", tmp_path / "ran"
    held: Any = {"alone": Planted(witness), "beside weights": {**STATE, "x": Planted(witness)}}.get(place)
    torch.save(nn.Linear(2, 3) if held is None else held, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(RunError, match=r"holds more than weights(.|\n)*can run code") as refused:
        read_weights(path)
    assert "Linear" in str(refused.value) or "system" in str(refused.value)
    assert not witness.exists()


def test_a_bare_pickle_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(pickle.dumps(Planted(tmp_path / "ran")))
    with pytest.raises(RunError):
        read_weights(tmp_path / "weights.pth")
    assert not (tmp_path / "ran").exists()


def test_what_holds_no_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    for held in ({}, [1, 2], {"a": 1, "b": torch.ones(2)}, torch.ones(3), {"a": torch.eye(3).to_sparse()}):
        torch.save(held, path)
        with pytest.raises(RunError, match="holds no weights"):
            read_weights(path)


def test_what_is_damaged_is_refused(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "whole.pth")
    save_file(STATE, tmp_path / "whole.safetensors")
    for whole in (tmp_path / "whole.pth", tmp_path / "whole.safetensors"):
        content = whole.read_bytes()
        for cut in (0, 5, 40, len(content) // 2, len(content) - 1):
            (tmp_path / "cut").write_bytes(content[:cut])
            with pytest.raises(RunError, match="is no file of weights, or is damaged"):
                read_weights(tmp_path / "cut")
    with zipfile.ZipFile(tmp_path / "other.pth", "w") as archive:
        archive.writestr("../../escaped", "no weights")
    with pytest.raises(RunError, match="is no file of weights"):
        read_weights(tmp_path / "other.pth")
    with pytest.raises(RunError, match="cannot be read"):
        read_weights(tmp_path / "absent.pth")


# beginning with them


@pytest.mark.covers("C16")
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize(
    "text",
    [
        *(TEXT, "vgg11(width=4)", "resnet50(form=published, width=4)"),
        *("alexnet(form=published, width=8)", "googlenet(form=published, width=8)"),
    ],
)
def test_published_weights_are_taken_but_for_the_last_layer(tmp_path: Path, text: str, ending: str) -> None:
    weights, path = published(text), tmp_path / f"weights.{ending}"
    torch.save(weights, path) if ending == "pth" else save_file(weights, path)
    begun = begin(flowers(), text, Recipe(from_=str(path)))
    own = begun.session.network.state_dict()
    form = published_form(text)
    assert form is not None
    expected = build(form.plan, seed=5).state_dict()
    anew = {
        name.rpartition(".")[0] for name, tensor in own.items()
        if tensor.shape != expected[name].shape or not torch.equal(tensor, expected[name])
    }  # fmt: skip
    (note,) = [note for note in begun.notes if note.startswith("weights from")]
    assert note.endswith("anew: " + ", ".join(name for name, _ in _layers(begun.session.network) if name in anew))
    # of images this small the first fully connected layer of VGG is smaller than the published one
    assert len(anew) == (2 if "vgg" in text else 1)


def _layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, module) for name, module in network.named_modules() if any(True for _ in module.parameters(False))]


def test_pixels_are_standardised_as_the_published_weights_want_them(tmp_path: Path) -> None:
    torch.save(published(), tmp_path / "w.pth")
    prepared = begin(flowers(), TEXT, Recipe(from_=str(tmp_path / "w.pth"))).session.data.preprocessing
    assert isinstance(prepared, ImagePreprocessing)
    assert (prepared.mean, prepared.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    text = "googlenet(form=published, width=4)"
    torch.save(published(text), tmp_path / "g.pth")
    halves = begin(flowers(), text, Recipe(from_=str(tmp_path / "g.pth"))).session.data.preprocessing
    assert isinstance(halves, ImagePreprocessing)
    assert (halves.mean, halves.std) == ((0.5,) * 3, (0.5,) * 3)
    grey = begin(flowers(channels=1), TEXT, Recipe(from_=str(tmp_path / "w.pth")))
    assert any("standardised by their own mean" in note for note in grey.notes)
    assert any("anew: conv1, fc1" in note for note in grey.notes)


def test_an_older_file_without_counters_is_taken(tmp_path: Path) -> None:
    """torchvision's first files are older than `num_batches_tracked`."""
    old = {name: tensor for name, tensor in published().items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "w.pth")
    begun = begin(flowers(), TEXT, Recipe(from_=str(tmp_path / "w.pth")))
    assert any(note.endswith("anew: fc1") for note in begun.notes)


@pytest.mark.slow
def test_torchvisions_resnet18_computes_the_same_in_a_training_that_begins_with_it(tmp_path: Path) -> None:
    twin = ResNet(Basic, (2, 2, 2, 2)).eval()
    torch.save(twin.state_dict(), tmp_path / "resnet18.pth")
    network = begin(flowers(), "resnet18", Recipe(from_=str(tmp_path / "resnet18.pth"))).session.network.eval()
    last = network.get_submodule("fc1")
    assert isinstance(last, nn.Linear)
    twin.fc = last
    x = torch.randn(2, 3, 64, 64)
    assert torch.allclose(network(x), twin(x), atol=1e-5)


def test_other_peoples_names_in_the_same_order_are_understood(tmp_path: Path) -> None:
    theirs = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 5))
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    begun = begin(load("iris"), "4 -> fc(8) -> tanh -> fc(3)", Recipe(from_=str(tmp_path / "w.pth")))
    own = begun.session.network.state_dict()
    assert torch.equal(own["fc1.weight"], theirs.state_dict()["0.weight"])
    assert any(note.endswith("anew: fc2") for note in begun.notes)


def test_a_module_takes_its_own_names_and_all_layers(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    torch.save({"state_dict": module.state_dict()}, tmp_path / "w.pt")
    begun = begin(load("iris"), nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)),
                  Recipe(from_=str(tmp_path / "w.pt")))  # fmt: skip
    assert any(note.endswith("all layers") for note in begun.notes)
    assert all(torch.equal(tensor, module.state_dict()[name])
               for name, tensor in begun.session.network.state_dict().items())  # fmt: skip


def test_an_exported_file_says_its_network_and_what_that_saw(tmp_path: Path) -> None:
    run = pellucid.train("iris", "4 -> fc(6) -> tanh -> fc(3)", epochs=1, folder=str(tmp_path), quiet=True,
                         no_report=True, no_diagnosis=True)  # fmt: skip
    target = pellucid.export(run, to="safetensors", output=tmp_path / "w.safetensors").target
    begun = begin(load("iris"), recipe=Recipe(from_=str(target)))
    assert str(begun.plan) == str(run.plan)
    assert begun.notes[-1].endswith("all layers")
    assert begun.session.data.preprocessing == run.preprocessing


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (None, OptionError, "does not say which network"),
        ("resnet50(width=4)", NotationError, "form=published"),
        ("resnet34(width=4)", NotationError, "another network"),
        ("resnet18(width=8)", NotationError, "another network"),
        ("64x64x3 -> conv(4, 3x3) -> fc(3)", OptionError, "no layer of this network is like one"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64 * 64 * 3, 3)), OptionError, "no layer of this network is like one"),
    ],
)
def test_weights_of_another_network_are_refused(
    tmp_path: Path, network: Any, error: type[PellucidError], message: str
) -> None:
    torch.save(published(), tmp_path / "w.pth")
    with pytest.raises(error, match=message):
        begin(flowers(), network, Recipe(from_=str(tmp_path / "w.pth")))


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("rose", "tulip"):
        (tmp_path / "flowers" / kind).mkdir(parents=True)
        for number in range(12):
            colour = (200, 20 * number, 30) if kind == "rose" else (30, 20 * number, 200)
            Picture.new("RGB", (64, 64), colour).save(tmp_path / "flowers" / kind / f"{number}.png")
    torch.save(published(), tmp_path / "resnet18.pth")
    asked = ["train", str(tmp_path / "flowers"), "--network", TEXT, "--freeze", "all", "--epochs", "2",
             "--folder", str(tmp_path / "runs"), "--no-report", "--no-diagnosis"]  # fmt: skip
    with pytest.raises(SystemExit) as exit_:
        main([*asked, "--from", str(tmp_path / "resnet18.pth")])
    said = capsys.readouterr().out
    assert exit_.value.code == 0, said
    assert f"weights from {tmp_path / 'resnet18.pth'}; anew: fc1" in said
    weights = pellucid.open_run(tmp_path / "runs" / "flowers-1").model().state_dict()
    assert torch.equal(weights["conv1.weight"], published()["conv1.weight"])
    torch.save({"x": Planted(tmp_path / "ran")}, tmp_path / "evil.pth")
    with pytest.raises(SystemExit) as exit_:
        main([*asked, "--from", str(tmp_path / "evil.pth")])
    assert exit_.value.code == 2
    assert "holds more than weights" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()

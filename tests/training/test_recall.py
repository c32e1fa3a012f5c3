"""Storing as one step of the loop, and recall as what it is judged by."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageDraw
from sklearn.datasets import load_digits

import pellucid
from pellucid.blocks import Hopfield
from pellucid.errors import DataError, NotationError, OptionError
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.training import begin, steps
from pellucid.training.memories import crosstalk, memory_of, states_before
from pellucid.training.rules import Storing
from pellucid.training.rules.storing import medoids
from pellucid.training.session import Session
from pellucid.verbs.run import open_run

LETTERS = "ABXOZ"


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Return a folder of five pictures."""
    folder = tmp_path / "letters"
    folder.mkdir()
    for letter in LETTERS:
        picture = Pillow.new("L", (24, 24), 250)
        ImageDraw.Draw(picture).text((6, 3), letter, fill=10, font_size=18)
        picture.save(folder / f"{letter}.png")
    return folder


def judged(session: Session) -> dict[str, float]:
    """Store, and return the figures of the epoch that ends."""
    *_, epoch = steps(session)
    assert isinstance(epoch, Epoch)
    return dict(epoch.validation)


@pytest.mark.covers("B8")
def test_half_masked_real_digits_are_recalled() -> None:
    """Ten of 1,797 digits that stand for the rest, each from its upper, lower, left or right half."""
    begun = begin(pellucid.load("digits", task="recall"), "hopfield")
    assert isinstance(begun.session.rule, Storing)
    assert "10 of 1,797 rows" in begun.notes[-1]
    figures = judged(begun.session)
    assert begun.session.progress.step == 1
    assert figures["recalled"] >= 0.85
    assert figures["corrected"] >= 0.95
    network = begun.session.network
    stored = memory_of(network).patterns
    everything = states_before(network, memory_of(network), begun.session.data.split("train")[0]).flatten(1)
    assert all((everything == pattern).all(1).any() for pattern in stored)  # real ones, not means
    hebbian = begin(pellucid.load("digits", task="recall"), "hopfield(storage=hebbian)").session
    assert judged(hebbian)["recalled"] < 0.1  # they are far too alike for Hebb's rule


def test_crosstalk_is_that_of_its_formula() -> None:
    """Of random patterns the mean overlap is sqrt(2 / (pi N)); of those with a share b of +1 it is (2 b - 1)^2."""
    random = torch.Generator().manual_seed(0)
    for share, expected in ((0.5, (2 / (torch.pi * 400)) ** 0.5), (0.8, 0.36)):
        memory = Hopfield(400, 20)
        memory.store(torch.where(torch.rand(20, 400, generator=random) < share, 1.0, -1.0))
        found = crosstalk(memory)
        assert found is not None
        assert found.overlap == pytest.approx(expected, rel=0.1)
        assert found.chance == pytest.approx((2 / (torch.pi * 400)) ** 0.5)
        assert found.alike == found.blurs == (share == 0.8)
    assert crosstalk(Hopfield(4, 4)) is None


@pytest.mark.covers("B8")
def test_who_asks_hebb_for_real_digits_is_told_why_it_fails_and_what_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(network: str) -> tuple[str, str]:
        run = pellucid.train("digits", network=network, folder=str(tmp_path))
        return capsys.readouterr().out, (run.folder / "report.html").read_text(encoding="utf-8")

    told, page = said("hopfield(storage=hebbian)")
    for text in (told, page):
        assert "Hebb's rule does not hold these patterns: recall leaves 10 of 10" in text
        assert "alike ones blur (Amit, Gutfreund and Sompolinsky, 1987)" in text
        assert "hopfield(10, storage=pseudo-inverse)" in text
    assert "What is wrong" in page
    told, page = said("hopfield")
    assert "does not hold" not in told + page
    assert "Stored by the pseudo-inverse, not by Hebb's rule" in page
    assert "What is wrong" not in page


def test_too_many_random_patterns_are_told_from_patterns_that_are_alike(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 2, (40, 100)).astype(float)
    run = pellucid.train(rows, network="hopfield(40, storage=hebbian)", task="recall", folder=str(tmp_path), quiet=True)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "the rule holds 0.138 a unit, here 14" in page
    assert "could not be judged" not in page


def test_the_modern_form_recalls_more_of_them() -> None:
    data = pellucid.load("digits", task="recall")
    found = {
        network: judged(begin(data, network).session)["recalled"] for network in ("hopfield(50)", "modern-hopfield(50)")
    }
    assert found["modern-hopfield(50)"] > 0.8 > found["hopfield(50)"]


def test_a_folder_of_pictures_is_stored_and_recalled(letters: Path, tmp_path: Path) -> None:
    run = pellucid.train(str(letters), network="hopfield", folder=str(tmp_path / "runs"), quiet=True)
    assert run.record.epochs[-1].validation["recalled"] == 1.0
    covered = tmp_path / "covered"
    covered.mkdir()
    for letter in LETTERS:
        pixels = np.asarray(Pillow.open(letters / f"{letter}.png")).copy()
        pixels[14:] = 250
        Pillow.fromarray(pixels).save(covered / f"{letter}.png")
    said = open_run(run.folder).predict(str(covered))
    # the rows of a folder are in the order of its names
    names = [sorted(LETTERS)[int(each.words["recalled"].removeprefix("stored pattern ")) - 1] for each in said]
    assert names == sorted(LETTERS)
    assert {each.values["overlap"] for each in said} == {1.0}
    assert all(each.picture is not None and Pillow.open(io.BytesIO(each.picture)).size == (24, 24) for each in said)
    assert "ends in" in Path(run.folder / "report.html").read_text(encoding="utf-8")
    recalled = run.recall(str(covered))
    assert torch.equal(recalled, run.recall(str(letters)))
    assert run.evaluate()["recalled"] == 1.0


def test_storing_draws_nothing(tmp_path: Path) -> None:
    runs = [
        pellucid.train("digits", network="hopfield", folder=str(tmp_path / name), quiet=True) for name in ("a", "b")
    ]
    first, second = (run.folder / "weights.safetensors" for run in runs)
    assert first.read_bytes() == second.read_bytes()


def test_a_table_of_two_valued_columns_is_stored_by_its_signs() -> None:
    random = np.random.default_rng(0)
    rows = random.integers(0, 2, (6, 40)) * np.array([1, 100] * 20)
    data = pellucid.load(rows.astype(float), task="recall")
    session = begin(data, "hopfield").session
    figures = judged(session)
    memory = memory_of(session.network)
    assert isinstance(memory, Hopfield)
    expected = np.where(rows > rows.mean(0), 1, -1)
    assert sorted(memory.patterns[:6].tolist()) == sorted(expected.tolist())
    assert figures["recalled"] > 0.9


def test_medoids_are_one_of_each_cluster() -> None:
    random = torch.Generator().manual_seed(0)
    centres = torch.randn(5, 30, generator=random) * 4
    rows = centres.repeat_interleave(20, 0) + torch.randn(100, 30, generator=random)
    found = medoids(rows, 5)
    assert sorted((found // 20).tolist()) == [0, 1, 2, 3, 4]
    for cluster in range(5):
        members = rows[cluster * 20 : cluster * 20 + 20]
        nearest = (members - members.mean(0)).norm(dim=1).argmin() + cluster * 20
        assert nearest in found
    assert len(medoids(rows[:1].repeat(9, 1), 5)) == 1
    # of real numbers the distances of equal rows are rounding, not 0
    assert sorted((medoids((rows[::20] + 100).repeat(10, 1), 12) % 5).tolist()) == [0, 1, 2, 3, 4]


def test_what_cannot_be_stored_is_refused() -> None:
    digits, iris = pellucid.load("digits", task="recall"), pellucid.load("iris", task="recall")
    crowd = pellucid.load(np.random.default_rng(0).integers(0, 2, (60, 40)).astype(float), task="recall")
    with pytest.raises(DataError, match=r"two values(.|\n)*values in input"):
        begin(iris, "hopfield")
    with pytest.raises(DataError, match="patterns of -1 and 1 are stored"):
        list(steps(begin(digits, "8x8x1 -> hopfield").session))
    with pytest.raises(DataError, match="pseudo-inverse holds fewer"):
        list(steps(begin(crowd, "hopfield(60)").session))
    with pytest.raises(OptionError, match="in one step"):
        begin(digits, "hopfield", Recipe(batch_size=4))
    with pytest.raises(OptionError, match="one memory"):
        begin(digits, "8x8x1 -> binarise -> hopfield -> hopfield")
    with pytest.raises(OptionError, match="one memory"):
        begin(digits, "8x8x1 -> tanh")
    with pytest.raises(NotationError, match="output"):
        begin(digits, "8x8x1 -> flatten -> fc(5) -> modernhopfield")
    with pytest.raises(DataError, match="made for recall"):
        begin(pellucid.load("digits"), "hopfield")
    with pytest.raises(OptionError, match="does not go with recall"):
        begin(digits, "hopfield", Recipe(metric="accuracy"))


def test_bits_are_judged_as_signs_are() -> None:
    data = pellucid.load("digits", task="recall")
    signs = begin(data, "8x8x1 -> binarise -> hopfield(storage=pseudo-inverse)").session
    bits = begin(data, "8x8x1 -> binarise -> relu -> hopfield(storage=pseudo-inverse, states=bits)").session
    assert judged(bits) == judged(signs)


def test_digits_of_scikit_learn_are_parted_by_otsus_threshold() -> None:
    """Of all thresholds the one with the least variance within the two groups, found by trying each."""
    images = torch.tensor(load_digits().images[:50], dtype=torch.float32)[:, None]
    binarise = pellucid.build("8x8x1 -> binarise")
    for image, states in zip(images, binarise(images), strict=True):
        values = image.flatten().numpy()
        within = {
            t: sum(group.var() * len(group) for group in (values[values <= t], values[values > t]))
            for t in np.unique(values)[:-1]
        }
        got = values[states.flatten().numpy() < 0].max()
        assert within[got] == pytest.approx(min(within.values()), rel=1e-5)

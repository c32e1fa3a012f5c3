"""The built-in data sets: all load, are always the same, and are what they say."""

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from sklearn import datasets
from sklearn.linear_model import LinearRegression, LogisticRegression

from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.named import grammar, plane
from pellucid.data.named.builtin import BUILTINS
from pellucid.data.named.mixtures import MIXTURES
from pellucid.recipe import DataOptions
from pellucid.shapes import Features, Image

PLANE = ("circles", "xor", "gaussians", "spirals", "moons")


def load(name: str, **options: object) -> Dataset:
    return BUILTINS[name](DataOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BUILTINS)
def test_every_one_loads_the_same_each_time(name: str) -> None:
    data, again = load(name), load(name)
    assert data.name == name
    assert data.source == again.source
    assert data.source.kind == "builtin"
    assert torch.equal(data.inputs, again.inputs)
    assert torch.equal(data.targets, again.targets)
    assert all(torch.equal(data.rows[split], again.rows[split]) for split in data.rows)
    held = torch.cat([*data.rows.values()]).tolist()
    assert len(set(held)) == len(held)
    if name != "seasons":  # between the splits of a series, windows that would see both are left out
        assert sorted(held) == list(range(len(data)))
    x, _ = data.split("train")
    assert not x.is_floating_point() or bool(x.isfinite().all())
    kind = type(data.preprocessing)
    assert kind.from_json(data.preprocessing.to_json()) == data.preprocessing


@pytest.mark.parametrize("name", BUILTINS)
def test_every_one_is_described_in_one_line(name: str) -> None:
    summary = BUILTINS[name].summary
    assert summary
    assert len(summary) <= 100
    assert "\n" not in summary


def test_the_split_is_the_users_to_choose() -> None:
    assert len(load("digits", split="50:50").rows["test"]) == 0
    assert not torch.equal(load("digits", split_seed=1).rows["test"], load("digits").rows["test"])
    assert torch.equal(load("moons", split_seed=1).inputs, load("moons").inputs)


def test_digits_are_scikit_learns_pixels_on_the_scale_of_a_file() -> None:
    data = load("digits")
    assert data.input_shape == Image(8, 8, 1)
    bunch = datasets.load_digits()
    assert np.array_equal(np.round(data.inputs[:, 0].numpy() / 255 * 16), bunch.images)
    assert np.array_equal(data.targets.numpy(), bunch.target)
    assert data.target == Classes(tuple("0123456789"))
    assert int(data.inputs.max()) == 255


def test_digits_are_read_from_a_picture() -> None:
    data = load("digits")
    assert isinstance(data.preprocessing, ImagePreprocessing)
    assert torch.equal(data.preprocessing.read(data.inputs[3, 0].numpy()).inputs, data.inputs[3:4])


@pytest.mark.parametrize(
    ("name", "load_reference"),
    [
        ("iris", datasets.load_iris),
        ("wine", datasets.load_wine),
        ("breast_cancer", datasets.load_breast_cancer),
        ("diabetes", lambda: datasets.load_diabetes(scaled=False)),
    ],
)
@pytest.mark.covers("C12")
def test_tables_are_scikit_learns(name: str, load_reference: object) -> None:
    data = load(name)
    assert callable(load_reference)
    bunch = load_reference()
    assert data.input_shape == Features(bunch.data.shape[1])
    train = data.rows["train"].numpy()
    standardised = (bunch.data - bunch.data[train].mean(0)) / bunch.data[train].std(0)
    prepared = data.preprocessing.prepare(data.inputs).numpy()
    assert np.allclose(prepared, standardised, atol=1e-4)
    if isinstance(data.target, Values):
        restored = data.target.restore(data.targets)[:, 0].numpy()
        assert np.allclose(restored, bunch.target, atol=1e-3)
        assert data.target.names == ("progression",)
    else:
        assert isinstance(data.target, Classes)
        named = [data.target.names[label] for label in data.targets.tolist()]
        assert named == [str(bunch.target_names[label]) for label in bunch.target]


@pytest.mark.parametrize("name", PLANE)
def test_points_in_the_plane_are_balanced_and_of_two_classes(name: str) -> None:
    data = load(name)
    assert data.input_shape == Features(2)
    assert len(data) == 600
    counts = torch.bincount(data.targets).tolist()
    assert len(counts) == 2
    assert min(counts) > 270


@pytest.mark.covers("B9")
@pytest.mark.parametrize(("name", "modes", "deviation", "nearest"), [
    ("ring", 8, 0.02, 2 * 2 * math.sin(math.pi / 8)), ("grid", 25, 0.05, 2.0),
])  # fmt: skip
def test_mixtures_have_the_literatures_modes(name: str, modes: int, deviation: float, nearest: float) -> None:
    data, mixture = load(name), MIXTURES[name]
    assert data.input_shape == Features(2)
    assert isinstance(data.target, Classes)
    assert len(data.target.names) == len(mixture.centres) == modes
    centres = torch.from_numpy(mixture.centres)
    assert torch.pdist(centres).min().item() == pytest.approx(nearest)
    away = data.inputs - centres[data.targets]
    per_mode = len(data) // modes
    for mode in range(modes):
        own = away[data.targets == mode]
        assert len(own) == per_mode
        assert own.mean(0).abs().max() < 5 * deviation / per_mode**0.5
        assert own.std(0) == pytest.approx([deviation] * 2, rel=5 / (2 * per_mode) ** 0.5)


def error_of_the_best_line(points: plane.Points) -> float:
    line = LogisticRegression().fit(points.places, points.labels)
    return 1 - float(line.score(points.places, points.labels))


def test_the_gaussians_best_line_errs_as_the_formula_says() -> None:
    bayes = 0.5 * math.erfc(math.sqrt(2) / 0.8 / math.sqrt(2))
    assert bayes == pytest.approx(0.039, abs=5e-4)
    assert error_of_the_best_line(plane.gaussians()) == pytest.approx(bayes, abs=0.02)


@pytest.mark.parametrize("draw", [plane.circles, plane.xor, plane.spirals])
def test_no_line_separates_what_needs_a_hidden_layer(draw: object) -> None:
    assert callable(draw)
    assert error_of_the_best_line(draw()) > 0.3


@pytest.mark.parametrize("draw", [plane.circles, plane.xor, plane.spirals, plane.moons])
def test_near_neighbours_are_of_one_class(draw: object) -> None:
    assert callable(draw)
    points = draw()
    distances = np.linalg.norm(points.places[:, None] - points.places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    agree = points.labels[distances.argmin(1)] == points.labels
    assert agree.mean() > 0.95


def test_xor_is_the_exclusive_or_of_the_signs() -> None:
    points = plane.xor()
    assert np.array_equal(points.labels == 1, (points.places[:, 0] > 0) ^ (points.places[:, 1] > 0))


def test_sentences_are_of_the_grammar() -> None:
    content = grammar.sentences()
    assert 40_000 < len(content) < 80_000
    said = re.findall(r"[^.]+\.", content.replace("\n", " "))
    assert len(said) == 1500
    assert len(set(said)) > 1300
    assert content == grammar.sentences()
    assert content != grammar.sentences(seed=1)


def test_verbs_agree_with_their_noun_however_far() -> None:
    singular = {one for one, _ in grammar._NOUNS}
    number_of_act = {word: number for pair in grammar._ACTS for number, word in enumerate(pair)}
    checked = 0
    for sentence in re.findall(r"[^.]+\.", grammar.sentences().replace("\n", " ")):
        words = sentence.strip().rstrip(".").split()
        noun = words[1] if words[1] not in grammar._ADJECTIVES else words[2]
        act = next((act for act in number_of_act if sentence.rstrip(".").endswith(f" {act}")), None)
        if act is not None:
            assert number_of_act[act] == (0 if noun in singular else 1), sentence
            checked += 1
    assert checked > 400


def test_seasons_leave_an_error_of_one_to_the_best_forecast() -> None:
    data = load("seasons")
    assert isinstance(data.target, Values)
    (x, y), (x_test, y_test) = data.split("train"), data.split("test")
    window = x.flatten(1).double().numpy()
    line = LinearRegression().fit(window, y.numpy())
    surprise = (line.predict(x_test.flatten(1).double().numpy()) - y_test.numpy()) * data.target.scale[0]
    assert 0.8 < np.sqrt((surprise**2).mean()) < 1.5
    x, _ = load("seasons", window=24, horizon=3).split("train")
    assert x.shape[1:] == (24, 1)


def test_options_the_user_gave_are_kept() -> None:
    data = BUILTINS["iris"](dataclasses.replace(DataOptions(), target="petal width (cm)", task="regression"))
    assert isinstance(data.target, Values)
    assert data.target.names == ("petal width (cm)",)

"""Label errors that were planted, and those that people found in CIFAR-10.

Shape letters: N samples, K classes.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pellucid.data import Classes, Dataset, load
from pellucid.errors import DataError
from pellucid.explain import find_label_errors, label_error_bars, out_of_sample_probabilities, spread_of
from pellucid.explain.error_analysis.label_errors import Method
from pellucid.recipe import Recipe

REAL = Path(os.environ.get("PELLUCID_DATA", "")) / "label-errors"
METHODS: tuple[Method, ...] = ("confident joint", "by class", "by noise rate", "both")


def test_the_confident_joint_by_hand() -> None:
    p_NK = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7], [0.5, 0.5]])
    labels_N = torch.tensor([0, 0, 0, 1, 1, 1])
    found = find_label_errors(p_NK, labels_N, ["cat", "dog"], method="confident joint")
    # thresholds (0.9 + 0.7 + 0.2) / 3 = 0.6 and (0.9 + 0.7 + 0.5) / 3 = 0.7; the last sample reaches neither
    assert found.thresholds.tolist() == pytest.approx([0.6, 0.7])
    assert found.confident_joint.tolist() == [[2, 1], [0, 2]]
    assert found.joint.flatten().tolist() == pytest.approx([1 / 3, 1 / 6, 0, 1 / 2])
    assert found.noise.flatten().tolist() == pytest.approx([1, 1 / 4, 0, 3 / 4])
    assert found.estimated_share == pytest.approx(1 / 6)
    assert (found.rows.tolist(), found.labels.tolist(), found.suggested.tolist()) == ([2], [0], [1])
    assert found.scores.tolist() == pytest.approx([-0.6])
    assert "dog is labelled cat: 25.0 % of its samples" in label_error_bars(found).says


def test_a_class_without_samples_says_nothing() -> None:
    found = find_label_errors(torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]), torch.tensor([0, 1]))
    assert torch.equal(found.noise, torch.eye(3).double())
    assert len(found.rows) == 0


def planted(noise_KK: np.ndarray, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return probabilities by Bayes' rule of three clouds, labels with noise P(label i | truth j), and the truth."""
    random = np.random.default_rng(seed)
    truth_N = random.integers(0, 3, 6000)
    centres = np.array([[0.0, 0.0], [3.5, 0.0], [0.0, 3.5]])
    inputs = centres[truth_N] + random.standard_normal((6000, 2))
    labels_N = np.array([random.choice(3, p=noise_KK[:, truth]) for truth in truth_N])
    logits = torch.from_numpy(-0.5 * ((inputs[:, None] - centres) ** 2).sum(-1))
    clean_NK = logits.softmax(1)
    return clean_NK @ torch.from_numpy(noise_KK).T, torch.from_numpy(labels_N), torch.from_numpy(truth_N)


RANDOM = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
BY_CLASS = np.array([[0.95, 0.3, 0.0], [0.0, 0.7, 0.0], [0.05, 0.0, 1.0]])


@pytest.mark.covers("D3")
@pytest.mark.parametrize("noise_KK", [RANDOM, BY_CLASS], ids=["random", "by class"])
@pytest.mark.parametrize("method", METHODS)
def test_planted_errors_are_found_and_their_noise_is_estimated(noise_KK: np.ndarray, method: Method) -> None:
    p_NK, labels_N, truth_N = planted(noise_KK, seed=0)
    found = find_label_errors(p_NK, labels_N, method=method)
    wrong = labels_N != truth_N
    hits = int(wrong[found.rows].sum())
    assert hits / len(found.rows) > 0.8
    assert hits / int(wrong.sum()) > 0.8
    assert found.noise.numpy() == pytest.approx(noise_KK, abs=0.05)
    assert found.estimated_share == pytest.approx(float(wrong.double().mean()), abs=0.03)
    assert (found.scores.diff() >= 0).all()
    errors = spread_of(found.confident_joint.T.numpy())
    assert errors.verdict == ("random" if noise_KK is RANDOM else "systematic")
    assert errors.effect < 0.1 if noise_KK is RANDOM else errors.effect > 0.9


def test_of_random_errors_the_most_suspicious_are_the_surest() -> None:
    p_NK, labels_N, truth_N = planted(RANDOM, seed=1)
    rows = find_label_errors(p_NK, labels_N).rows
    assert float((labels_N != truth_N)[rows[:100]].double().mean()) > 0.95


def with_wrong_labels(name: str, share: float, seed: int) -> tuple[Dataset, Tensor]:
    """Return data a share of whose labels was exchanged for a random other one, and which rows' were."""
    data = load(name)
    assert isinstance(data.target, Classes)
    random = np.random.default_rng(seed)
    wrong = torch.from_numpy(random.random(len(data)) < share)
    turned = torch.from_numpy(random.integers(1, len(data.target.names), len(data)))
    labels = torch.where(wrong, (data.targets + turned) % len(data.target.names), data.targets)
    return replace(data, targets=labels), wrong


@pytest.mark.covers("D3")
def test_errors_planted_among_digits_are_found_by_leaving_them_out() -> None:
    data, wrong = with_wrong_labels("digits", 0.08, seed=0)
    out = out_of_sample_probabilities(data)
    found = find_label_errors(out.probabilities, out.labels)
    suspected = out.rows[found.rows]
    assert float(wrong[suspected].double().mean()) > 0.75
    assert int(wrong[suspected].sum()) / int(wrong.sum()) > 0.75
    assert found.estimated_share == pytest.approx(float(wrong.double().mean()), abs=0.03)


def test_networks_are_trained_without_what_they_judge() -> None:
    data, wrong = with_wrong_labels("iris", 0.1, seed=1)
    recipe = Recipe(epochs=30, learning_rate=0.05, threads=1)
    out = out_of_sample_probabilities(data, "4 -> fc(8) -> tanh -> fc(3)", folds=3, recipe=recipe)
    assert torch.equal(out.rows, torch.arange(150))
    assert out.probabilities.sum(1).numpy() == pytest.approx(np.ones(150), abs=1e-5)
    assert torch.equal(out.labels, data.targets)
    found = find_label_errors(out.probabilities, out.labels)
    assert wrong[found.rows[:6]].all()  # of 130 samples each network knows too little to be right of all
    again = out_of_sample_probabilities(data, "4 -> fc(8) -> tanh -> fc(3)", folds=3, recipe=recipe)
    assert torch.equal(out.probabilities, again.probabilities)


@pytest.mark.covers("D3")
@pytest.mark.skipif(not REAL.is_dir(), reason="PELLUCID_DATA names no folder with label-errors")
def test_errors_of_cifar_10_that_people_confirmed() -> None:
    p_NK = torch.from_numpy(np.load(REAL / "cifar10_test_set_pyx.npy"))
    labels_N = torch.from_numpy(np.load(REAL / "cifar10_test_set_original_labels.npy").astype(np.int64))
    checked = {each["id"]: each["mturk"] for each in json.loads((REAL / "cifar10_mturk.json").read_text())}
    errors = {row for row, votes in checked.items() if votes["given"] < 3}
    assert (len(checked), len(errors)) == (275, 54)
    found = find_label_errors(p_NK, labels_N)
    looked_at = [row for row in found.rows.tolist() if row in checked]
    confirmed = [row for row in looked_at if row in errors]
    # Of 281 suspected labels people looked at 240, and three of five or more of them rejected 49: one in five. These
    # 240 of the 275 that were looked at are not a fair draw, for confident learning had chosen those, too.
    assert (len(found.rows), len(looked_at), len(confirmed)) == (281, 240, 49)
    chance = len(errors) / len(labels_N)
    assert len(confirmed) / len(found.rows) > 30 * chance


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="do not fit"):
        find_label_errors(torch.full((3, 2), 0.5), torch.tensor([0, 1, 2]))
    with pytest.raises(DataError, match="fewer samples than"):
        out_of_sample_probabilities(load("iris"), folds=60)
    with pytest.raises(DataError, match="among classes"):
        out_of_sample_probabilities(load("diabetes"))

"""How many rows are judged at once."""

import pytest
import torch

from pellucid.data.dataset import Classes, Dataset, NextToken
from pellucid.recipe import Recipe
from pellucid.shapes import Features, Tokens
from pellucid.training.evaluation import evaluate
from pellucid.training.tasks import supervised_task_for
from tests.training.making import make_data, make_session, perceptron


@pytest.mark.parametrize(("features", "rows"), [(4, 1024), (2**14, 1024), (2**14 + 1, 512), (3 * 224 * 224, 64)])
def test_large_rows_are_judged_few_at_a_time(features: int, rows: int) -> None:
    data = make_data(torch.zeros(4, features), torch.tensor([0, 1, 0, 1]), Classes(("a", "b")), Features(features), 2)
    assert supervised_task_for(data, Recipe()).rows_at_once(data) == rows


def test_a_large_vocabulary_counts_at_every_step() -> None:
    words = tuple(map(str, range(50_000)))
    tokens = torch.zeros(4, 64, dtype=torch.int64)
    data = make_data(tokens, tokens, NextToken(words), Tokens(len(words)), 2)
    assert supervised_task_for(data, Recipe()).rows_at_once(data) == 4


def test_a_split_judged_in_parts_is_judged_as_a_whole(blobs: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    session = make_session(blobs, perceptron())
    whole = evaluate(session.network, blobs, session.task, "train", session.device)
    monkeypatch.setattr("pellucid.training.batches._MOST_ROWS", 16)
    parts = evaluate(session.network, blobs, session.task, "train", session.device)
    assert parts == pytest.approx(whole, rel=1e-6)

"""Torch data sets and loaders: each sample once, in the data set's order, as they are collated; or a refusal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from torch.utils.data import Dataset as TorchDataset

import pellucid
from pellucid.data import Classes, Values, load
from pellucid.data.arrays import torch_datasets
from pellucid.errors import DataError, OptionError

INPUTS = torch.randn(90, 4, generator=torch.Generator().manual_seed(0))
LABELS = (INPUTS.sum(1) > 0).long()
PAIRS = TensorDataset(INPUTS, LABELS)
Loader = DataLoader[Any]


class Stream(IterableDataset[Any]):
    """So many samples, each its number and whether that is odd."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[Any]:
        for number in range(self.count):
            yield torch.tensor([float(number), 1.0]), number % 2


class Named(TorchDataset[Any]):
    """Samples as mappings, as libraries of data sets give them."""

    classes = ("no", "yes")

    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> Any:
        return {"image": torch.full((1, 4, 4), float(index)), "label": index % 2}


def stacked(inputs: Any, targets: Any) -> TorchDataset[Any]:
    return StackDataset(inputs, targets)


def paired(samples: list[dict[str, Any]]) -> tuple[Tensor, Tensor]:
    return torch.stack([each["image"] for each in samples]), torch.tensor([each["label"] for each in samples])


def padded(samples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Pad each batch to its own longest sample."""
    return pad_sequence([x[: 1 + int(y) + i % 3] for i, (x, y) in enumerate(samples)], batch_first=True), torch.stack(
        [y for _, y in samples]
    )


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_every_sample_once_in_the_order_of_its_data_set(shuffle: bool, workers: int) -> None:
    before = torch.get_rng_state()
    data = load(DataLoader(PAIRS, batch_size=32, shuffle=shuffle, drop_last=True, num_workers=workers))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(data.inputs, INPUTS)
    assert torch.equal(data.targets, LABELS)
    assert data.source.sha256 == load(PAIRS).source.sha256
    assert any("each epoch of a training is shuffled anew" in note for note in data.notes)


def test_a_loader_of_some_samples_gives_those() -> None:
    data = load(DataLoader(PAIRS, batch_size=7, sampler=SubsetRandomSampler(range(10, 70))))
    assert torch.equal(data.inputs, INPUTS[10:70])
    assert torch.equal(load(DataLoader(Subset(PAIRS, range(60)), batch_size=8)).inputs, INPUTS[:60])


def test_samples_are_collated_as_the_loader_does() -> None:
    data = load(DataLoader(Named(), batch_size=4, collate_fn=paired))
    assert data.target == Classes(("no", "yes"))
    assert data.inputs.shape == (30, 1, 4, 4)
    with pytest.raises(DataError, match=r"sample 0 is no pair(.|\n)*image, label(.|\n)*collate_fn"):
        load(Named())
    with pytest.raises(DataError, match="batch 0 is no pair"):
        load(DataLoader(Named(), batch_size=4))


def test_targets_may_be_words_numbers_or_several_by_name() -> None:
    words = stacked(INPUTS, ["cat" if label else "dog" for label in LABELS])
    assert load(DataLoader(words, batch_size=8)).target == Classes(("cat", "dog"))
    assert isinstance(load(DataLoader(TensorDataset(INPUTS, INPUTS.sum(1)), batch_size=8)).target, Values)
    several = stacked(
        INPUTS, [{"sign": sign, "total": total} for sign, total in zip(LABELS, INPUTS.sum(1), strict=True)]
    )
    for source in (several, DataLoader(several, batch_size=8)):
        assert set(load(source).target.parts) == {"sign", "total"}  # type: ignore[union-attr]


def test_inputs_alone_will_do_where_no_target_is_needed() -> None:
    for source in (TensorDataset(INPUTS), DataLoader(TensorDataset(INPUTS), batch_size=8), DataLoader(INPUTS), PAIRS):  # type: ignore[arg-type]
        assert torch.equal(load(source, task="reconstruction").inputs, INPUTS)


@pytest.mark.parametrize("wrap", [lambda stream: stream, lambda stream: DataLoader(stream, batch_size=16)])
def test_a_stream_that_ends_is_kept(wrap: Callable[[Stream], Any]) -> None:
    data = load(wrap(Stream(50)))
    assert data.inputs[:, 0].tolist() == list(range(50))
    assert data.target == Classes(("0", "1"))


def test_a_stream_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_datasets, "_MOST", 100)
    assert len(load(Stream(100))) == 100
    with pytest.raises(DataError, match=r"more than 100 samples(.|\n)*islice"):
        load(Stream(101))


def test_samples_beyond_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        available = 1_000

    monkeypatch.setattr("psutil.virtual_memory", Little)
    for source in (Stream(100), DataLoader(Stream(100), batch_size=8)):
        with pytest.raises(DataError, match="does not fit into memory"):
            load(source)


class Evens(SequentialSampler):
    """A rule of the user's own."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(0, 90, 2))


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (DataLoader(PAIRS, sampler=WeightedRandomSampler([1.0] * 90, 90)), "WeightedRandomSampler"),
        (DataLoader(PAIRS, sampler=RandomSampler(PAIRS, replacement=True)), "RandomSampler"),
        (DataLoader(PAIRS, sampler=RandomSampler(PAIRS, num_samples=20)), "RandomSampler"),
        (DataLoader(PAIRS, sampler=Evens(PAIRS)), "Evens"),
        (DataLoader(PAIRS, batch_sampler=BatchSampler(Evens(PAIRS), 4, drop_last=False)), "by a rule of its own"),
        (DataLoader(PAIRS, batch_size=None), "does not batch"),
        (DataLoader(PAIRS, batch_size=8, collate_fn=padded), "collate_fn pad every batch to the same length"),
        (DataLoader(PAIRS, batch_size=8, collate_fn=lambda _: (INPUTS[:8], LABELS[:3])), "differ in number"),
    ],
)
def test_a_loader_that_is_no_epoch_is_refused(loader: Loader, message: str) -> None:
    with pytest.raises(DataError) as refused:
        load(loader)
    assert message in str(refused.value)


def test_a_loader_and_a_module_are_trained_judged_and_asked(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    loader: Loader = DataLoader(PAIRS, batch_size=10, shuffle=True)
    settings: dict[str, Any] = {"epochs": 3, "folder": str(tmp_path), "quiet": True, "no_report": True}
    run = pellucid.train(loader, network=module, **settings)
    assert run.asked["recipe"]["batch_size"] == 10
    assert pellucid.train(loader, "mlp", **settings, batch_size=30).asked["recipe"]["batch_size"] == 30
    arrows = pellucid.train(loader, "4 -> fc(8) -> tanh -> fc(2)", **settings)
    assert dict(pellucid.evaluate(arrows, loader)) == dict(pellucid.evaluate(arrows, (INPUTS, LABELS)))
    said = [prediction.label for prediction in arrows.predict(loader)]
    assert said == [prediction.label for prediction in arrows.predict(INPUTS.numpy())]
    assert np.mean([label == str(int(true)) for label, true in zip(said, LABELS, strict=True)]) > 0.5


def test_two_loaders_of_a_data_set_are_the_same_data(tmp_path: Path) -> None:
    """A run goes on with either: what they shuffle is not what is kept."""
    settings: dict[str, Any] = {"folder": str(tmp_path), "quiet": True, "no_report": True, "epochs": 2}
    run = pellucid.train(DataLoader(PAIRS, batch_size=10, shuffle=True), "4 -> fc(2)", **settings)
    run.require_same(load(DataLoader(PAIRS, batch_size=3, shuffle=True)))


def test_a_search_takes_a_loader_and_says_why_it_takes_no_module(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="anew for each trial"):
        pellucid.tune(PAIRS, nn.Linear(4, 2), folder=str(tmp_path))  # type: ignore[arg-type]
    study = pellucid.tune(
        DataLoader(PAIRS, batch_size=15), "4 -> fc(2)", learning_rate="{1e-3..1e-1 log}", trials=2, epochs=2,
        folder=str(tmp_path), quiet=True,
    )  # fmt: skip
    assert study.best.asked["recipe"]["batch_size"] == 15

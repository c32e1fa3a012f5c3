"""The callbacks of other libraries' trainers, driven as those drive them; with the libraries themselves where present.

The stand-ins call what `lightning.pytorch.Trainer.fit` and `transformers.Trainer.train` call, in their order and with
their arguments: Lightning steps by a closure, transformers hands a closure of None to its optimiser's `step`.
"""

# what stands in for the libraries has their interfaces when it runs, not when types are checked
# mypy: disable-error-code="arg-type, union-attr, call-overload, unused-ignore"

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pellucid.diagnosis import is_watched
from pellucid.diagnosis.callbacks import lightning, transformers
from pellucid.errors import RunError


class Callback:
    """Lightning's, as far as it matters: every hook does nothing."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None: ...

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None: ...

    def on_train_end(self, trainer: Any, pl_module: Any) -> None: ...

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None: ...


class TrainerCallback:
    """Transformers', as far as it matters."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...


X = torch.randn(256, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()


class Module(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))

    def training_step(self, rows: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(self.net(X[rows]), Y[rows])

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.net(input_ids)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def fit(module: Module, callback: Any, rate: float, fails_at: int | None = None) -> None:
    """Train as Lightning's Trainer does, with automatic optimisation."""
    trainer = SimpleNamespace(is_global_zero=True)
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    callback.on_train_start(trainer, module)
    try:
        for epoch in range(6):
            for rows in torch.randperm(len(X)).split(32):

                def closure(rows: torch.Tensor = rows) -> torch.Tensor:
                    loss = module.training_step(rows)
                    optimizer.zero_grad()
                    loss.backward()
                    return loss

                optimizer.step(closure=closure)  # type: ignore[arg-type]
            1 / (fails_at - epoch if fails_at is not None else 1)
            callback.on_train_epoch_end(trainer, module)
    except ZeroDivisionError as error:
        callback.on_exception(trainer, module, error)
        raise
    callback.on_train_end(trainer, module)


def train(module: Module, callback: Any, rate: float) -> None:
    """Train as transformers' Trainer does."""
    args, state, control = SimpleNamespace(), SimpleNamespace(), SimpleNamespace()
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate)
    given = {"model": module, "optimizer": optimizer, "train_dataloader": None}
    callback.on_train_begin(args, state, control, **given)
    for _ in range(6):
        for rows in torch.randperm(len(X)).split(32):
            module(input_ids=X[rows], labels=Y[rows])["loss"].backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step(None)  # type: ignore[arg-type]
            module.zero_grad()
        callback.on_epoch_end(args, state, control, **given)
    callback.on_train_end(args, state, control, **given)


@pytest.fixture
def with_stand_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the callbacks be made of the stand-ins, whatever is installed."""
    with monkeypatch.context() as patch:
        for name, members in {
            "lightning.pytorch.callbacks": {"Callback": Callback},
            "lightning.pytorch": {},
            "lightning": {},
            "transformers": {"TrainerCallback": TrainerCallback},
        }.items():
            module = ModuleType(name)
            module.__dict__.update(members)
            patch.setitem(importlib.import_module("sys").modules, name, module)
        importlib.reload(lightning)
        importlib.reload(transformers)
        yield
    importlib.reload(lightning)
    importlib.reload(transformers)


@pytest.mark.covers("D5")
@pytest.mark.parametrize("library", ["lightning", "transformers"])
def test_a_callback_says_what_goes_wrong_once_and_writes_it(with_stand_ins: None, library: str, tmp_path: Path) -> None:
    lines: list[str] = []
    place = lightning if library == "lightning" else transformers
    callback = place.DiagnosisCallback(lines.append, tmp_path / "found.json")
    assert isinstance(callback, Callback if library == "lightning" else TrainerCallback)
    assert callback.findings == ()
    (fit if library == "lightning" else train)(Module(), callback, rate=100.0)
    assert not is_watched()
    assert callback.diagnosis is not None
    assert callback.diagnosis.steps == 48
    causes = [finding.cause for finding in callback.findings if finding.severity != "info"]
    assert {"lr-high", "dead-relu"} & set(causes)
    assert len(lines) == len(set(lines)) >= len(causes)
    assert all(line.startswith("pellucid: ") for line in lines)
    assert json.loads((tmp_path / "found.json").read_text())["steps"] == 48


@pytest.mark.parametrize("library", ["lightning", "transformers"])
def test_a_callback_changes_nothing_and_finds_nothing_where_all_is_well(with_stand_ins: None, library: str) -> None:
    run, quiet = (fit, Callback()) if library == "lightning" else (train, TrainerCallback())
    lines: list[str] = []
    callback = (lightning if library == "lightning" else transformers).DiagnosisCallback(lines.append)
    networks = []
    for each in (quiet, callback):
        network = Module()
        torch.manual_seed(1)
        run(network, each, rate=0.01)  # type: ignore[operator]
        networks.append(network)
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(one, other)
    assert not lines
    assert callback.diagnosis.healthy


def test_an_exception_ends_the_watch(with_stand_ins: None) -> None:
    callback = lightning.DiagnosisCallback(str)
    with pytest.raises(ZeroDivisionError):
        fit(Module(), callback, rate=0.01, fails_at=2)
    assert not is_watched()
    assert callback.diagnosis is not None
    assert callback.diagnosis.steps == 24
    other = transformers.DiagnosisCallback(str)
    other.on_train_begin(None, None, None, model=Module())
    assert is_watched()
    other.close()
    other.close()
    assert not is_watched()


@pytest.mark.parametrize(("place", "library"), [(lightning, "Lightning"), (transformers, "transformers")])
def test_without_the_library_it_is_said_what_to_install(
    place: Any, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_Callback", None)
    with pytest.raises(RunError, match=f"{library} is not installed") as raised:
        place.DiagnosisCallback()
    assert "pip install 'pellucid[" in str(raised.value)


@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_with_lightning_itself(tmp_path: Path) -> None:
    pl = pytest.importorskip("lightning.pytorch")

    class Learner(pl.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))

        def training_step(self, batch: Any) -> torch.Tensor:
            x, y = batch
            return F.cross_entropy(self.net(x), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=100.0)

    callback = lightning.DiagnosisCallback(str)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=32, shuffle=True)
    trainer = pl.Trainer(
        max_epochs=6, accelerator="cpu", logger=False, callbacks=[callback], default_root_dir=tmp_path,
        enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Learner(), loader)
    assert callback.diagnosis is not None
    assert callback.diagnosis.steps == 48
    assert {"lr-high", "dead-relu"} & {finding.cause for finding in callback.findings}


@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_with_transformers_itself(tmp_path: Path) -> None:
    library = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    callback = transformers.DiagnosisCallback(str)
    rows = [{"input_ids": X[i], "labels": Y[i]} for i in range(len(X))]
    args = library.TrainingArguments(
        tmp_path, num_train_epochs=6, per_device_train_batch_size=32, learning_rate=100.0, use_cpu=True,
        report_to=[], save_strategy="no", lr_scheduler_type="constant",
    )  # fmt: skip
    library.Trainer(Module(), args, train_dataset=rows, callbacks=[callback]).train()
    assert callback.diagnosis is not None
    assert callback.diagnosis.steps == 48
    assert {"lr-high", "dead-relu"} & {finding.cause for finding in callback.findings}

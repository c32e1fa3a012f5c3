"""A training of ours is watched: nothing of it changes, and what goes wrong is said in its own words."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

import pellucid
from pellucid.diagnosis import Watch, alarm, is_watched
from pellucid.errors import DivergedError
from pellucid.networks import parse
from pellucid.record import Epoch, Finding, Step
from pellucid.report import live
from pellucid.report.live import live_display
from pellucid.studio.exhibits.room.remedies import findings_of
from pellucid.verbs.watched import word_at

SIGMOIDS = "8x8x1 -> 6 * (fc(16) -> sigmoid) -> fc(10)"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.covers("D5")
@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("iris", {"network": "4 -> fc(8) -> relu -> dropout(0.2) -> fc(3)"}),
        ("digits", {"network": "8x8x1 -> conv(4, 3x3) -> batchnorm -> relu -> globalavgpool -> fc(10)"}),
        ("digits", {"network": "8x8x1 -> rbf(20) -> fc(10)"}),
        ("wine", {"network": "13 -> fc(3) -> relu -> fc(13)", "task": "reconstruction"}),
        ("diabetes", {"network": "10 -> fc(8) -> tanh -> fc(1)", "optimizer": "momentum", "clip_norm": 1.0}),
        ("iris", {"task": "generation", "network": "gan", "batch_size": 64}),
    ],
)
def test_a_watched_training_is_the_same_to_the_byte(here: Path, data: str, options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"epochs": 3, "quiet": True, "no_report": True, **options}
    watched = pellucid.train(data, name="watched", **given)
    alone = pellucid.train(data, name="alone", no_diagnosis=True, **given)
    for file in ("record.jsonl", "weights.safetensors"):
        assert (watched.folder / file).read_bytes() == (alone.folder / file).read_bytes()
    assert (watched.folder / "findings.json").exists()
    assert not (alone.folder / "findings.json").exists()
    assert not is_watched()
    document = json.loads((watched.folder / "findings.json").read_text())
    assert document["steps"] >= len(watched.record.steps) > 0


@pytest.mark.covers("D5")
def test_what_goes_wrong_is_told_by_words_of_the_arrows_and_options(here: Path) -> None:
    run = pellucid.train("digits", network=SIGMOIDS, epochs=5, quiet=True)
    (finding, *_) = run.findings
    assert finding.cause == "wrong-hidden-activation"
    assert finding.severity == "critical"
    assert finding.where == {"file": None, "line": None, "module": "fc(16) (fc1)"}
    assert "Sequential" not in json.dumps([finding.explanation, finding.evidence])
    assert finding.remedies[0]["change"] == '--network "8x8x1 -> 6 * (fc(16) -> relu) -> fc(10)"'
    assert "Wrong hidden activation" in (run.folder / "report.html").read_text()


def test_a_training_that_diverges_leaves_why(here: Path) -> None:
    with pytest.raises(DivergedError):
        pellucid.train(
            "diabetes", network="10 -> fc(32) -> relu -> fc(1)", optimizer="sgd", learning_rate=100.0, quiet=True
        )
    run = pellucid.open_run("runs/diabetes-1")
    assert run.findings[0].cause == "lr-high"
    assert run.findings[0].remedies[0]["change"] == "--learning-rate 0.1"


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("iris", {"network": "4 -> fc(3) -> step", "rule": "perceptron"}),
        ("wine", {"network": "13 -> fc(3)", "rule": "closed-form"}),
        ("digits", {"network": "hopfield"}),
    ],
)
def test_where_no_gradient_is_followed_nothing_is_said(here: Path, data: str, options: dict[str, Any]) -> None:
    run = pellucid.train(data, quiet=True, no_report=True, **options)
    assert run.findings == ()
    assert not (run.folder / "findings.json").exists()


def test_a_fault_of_the_diagnosis_does_not_end_a_training(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Watch, "diagnosis", lambda _: 1 / 0)
    monkeypatch.setattr(live.LiveDisplay, "is_seen", True)
    run = pellucid.train("iris", epochs=20, no_report=True)
    assert run.record.result is not None
    assert "failed by a fault of pellucid's: ZeroDivisionError" in capsys.readouterr().out
    assert not (run.folder / "findings.json").exists()


def test_a_training_within_a_watch_is_watched_by_that_one_alone(here: Path) -> None:
    with pellucid.watch() as outer:
        run = pellucid.train("iris", epochs=2, quiet=True, no_report=True)
    assert outer.steps == run.record.epochs[-1].step
    assert not (run.folder / "findings.json").exists()


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("iris", {}),
        ("wine", {}),
        pytest.param("iris", {"task": "generation", "epochs": 200}, marks=pytest.mark.slow),
        ("digits", {"epochs": 12}),
    ],
)
def test_what_is_chosen_by_default_is_found_healthy(here: Path, data: str, options: dict[str, Any]) -> None:
    run = pellucid.train(data, quiet=True, no_report=True, **options)
    assert (run.folder / "findings.json").exists()
    assert [finding.cause for finding in run.findings if finding.severity != "info"] == []


def test_a_module_of_ones_own_is_told_by_its_paths(here: Path) -> None:
    torch.manual_seed(0)
    layers = [layer for _ in range(6) for layer in (nn.Linear(16, 16), nn.Sigmoid())]
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), *layers, nn.Linear(16, 10))
    run = pellucid.train("digits", network=module, epochs=5, quiet=True, no_report=True)
    assert run.findings[0].cause == "wrong-hidden-activation"
    assert run.findings[0].where["module"] == "1.weight"


def test_a_word_is_found_inside_blocks_and_repetitions() -> None:
    plan = parse("64 -> 2 * (fc(8) -> sigmoid) -> residual(fc(8) -> batchnorm -> tanh) -> fc(10)")
    assert word_at("Sequential.fc2.bias", "Sequential.", plan) == "fc(8) (fc2)"
    assert word_at("Sequential.residual1.body.tanh1", "Sequential.", plan) == "tanh (residual1.body.tanh1)"
    assert word_at("Sequential", "Sequential.", plan) is None
    assert word_at("Sequential.elsewhere", "Sequential.", plan) == "elsewhere"
    assert word_at("Net.body.0", "Net.", None) == "body.0"


def test_the_live_display_says_below_the_bar_what_goes_wrong() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=110)
    finding = Finding(
        "lr-high", "critical", 0.9, {}, (), "", ({"action": "Divide it.", "change": "--learning-rate 1"},), 7
    )
    with live_display(console, "accuracy", 2, 10) as display:
        assert display.is_seen
        display.on_step(Step(5, 1, 2.0, 10.0, 1.0, 160))
        display.on_epoch(Epoch(1, 5, 2.0, {"accuracy": 0.1, "loss": 2.0}, best=True))
        display.warn(finding)
        display._progress.refresh()
        warned = out.getvalue()
        display.warn(None)
        assert len(list(display._progress.get_renderables())) == 1
    assert "✕ lr-high" in warned
    assert "Divide it" in warned
    assert "--learning-rate 1" in warned
    with live_display(Console(file=io.StringIO()), "accuracy", 2, 10) as display:
        assert not display.is_seen


def test_while_it_goes_wrong_the_line_appears(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str | None] = []
    kept: list[tuple[Finding, ...]] = []
    folder = here / "runs" / "digits-1"

    def hear(_: live.LiveDisplay, finding: Finding | None) -> None:
        said.append(None if finding is None else finding.cause)
        kept.append(findings_of(folder))

    monkeypatch.setattr(alarm, "SHARE_OF_TIME", 1e9)
    monkeypatch.setattr(live.LiveDisplay, "is_seen", True)
    monkeypatch.setattr(live.LiveDisplay, "warn", hear)
    run = pellucid.train(
        "digits", network="8x8x1 -> fc(32) -> relu -> fc(10)", learning_rate=50.0, epochs=8, quiet=True, no_report=True
    )
    assert said[0] is None
    assert {"lr-high", "dead-relu"} & set(said)
    # the folder says the same, until findings.json does
    assert [each[0].cause if each else None for each in kept] == said
    assert run.folder.resolve() == folder
    assert not (folder / "warnings.json").exists()

"""Proof by replay: remedies that help are kept with their figures, others withdrawn, and the original left alone."""

import importlib
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid.diagnosis.observation import Score
from pellucid.diagnosis.proof import Budget, Limits, Replayed, prove, replay
from pellucid.diagnosis.proof.marks import Mark, labels_met
from pellucid.diagnosis.proof.measure import Measure, compared, is_better, measures
from pellucid.diagnosis.proof.replay import last_number
from pellucid.diagnosis.remedies import told
from pellucid.diagnosis.remedies.edit import Edit, apply
from pellucid.diagnosis.remedies.edits.numbers import rate
from pellucid.diagnosis.remedies.interventions import ClearGradients, SetRate
from pellucid.diagnosis.remedies.source import Source
from pellucid.diagnosis.script import Program
from pellucid.diagnosis.suspicion import Place, Suspicion
from pellucid.diagnosis.watch import Diagnosis
from pellucid.errors import RunError
from pellucid.record import Finding
from tests.diagnosis.training_texts import DIGITS, REGRESSION

WHOLE = Limits(None, 60)


def written(folder: Path, text: str, name: str = "train.py") -> Program:
    (folder / name).write_text(text, encoding="utf-8")
    return Program(name)


def diagnosed(folder: Path, *suspected: tuple[str, dict[str, Any]]) -> Diagnosis:
    """Return a diagnosis that names causes."""
    suspicions = tuple(
        Suspicion(cause, "critical", 0.9, (), "", where=Place(str(folder / "train.py")), facts=facts)
        for cause, facts in suspected
    )
    script = str(folder / "train.py")
    findings = tuple(Finding(item.cause, "critical", 0.9, {}, (), "", told(item, script), 0) for item in suspicions)
    return Diagnosis(findings, 0, 0.0, (), suspicions)


def score(value: float, *, step: int = 10, phase: str = "eval", kind: str = "accuracy", line: int = 1) -> Score:
    return Score(step, phase, None, value, kind, 10, Place("a.py", line))  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_replay_sees_the_scores_that_the_script_computes(tmp_path: Path) -> None:
    seen = replay(written(tmp_path, DIGITS), tmp_path, WHOLE)
    assert seen.how == "finished"
    assert seen.steps == 120
    best, *_ = measures(seen)
    assert (best.phase, best.kind) == ("eval", "accuracy")
    assert seen.printed == pytest.approx(best.value), "what the script itself printed"
    assert sum(seen.marks[-1].right) / sum(seen.marks[-1].total) == pytest.approx(best.value)
    assert replay(Program("train.py"), tmp_path, WHOLE).printed == seen.printed, "the same seed, the same numbers"


@pytest.mark.slow
def test_a_replay_can_be_changed_and_cut_short(tmp_path: Path) -> None:
    program = written(tmp_path, DIGITS)
    edit = rate(Source("train.py", DIGITS), None, value=1e-7)
    assert edit is not None
    seen = replay(program, tmp_path, Limits(30, 60), (edit,))
    assert (seen.how, seen.steps) == ("enough", 30)
    from_outside = replay(program, tmp_path, Limits(30, 60), changes=(SetRate(1e-7),))
    assert from_outside.scores[-1].score == pytest.approx(seen.scores[-1].score)
    assert (tmp_path / "train.py").read_text() == DIGITS


def test_what_a_script_writes_stays_in_the_copy(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.txt").write_text("kept")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere.txt"
    text = (
        "from pathlib import Path\nassert Path('data/rows.txt').read_text() == 'kept'\n"
        "Path('data/rows.txt').write_text('lost')\nPath('model.bin').write_text('x')\n"
        f"try:\n    Path({str(tmp_path / 'data' / 'rows.txt')!r}).write_text('lost')\n"
        "except PermissionError:\n    print('refused 1')\n"
    )
    seen = replay(written(tmp_path, text), tmp_path, WHOLE)
    assert seen.how == "finished"
    assert seen.printed == 1
    assert (tmp_path / "data" / "rows.txt").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "train.py"]
    assert not elsewhere.exists()


@pytest.mark.slow
def test_scripts_that_fail_or_never_end_are_told_apart(tmp_path: Path) -> None:
    seen = replay(written(tmp_path, "raise ValueError('no such column')"), tmp_path, WHOLE)
    assert (seen.how, seen.error) == ("raised", "ValueError")
    assert not seen.ended_well
    endless = DIGITS.replace("range(12)", "iter(int, 1)")
    seen = replay(written(tmp_path, endless), tmp_path, Limits(None, 1.0))
    assert seen.how == "enough"
    assert seen.steps > 0


@pytest.mark.slow
def test_a_script_outside_the_working_directory_is_copied_with_its_neighbours(tmp_path: Path) -> None:
    scripts, work = tmp_path / "scripts", tmp_path / "work"
    scripts.mkdir()
    work.mkdir()
    (scripts / "beside.py").write_text("VALUE = 3")
    (scripts / "train.py").write_text("from beside import VALUE\nprint(VALUE)\nopen('out.txt', 'w').close()")
    seen = replay(Program(str(scripts / "train.py")), work, WHOLE)
    assert (seen.how, seen.printed) == ("finished", 3)
    assert list(work.iterdir()) == []


def test_a_folder_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaying = importlib.import_module("pellucid.diagnosis.proof.replay")  # whose name its function has too
    monkeypatch.setattr(replaying, "COPIED", 10)
    with pytest.raises(RunError, match="too large"):
        replay(written(tmp_path, DIGITS), tmp_path, WHOLE)
    monkeypatch.setattr(replaying, "LINKED", 5)
    (tmp_path / "data.bin").write_bytes(b"x" * 100)
    seen = replay(written(tmp_path, "print(len(open('data.bin').read()))"), tmp_path, WHOLE)
    assert seen.printed == 100, "large files are linked"


@pytest.mark.slow
def test_the_remedy_that_helps_is_proven_and_an_edit_of_the_script_itself(tmp_path: Path) -> None:
    text = DIGITS.replace("lr=1e-2", "lr=1e-6")
    written(tmp_path, text)
    found, proof = prove(Program("train.py"), diagnosed(tmp_path, ("lr-low", {})), tmp_path)
    remedy, *_ = found.findings[0].remedies
    assert remedy["proof"]["after"] > remedy["proof"]["before"] + 0.1
    line = text.splitlines().index("optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)") + 1
    assert line in [change["line"] for change in remedy["change"]["changes"]]
    (edit,) = proof.edits
    (tmp_path / "train.py").write_text(apply(edit, text))
    assert replay(Program("train.py"), tmp_path, WHOLE).printed == pytest.approx(remedy["proof"]["after"])


@pytest.mark.slow
def test_a_remedy_that_does_not_help_is_withdrawn(tmp_path: Path) -> None:
    written(tmp_path, DIGITS.replace("range(12)", "range(3)"))
    found, proof = prove(Program("train.py"), diagnosed(tmp_path, ("clip-too-tight", {}), ("lr-high", {})), tmp_path)
    assert all(remedy["proof"] or not remedy["change"] for finding in found.findings for remedy in finding.remedies)
    worse = [item for item in proof.tried if not item.helped]
    assert worse
    assert all(item.remedy not in proof.best for item in worse)


@pytest.mark.slow
def test_two_faults_are_mended_together(tmp_path: Path) -> None:
    text = REGRESSION.replace("torch.tanh(self.first(x))", "self.first(x)").replace(
        "torch.tanh(self.second(x))", "self.second(x)"
    )
    written(tmp_path, text.replace("lr=0.01", "lr=1e-5"))
    suspected = diagnosed(tmp_path, ("missing-nonlinearity", {}), ("lr-low", {}))
    _, proof = prove(Program("train.py"), suspected, tmp_path)
    assert {remedy.cause for remedy in proof.best} >= {"lr-low"}
    assert proof.after is not None
    assert proof.before is not None
    assert proof.before.value < 0.3
    assert proof.after.value > 0.8


@pytest.mark.slow
def test_without_a_score_nothing_is_proven_but_by_the_printed_number_if_asked(tmp_path: Path) -> None:
    text = (
        "import torch\nw = torch.nn.Parameter(torch.tensor(5.0))\noptimizer = torch.optim.SGD([w], lr=1e-6)\n"
        "for _ in range(50):\n    optimizer.zero_grad()\n    loss = w.square()\n    loss.backward()\n"
        "    optimizer.step()\n"
        "print('score', -loss.item())\n"
    )
    written(tmp_path, text)
    suspected = diagnosed(tmp_path, ("lr-low", {}))
    found, proof = prove(Program("train.py"), suspected, tmp_path)
    assert not proof.tried
    assert any("no score" in note for note in proof.notes)
    assert found.findings[0].remedies[0]["proof"] is None
    found, _ = prove(Program("train.py"), suspected, tmp_path, Budget(whole=30), printed=True)
    assert found.findings[0].remedies[0]["proof"]["metric"] == "number printed last"


def test_measures_are_compared_only_with_their_like() -> None:
    one = Replayed(scores=(score(0.5, kind="r2"),), steps=10)
    other = Replayed(scores=(score(0.9),), steps=10)
    assert compared(one, other) is None
    marks = (Mark(10, "eval", 1, (3, 1), (4, 4)),)
    pair = compared(Replayed(one.scores, marks, 10), Replayed(other.scores, marks, 10))
    assert pair is not None
    assert pair[0] == Measure("eval", "labels met", 0.5)


def test_of_several_evaluations_the_worst_of_the_last_counts() -> None:
    seen = Replayed(
        scores=(score(0.2, step=1), score(0.99, line=1), score(0.7, line=2), score(0.1, phase="train")), steps=10
    )
    assert measures(seen)[0].value == pytest.approx(0.7)
    assert measures(Replayed(scores=(score(math.nan),), steps=10))[0].value == -math.inf


def test_a_rare_class_is_judged_by_mean_recall() -> None:
    seen = Replayed(marks=(Mark(5, "train", 1, (90, 0), (90, 10)),), steps=5)
    assert measures(seen)[0] == Measure("train", "labels met", 0.9)
    assert measures(seen, cause="class-imbalance")[0] == Measure("train", "mean recall", 0.5)


def test_overfitting_may_show_in_the_loss_alone() -> None:
    def run(accuracy: float, loss: float) -> Replayed:
        return Replayed((Score(10, "eval", loss, accuracy, "accuracy", 10, Place("a.py", 1)),), steps=10)

    before = run(0.8, 0.9)
    pair = compared(before, run(0.8, 0.6), cause="overfitting")
    assert pair == (Measure("eval", "negative loss", -0.9), Measure("eval", "negative loss", -0.6))
    assert is_better(*pair)
    for after, cause in ((run(0.9, 0.6), "overfitting"), (run(0.8, 0.88), "overfitting"), (run(0.8, 0.6), "lr-low")):
        pair = compared(before, after, cause=cause)
        assert pair is not None
        assert pair[0].kind == "accuracy"


def test_what_a_mended_script_shows_is_mended_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = Suspicion("missing-zero-grad", "critical", 0.9, (), "", where=Place(str(tmp_path / "train.py")))
    texts: list[str] = []

    def replayed(program: Program, folder: Path, limits: Limits, edits: tuple[Edit, ...], changes: Any) -> Replayed:
        text = DIGITS.replace("lr=1e-2", "lr=1e-6").replace("        optimizer.zero_grad()\n", "")
        for edit in edits:
            text = apply(edit, text)
        texts.append(text)
        faster = "lr=1e-6" not in text
        value = 0.9 if faster and "zero_grad" in text else 0.6 if faster else 0.3
        return Replayed((score(value),), steps=10, how="finished", suspicions=(hidden,) if faster else ())

    written(tmp_path, DIGITS.replace("lr=1e-2", "lr=1e-6").replace("        optimizer.zero_grad()\n", ""))
    monkeypatch.setattr(importlib.import_module("pellucid.diagnosis.proof.prove"), "replay", replayed)
    _, proof = prove(Program("train.py"), diagnosed(tmp_path, ("lr-low", {})), tmp_path)
    assert [remedy.cause for remedy in proof.best] == ["lr-low", "missing-zero-grad"]
    assert (proof.before, proof.after) == (Measure("eval", "accuracy", 0.3), Measure("eval", "accuracy", 0.9))
    assert texts[0].count("zero_grad") == 0
    assert texts[-1].count("zero_grad") == 1


@pytest.mark.slow
def test_a_replay_tells_what_is_suspected_of_the_script_in_its_own_place(tmp_path: Path) -> None:
    program = written(tmp_path, DIGITS.replace("lr=1e-2", "lr=30.0"))
    first, *_ = replay(program, tmp_path, WHOLE).suspicions
    assert first.cause == "lr-high"
    assert first.where.file == str(tmp_path / "train.py")


def test_a_gain_must_be_more_than_chance() -> None:
    def at(value: float) -> Measure:
        return Measure("eval", "r2", value)

    assert is_better(at(-7.0), at(0.5))
    assert is_better(at(-math.inf), at(-3.0))
    assert not is_better(at(0.5), at(0.51))
    assert not is_better(at(0.5), at(-math.inf))
    assert is_better(at(0.99), at(0.994))


def test_labels_met_are_those_that_the_network_would_be_read_to_say() -> None:
    scores = torch.tensor([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    assert labels_met("cross_entropy", scores, torch.tensor([0, 1, 1])) == ((1, 1), (1, 2))
    assert labels_met("mse_loss", scores, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])) == ((1, 1), (1, 2))
    assert labels_met("binary_cross_entropy_with_logits", torch.tensor([-1.0, 0.2]), torch.tensor([0.0, 1.0])) == (
        (1, 1),
        (1, 1),
    )
    assert labels_met("mse_loss", torch.tensor([0.3]), torch.tensor([0.25])) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("loss 0.5\nMETRIC 0.875", 0.875), ("acc=91.5%", 91.5), ("done", None), ("", None), ("r2: nan", math.nan)],
)
def test_the_last_number_of_a_text(text: str, number: float | None) -> None:
    found = last_number(text)
    assert found == number or (found is not None and number is not None and math.isnan(found) and math.isnan(number))


@pytest.mark.slow
def test_an_intervention_is_proven_where_there_is_no_edit(tmp_path: Path) -> None:
    text = "import helper\n"
    (tmp_path / "helper.py").write_text(DIGITS.replace("        optimizer.zero_grad()\n", ""))
    program = written(tmp_path, text)
    before = replay(program, tmp_path, WHOLE)
    after = replay(program, tmp_path, WHOLE, changes=(ClearGradients(),))
    assert is_better(measures(before)[0], measures(after)[0])

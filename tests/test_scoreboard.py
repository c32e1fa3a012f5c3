"""The scores of the diagnosis, on answers whose scores are known by hand."""

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import case_runs, repair
from benchmarks.case_runs import Case, Job, Said, cases
from benchmarks.diagnosis import by_case, by_cause, line_of, reliability, scoreboard, scores, tables, wrongly_named


def said(script: str, causes: tuple[str, ...], accept: tuple[str, ...], *named: str, seed: int = 0) -> Said:
    """Return what was said: `code`, or `code?` for a finding that is information only."""
    case = Case("-".join(causes) or "healthy", Path(), "", causes, accept)
    findings = tuple(
        {"cause": name.rstrip("?"), "severity": "info" if "?" in name else "critical", "confidence": 0.9, "step": 3}
        for name in named
    )
    return Said(Job(case, script, seed), findings, steps=300, overhead=0.02)


SAID = [
    said("buggy", ("lr-high",), (), "lr-high"),
    said("buggy", ("lr-low",), ("plateau",), "input-scale", "plateau", "wrong-loss", "lr-low"),
    said("buggy", ("input-scale", "wrong-loss"), (), "overfitting", "lr-low", "dead-relu", "wrong-loss"),
    said("buggy", ("bias-before-norm",), (), "bias-before-norm?"),
    said("fixed", ("lr-high",), ()),
    said("fixed", ("lr-low",), (), "overfitting?"),
    said("fixed", ("input-scale", "wrong-loss"), (), "lr-low", "overfitting"),
    said("fixed", (), ()),
]


def test_scores_are_those_of_their_definition() -> None:
    found = scores(SAID)
    assert found.found == 3 / 4  # information is no alarm
    assert found.false_alarms == 1 / 4
    assert found.first == 2 / 4  # the first finding of the first and the fourth
    assert found.top_3 == 3 / 4
    assert found.precision == (1 + 2 + 1 + 1) / (1 + 4 + 4 + 1)
    assert found.recall == (1 + 1 + 1 + 1) / (1 + 1 + 2 + 1)


def test_a_cause_said_twice_counts_once() -> None:
    found = scores([said("buggy", ("lr-high",), (), "lr-high", "lr-high", "lr-low")])
    assert (found.precision, found.recall) == (1 / 2, 1)


def test_nothing_said_has_no_precision_and_a_lost_diagnosis_found_nothing() -> None:
    silent = scores([said("buggy", ("lr-high",), ())])
    assert math.isnan(silent.precision)
    assert (silent.found, silent.recall) == (0, 0)
    lost = scores([Said(SAID[0].job, None, status=-9), SAID[4]])
    assert (lost.found, lost.first, lost.false_alarms) == (0, 0, 0)


def test_confidence_stands_beside_how_often_it_is_right() -> None:
    unsure = said("buggy", ("lr-high",), (), "lr-high", "lr-low")
    assert unsure.findings is not None
    for finding, confidence in zip(unsure.findings, (0.7, 0.75), strict=True):
        finding["confidence"] = confidence
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in reliability([*SAID, unsure]).splitlines()[2:]]
    assert rows == [
        ["0.7 to 0.8", "2", "0.72", "0.50"],
        ["0.9 to 1.0", "11", "0.90", "0.36"],  # four are right, seven wrong, of which two of healthy scripts
    ]


def test_the_baselines_stand_beside() -> None:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in scoreboard(SAID).splitlines()]
    rows = {name: cells for name, *cells in lines}
    assert rows["false alarms"][:3] == ["25.0%", "100.0%", "100.0%"]
    assert rows["first"][1:3] == ["0.0%", "0.0%"]  # lr-high stands second
    assert rows["top-3"][2] == "25.0%"
    assert rows["precision"][2] == "0.12"  # lr-high of the first, of eight causes named
    assert rows["recall"][2] == "0.20"
    assert rows["found"][-1] == "**no**"


def test_what_was_named_instead_is_told_by_cause_and_by_case() -> None:
    assert "| lr-low | 1 | 0% | 100% | 100% | input-scale ×1 |" in by_cause(SAID)
    assert "| input-scale | 1 | 0% | 0% | 0% | overfitting ×1 |" in by_cause(SAID)
    assert "| lr-low | lr-low | plateau | 3 | " in by_case(SAID)
    assert "| overfitting | 1 | 1 | input-scale-wrong-loss/0 |" in wrongly_named(SAID)
    assert "No diagnosis was left of healthy/fixed/0" in tables([*SAID[:-1], Said(SAID[-1].job, None)])


def test_a_line_keeps_what_was_said_in_order() -> None:
    line = line_of(SAID[1])
    assert [finding["cause"] for finding in line["findings"]] == SAID[1].causes
    assert line["bound"] is None


def test_cases_are_read_from_their_folders(tmp_path: Path) -> None:
    for name, scripts, text in (
        ("one-fault", ("buggy", "fixed"), 'causes = ["lr-high"]\naccept = ["plateau"]\n'),
        ("healthy-one", ("fixed",), "causes = []\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "case.toml").write_text(text)
        for script in scripts:
            (tmp_path / name / f"{script}.py").write_text("")
    healthy, fault = cases([tmp_path, tmp_path / "nowhere"])
    assert (healthy.name, healthy.causes, healthy.scripts) == ("healthy-one", (), ("fixed",))
    assert (fault.causes, fault.accept, fault.scripts) == (("lr-high",), ("plateau",), ("buggy", "fixed"))
    assert cases([tmp_path], ["fault"]) == [fault]


def test_a_repair_is_told_by_how_far_it_came() -> None:
    def line(case: str, mended: float, *remedies: str, by: str = "diagnosis") -> dict[str, Any]:
        kept = {"seed": 0, "buggy": 0.5, "mended": mended, "fixed": 0.9, "remedies": [*remedies], "seconds": 3.0}
        return {"case": case, "by": by, "code": "4b87", **kept}

    lines = [line("a", 0.88, "Train on."), line("b", 0.87, "Shuffle."), line("c", 0.5), line("d", 0.48, "Clip.")]
    assert [round(repair.way(each), 3) for each in lines] == [0.95, 0.925, 0, -0.05]
    assert repair.rate(lines).startswith("1 of 4 repaired (25%; goal at least 80 %), 1 made worse (goal none), 1 left")
    told = repair.tables([*lines, line("e", 0.9, "Step.", by="expert")])
    assert "**The diagnosis's causes**: 1 of 4" in told
    assert "Code of the diagnosis: 4b87." in told
    assert "**An expert's causes**: 1 of 1" in told
    assert "| d | 0 | 0.5 | 0.48 | 0.9 | -5% | 3 | Clip. |" in told


@pytest.mark.slow
def test_a_case_is_run_and_what_was_seen_of_it_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_runs, "KEPT", tmp_path / "kept")
    (tmp_path / "cases" / "one").mkdir(parents=True)
    (tmp_path / "cases" / "one" / "case.toml").write_text('causes = ["input-scale"]\n')
    (tmp_path / "cases" / "one" / "buggy.py").write_text(
        "import os, torch\ntorch.manual_seed(int(os.environ['SEED']))\nnet = torch.nn.Linear(4, 1)\n"
        "x = torch.randn(64, 4) * 1000 + 500\nopt = torch.optim.SGD(net.parameters(), lr=1e-9)\n"
        "for _ in range(100):\n    opt.zero_grad()\n    loss = torch.nn.functional.mse_loss(net(x), x[:, :1] / 1000)\n"
        "    loss.backward()\n    opt.step()\nprint('METRIC', 0.25)\n"
    )
    jobs = [Job(case, "buggy", 1) for case in cases([tmp_path / "cases"])]
    (first,) = case_runs.said_of(jobs, 1)
    assert (first.status, first.metric, first.steps) == (0, 0.25, 100)
    assert "input-scale" in first.causes
    assert len([*(tmp_path / "kept").rglob("*.seen")]) == 1
    monkeypatch.setattr(case_runs, "_run", lambda *_: pytest.fail("it was run again"))
    (again,) = case_runs.said_of(jobs, 1)
    assert again.causes == first.causes
    bounded = Job(jobs[0].case, "buggy", 1, steps=10)
    assert bounded.name != jobs[0].name

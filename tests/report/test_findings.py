"""Findings as terminal text: what stands in them, in which order, and within which width."""

from typing import Any, Literal

import pytest

from pellucid.record import Finding
from pellucid.report.findings import counted_findings, figure, findings_text, place

EDIT = {"file": "/work/train.py", "changes": [{"line": 21, "old": "lr=0.2", "new": "lr=0.004"}]}


def finding(severity: Literal["critical", "warning", "info"] = "critical", **more: Any) -> Finding:
    fields: dict[str, Any] = {
        "cause": "lr-high",
        "severity": severity,
        "confidence": 0.9,
        "where": {"file": "/work/train.py", "line": 21, "module": None},
        "evidence": ({"measure": "learning rate", "value": 0.2, "reference": 0.004, "source": "a range test"},),
        "explanation": "Every step leaps over the valley, and the loss with it, again and again. " * 4,
        "remedies": (
            {"action": "Lower the rate.", "change": EDIT,
             "proof": {"metric": "accuracy", "before": 0.1, "after": 0.98, "seed": 0}},
            {"action": "Clip the gradient.", "change": None, "proof": None},
            {"action": "Clip the gradient.", "change": None, "proof": None},
        ),
        "step": 3,
    }  # fmt: skip
    return Finding(**{**fields, **more})


@pytest.mark.parametrize("width", [50, 80, 200])
def test_everything_is_said_within_the_width(width: int) -> None:
    text = findings_text([finding()], "train.py ran to its end", width, "/work").plain
    assert max(map(len, text.splitlines())) <= min(width, 100)
    joined = " ".join(text.split())
    for part in (
        "diagnosis train.py ran to its end",
        "1 ✕ lr-high critical, 90% sure",
        "a learning rate that is too high",
        "where train.py:21; first seen at step 3",
        "why Every step leaps",
        "figures learning rate: 0.2 (reference 0.004); a range test",
        "do Lower the rate. train.py:21 - lr=0.2 + lr=0.004 proved: accuracy 0.1 → 0.98, seed 0",
    ):
        assert part in joined, text
    assert joined.count("or Clip the gradient.") == 1


def test_findings_keep_their_order_and_severity() -> None:
    both = [finding("warning", cause="lr-low"), finding("info", cause="bias-before-norm"), finding()]
    text = findings_text(both, "three", 80).plain
    assert text.index("1 !") < text.index("lr-low") < text.index("2 i") < text.index("3 ✕")
    assert counted_findings(both) == "1 critical, 1 warning, 1 remark"
    assert counted_findings([]) == ""
    assert counted_findings([both[0], both[0], both[2], both[2]]) == "2 critical, 2 warnings"


def test_what_is_not_known_is_left_out() -> None:
    bare = finding(where={}, evidence=(), remedies=(), step=0, cause="of-tomorrow", explanation="It is so.")
    text = findings_text([bare], "one", 80).plain
    assert text.split() == ["diagnosis", "one", "1", "✕", "of-tomorrow", "critical,", "90%", "sure", "where", "seen",
                            "before", "the", "first", "step", "why", "It", "is", "so."]  # fmt: skip


def test_places_and_figures_are_written_for_people() -> None:
    assert place({"file": "/work/a/train.py", "line": 3, "module": "net.0"}, "/work") == "a/train.py:3, module net.0"
    assert place({"file": "/elsewhere/train.py", "line": 3}, "/work") == "/elsewhere/train.py:3"
    assert place({"module": "net"}) == "module net"
    written = {1: "1", 0.0: "0", 12.3456: "12.35", 0.5: "0.5", -0.00012346: "-0.0001235", 1e-9: "1.000e-09"}
    assert {value: figure(value) for value in written} == written
    assert [figure(value) for value in (2.5e8, float("nan"), "never", True)] == ["2.500e+08", "nan", "never", "True"]


def test_a_remedy_that_was_tried_after_others_says_so() -> None:
    proof = {"metric": "accuracy", "before": 0.9, "after": 0.95, "seed": None, "on": ["Lower the rate."]}
    remedy = {"action": "Use Adam.", "change": None, "proof": proof}
    said = findings_text([finding(remedies=(remedy,))], "found", 100).plain
    assert "proved: accuracy 0.9 → 0.95, after 1 other remedy\n" in said + "\n"

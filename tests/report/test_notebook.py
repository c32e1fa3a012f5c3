"""In a notebook: what has a form there, that it is HTML whose text is escaped and that has no colours; and progress."""

import importlib.util
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import torch

import pellucid
from pellucid import notebook
from pellucid.record import Finding, Findings

EVIL = '<script>alert("1")</script> & $x$ \\(y\\)'
FINDING = Finding(
    "vanishing-gradient", "critical", 0.9, {"file": EVIL, "line": 3, "module": None},
    ({"measure": EVIL, "value": 1e-9, "reference": 1.0, "source": ""},), EVIL, ({"action": EVIL, "change": None},), 7,
)  # fmt: skip


def read(html: str) -> ET.Element:
    """Return HTML read as XML, which what is not closed or not escaped is not."""
    return ET.fromstring(f"<all>{html}</all>")


def words(html: str) -> str:
    return "".join(read(html).itertext())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("runs")
    return pellucid.train("iris", "4 -> fc(6) -> tanh -> fc(3)", epochs=4, folder=str(folder), quiet=True)


@pytest.fixture(scope="module")
def shown(run: Any) -> dict[str, str]:
    plan = pellucid.parse("12x12x1 -> 2 * (residual(conv(4, 3x3, padding=same))) -> fc(3)")
    network = pellucid.build("2 -> fc(2) -> sigmoid -> fc(2) -> sigmoid", seed=0)
    derivation = pellucid.explain.backprop(
        network, torch.tensor([[0.05, 0.1]]), torch.tensor([[0.01, 0.99]]), loss="half-squared-error"
    )
    with pellucid.watch() as watch:
        pass
    objects = {"run": run, "plan": plan, "table": plan.table(), "derivation": derivation, "finding": FINDING,
               "findings": Findings([FINDING, FINDING]), "diagnosis": watch.diagnosis(), "none": watch.findings,
               "of a run": run.findings}  # fmt: skip
    return {name: each._repr_html_() for name, each in objects.items()}


def test_all_of_it_is_html_without_colours_of_its_own(shown: dict[str, str]) -> None:
    for name, html in shown.items():
        read(html)
        assert not re.search(r"#[0-9a-f]{3,6}\b|rgb\(|background|<script|onclick|href", html), name
        assert not re.findall(r"(?<![\w-])color:[^;\"]+", html)


def test_it_says_what_matters(run: Any, shown: dict[str, str]) -> None:
    accuracy = f"{run.record.result.metrics['accuracy']:.1%}".replace("%", " %")
    for said in (str(run.folder), "iris: 90 train", "4 -> fc(6) -> tanh -> fc(3)", accuracy, "report.html"):
        assert said in words(shown["run"])
    assert "<polyline" in shown["run"]
    plan = words(shown["plan"])
    assert "residual1.body.conv1" in plan
    assert f"{pellucid.parse('12x12x1 -> 2 * (residual(conv(4, 3x3, padding=same))) -> fc(3)').parameters:,}" in plan
    assert "vanishing-gradient" in words(shown["finding"])
    assert words(shown["findings"]) == 2 * words(shown["finding"])
    assert "nothing was found" in words(shown["none"])
    assert r"\(" in shown["derivation"]
    assert "agrees with autograd" in words(shown["derivation"])


def test_text_of_a_user_stays_text(shown: dict[str, str]) -> None:
    root = read(shown["finding"])
    assert root.find(".//script") is None
    assert EVIL in words(shown["finding"])
    assert "mathjax_ignore" in root[0].attrib["class"]
    for made in (
        notebook.card(EVIL), notebook.facts([(EVIL, EVIL)]), notebook.grid([EVIL], [[EVIL]]), notebook.paragraph(EVIL),
        notebook.folded(EVIL, EVIL), notebook.curve([1, 2], EVIL), notebook.formulas([(EVIL, EVIL, [EVIL])]),
    ):  # fmt: skip
        assert "<script" not in made
        assert EVIL in words(made)


def test_a_line_is_drawn_through_what_is_finite() -> None:
    (line,) = read(notebook.curve([1.0, float("nan"), 3.0], "up")).iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert len(points) == 2
    assert points[0][1] > points[1][1]  # a picture's rows count from above
    assert notebook.curve([1.0], "one") == notebook.curve([float("inf"), 1.0], "one") == ""


def test_findings_are_a_tuple(run: Any) -> None:
    assert Findings([FINDING]) == (FINDING,)
    assert isinstance(run.findings, tuple)


def test_findings_are_printed_for_people() -> None:
    told = str(Findings([FINDING]))
    assert told.startswith(f"{FINDING.severity}: {FINDING.cause}\n  {FINDING.explanation}\n  sure: ")
    for each in FINDING.evidence:
        assert f"  {each['measure']}: " in told
    assert str(Findings()) == "nothing was found"


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("nbclient") is None or importlib.util.find_spec("ipykernel") is None,
    reason="nbclient and ipykernel are not installed",
)
def test_a_notebook_shows_progress_and_forms_and_leaves_no_progress_behind(tmp_path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    listening = (
        "import IPython.display as shown, pellucid\nupdates = []\nhandle = shown.DisplayHandle\nplain = handle.update\n"
        "handle.update = lambda self, content, **rest: (updates.append(content), plain(self, content, **rest))[1]"
    )
    cells = [
        listening,
        "run = pellucid.train('digits', 'lenet5', epochs=3)",
        "print(any('epoch' in each['text/plain'] for each in updates), updates[-1]['text/plain'] == '')",
        "run",
        "run.plan",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [cell.outputs for cell in book.cells]
    assert outputs[2][0]["text"] == "True True\n"
    left = [each["data"].get("text/plain", "") for each in outputs[1] if "data" in each]
    assert not any("samples/s" in each or "epoch 1/" in each for each in left)
    for cell in (3, 4):
        read(outputs[cell][0]["data"]["text/html"])
    assert "test" in words(outputs[3][0]["data"]["text/html"])

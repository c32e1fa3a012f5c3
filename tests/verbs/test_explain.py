"""`pellucid explain`: a page of what suits each kind of network, a derivation that agrees, and clear refusals."""

import json
import shutil
from pathlib import Path

import pytest

import pellucid
from pellucid.cli import main
from pellucid.files import read_json, write_json

CONVOLUTIONAL = "8x8x1 -> conv(4, 3x3) -> relu -> maxpool(2x2) -> fc(12) -> relu -> fc(10)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    short = {"folder": str(folder), "quiet": True, "no_report": True, "no_diagnosis": True, "epochs": 2}
    pellucid.train("digits", CONVOLUTIONAL, name="images", **short)
    pellucid.train("iris", "4 -> fc(6) -> tanh -> fc(3)", name="table", **short)
    pellucid.train("moons", "2 -> fc(6) -> tanh -> fc(2)", name="plane", **short)
    pellucid.train("diabetes", "10 -> fc(4) -> tanh -> fc(1)", name="values", **short)
    pellucid.train("digits", "hopfield", name="memory", **{**short, "epochs": 1})
    return folder


def explained(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(["explain", *arguments])
    told = capsys.readouterr()
    assert exit_.value.code == status, told.err
    return told.out, told.err


@pytest.mark.covers("C1", "E5")
@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("images", ["answers", "inside", "surroundings", "layers", "gradients", "graph", "derivation"]),
        ("table", ["answers", "surroundings", "layers", "gradients", "graph", "derivation"]),
        ("plane", ["answers", "plane", "surroundings", "layers", "gradients", "graph", "derivation"]),
        ("values", ["answers", "surroundings", "layers", "gradients", "graph", "derivation"]),
    ],
)
def test_a_run_gets_what_suits_it(
    runs: Path, capsys: pytest.CaptureFixture[str], name: str, sections: list[str]
) -> None:
    out, _ = explained(capsys, str(runs / name), "--json", "-")
    document = json.loads(out)
    page = Path(document["page"]).read_text()
    assert all(f'<section id="{section}"' in page for section in sections)
    assert document["left_out"] == []
    assert document["derivation"]["agreement"]["relative"] < 1e-9
    assert all(step["recomputed"] for step in document["derivation"]["steps"])
    explained(capsys, str(runs / name))
    assert Path(document["page"]).read_text() == page, "the same run gives the same page"


def test_a_sample_is_told_in_numbers_and_written_as_latex(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    latex = tmp_path / "derivation.tex"
    out, _ = explained(capsys, str(runs / "table"), "--sample", "3", "--learning-rate", "0.1", "--latex", str(latex))
    assert "Forward pass of Sequential" in out
    assert "η = 0.1" in out
    assert r"\frac{\partial E}{\partial" in latex.read_text()


def test_what_has_no_derivation_says_so(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = explained(capsys, str(runs / "memory"))
    assert "left out the derivation" in out


@pytest.mark.covers("C14")
def test_the_path_of_the_training_is_drawn_where_it_is_asked_for(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, pages = runs / "values", [tmp_path / name for name in ("first.html", "again.html", "without.html")]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told = [explained(capsys, str(folder), "--path", "--page", str(page))[0] for page in pages[:2]]
    explained(capsys, str(folder), "--page", str(pages[2]))
    assert "once more, 2 epochs, which took" in told[0]
    assert "from step 0 to step" in told[0]
    first, again, without = (page.read_text() for page in pages)
    assert first == again
    assert "of the path&#39;s variance" in first or "of the path's variance" in first
    assert "random direction" in without
    assert section(first, "gradients") == section(without, "gradients"), "the network explained is the same"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_path_that_would_not_be_the_runs_own_is_not_drawn(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(runs / "table", tmp_path / "changed"))
    asked = read_json(folder / "run.json")
    asked["recipe"]["weight_decay"] = 0.5  # as if the training itself computed otherwise
    asked["versions"]["torch"] = "2.0.0"
    write_json(folder / "run.json", asked)
    _, err = explained(capsys, str(folder), "--path", status=2)
    assert "comes out otherwise" in err
    assert "torch: 2.0.0 then" in err
    lines = (folder / "record.jsonl").read_text().splitlines(keepends=True)
    (folder / "record.jsonl").write_text("".join(lines[:-1]))
    _, err = explained(capsys, str(folder), "--path", status=2)
    assert "is not finished" in err


def section(page: str, key: str) -> str:
    begins = page.index(f'<section id="{key}"')
    return page[begins : page.index("</section>", begins)]


@pytest.mark.covers("C2")
def test_arrows_are_shown_before_they_are_trained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "lenet.html"
    out, _ = explained(capsys, "lenet5", "--page", str(page))
    assert "61,706" in out
    assert "61,706" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is nothing to explain"),
        (["no-such-network"], "there is no such word"),
        (["lenet5", "--sample", "1"], "--sample is for a run"),
        (["RUN", "--sample", "1000"], "there is no test row 1000"),
        (["lenet5", "--path"], "--path is for a run"),
        (["MEMORY", "--path"], "no loss surface is drawn for recall"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    runs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    names = {"RUN": str(runs / "table"), "MEMORY": str(runs / "memory")}
    given = [names.get(each, each) for each in arguments]
    _, err = explained(capsys, *given, status=2)
    assert said in err

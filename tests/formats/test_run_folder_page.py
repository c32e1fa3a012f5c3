"""docs/run-folder.md tells of every field that a run folder's files hold."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid.data import load
from pellucid.data.preprocessing import KINDS, to_json
from pellucid.data.target_json import target_to_json
from pellucid.verbs.run import Run

PAGE = (Path(__file__).parents[2] / "docs" / "run-folder.md").read_text()


def section(heading: str) -> set[str]:
    """Return what stands in code type under a heading, up to the next one."""
    found = re.search(rf"^#+ [^\n]*{re.escape(heading)}[^\n]*\n(.*?)(?=^## |^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no heading with {heading}"
    return {*re.findall(r"`([^`\n]+)`", found[0])}


def told() -> set[str]:
    return {*re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))}


def sources(folder: Path) -> Iterator[object]:
    lines = [f"{20 + i},2020-01-{1 + i % 28:02},{'ab'[i % 2]},{i % 7},{'yes' if i % 3 else 'no'}" for i in range(60)]
    (folder / "table.csv").write_text("\n".join(["age,since,plan,price,churned", *lines]))
    yield load(folder / "table.csv", target="churned")
    yield load(folder / "table.csv", target="price", task="regression")
    (folder / "series.csv").write_text("\n".join(["value", *(str(i % 12) for i in range(100))]))
    yield load(folder / "series.csv", task="forecast")
    yield load("digits")
    random = np.random.default_rng(0)
    yield load((random.normal(size=(60, 3)), random.integers(0, 2, 60)))
    (folder / "moods").mkdir()
    for mood in ("glad", "sad"):
        (folder / "moods" / f"{mood}.txt").write_text("\n".join(f"{mood} {i}" for i in range(30)))
    yield load(folder / "moods")
    (folder / "story.txt").write_text("It was a bright cold day in April.\n" * 40)
    yield load(folder / "story.txt")


def keys(document: object) -> Iterator[str]:
    """Yield every name in a document, at whatever depth, and every kind."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            if key == "kind":
                yield value
            yield from keys(value)
    elif isinstance(document, list):
        for each in document:
            yield from keys(each)


def test_every_field_of_preprocessing(tmp_path: Path) -> None:
    met = set()
    for data in sources(tmp_path):
        assert isinstance(data, pellucid.data.Dataset)
        described = to_json(data.preprocessing)
        met.add(described["kind"])
        there = section(f"`input.kind` is `{described['kind']}`")
        columns = section("`input.kind` is `table`") if described["kind"] == "series" else set()
        answers = section("What the outputs mean") if described["kind"] == "table" else set()
        missing = set(keys(described)) - there - columns - answers - {"kind"}
        assert not missing, f"of {described['kind']} the page does not tell {sorted(missing)}"
        output = target_to_json(data.target)
        assert set(keys(output)) <= section("What the outputs mean")
    assert met == {*KINDS}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pellucid.train("iris", epochs=1, folder=str(tmp_path_factory.mktemp("runs")), quiet=True)


def test_every_file(run: Run) -> None:
    files = {path.name for path in run.folder.iterdir()} - {"checkpoint", "report.html"}
    assert files <= told()
    assert {f"checkpoint/{path.name}" for path in (run.folder / "checkpoint").iterdir()} <= told()


def test_every_field_of_run_json(run: Run) -> None:
    asked = json.loads((run.folder / "run.json").read_text())
    nested = [name for part in ("data", "network") for name in asked[part]]
    assert {*asked, *nested} <= section("`run.json`")


@pytest.mark.parametrize("file", ["record.jsonl", "timing.jsonl"])
def test_every_field_of_the_lines(run: Run, file: str) -> None:
    for line in (run.folder / file).read_text().splitlines():
        event = json.loads(line)
        assert {*event, event["kind"]} <= section("`record.jsonl`")

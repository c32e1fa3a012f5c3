"""The experiments' exhibit: the same outcome as the room's own, a process that can be stopped, the page by keyboard."""

import json
import re
import time
from pathlib import Path
from xml.etree.ElementTree import fromstring
from zipfile import ZipFile

import pytest

from pellucid.chart import Tile, Tiles
from pellucid.experiments import EXPERIMENTS, run
from pellucid.experiments.experiment import Check, Experiment, Outcome, Result
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.experiments import process, wording
from pellucid.studio.exhibits.experiments.engine import Experiments, ExperimentsSettings, Run, Stop
from pellucid.studio.exhibits.experiments.measuring import outcome_of
from pellucid.studio.exhibits.experiments.recorded import FILE, recorded, verdicts, write
from tests.studio.conftest import StudioPages

STRINGS = Path("src/pellucid/studio/exhibits/experiments/strings.json")
FAST = "output-size"


def engine(**settings: object) -> Experiments:
    return Experiments(ExperimentsSettings.model_validate(settings), Given())


def test_every_claim_is_listed_and_has_words_in_both_languages() -> None:
    values = engine().frame().values
    assert [each["name"] for each in values["claims"]] == list(EXPERIMENTS)
    words = json.loads(STRINGS.read_text(encoding="utf-8"))
    assert words["en"].keys() == words["zh"].keys()
    for name, experiment in EXPERIMENTS.items():
        assert words["en"][f"title.{name}"] == experiment.title
        assert words["en"][f"claim.{name}"] == experiment.claim
        assert words["zh"][f"title.{name}"] != experiment.title
        assert words["zh"][f"topic.{experiment.topic}"]


NAMES = {"GRU", "He", "adam", "momentum", "rmsprop", "sgd", "sigmoid", "tanh", "tanh'", "wasserstein", "tanh, [0, 1)",
         "relu, [0, 1)", "floor((n + 2p - f) / s)", "floor((n + 2p - f) / s) + 1"}  # fmt: skip
"""What is called so in Chinese, too."""


def test_every_experiment_is_told_in_chinese_whole_and_with_the_same_numbers() -> None:
    known: dict[str, str] = json.loads(wording.FILE.read_text(encoding="utf-8"))
    told = set()
    for name in EXPERIMENTS:
        values = engine(name=name).frame().values
        outcome = values["recorded"]
        texts = {values["method"], *outcome["notes"], *(each["statement"] for each in outcome["checks"])}
        texts |= {each["name"] for each in outcome["quantities"]}
        labels = {label for each in outcome["figures"] for label in wording.labels(each["svg"])}
        texts |= {label for label in labels if label not in NAMES and re.search("[a-zA-Z]{2}", label)}
        assert set(values["chinese"]) == texts, name
        told |= texts
    assert told == set(known)
    for english, chinese in known.items():
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        assert sorted(re.findall(r"\d+", english)) == sorted(re.findall(r"\d+", chinese)), english


def test_what_is_looked_at_is_told_whole() -> None:
    made = engine(name="dropout", seeds=10)
    values = made.frame().values
    assert values["method"] == EXPERIMENTS["dropout"].method
    assert "; ".join(values["sources"]) == EXPERIMENTS["dropout"].source
    assert values["seconds"] == 2 * EXPERIMENTS["dropout"].seconds
    assert values["outcome"] is None
    assert values["running"] is None


def test_what_is_recorded_is_what_the_benchmarks_measured(tmp_path: Path) -> None:
    results, figures = Path("benchmarks/results/experiments"), Path("docs/experiments")
    write(results, figures, tmp_path / "recorded.zip")
    again = f"run: python -m {write.__module__} {results} {figures}"
    with ZipFile(tmp_path / "recorded.zip") as fresh, ZipFile(FILE) as kept:
        assert fresh.namelist() == kept.namelist(), again
        assert all(fresh.read(name) == kept.read(name) for name in fresh.namelist()), again
    assert list(verdicts()) == list(EXPERIMENTS)
    for name in EXPERIMENTS:
        known, outcome = recorded(name), json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
        assert known is not None
        assert known["verdict"] == outcome["verdict"]
        assert [check["evidence"] for check in known["checks"]] == [check["evidence"] for check in outcome["checks"]]
        assert all(figure["says"] for figure in known["figures"])


def test_a_record_is_written_as_the_measurement_writes_it() -> None:
    found = outcome_of(run(FAST))
    kinds = {each["name"]: (each["share"], each["scale"]) for each in found["quantities"]}
    known = recorded(FAST, kinds)
    assert known is not None
    assert [each["written"] for each in known["quantities"]] == [each["written"] for each in found["quantities"]]
    assert known["verdict"] == found["verdict"]


def test_an_outcome_is_the_rooms_own_and_its_figures_are_pictures() -> None:
    measured = run(FAST)
    found = outcome_of(measured)
    assert found["verdict"] == measured.verdict
    assert [each["evidence"] for each in found["checks"]] == [each.evidence for each in measured.result.checks]
    assert len(found["figures"]) == len(measured.result.figures)
    for each in found["figures"]:
        root = fromstring(each["svg"])
        assert root.tag.endswith("svg")
        assert not [part for part in root.iter() if part.tag.endswith(("script", "foreignObject"))]
        assert "@media (prefers-color-scheme: dark)" in each["svg"]
    json.dumps(found)


def test_pictures_side_by_side_come_as_pictures() -> None:
    tiles = Tiles(title="t", detail="d", says="s", columns=2, tiles=[
        Tile(caption="one", values=[[0.0, 1.0]]), Tile(caption="two", values=[[1.0, 0.0]]),
    ])  # fmt: skip
    known = EXPERIMENTS[FAST]
    result = Result(checks=[Check("it is", True, "1")], quantities=[], figures=[tiles])
    assert isinstance(known, Experiment)
    (found,) = outcome_of(Outcome(experiment=known, seeds=(0,), result=result, seconds=1.0))["figures"]
    assert [each["caption"] for each in found["tiles"]] == ["one", "two"]
    assert all(each["src"].startswith("data:image/png;base64,") for each in found["tiles"])


def test_it_is_stopped_and_only_one_runs() -> None:
    made = engine(name="optimiser-race")
    made.act(Run(kind="run"))
    with pytest.raises(RefusedError, match="busy"):
        made.act(Run(kind="run"))
    assert made.running is not None
    started = made.running.process
    made.tend()
    assert made.frame().values["running"]["name"] == "optimiser-race"
    made.act(Stop(kind="stop"))
    assert started.returncode is not None
    assert made.frame().values["running"] is None
    made.tend()
    assert made.frame().values["outcome"] is None


def test_a_measurement_ends_with_its_engine() -> None:
    made = engine(name="optimiser-race")
    made.act(Run(kind="run"))
    assert made.running is not None
    started = made.running.process
    del made
    assert started.wait(10) != 0


def test_a_process_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROGRAM", "no_such_module")
    made = engine()
    made.act(Run(kind="run"))
    while made.running is not None:
        time.sleep(0.02)
        made.tend()
    values = made.frame().values
    assert "no_such_module" in values["failure"]["reason"]
    assert values["failure"]["name"] == "exclusive-or"
    assert values["outcome"] is None


def test_a_new_beginning_forgets_a_failure_and_closing_ends_a_measurement() -> None:
    made = engine()
    made.failure = {"name": FAST, "reason": "it failed"}
    made.act(Run(kind="run"))
    assert made.frame().values["failure"] is None
    assert made.running is not None
    started = made.running.process
    made.close()
    assert started.returncode is not None


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("experiments")
    page.select_option("#control-topic", "Errata")
    studio_page.until(page, "document.querySelectorAll('.claims li').length < 10")
    page.get_by_role("button", name="The output size needs its + 1").press("Enter")
    studio_page.until(page, "document.querySelector('.exhibit').textContent.includes('A window of f places')")
    studio_page.until(page, "document.querySelector('#recorded').textContent.includes('does not hold')")
    studio_page.until(page, "document.querySelector('img.drawing').naturalWidth > 100")
    page.get_by_role("button", name="Measure it").press("Enter")
    page.wait_for_selector(".measuring progress")
    studio_page.check(page)
    studio_page.until(page, "document.querySelector('#verdict') !== null", 60)
    expected = run(FAST)
    told = str(page.locator("#verdict").text_content())
    held = sum(check.holds is True for check in expected.result.checks)
    assert f"{held} of {len(expected.result.checks)} statements" in told
    studio_page.until(page, "[...document.querySelectorAll('img.drawing')].every(each => each.naturalWidth > 100)")
    assert page.locator("img.drawing").count() == 1 + len(expected.result.figures)
    assert "It is the verdict that is recorded" in str(page.locator(".exhibit").text_content())
    studio_page.check(page)


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_it_can_be_read_by_all(studio_page: StudioPages, width: int, language: str, theme: str) -> None:
    page = studio_page("experiments", language=language, theme=theme, width=width)
    studio_page.check(page)

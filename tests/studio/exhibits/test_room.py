"""The training room: records read as they grow, states, remedies as fixed commands, and its page."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from pellucid.record import Epoch, Record, RecordFile, Result, Step
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.room.comparing import over
from pellucid.studio.exhibits.room.curves import Curves, Tail
from pellucid.studio.exhibits.room.engine import Room, RoomSettings, Stop, Try
from pellucid.studio.exhibits.room.remedies import offers
from pellucid.verbs.folder import only_writer
from pellucid.verbs.train import train
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E9")


def room(folder: Path, **settings: object) -> Room:
    return Room(RoomSettings.model_validate({"data": "iris", **settings}), Given(runs=folder))


def step(number: int, loss: float = 1.0) -> Step:
    return Step(number, 1, loss, 0.1, 2.0, 10 * number)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    train("iris", epochs=3, name="slow", folder=str(folder), learning_rate=1e-6, quiet=True, no_report=True)
    return folder


def test_a_record_is_read_as_it_grows_and_again_when_it_is_cut_back(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    file, curves = RecordFile(path), Curves(10)
    tail = Tail(path, curves)
    file.on_step(step(1, float("nan")))
    tail.poll()
    with path.open("ab") as raw:
        raw.write(b'{"kind": "st')
    tail.poll()
    assert len(curves.record.steps) == 1
    with path.open("ab") as raw:
        raw.write(b'ep", "nonsense": 1}\n')
    file.on_epoch(Epoch(1, 1, 1.0, {"loss": 2.0, "accuracy": 0.5}, best=True))
    file.on_result(Result("test", {"accuracy": 0.5}, 1))
    file.close()
    assert tail.poll()
    assert not tail.poll()
    assert tail.lost == 1
    assert np.isnan(curves.of_steps("loss")[0])
    assert curves.best("accuracy") == 0.5
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    other.replace(path)
    tail.poll()
    assert (len(curves.record.steps), len(curves.record.epochs), curves.record.result) == (1, 0, None)
    path.unlink()
    tail.poll()
    assert tail.fault


def test_a_line_is_straight_between_points_and_missing_outside() -> None:
    drawn = over(np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 3.0]), np.array([4.0, 8.0]))
    np.testing.assert_array_equal(drawn, [np.nan, 4.0, 6.0, 8.0])


def test_the_pages_own_training_is_the_same_however_it_is_sliced(tmp_path: Path) -> None:
    sliced, stepped = room(tmp_path, epochs=6), room(tmp_path, epochs=6)
    while sliced.advance():
        pass
    while stepped.step():
        pass
    first, second = sliced.frame(), stepped.frame()
    np.testing.assert_array_equal(first.arrays["loss.0"], second.arrays["loss.0"])
    assert first.values["findings"] == second.values["findings"]
    assert first.values["lines"][0]["state"] == "finished"


def test_divergence_is_found_and_a_remedy_is_trained_beside_it(tmp_path: Path) -> None:
    made = room(tmp_path, rate=3.0, activation="relu", epochs=8)
    while made.advance():
        pass
    values = made.frame().values
    assert values["lines"][0]["state"] == "diverged"
    assert "lr-high" in [each["cause"] for each in values["findings"]]
    made.act(Try(kind="try", line=0, offer=0))
    while made.advance():
        pass
    lines = made.frame().values["lines"]
    assert [line["state"] for line in lines] == ["diverged", "finished"]
    with pytest.raises(RefusedError, match="no_offer"):
        made.act(Try(kind="try", line=0, offer=99))
    made.act(Stop(kind="stop", trial=0))


def test_the_curves_of_a_run_are_those_of_its_record(runs: Path) -> None:
    made = room(runs)
    frame, record = made.frame(), Record.read(runs / "slow" / "record.jsonl")
    np.testing.assert_array_equal(frame.arrays["loss.x"], [each.step for each in record.steps])
    np.testing.assert_array_equal(frame.arrays["gradient_norm.0"], [each.gradient_norm for each in record.steps])
    np.testing.assert_array_equal(frame.arrays["metric.0"], [each.validation["accuracy"] for each in record.epochs])
    assert frame.values["runs"][0]["state"] == "finished"
    with pytest.raises(RefusedError, match="no_run"):
        made.change(made.settings.model_copy(update={"shown": ("../slow",)}))


def test_a_writer_that_holds_the_folder_is_training_and_damage_is_said(runs: Path, tmp_path: Path) -> None:
    for name in ("live", "damaged"):
        (tmp_path / name / "checkpoint").mkdir(parents=True)
        for file in ("run.json", "record.jsonl"):
            (tmp_path / name / file).write_bytes((runs / "slow" / file).read_bytes())
    record = tmp_path / "live" / "record.jsonl"
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[:-1]))
    (tmp_path / "damaged" / "run.json").write_text("{")
    with only_writer(tmp_path / "live"):
        made = room(tmp_path, shown=("live", "damaged"))
        assert {run.name: run.state for run in made.listing.runs.values()} == {
            "live": "training", "damaged": "unreadable"}  # fmt: skip
    made.step()
    assert made.listing.runs["live"].state == "stopped"
    (tmp_path / "live" / "run.json").unlink()
    made.step()
    assert [line["state"] for line in made.frame().values["lines"]] == ["gone", "unreadable"]


def test_a_remedy_is_options_of_a_recipe_and_nothing_else(runs: Path) -> None:
    asked = json.loads((runs / "slow" / "run.json").read_text())
    found = room(runs).lines["slow"].findings[0]
    offered = offers(asked, (found,), runs, "again")
    assert "--learning-rate=0.003" in shlex.split(offered[0].command)
    assert "1e-06" not in offered[0].command
    for change in ("--folder /etc", "; rm -rf /", "--learning-rate", "--learning-rate 1 --resume x"):
        forged = type(found)(
            **{**{name: getattr(found, name) for name in found.__slots__}, "remedies": ({"change": change},)}
        )
        assert offers(asked, (forged,), runs, "again")[0].hindrance == "change"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "theme", "width"), [("en", "light", 1280), ("zh", "dark", 360), ("en", "dark", 2560)]
)
def test_it_can_be_read_and_driven_by_keyboard(studio_page: StudioPages, language: str, theme: str, width: int) -> None:
    page = studio_page("room", language=language, theme=theme, width=width)
    studio_page.until(page, "document.querySelectorAll('line-chart canvas').length >= 6")
    studio_page.check(page)
    page.keyboard.press("s")
    studio_page.until(page, "/epoch 5|5\\/20/.test(document.querySelector('.status').textContent)")
    studio_page.check(page)

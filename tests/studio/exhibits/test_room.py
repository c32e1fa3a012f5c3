"""The training room: records read as they grow, states, remedies as fixed commands, and its page."""

import ast
import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pellucid.diagnosis.vocabulary import CAUSES
from pellucid.files import read_json
from pellucid.judging.gain import gain
from pellucid.options import flat_fields
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Record, RecordFile, Result, Step
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.room.comparing import over
from pellucid.studio.exhibits.room.curves import MOST_STEPS, Curves, Tail
from pellucid.studio.exhibits.room.engine import Drop, Room, RoomSettings, Stop, Try
from pellucid.studio.exhibits.room.listing import AT_ONCE, MOST_LISTED
from pellucid.studio.exhibits.room.measures import named
from pellucid.studio.exhibits.room.remedies import offers
from pellucid.studio.exhibits.room.shown import OwnLine
from pellucid.studio.serving import Studio
from pellucid.verbs.folder import only_writer
from pellucid.verbs.train import train
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E9")
SOURCE = Path("src/pellucid")
WORDS = json.loads((SOURCE / "studio/exhibits/room/strings.json").read_text(encoding="utf-8"))
DEEP = "8x8x1 -> flatten -> " + "fc(64) -> sigmoid -> " * 5 + "fc(10)"


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


def test_of_a_long_record_few_steps_are_kept_and_the_newest_known(tmp_path: Path) -> None:
    path, count = tmp_path / "record.jsonl", 5 * MOST_STEPS + 3
    file = RecordFile(path)
    for number in range(1, count + 1):
        file.on_step(step(number, 1 / number))
    file.on_epoch(Epoch(1, count, 1.0, {"loss": 2.0, "accuracy": 0.5}, best=True))
    file.close()
    curves = Curves(10)
    tail = Tail(path, curves)
    shares = []
    while tail.poll():
        shares.append(tail.share)
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert curves.steps == count
    assert MOST_STEPS / 2 <= len(curves.record.steps) <= MOST_STEPS + 1
    kept = curves.of_steps("step").astype(int)
    np.testing.assert_array_equal(kept, np.arange(1, count + 1)[:: curves.stride])
    np.testing.assert_array_equal(curves.of_steps("loss"), 1 / kept)
    assert curves.last is not None
    assert curves.last.step == count
    assert len(curves.record.epochs) == 1


def test_of_many_runs_the_newest_are_read_first_and_any_is_found(runs: Path, tmp_path: Path) -> None:
    count = 5 * AT_ONCE
    for number in range(count):
        folder = tmp_path / f"run-{number:03}"
        folder.mkdir()
        asked = read_json(runs / "slow" / "run.json")
        asked["network"]["arrows"] = f"4 -> fc({number + 1}) -> fc(3)"
        (folder / "run.json").write_text(json.dumps(asked))
        shutil.copy(runs / "slow" / "record.jsonl", folder)
        for file in ("run.json", "record.jsonl"):
            os.utime(folder / file, (1e9 + number, 1e9 + number))
    made = room(tmp_path)
    first = made.frame().values
    assert (first["known"], first["waiting"]) == (AT_ONCE, count - AT_ONCE)
    assert first["lines"][0]["name"] == f"run-{count - 1:03}"
    room(tmp_path, shown=("run-000",))  # an old one that an address names is read at once
    while made.frame().values["waiting"]:
        assert made.tend() is not None
    values = made.frame().values
    assert [run["name"] for run in values["runs"]] == [f"run-{count - 1 - at:03}" for at in range(MOST_LISTED)]
    assert values["found"] == count
    made.change(made.settings.model_copy(update={"search": "IRIS fc(8)"}))
    assert [run["name"] for run in made.frame().values["runs"]] == ["run-007"]
    made.change(made.settings.model_copy(update={"search": "", "state": "diverged"}))
    assert made.frame().values["found"] == 0


def test_all_that_a_diagnosis_says_has_words_in_both_languages() -> None:
    for cause, meaning in CAUSES.items():
        assert WORDS["en"][f"cause.{cause}"].casefold() == meaning.casefold()
        for key in (f"cause.{cause}", f"advice.{cause}"):
            assert re.search("[一-鿿]", WORDS["zh"][key]), key
    for measure in _measures():
        told = named(measure)
        assert re.search("[一-鿿]", WORDS["zh"][f"measure.{told['key']}"]), measure
    changes = (SOURCE / "verbs/changes.py").read_text(encoding="utf-8")
    fields = {name for name in re.findall(r'"(\w+)"', changes) if name in flat_fields(Recipe)}
    assert {"learning_rate", "weight_decay", "critic_steps"} < fields
    for name in ("network", *fields):
        assert f"option.{name}" in WORDS["en"]


def _measures() -> Iterator[str]:
    """Yield what the diagnosis calls its figures, a letter for whatever stands in braces."""
    for path in sorted((SOURCE / "diagnosis/causes").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
            if getattr(call.func, "id", getattr(call.func, "attr", "")) not in ("Evidence", "evidence"):
                continue
            match call.args[0]:
                case ast.Constant(value=str(measure)):
                    yield measure
                case ast.JoinedStr(values=parts):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
    yield from ("steps with gradients", "steps of the optimiser", "std of a layer's first weights * sqrt(fan-in)")


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


def test_its_command_and_its_program_train_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = room(tmp_path, data="digits", epochs=8)
    while made.advance():
        pass
    (line,) = made.lines.values()
    assert isinstance(line, OwnLine)
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    exec(line.code.replace("epochs=8", "epochs=8, quiet=True, no_report=True"), space)
    record = Record.read(tmp_path / "runs" / "digits-1" / "record.jsonl")
    assert [each.loss for each in record.steps] == [each.loss for each in line.curves.record.steps]
    assert record.epochs == line.curves.record.epochs
    found = read_json(tmp_path / "runs" / "digits-1" / "findings.json")["findings"]
    assert [each["cause"] for each in found] == [each.cause for each in line.findings]
    assert found[0]["cause"] == "wrong-hidden-activation"
    sources = made.sources()
    assert sources["pytorch"].startswith("# pellucid train digits --network")
    assert "nn.Sigmoid" in sources["pytorch"]
    assert sources["arrows"] in line.command


def test_a_remedy_in_the_page_catches_up_in_slices_and_is_compared_fairly(tmp_path: Path) -> None:
    made = room(tmp_path, data="digits", epochs=20)
    line = made.lines["."]
    assert isinstance(line, OwnLine)
    while line.rehearsal.epoch < 16:
        assert made.advance()
    made.act(Try(kind="try", line=0, offer=0))
    looks = 0
    while made._behind():
        looks += 1
        assert made.tend() is not None
    assert looks > 3
    values = made.frame().values
    first, remedy = values["lines"]
    assert first["epoch"] == remedy["epoch"]
    (tried,) = values["tried"]
    assert tried["until"] == first["epoch"]
    assert tried["gain"] == gain("accuracy", first["best"], remedy["best"], tried["rows"])
    made.act(Drop(kind="drop", name="."))
    made.act(Drop(kind="drop", name=".1"))
    assert list(made.lines) == ["."]


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
    (tmp_path / "damaged" / "run.json").write_text('{"a":' * 100_000)
    with only_writer(tmp_path / "live"):
        made = room(tmp_path, shown=("live", "damaged"))
        assert {run.name: run.state for run in made.listing.runs.values()} == {
            "live": "training", "damaged": "unreadable"}  # fmt: skip
    assert list(room(tmp_path).lines) == ["live"]  # of those that can be read
    made.step()
    assert made.listing.runs["live"].state == "stopped"
    (tmp_path / "live" / "run.json").unlink()
    made.step()
    assert [line["state"] for line in made.frame().values["lines"]] == ["gone", "unreadable"]


def test_a_remedy_is_options_of_a_recipe_and_nothing_else(runs: Path) -> None:
    asked = json.loads((runs / "slow" / "run.json").read_text())
    found = room(runs).lines["slow"].findings[0]
    offered = offers(asked, (found,), runs, "again")
    assert "--learning-rate 0.003" in offered[0].command
    assert "learning_rate=0.003" in offered[0].code
    assert "1e-06" not in offered[0].command + offered[0].code
    for change in ("--folder /etc", "; rm -rf /", "--learning-rate", "--learning-rate 1 --resume x"):
        forged = type(found)(
            **{**{name: getattr(found, name) for name in found.__slots__}, "remedies": ({"change": change},)}
        )
        assert offers(asked, (forged,), runs, "again")[0].hindrance == "change"


@pytest.mark.slow
def test_a_real_training_is_followed_and_a_remedy_proven_in_chinese(studio_page: StudioPages, tmp_path: Path) -> None:
    with Studio(Given(runs=tmp_path), port=0) as studio:
        page = studio_page("room", language="zh", studio=studio)
        studio_page.until(page, "document.querySelector('.status').textContent.includes('本页训练')")
        command = ["train", "digits", "--network", DEEP, "--epochs", "400", "--name", "live", "--folder", str(tmp_path)]
        options = ["--no-report", "--quiet", "--learning-rate", "0.1", "--optimizer", "sgd"]
        status = "document.querySelector('.status').textContent"
        with subprocess.Popen([sys.executable, "-m", "pellucid", *command, *options]) as training:
            try:
                studio_page.until(page, f"/live: ● 训练中, 第 [1-9]\\d*\\/400/.test({status})", 60)  # shown by itself
                studio_page.check(page)
                before = page.evaluate(f"Number(/第 (\\d+)/.exec({status})[1])")
                studio_page.until(page, f"Number(/第 (\\d+)/.exec({status})[1]) > {before}")
                assert training.wait(240) == 0
            finally:
                training.kill()
        studio_page.until(page, f"{status}.includes('live: ✓ 已完成, 第 400/400')")
        studio_page.until(page, "document.querySelector('.finding h3')?.textContent.includes('隐藏层激活函数')")
        english = "[...document.querySelectorAll('.finding p, .finding td')].filter(each => !each.closest('[lang=en]')"
        assert page.evaluate(f"{english} && /[a-z]+ [a-z]+ [a-z]+/.test(each.innerText)).length") == 0
        page.get_by_role("button", name="试一试").first.press("Enter")
        page.wait_for_selector(".trial progress, .trial .row")
        studio_page.until(page, "document.querySelector('.verdict')?.textContent.includes('已验证')", 240)
        studio_page.until(page, "document.querySelector('.trial').textContent.includes('已完成：400 轮')", 240)
        assert page.evaluate(f"{status}.includes('live-')")
        studio_page.check(page)
        shutil.rmtree(tmp_path / "live")
        studio_page.until(page, "document.querySelector('.trouble')?.textContent.includes('文件夹已不存在')")


@pytest.mark.slow
def test_divergence_is_explained_mended_and_taken_away_by_keyboard(studio_page: StudioPages) -> None:
    page = studio_page("room")
    page.select_option("#control-activation", "relu")
    page.locator("#control-rate").press("End")
    studio_page.until(page, "document.querySelector('.trouble')?.textContent.includes('no longer a finite number')")
    page.get_by_role("button", name="Try it").first.press("Enter")
    studio_page.until(page, "document.querySelector('.verdict')?.textContent.includes('Proven')", 30)
    assert "20 epochs" in str(page.locator(".trial").first.text_content())
    page.locator(".trial .taken summary").press("Enter")
    assert "pellucid train digits --network" in str(page.locator(".trial .taken pre").first.text_content())
    page.locator("figure[data-name=loss] [role=img]").press("End")  # one cursor over all charts
    cursors = "document.querySelectorAll('.charts line-chart')].map(each => each.drawn.cursor.left >= 0)"
    studio_page.until(page, f"[...{cursors}.filter(Boolean).length >= 5")
    page.get_by_role("button", name="As code").click()
    studio_page.until(page, "document.querySelector('#sources-dialog').textContent.includes('nn.ReLU')")
    assert "# pellucid train digits" in str(page.locator("#sources-dialog").text_content())


@pytest.mark.slow
def test_eight_runs_side_by_side_are_told_in_brief(studio_page: StudioPages, runs: Path, tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(1, 9)]
    for name in names:
        shutil.copytree(runs / "slow", tmp_path / name)
    state = base64.urlsafe_b64encode(json.dumps({"settings": {"shown": names}}).encode()).decode().rstrip("=")
    with Studio(Given(runs=tmp_path), port=0) as many:
        page = studio_page("room", more=f"&state={state}", width=360, studio=many)
        studio_page.until(page, "document.querySelectorAll('.status .brief').length === 8")
        assert re.match(r"r1 ✓finished \d", page.locator(".brief").first.text_content() or "")
        legend = "document.querySelector('line-chart .legend')?.children.length === 8"
        studio_page.until(page, legend)
        studio_page.check(page)


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

"""Exported networks say what the run says: without pellucid, on onnxruntime, as a pt2 program, at any batch size."""

import dataclasses
import json
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from sklearn.datasets import load_digits
from torch import nn

import pellucid
from pellucid.cli import main
from pellucid.data import NextToken, Values
from pellucid.errors import RunError
from pellucid.formats import Trained
from pellucid.formats.traced import trace
from pellucid.verbs.run import Run

TABLE = [
    "name,age,plan,since,income,churned",
    *(
        f"customer {i},{'' if i % 11 == 0 else 20 + i % 50},{('basic', 'pro', 'N/A', 'team')[i % 4]},"
        f"{2019 + i % 4}-{1 + i % 12:02}-{1 + i % 28:02},{(i * 37) % 101}.5,{'yes' if (i * 37) % 101 > 60 else 'no'}"
        for i in range(400)
    ),
]
NEW_ROWS = [
    TABLE[0].removesuffix(",churned"),
    "a,31,pro,2020-02-03,99.5",
    "b,,nobody,2021-12-31,3",
    "c,70,,2019-07-01,50",
]


def table(folder: Path) -> tuple[str, dict[str, Any], Path]:
    (folder / "customers.csv").write_text("\n".join(TABLE))
    (folder / "new.csv").write_text("\n".join(NEW_ROWS))
    return str(folder / "customers.csv"), {"target": "churned", "numbers": "binned"}, folder / "new.csv"


def values(folder: Path) -> tuple[str, dict[str, Any], Path]:
    lines = [
        "size,rooms,price",
        *(f"{50 + i % 90},{1 + i % 5},{1000 * (50 + i % 90) + 5000 * (i % 5)}" for i in range(300)),
    ]
    (folder / "houses.csv").write_text("\n".join(lines))
    (folder / "new.csv").write_text("size,rooms\n100,3\n61,5\n")
    return str(folder / "houses.csv"), {"target": "price"}, folder / "new.csv"


def images(folder: Path) -> tuple[str, dict[str, Any], Path]:
    (folder / "new").mkdir()
    for row, pixels in enumerate(load_digits().images[:4]):
        image = Image.fromarray((pixels * 255 / 16).astype("uint8"))
        image.resize((20, 30)).convert("RGB").save(folder / "new" / f"{row}.png")
    return "digits", {"network": "cnn"}, folder / "new"


def series(folder: Path) -> tuple[str, dict[str, Any], Path]:
    lines = ["value", *(f"{i % 12 + 0.01 * i:.3f}" for i in range(200))]
    (folder / "series.csv").write_text("\n".join(lines))
    (folder / "new.csv").write_text("\n".join(lines[:1] + lines[40:80]))
    return str(folder / "series.csv"), {"window": 24}, folder / "new.csv"


def texts(folder: Path) -> tuple[str, dict[str, Any], Path]:
    (folder / "moods").mkdir()
    (folder / "moods" / "glad.txt").write_text("\n".join(f"what a fine day {i}" for i in range(60)))
    (folder / "moods" / "sad.txt").write_text("\n".join(f"this is bad news {i}" for i in range(60)))
    (folder / "new.txt").write_text("a fine morning\nbad weather\nöäü\n")
    return str(folder / "moods"), {"level": "word"}, folder / "new.txt"


def arrays(folder: Path) -> tuple[str, dict[str, Any], Path]:
    random = np.random.default_rng(0)
    x = random.normal(3, 2, (200, 6, 2)).astype(np.float32)
    np.savez(folder / "arrays.npz", x=x, y=(x.sum((1, 2)) > 36).astype(int))
    np.save(folder / "new.npy", random.normal(3, 2, (5, 6, 2)))
    return str(folder / "arrays.npz"), {}, folder / "new.npy"


def offset(folder: Path) -> tuple[str, dict[str, Any], Path]:
    """Inputs and targets beside an offset at which float32 tells 64 apart."""
    random = np.random.default_rng(0)
    x = 1e9 + random.normal(0, 2, (200, 3))
    np.savez(folder / "offset.npz", x=x, y=x.sum(1))
    np.save(folder / "new.npy", 1e9 + random.normal(0, 2, (5, 3)))
    return str(folder / "offset.npz"), {}, folder / "new.npy"


KINDS: dict[str, Callable[[Path], tuple[str, dict[str, Any], Path]]] = {
    "table": table, "values": values, "image": images, "series": series, "text-lines": texts, "array": arrays,
    "offset": offset,
}  # fmt: skip


QUICK = {"table", "image", "text-lines"}


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=[] if kind in QUICK else [pytest.mark.slow]) for kind in KINDS]
)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp(str(request.param))
    source, options, new = KINDS[request.param](folder)
    settings = {"epochs": 2, "folder": str(folder / "runs"), "name": "made", "quiet": True, **options}
    run = pellucid.train(source, **settings)
    return run, new


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has torch, numpy, safetensors and Pillow, and no pellucid."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=False)
    here = Path(torch.__file__).parents[1]
    there = next((folder / "lib").glob("python*/site-packages"))
    for entry in here.iterdir():
        if "pellucid" not in entry.name and entry.suffix != ".pth":
            (there / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


def expected(run: Run, new: Path) -> list[dict[str, float]]:
    return [dict(p.probabilities or p.values) for p in run.predict(new)]


def test_a_folder_predicts_where_there_is_no_pellucid(
    trained: tuple[Run, Path], elsewhere: Path, tmp_path: Path
) -> None:
    run, new = trained
    absent = subprocess.run([elsewhere, "-c", "import pellucid"], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in absent.stderr
    folder = pellucid.export(run, output=tmp_path / "alone").target
    assert not any(
        "pellucid" in line
        for path in folder.glob("*.py")
        for line in path.read_text().splitlines()
        if "import" in line.split()[:1]
    )
    done = subprocess.run([elsewhere, folder / "predict.py", new], capture_output=True, text=True, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    theirs = [each.get("probabilities") or each["values"] for each in said]
    ours = expected(run, new)
    assert len(theirs) == len(ours)
    for other, own in zip(theirs, ours, strict=True):
        assert other == pytest.approx(own, rel=1e-5, abs=1e-6)


def test_a_run_folder_itself_needs_no_pellucid(trained: tuple[Run, Path], elsewhere: Path) -> None:
    run, _ = trained
    code = "import network; model = network.load(); print(sum(p.numel() for p in model.parameters()), model.training)"
    done = subprocess.run([elsewhere, "-c", code], capture_output=True, text=True, check=True, cwd=run.folder)
    assert done.stdout.split() == [str(run.asked["network"]["parameters"]), "False"]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("story")
    (folder / "story.txt").write_text(
        "It was a bright cold day in April, and the clocks were striking thirteen.\n" * 30
    )
    settings: dict[str, Any] = {"epochs": 1, "length": 10, "folder": str(folder / "runs"), "quiet": True}
    return pellucid.train(folder / "story.txt", **settings)


def test_a_text_is_gone_on_with_where_there_is_no_pellucid(story: Run, elsewhere: Path, tmp_path: Path) -> None:
    folder = pellucid.export(story, output=tmp_path / "alone").target
    done = subprocess.run([elsewhere, folder / "predict.py", "It was a br"], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)["next"]
    assert isinstance(story.target, NextToken)
    with torch.no_grad():
        own = story.model()(story.preprocessing.read("It was a br").inputs)[0, -1].softmax(-1)
    assert said == pytest.approx(
        {story.target.vocabulary[k]: float(own[k]) for k in own.topk(5).indices.tolist()}, rel=1e-4
    )


@pytest.mark.slow
def test_a_traced_recurrence_needs_no_pellucid(story: Run, elsewhere: Path, tmp_path: Path) -> None:
    target = pellucid.export(story, to="pt2", output=tmp_path / "story.pt2").target
    code = f"import torch; print(torch.export.load({str(target)!r}).module()(torch.arange(6)[None])[0, -1].tolist())"
    done = subprocess.run([elsewhere, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    with torch.no_grad():
        own = story.model()(torch.arange(6)[None])[0, -1].softmax(-1).tolist()
    assert json.loads(done.stdout) == pytest.approx(own, rel=1e-4)


@pytest.mark.slow
def test_what_cannot_be_read_is_said_without_a_traceback(story: Run, elsewhere: Path, tmp_path: Path) -> None:
    folder = pellucid.export(story, output=tmp_path / "alone").target
    for arguments, told in (([], "usage: python predict.py INPUT"), ([""], "error: there is no text")):
        done = subprocess.run(
            [elsewhere, folder / "predict.py", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stderr.startswith(told)


def batches(run: Run) -> list[torch.Tensor]:
    """Return inputs of the data's own, as an exported graph takes them, one, two and seven at a time."""
    data = run.data()
    stored = (
        data.inputs[:7] if run.preprocessing.kind in ("image", "array") else data.preprocessing.prepare(data.inputs[:7])
    )
    return [stored[:size].contiguous() for size in (1, 2, 7)]


def answers(run: Run, batch: torch.Tensor) -> np.ndarray:
    inputs = run.preprocessing.prepare(batch) if run.preprocessing.kind in ("image", "array") else batch
    with torch.no_grad():
        output = run.model()(inputs)
    answer: np.ndarray = (run.target.restore(output) if isinstance(run.target, Values) else output.softmax(-1)).numpy()
    return answer


@pytest.mark.slow
def test_onnx_says_the_same_at_any_batch_size(trained: tuple[Run, Path], tmp_path: Path) -> None:
    run, _ = trained
    written = pellucid.export(run, to="onnx", output=tmp_path / "made.onnx")
    assert written.difference is not None
    assert written.difference < (1.0 if "values" in written.usage else 1e-5)  # prices go to 10,000s
    session = onnxruntime.InferenceSession(written.target)
    for batch in batches(run):
        (said,) = session.run(None, {"input": batch.numpy()})
        assert said == pytest.approx(answers(run, batch), rel=1e-3, abs=1e-5)
    kept = session.get_modelmeta().custom_metadata_map
    assert json.loads(kept["preprocessing"]) == json.loads((run.folder / "preprocessing.json").read_text())
    assert kept["arrows"] == run.asked["network"]["arrows"]


@pytest.mark.slow
def test_pt2_says_the_same_at_any_batch_size(trained: tuple[Run, Path], tmp_path: Path) -> None:
    run, _ = trained
    written = pellucid.export(run, to="pt2", output=tmp_path / "made.pt2")
    module = torch.export.load(written.target).module()
    for batch in batches(run):
        assert module(batch).detach().numpy() == pytest.approx(answers(run, batch), rel=1e-4, abs=1e-6)
    along = {path.name for path in written.files}
    inside = run.preprocessing.kind in ("image", "array")
    assert along == {"made.pt2"} | (set() if inside else {"made.preprocessing.json", "made_preprocessing.py"})


def test_weights_alone_say_what_they_are(trained: tuple[Run, Path], tmp_path: Path) -> None:
    run, _ = trained
    target = pellucid.export(run, to="safetensors", output=tmp_path / "made.safetensors").target
    with safe_open(target, framework="pt") as file:
        assert set(file.keys()) == set(run.model().state_dict())
        assert file.metadata()["arrows"] == run.asked["network"]["arrows"]


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pellucid.train("iris", epochs=1, folder=str(tmp_path_factory.mktemp("flowers")), quiet=True)


def test_nothing_is_overwritten_and_nothing_half_written(flowers: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    for to in ("python", "pt2", "safetensors"):
        with pytest.raises(RunError, match="taken exists"):
            pellucid.export(flowers, to=to, output=tmp_path / "taken")
    (tmp_path / "made.preprocessing.json").write_text("mine")
    with pytest.raises(RunError, match=r"preprocessing\.json exists"):
        pellucid.export(flowers, to="pt2", output=tmp_path / "made.pt2")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "taken": "mine",
        "made.preprocessing.json": "mine",
    }
    with pytest.raises(RunError, match="cannot be written"):
        pellucid.export(flowers, to="safetensors", output=tmp_path / "taken" / "below")


def test_two_forms_side_by_side_share_what_is_handed_along(flowers: Run, tmp_path: Path) -> None:
    pellucid.export(flowers, to="pt2", output=tmp_path / "made.pt2")
    (tmp_path / "made.pt2").unlink()
    pellucid.export(flowers, to="pt2", output=tmp_path / "made.pt2")
    names = {"made.pt2", "made.preprocessing.json", "made_preprocessing.py"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_network_that_depends_on_values_cannot_be_traced(tmp_path: Path) -> None:
    class Moody(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input if input.sum().item() > 0 else -input)

    module = Moody(4, 3)
    run = pellucid.train("iris", module, epochs=1, folder=str(tmp_path / "runs"), quiet=True)
    with pytest.raises(RunError, match="cannot be traced"):
        pellucid.export(run, module, to="pt2", output=tmp_path / "moody.pt2")
    with pytest.raises(RunError, match="no arrows"):
        pellucid.export(run, module, output=tmp_path / "moody")
    with pytest.raises(RunError, match="module of your own"):
        pellucid.export(run, to="safetensors")
    assert pellucid.export(run, Moody(4, 3), to="safetensors", output=tmp_path / "moody.safetensors").files
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moody.safetensors", "runs"]


def test_a_wrong_program_is_refused(flowers: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(trained: Trained, recurrence: Callable[[nn.RNNBase], nn.Module]) -> torch.export.ExportedProgram:
        assert trained.plan is not None
        return trace(dataclasses.replace(trained, network=pellucid.build(trained.plan, seed=99)), recurrence)

    monkeypatch.setattr("pellucid.formats.traced.trace", wrong)
    with pytest.raises(RunError, match="does not compute what the network does"):
        pellucid.export(flowers, to="pt2", output=tmp_path / "wrong.pt2")
    assert not list(tmp_path.iterdir())


def test_missing_libraries_are_named(flowers: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pellucid.formats.onnx.importlib.util.find_spec", lambda name: None if name == "onnxscript" else object()
    )
    with pytest.raises(RunError, match="no onnxscript") as refusal:
        pellucid.export(flowers, to="onnx", output=tmp_path / "flowers.onnx")
    assert "pip install 'pellucid[export]'" in str(refusal.value)


def test_the_command_line_says_how_it_is_used(flowers: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "flowers.safetensors"
    with pytest.raises(SystemExit) as exit_:
        main(["export", str(flowers.folder), "--to", "safetensors", "--output", str(target)])
    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    assert str(target) in printed
    assert "network.load" in printed
    with pytest.raises(SystemExit) as exit_:
        main(["export", str(flowers.folder), "--to", "tflite"])
    assert exit_.value.code == 2

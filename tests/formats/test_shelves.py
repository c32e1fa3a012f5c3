"""Folders as the Hugging Face Hub and MLflow have models: read as they read them, and loaded by MLflow itself."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from safetensors.torch import load_file
from torch import nn

import pellucid
from pellucid.errors import RunError
from pellucid.formats import Trained, write_huggingface
from pellucid.networks import parse
from pellucid.verbs.run import Run

FLOWERS = pd.DataFrame(
    [[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]],
    columns=["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
)


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pellucid.train("iris", epochs=2, quiet=True, folder=str(tmp_path_factory.mktemp("runs")), name="flowers")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[str]]:
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name in ("a/0", "a/1", "a/2", "a/3", "a/4", "b/0", "b/1", "b/2", "b/3", "b/4"):
        (folder / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (12, 12), dtype=np.uint8)).save(folder / "all" / f"{name}.png")
    run = pellucid.train(
        str(folder / "all"), "12x12x1 -> flatten -> fc(2)", epochs=1, quiet=True, folder=str(folder / "runs")
    )
    return run, [str(folder / "all" / "a" / "0.png"), str(folder / "all" / "b" / "3.png")]


def loader(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("loader", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_mlflow_does(folder: Path) -> Any:
    """Load a model as MLflow's documents say that it does."""
    flavour = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
    for named in ("requirements.txt", *flavour["env"].values()):
        assert (folder / named).exists()
    module = loader(folder / flavour["code"] / f"{flavour['loader_module']}.py")
    return module._load_pyfunc(str(folder / flavour["data"]))


def require_same(run: Run, source: object, told: list[dict[str, Any]]) -> None:
    own = run.predict(source)
    assert len(told) == len(own)
    for theirs, ours in zip(told, own, strict=True):
        assert theirs["probabilities"] == pytest.approx(dict(ours.probabilities), rel=1e-5)


def test_mlflow_has_models_side_by_side(flowers: Run, pictures: tuple[Run, list[str]], tmp_path: Path) -> None:
    run, paths = pictures
    one = as_mlflow_does(pellucid.export(flowers, to="mlflow", output=tmp_path / "flowers").target)
    other = as_mlflow_does(pellucid.export(run, to="mlflow", output=tmp_path / "pictures").target)
    require_same(flowers, FLOWERS, one.predict(FLOWERS))
    require_same(run, paths, other.predict(paths))
    require_same(run, paths, other.predict(pd.DataFrame({"path": paths})))
    require_same(run, paths, other.predict(pd.Series(paths)))
    require_same(flowers, FLOWERS, one.predict(FLOWERS))
    assert not {"network", "predict", "preprocessing"} & set(sys.modules)
    required = (tmp_path / "pictures" / "requirements.txt").read_text().split()
    assert [line.partition("==")[0] for line in required] == ["torch", "numpy", "safetensors", "pillow"]


@pytest.mark.slow
def test_mlflow_itself_loads_it(flowers: Run, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow.pyfunc")
    folder = pellucid.export(flowers, to="mlflow", output=tmp_path / "flowers").target
    require_same(flowers, FLOWERS, mlflow.load_model(str(folder)).predict(FLOWERS))


def test_the_hub_has_a_card_with_figures_and_weights(flowers: Run, tmp_path: Path) -> None:
    folder = pellucid.export(flowers, to="huggingface", output=tmp_path / "flowers").target
    front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    assert (front["pipeline_tag"], front["library_name"]) == ("tabular-classification", "pytorch")
    (index,) = front["model-index"]
    (result,) = index["results"]
    assert result["dataset"] == {"name": "iris", "type": "iris", "split": "test"}
    assert flowers.record.result is not None
    assert {each["type"]: each["value"] for each in result["metrics"]} == flowers.record.result.metrics
    config = json.loads((folder / "config.json").read_text())
    assert config["id2label"] == {"0": "setosa", "1": "versicolor", "2": "virginica"}
    assert load_file(folder / "model.safetensors").keys() == flowers.model().state_dict().keys()
    model = loader(Path(pellucid.__file__).parent / "formats" / "standalone" / "mlflow.py").Model(folder)
    require_same(flowers, FLOWERS, model.predict(FLOWERS))


def test_figures_on_a_card_are_numbers_however_small_and_finite(flowers: Run, tmp_path: Path) -> None:
    metrics = {"loss": 9e-06, "rmse": 1e22, "r2": -0.5, "f1": float("nan")}
    trained = Trained(
        "a: b", flowers.model(), parse(str(flowers.asked["network"]["arrows"])), flowers.preprocessing, flowers.target,
        (4,), "x, y", metrics,
    )  # fmt: skip
    folder = write_huggingface(trained, tmp_path / "made").target
    (index,) = yaml.safe_load((folder / "README.md").read_text().split("---")[1])["model-index"]
    del metrics["f1"]
    assert index["name"] == "a: b"
    assert {each["type"]: each["value"] for each in index["results"][0]["metrics"]} == metrics


@pytest.mark.slow
def test_the_hubs_library_reads_the_card(flowers: Run, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    folder = pellucid.export(flowers, to="huggingface", output=tmp_path / "flowers").target
    card = hub.ModelCard.load(folder / "README.md")
    assert card.data.model_name == "flowers"
    assert {each.metric_type for each in card.data.eval_results} >= {"accuracy", "loss"}


@pytest.mark.parametrize("form", ["huggingface", "mlflow"])
def test_a_module_of_ones_own_is_refused_and_nothing_left(form: str, flowers: Run, tmp_path: Path) -> None:
    run = pellucid.train("iris", nn.Linear(4, 3), epochs=1, quiet=True, folder=str(tmp_path / "runs"))
    with pytest.raises(RunError, match="has no arrows"):
        pellucid.export(run, network=nn.Linear(4, 3), to=form, output=tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]

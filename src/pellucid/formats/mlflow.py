"""A folder as MLflow has models: what its python_function flavour loads is the python form, by a short loader.

The files are YAML, of which JSON is a part: https://mlflow.org/docs/latest/ml/model/#storage-format
"""

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pellucid.formats.exported import Exported, clear_place, standalone
from pellucid.formats.python import write_parts
from pellucid.formats.trained import Trained

_LOADER = "pellucid_pyfunc"


def write_mlflow(trained: Trained, target: Path) -> Exported:
    """Write the folder; `mlflow.pyfunc.load_model` loads it without pellucid.

    Raises:
        RunError: a module of the user's own has no arrows to write source from; or something is in the way.
    """
    kind = trained.preprocessing.kind
    packages = ["torch", "numpy", "safetensors", *(["pillow"] if kind == "image" else [])]
    required = [f"{package}=={version(package).partition('+')[0]}" for package in packages]
    with clear_place(target) as place:
        folder = place / target.name
        write_parts(trained, folder / "data")
        (folder / "code").mkdir()
        shutil.copyfile(standalone(kind).with_name("mlflow.py"), folder / "code" / f"{_LOADER}.py")
        (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in required), encoding="utf-8")
        for name, document in _documents(trained).items():
            text = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in document.items())
            (folder / name).write_text(text, encoding="utf-8")
    usage = f'import mlflow\nmodel = mlflow.pyfunc.load_model("{target}")\nmodel.predict(INPUT)'
    return Exported(target, tuple(sorted(target.rglob("*.*"))), usage, (f"INPUT is {_inputs(kind)}",))


def _documents(trained: Trained) -> dict[str, dict[str, Any]]:
    python = platform.python_version()
    flavour = {
        "loader_module": _LOADER,
        "code": "code",
        "data": "data",
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "python_version": python,
    }
    return {
        "MLmodel": {
            "flavors": {"python_function": flavour},
            "metadata": {"name": trained.name, "arrows": str(trained.plan), "data": trained.data},
        },
        "python_env.yaml": {
            "python": python,
            "build_dependencies": ["pip"],
            "dependencies": ["-r requirements.txt"],
        },
        "conda.yaml": {
            "name": "mlflow-env",
            "channels": ["conda-forge"],
            "dependencies": [f"python={python}", "pip", {"pip": ["-r requirements.txt"]}],
        },
    }


def _inputs(kind: str) -> str:
    return {
        "table": "a DataFrame with the columns of training",
        "series": "a DataFrame with the columns of training",
        "image": "an array of pixels (N, H, W, C), or paths of images",
        "array": "an array",
    }.get(kind, "a list of texts")

"""Loads the model beside it for MLflow's python_function flavour. Needs what the model needs, not pellucid."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

NAMES = ("network", "preprocessing", "predict")


class Model:
    """What `mlflow.pyfunc` calls: rows, pixels, numbers or texts in, a dict for each input out."""

    def __init__(self, folder: Path) -> None:
        """Import the model's files, and leave modules of the same names alone, such as another model's."""
        kind = json.loads((folder / "preprocessing.json").read_text(encoding="utf-8"))["input"]["kind"]
        self._takes_rows = kind in {"table", "series"}
        others = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
        sys.path.insert(0, str(folder))
        try:
            self._predict = importlib.import_module("predict").predict
        finally:
            sys.path.remove(str(folder))
            for name in NAMES:
                sys.modules.pop(name, None)
            sys.modules.update(others)

    def predict(self, model_input: Any) -> list[dict[str, Any]]:
        """Return for each input its class with all probabilities, or its values in their own unit."""
        if hasattr(model_input, "columns"):  # a DataFrame: its rows, or its first column
            rows = model_input.to_dict("records")
            model_input = rows if self._takes_rows else [next(iter(row.values())) for row in rows]
        elif hasattr(model_input, "to_list"):  # a Series
            model_input = model_input.to_list()
        predictions: list[dict[str, Any]] = self._predict(model_input)
        return predictions


def _load_pyfunc(path: str) -> Model:
    return Model(Path(path))

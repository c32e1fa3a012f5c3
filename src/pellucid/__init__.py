"""Neural networks you can see through, on PyTorch.

The names below are loaded when they are first used, so that `import pellucid` costs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid import data, experiments, explain, studio
    from pellucid.data import load
    from pellucid.diagnosis import watch
    from pellucid.estimators import PellucidClassifier, PellucidRegressor
    from pellucid.networks import build, parse
    from pellucid.verbs.diagnose import diagnose
    from pellucid.verbs.evaluate import evaluate
    from pellucid.verbs.export import export
    from pellucid.verbs.predict import predict
    from pellucid.verbs.reproduce import reproduce
    from pellucid.verbs.run import open_run
    from pellucid.verbs.study import open_study
    from pellucid.verbs.train import train
    from pellucid.verbs.tune import tune
    from pellucid.verbs.zoo import zoo

_HOMES = {
    "PellucidClassifier": "pellucid.estimators",
    "PellucidRegressor": "pellucid.estimators",
    "build": "pellucid.networks",
    "diagnose": "pellucid.verbs.diagnose",
    "evaluate": "pellucid.verbs.evaluate",
    "export": "pellucid.verbs.export",
    "load": "pellucid.data",
    "open_run": "pellucid.verbs.run",
    "open_study": "pellucid.verbs.study",
    "parse": "pellucid.networks",
    "predict": "pellucid.verbs.predict",
    "reproduce": "pellucid.verbs.reproduce",
    "train": "pellucid.verbs.train",
    "tune": "pellucid.verbs.tune",
    "watch": "pellucid.diagnosis",
    "zoo": "pellucid.verbs.zoo",
}
_NAMESPACES = ("data", "experiments", "explain", "studio")

__all__ = [
    "PellucidClassifier",
    "PellucidRegressor",
    "build",
    "data",
    "diagnose",
    "evaluate",
    "experiments",
    "explain",
    "export",
    "load",
    "open_run",
    "open_study",
    "parse",
    "predict",
    "reproduce",
    "studio",
    "train",
    "tune",
    "watch",
    "zoo",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _NAMESPACES:
        return import_module(f"pellucid.{name}")
    raise AttributeError(f"module 'pellucid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

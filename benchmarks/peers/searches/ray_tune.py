"""`ray_tune NAME`: Ray Tune, two workers at once, each with a core; they are started before the clock is."""

import os
import tempfile
from functools import partial
from typing import Any

os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0"}

import ray
import torch
from ray import tune

from benchmarks.peers.searches.made import DECAYS, MOMENTA, RATES, Search, answer
from benchmarks.peers.searches.trial_by_hand import ready, trained
from pellucid.data.dataset import Dataset

WORKERS = 2


def trial(config: dict[str, float], wanted: Search, data: Dataset) -> dict[str, Any]:
    """Return what Ray Tune is told of a trial."""
    torch.set_num_threads(1)
    return {"accuracy": trained(wanted, data, ready(data), config["rate"], config["momentum"], config["decay"])}


def best_of(_: str, wanted: Search, data: Dataset) -> float:
    """Return the best accuracy of a random search."""
    space = {"rate": tune.loguniform(*RATES), "momentum": tune.uniform(*MOMENTA), "decay": tune.loguniform(*DECAYS)}
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(tune.with_parameters(partial(trial, wanted=wanted), data=data), {"cpu": 1}),
            param_space=space,
            tune_config=tune.TuneConfig(
                metric="accuracy", mode="max", num_samples=wanted.trials, max_concurrent_trials=WORKERS,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )  # fmt: skip
        found = tuner.fit().get_best_result().metrics
    assert found is not None
    return float(found["accuracy"])


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    answer(best_of)

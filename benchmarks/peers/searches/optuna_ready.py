"""`optuna_ready NAME`: Optuna, one trial after the other, on tensors that lie ready."""

import optuna

from benchmarks.peers.searches.made import DECAYS, MOMENTA, RATES, Search, answer
from benchmarks.peers.searches.trial_by_hand import Batches, ready, trained
from pellucid.data.dataset import Dataset


def search_with(batches: Batches, search: Search, data: Dataset) -> float:
    """Return the best accuracy of a random search."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: optuna.Trial) -> float:
        return trained(
            search,
            data,
            batches,
            trial.suggest_float("rate", *RATES, log=True),
            trial.suggest_float("momentum", *MOMENTA),
            trial.suggest_float("decay", *DECAYS, log=True),
        )

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=search.trials)
    return study.best_value


if __name__ == "__main__":
    answer(lambda _, search, data: search_with(ready(data), search, data))

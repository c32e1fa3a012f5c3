"""`pellucid_search NAME`: pellucid without halving, which would only lessen its work."""

import os

from benchmarks.peers.searches.made import BATCH, DECAYS, MOMENTA, RATES, Search, answer
from pellucid.data.dataset import Dataset
from pellucid.recipe import Recipe
from pellucid.tuning import Space, search


def best_of(_: str, wanted: Search, data: Dataset) -> float:
    """Return the best accuracy of a random search."""
    space = Space.of(
        {
            "learning_rate": f"{{{RATES[0]}..{RATES[1]} log}}",
            "momentum": f"{{{MOMENTA[0]}..{MOMENTA[1]}}}",
            "weight_decay": f"{{{DECAYS[0]}..{DECAYS[1]} log}}",
            "network": wanted.arrows,
        }
    )
    recipe = Recipe(
        epochs=wanted.epochs, batch_size=BATCH, schedule="constant", warmup=0.0, augment="none", device="cpu",
        threads=int(os.environ["OMP_NUM_THREADS"]),
    )  # fmt: skip
    return max(trial.score[0] for trial in search(data, space, recipe, trials=wanted.trials, share=1))


if __name__ == "__main__":
    answer(best_of)

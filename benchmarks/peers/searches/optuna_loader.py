"""`optuna_loader NAME`: the same with torch's `DataLoader`, as Optuna's own example has it."""

from benchmarks.peers.searches.made import answer
from benchmarks.peers.searches.optuna_ready import search_with
from benchmarks.peers.searches.trial_by_hand import loaded

if __name__ == "__main__":
    answer(lambda _, search, data: search_with(loaded(data), search, data))

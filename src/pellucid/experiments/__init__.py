"""The field's claims, each held against a measurement: `run("symmetry")` measures one, `EXPERIMENTS` lists them."""

import time

from pellucid.errors import OptionError, nearest
from pellucid.experiments.catalogue import EXPERIMENTS
from pellucid.experiments.experiment import LEAST_SEEDS, Check, Experiment, Outcome, Quantity, Result, Verdict, mean_of
from pellucid.seed import isolated
from pellucid.training import threads

__all__ = ["EXPERIMENTS", "Check", "Experiment", "Outcome", "Quantity", "Result", "Verdict", "mean_of", "run"]


def run(name: str, *, seeds: int = LEAST_SEEDS, seed: int = 0) -> Outcome:
    """Measure a claim, and return what came out.

    Args:
        name: of the experiment; `pellucid.experiments.EXPERIMENTS` has them all.
        seeds: with how many seeds each figure is measured, at least 5.
        seed: the first of them.

    Raises:
        OptionError: there is no such experiment, or too few seeds.

    Example:
        >>> outcome = run("bias-correction")
        >>> outcome.verdict, outcome.result.checks[0].holds
        ('holds', True)
    """
    if name not in EXPERIMENTS:
        raise OptionError(
            f"there is no experiment called '{name}'",
            expected="one of " + ", ".join(EXPERIMENTS),
            received=name,
            advice=nearest(name, EXPERIMENTS),
        )
    if seeds < LEAST_SEEDS:
        raise OptionError(
            "fewer seeds tell nothing of luck", expected=f"at least {LEAST_SEEDS} seeds", received=str(seeds)
        )
    experiment, every = EXPERIMENTS[name], tuple(range(seed, seed + seeds))
    begun = time.perf_counter()
    # one thread: figures must not depend on the machine's load, nor on how many cores it has
    with isolated(), threads(1):
        result = experiment.measure(every)
    return Outcome(experiment=experiment, seeds=every, result=result, seconds=time.perf_counter() - begun)

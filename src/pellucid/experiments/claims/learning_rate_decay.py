"""Learning rates that fall: exponential base * decay^(epoch / step), inverse time α0 / (1 + decay * epoch), more."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import exact, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent
from pellucid.recipe import Recipe
from pellucid.training.schedules import schedule

_NETWORK = "8x8x1 -> fc(32) -> relu -> fc(10)"
_EPOCHS = 20
_BATCH = 32
_RATES = (0.03, 0.1, 0.3, 1.0, 3.0)
_CHOOSING = 3
_SCHEDULES = ("constant", "exponential", "inverse-time", "step", "cosine", "one-cycle")


def notes_descent(base: float = 0.2, decay: float = 0.99, epochs: int = 40) -> tuple[float, float]:
    """Return the weight and the last rate of a descent of (w + 1)² from w = 5, one step an epoch.

    The first epoch is number 0, so that its rate is the base itself.
    """
    factor = schedule(Recipe(schedule="exponential", decay=decay), epochs, 1)
    w = 5.0
    for step in range(epochs):
        w -= base * factor(step) * 2 * (w + 1)
    return w, base * factor(epochs - 1)


def measure(seeds: Sequence[int]) -> Result:
    """Choose each schedule's rate with other seeds, then train with every seed."""
    weight, rate = notes_descent()
    rates = _chosen(tuple(max(seeds) + 1 + extra for extra in range(_CHOOSING)))
    variants = {name: Variant(network=_NETWORK, options=_options(name, rates[name])) for name in _SCHEDULES}
    trained = _train(variants, seeds)
    losses = {name: per_seed(every, lambda one: one.losses[-1]) for name, every in trained.items()}
    accuracy = {name: per_seed(every, lambda one: one.metrics()["accuracy"]) for name, every in trained.items()}
    falling = [fmean(values) for values in zip(*(accuracy[name] for name in _SCHEDULES[1:]), strict=True)]
    return Result(
        checks=(
            exact("Exponential decay brings w = 5 to -0.99999942 on (w + 1)²", [weight], -0.99999942, tolerance=5e-9),
            exact("Its last rate is 0.13514581 where the first epoch has number 0", [rate], 0.13514581, tolerance=5e-9),
            greater("A constant rate ends at a higher training loss than exponential decay", losses["constant"],
                    losses["exponential"]),
            greater("A constant rate ends at a higher training loss than a half cosine down to 0", losses["constant"],
                    losses["cosine"]),
            greater("Networks trained with a falling rate are right on more of the test rows", falling,
                    accuracy["constant"], share=True),
        ),
        quantities=(
            *(Quantity(name=f"training loss of the last epoch, {name} from {rates[name]:g}", values=values)
              for name, values in losses.items()),
            *(Quantity(name=f"test accuracy, {name}", values=values, share=True) for name, values in accuracy.items()),
        ),
        figures=(_by_epoch(trained, losses, rates), _of_test(accuracy)),
    )  # fmt: skip


def _options(name: str, rate: float) -> dict[str, object]:
    return {"schedule": name, "learning_rate": rate}


def _train(variants: Mapping[str, Variant], seeds: Sequence[int]) -> dict[str, list[Trained]]:
    options = {"epochs": _EPOCHS, "batch_size": _BATCH, "optimizer": "sgd", "augment": "shift"}
    return train(load("digits"), variants, seeds, **options)


def _chosen(seeds: Sequence[int]) -> dict[str, float]:
    """Return for each schedule the rate of the lowest mean training loss in the last epoch."""
    tried = _train(
        {
            f"{name} {rate}": Variant(network=_NETWORK, options=_options(name, rate))
            for name in _SCHEDULES
            for rate in _RATES
        },
        seeds,
    )

    def loss(name: str, rate: float) -> float:
        return fmean(float("inf") if one.diverged else one.losses[-1] for one in tried[f"{name} {rate}"])

    return {name: min(_RATES, key=lambda rate: loss(name, rate)) for name in _SCHEDULES}


def _by_epoch(
    trained: Mapping[str, list[Trained]], losses: Mapping[str, list[float]], rates: Mapping[str, float]
) -> Chart:
    return Chart(
        title="Training loss by schedule",
        detail="mean training loss of each epoch; the band goes from the least to the greatest seed",
        says="The training loss of the last epoch is "
        + ", ".join(f"{fmean(values):.3g} with the schedule {name}" for name, values in losses.items())
        + ".",
        x=Axis("epoch"),
        y=Axis("training loss (nats)", "log"),
        lines=[
            Line(
                label=f"{name} from {rates[name]:g}", x=list(range(1, _EPOCHS + 1)), runs=[one.losses for one in every]
            )
            for name, every in trained.items()
        ],
    )


def _of_test(accuracy: Mapping[str, list[float]]) -> Bars:
    return Bars(
        title="Test accuracy by schedule",
        detail="a dot a seed",
        says="Right on test rows: "
        + ", ".join(f"{percent(fmean(values))} {name}" for name, values in accuracy.items())
        + ".",
        axis=Axis("test accuracy", "percent", ends=(0.8, 1.0)),
        bars=[Bar(label=name, runs=values) for name, values in accuracy.items()],
    )


EXPERIMENT = Experiment(
    name="learning-rate-decay",
    title="Learning rates that fall",
    topic="Descending",
    claim="A learning rate that falls over the training ends nearer the minimum than a constant one: at a constant rate"
    " the noise of the batches keeps the weights moving around it.",
    source="Robbins and Monro 1951, A stochastic approximation method; Goodfellow, Bengio and Courville 2016, Deep"
    " Learning, section 8.3.1; Loshchilov and Hutter 2017, SGDR; Smith and Topin 2018, Super-convergence",
    method=f"{_NETWORK} on the digits, each shifted by chance as is usual, so that the loss never reaches 0; {_EPOCHS}"
    f" epochs of SGD with batches of {_BATCH}. The peak rate of each schedule is whichever of "
    + ", ".join(f"{rate:g}" for rate in _RATES)
    + f" ends at the lowest training loss over {_CHOOSING} other seeds. Decay is 0.95 an epoch for exponential, 0.1 for"
    " inverse time, 0.1 at each third for step. Beside it (w + 1)² is descended from w = 5 at 0.2 * 0.99^epoch.",
    measure=measure,
    seconds=11,
)

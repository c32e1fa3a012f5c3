"""Batch normalisation against none, over learning rates from far too small to far too large."""

from collections.abc import Mapping, Sequence

from pellucid.chart import Axis, Chart, Line
from pellucid.data import SplitName, load
from pellucid.experiments.evidence import greater, times
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train
from pellucid.judging.wording import percent

_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_BLOCKS = {
    "with batch norm": "fc(64, init=he) -> batchnorm -> relu",
    "without": "fc(64, init=he) -> relu",
}
_EPOCHS = 10
_TRAINS = 0.9

Grid = Mapping[str, list[list[float]]]
"""For each network a row a seed: a figure at each rate."""


def _name(block: str, rate: float) -> str:
    return f"{block}, rate {rate:g}"


_VARIANTS = {
    _name(block, rate): Variant(
        network=f"8x8x1 -> flatten -> 3 * ({layers}) -> fc(10)",
        options={"learning_rate": rate},
    )
    for block, layers in _BLOCKS.items()
    for rate in _RATES
}


def measure(seeds: Sequence[int]) -> Result:
    """Train both at every rate, and see at how many they learn, and how well at the best."""
    trained = train(load("digits"), _VARIANTS, seeds, epochs=_EPOCHS, batch_size=32, optimizer="sgd")
    test = {block: _grid(trained, block, "test") for block in _BLOCKS}
    validation = {block: _grid(trained, block, "validation") for block in _BLOCKS}
    learned = {block: [_learned(row) for row in rows] for block, rows in test.items()}
    count = {block: [float(len(rates)) for rates in each] for block, each in learned.items()}
    largest = {block: [max(rates, default=0.0) for rates in each] for block, each in learned.items()}
    best = {block: [_chosen(*rows) for rows in zip(validation[block], test[block], strict=True)] for block in _BLOCKS}
    with_norm, without = _BLOCKS
    return Result(
        checks=(
            greater(f"With batch norm the network learns at more of the {len(_RATES)} rates (test accuracy above"
                    f" {percent(_TRAINS)})", count[with_norm], count[without]),
            times("With batch norm the largest rate at which it learns is larger", largest[with_norm],
                  largest[without]),
            greater("At the rate that did best on the validation rows, the network with batch norm is right more often"
                    " on the test rows", best[with_norm], best[without], share=True),
        ),
        quantities=(
            *(Quantity(name=f"rates at which it learns, {block}", values=values) for block, values in count.items()),
            *(Quantity(name=f"largest rate at which it learns, {block}", values=values, scale="log")
              for block, values in largest.items()),
            *(Quantity(name=f"test accuracy at the best rate, {block}", values=values, share=True)
              for block, values in best.items()),
        ),
        figures=(_figure(test, count),),
        notes=_notes(test),
    )  # fmt: skip


def _grid(trained: Mapping[str, list[Trained]], block: str, split: SplitName) -> list[list[float]]:
    """Return the accuracy on a split of each seed (row) at each rate; of the last finite weights where it diverged."""
    rates = [[one.metrics(split)["accuracy"] for one in trained[_name(block, rate)]] for rate in _RATES]
    return [list(row) for row in zip(*rates, strict=True)]


def _learned(row: Sequence[float]) -> list[float]:
    return [rate for rate, accuracy in zip(_RATES, row, strict=True) if accuracy > _TRAINS]


def _chosen(validation: Sequence[float], test: Sequence[float]) -> float:
    """Return the test accuracy at the rate that did best on the validation rows."""
    return test[max(range(len(_RATES)), key=lambda place: validation[place])]


def _mean(rows: Sequence[Sequence[float]], rate: float) -> float:
    place = _RATES.index(rate)
    return sum(row[place] for row in rows) / len(rows)


def _notes(test: Grid) -> tuple[str, ...]:
    with_norm, without = (percent(_mean(rows, 0.01)) for rows in test.values())
    return (
        (
            "Where the rate is small, batch norm does not make the network learn faster: at rate 0.01 it is right for"
            f" {with_norm}, without for {without}."
        ),
        (
            "Ioffe and Szegedy gave as a reason that the distribution of each layer's inputs shifts less. Santurkar et"
            " al. found that it need not, and that the loss is smoother: its gradient says more of where a long step"
            " leads."
        ),
    )


def _figure(test: Grid, count: Mapping[str, list[float]]) -> Chart:
    means = {block: sum(values) / len(values) for block, values in count.items()}
    return Chart(
        title="Rates at which the network learns",
        detail=f"test accuracy after {_EPOCHS} epochs by learning rate; the band goes from the least to the greatest"
        " seed",
        says=f"Of {len(_RATES)} rates it learns at "
        + " and at ".join(f"{mean:.2g} {block}" for block, mean in means.items())
        + ".",
        x=Axis("learning rate", "log"),
        y=Axis("test accuracy", "percent", ends=(0, 1)),
        lines=[Line(label=block, x=_RATES, runs=rows) for block, rows in test.items()],
        levels=[("learned", _TRAINS), ("chance", 0.1)],
    )


EXPERIMENT = Experiment(
    name="batch-normalisation",
    title="Batch normalisation widens the range of learning rates",
    topic="Depth",
    claim="Batch normalisation allows much higher learning rates, and makes a network less sensitive to their choice;"
    " it often ends at a better accuracy.",
    source="Ioffe and Szegedy 2015, Batch normalization, sections 3.3 and 4.2; Santurkar, Tsipras, Ilyas and Madry"
    " 2018, How does batch normalization help optimization?",
    method="Three hidden layers of 64 ReLU units with He's weights on the digits, with batch norm before each ReLU and"
    f" without, {_EPOCHS} epochs of SGD in batches of 32 at the constant rates"
    f" {', '.join(f'{rate:g}' for rate in _RATES)}. A network learns where it is right for more than"
    f" {percent(_TRAINS)} of the test rows.",
    measure=measure,
    seconds=8,
)

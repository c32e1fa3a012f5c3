"""Single neurons: the threshold unit of McCulloch and Pitts, and Rosenblatt's perceptron."""

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image, Sequence, Shape

_INPUTS = (Features, Image, Sequence)


def write_threshold_unit(input: Shape, *, classes: int, threshold: float = 0.0, bias: bool = True) -> Arrows:
    """Write weighted inputs and a step; on data, one unit a class, each to tell its class from the rest.

    Args:
        input: the signals.
        classes: the units.
        threshold: the smallest weighted sum that fires.
        bias: whether a number is added to the sum, so that learning can move the threshold.
    """
    options = "" if bias else ", bias=no"
    step = f"step({threshold})" if threshold else "step"
    return Arrows({**_flattened(input), "classifier": f"fc({classes}{options}) -> {step}"})


def write_perceptron(input: Shape, *, classes: int) -> Arrows:
    """Write one fully connected layer; its greatest output is the answer."""
    return Arrows({**_flattened(input), "classifier": f"fc({classes})"})


def _flattened(input: Shape) -> dict[str, str]:
    return {"features": "flatten"} if isinstance(input, Sequence) else {}


ENTRIES = (
    Entry(
        "mcculloch-pitts",
        "McCulloch-Pitts neuron: fires where the weighted sum of its inputs reaches a threshold",
        "McCulloch and Pitts, A logical calculus of the ideas immanent in nervous activity,"
        " Bulletin of Mathematical Biophysics 5, 1943",
        write_threshold_unit,
        _INPUTS,
        Features(2),
        1,
        {"parameters": 3},
        rule="perceptron",
    ),
    Entry(
        "perceptron",
        "perceptron: a linear classifier that learns from its mistakes alone, by a rule of its own",
        "Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the brain,"
        " Psychological Review 65, 1958",
        write_perceptron,
        _INPUTS,
        None,
        2,
        {"most mistakes on separable data": "(R / margin)² (Novikoff, 1962)"},
        rule="perceptron",
    ),
)

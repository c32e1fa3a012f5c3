"""The multi-layer perceptron."""

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image, Sequence, Shape


def write(
    input: Shape,
    *hidden: int,
    classes: int,
    activation: str = "relu",
    dropout: float = 0.0,
    batchnorm: bool = False,
) -> Arrows:
    """Write `mlp(128, 64)`: hidden layers of 128 and 64 units (unless said), then the output layer."""
    steps = ["flatten"] if isinstance(input, Sequence) else []
    for units in hidden or (128, 64):
        steps += [f"fc({units}, bias=no)", "batchnorm"] if batchnorm else [f"fc({units})"]
        steps.append(activation)
        if dropout:
            steps.append(f"dropout({dropout})")
    return Arrows({"features": " -> ".join(steps), "classifier": f"fc({classes})"})


ENTRIES = (
    Entry(
        "mlp",
        "multi-layer perceptron: fully connected layers with an activation between",
        "Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, Nature 323, 1986",
        write,
        (Features, Image, Sequence),
        None,
        10,
    ),
)

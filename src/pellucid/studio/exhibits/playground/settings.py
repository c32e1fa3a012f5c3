"""What a visitor of the playground may choose, and ask for."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from pellucid.recipe import InitName, OptimizerName
from pellucid.studio.exhibit import Action, Settings

SetName = Literal["circles", "xor", "gaussians", "spirals", "moons", "clouds", "slope", "hills", "own", "given"]
FeatureName = Literal["x1", "x2", "x1_squared", "x2_squared", "x1_x2", "sin_x1", "sin_x2"]
LossChoice = Literal["usual", "cross-entropy", "map", "squared-error", "absolute-error", "huber"]
InitChoice = Literal["arrows", "uniform", "he", "xavier", "lecun", "small", "zeros"]
assert set(get_args(InitName)) == set(get_args(InitChoice)) - {"arrows"}

MOST_POINTS = 400
MOST_CLASSES = 6
MOST_WEIGHTS = 200
LONGEST_NAME = 24
Coordinate = Annotated[float, Field(ge=-1e4, le=1e4)]
Point = tuple[Coordinate, Coordinate, Coordinate]
Place = Annotated[int, Field(ge=0, le=63)]
SetByHand = tuple[
    Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0, le=8)], Place, Annotated[int, Field(ge=-1, le=63)],
    Annotated[float, Field(ge=-1e6, le=1e6)],
]  # fmt: skip
"""A weight set by hand: the moment, the layer, the unit, the source (-1 is the bias), and its number."""


class PlaygroundSettings(Settings):
    """The points, the network and the recipe.

    Attributes:
        points: the visitor's own: x1, x2, and a class's number or a value.
        rows: how many points there were where those kept are a sample of them; else 0.
        answer: what the third number of an own point is.
        names: of the visitor's own classes, as far as they have some.
        network: in arrows; its first number follows the features, its last layer the data.
        weights: those set by hand, in the order of their moments: how often `advance` had been called before. They are
            set again at the same moments, so that a training can be repeated to the bit.
    """

    data: SetName = "circles"
    count: int = Field(300, ge=20, le=600)
    noise: float = Field(0.1, ge=0.0, le=0.5)
    test_share: int = Field(40, ge=10, le=90)
    points: tuple[Point, ...] = Field((), max_length=MOST_POINTS)
    rows: int = Field(0, ge=0, le=10**12)
    answer: Literal["classes", "values"] = "classes"
    names: tuple[Annotated[str, Field(max_length=LONGEST_NAME)], ...] = Field((), max_length=MOST_CLASSES)
    features: tuple[FeatureName, ...] = Field(("x1", "x2"), max_length=7)
    network: str = Field("2 -> fc(6) -> tanh -> fc(4) -> tanh -> fc(2)", max_length=400)
    init: InitChoice = "arrows"
    loss: LossChoice = "usual"
    optimizer: OptimizerName = "adam"
    learning_rate: float = Field(0.01, ge=1e-6, le=1e4)
    batch_size: int = Field(16, ge=1, le=600)
    weight_decay: float = Field(0.0, ge=0.0, le=10.0)
    l1: float = Field(0.0, ge=0.0, le=10.0)
    weights: tuple[SetByHand, ...] = Field((), max_length=MOST_WEIGHTS)


class Edit(Action):
    """Change the network by a click: a hidden layer more after this one or gone, or a unit more or fewer in it."""

    kind: Literal["edit"]
    what: Literal["add_layer", "remove_layer", "more_units", "fewer_units"]
    layer: int = Field(ge=0, le=8)


class Activate(Action):
    """Give every hidden layer this activation."""

    kind: Literal["activate"]
    word: Annotated[str, Field(max_length=20)]


class Drop(Action):
    """Put dropout of this rate behind every hidden layer; none at 0."""

    kind: Literal["drop"]
    rate: float = Field(ge=0.0, le=0.9)


class SetWeight(Action):
    """Another number for one weight, or for a unit's bias where `source` is None."""

    kind: Literal["set_weight"]
    layer: int = Field(ge=0, le=8)
    unit: Place
    source: Place | None
    value: float = Field(ge=-1e6, le=1e6)


class FreeWeights(Action):
    """Forget what was set by hand, and begin anew without."""

    kind: Literal["free_weights"]


class Draw(Action):
    """One more point of the visitor's own; what is drawn now becomes theirs, too."""

    kind: Literal["draw"]
    x1: Coordinate
    x2: Coordinate
    answer: Coordinate


class Clear(Action):
    """Take all points away, to draw others."""

    kind: Literal["clear"]


class Paste(Action):
    """Points as lines of two numbers and a class or a value, as a CSV file has them; of a large file a sample."""

    kind: Literal["paste"]
    rows: Annotated[int, Field(ge=0, le=10**12)] = 0
    text: Annotated[str, Field(max_length=100_000)]

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
Coordinate = Annotated[float, Field(ge=-1e4, le=1e4)]
Point = tuple[Coordinate, Coordinate, Coordinate]


class PlaygroundSettings(Settings):
    """The points, the network and the recipe.

    Attributes:
        points: the visitor's own: x1, x2, and a class's number or a value.
        answer: what the third number of an own point is.
        network: in arrows; its first number follows the features, its last layer the data.
    """

    data: SetName = "circles"
    count: int = Field(300, ge=20, le=600)
    noise: float = Field(0.1, ge=0.0, le=0.5)
    test_share: int = Field(40, ge=10, le=90)
    points: tuple[Point, ...] = Field((), max_length=MOST_POINTS)
    answer: Literal["classes", "values"] = "classes"
    features: tuple[FeatureName, ...] = Field(("x1", "x2"), max_length=7)
    network: str = Field("2 -> fc(6) -> tanh -> fc(4) -> tanh -> fc(2)", max_length=400)
    init: InitChoice = "arrows"
    loss: LossChoice = "usual"
    optimizer: OptimizerName = "adam"
    learning_rate: float = Field(0.01, ge=1e-6, le=1e4)
    batch_size: int = Field(16, ge=1, le=600)
    weight_decay: float = Field(0.0, ge=0.0, le=10.0)
    l1: float = Field(0.0, ge=0.0, le=10.0)


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
    unit: int = Field(ge=0, le=63)
    source: int | None = Field(ge=0, le=63)
    value: float = Field(ge=-1e6, le=1e6)


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
    """Points as lines of two numbers and a class or a value, as a CSV file has them."""

    kind: Literal["paste"]
    text: Annotated[str, Field(max_length=100_000)]

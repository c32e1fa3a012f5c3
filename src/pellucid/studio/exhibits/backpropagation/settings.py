"""What the exhibit is set to, and what its page may ask."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from pellucid.explain.derivation.criterion import LossName
from pellucid.studio.exhibit import Action, RefusedError, Settings

PRESETS = (
    "two_two_two", "shared", "neuron", "xor", "softmax", "convolution", "recurrent", "residual", "own", "given",
)  # fmt: skip
LOSSES: tuple[LossName, ...] = get_args(LossName)
OPTIMISERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
MOST_SAMPLES, MOST_NUMBERS, MOST_ROUNDS = 8, 256, 1000
"""Of a batch, of one tensor, and of rounds; more cannot be read number by number."""

Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Row = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MOST_NUMBERS)]
Rows = Annotated[tuple[Row, ...], Field(min_length=1, max_length=MOST_SAMPLES)]
Weights = Annotated[
    tuple[tuple[str, Annotated[tuple[Number, ...], Field(max_length=MOST_NUMBERS)]], ...], Field(max_length=40)
]


class BackpropagationSettings(Settings):
    """A network with its numbers, how it learns, and where the reader is.

    Attributes:
        preset: which network.
        network: in arrows, of the preset `own`.
        inputs, targets: a row a sample; None is the preset's.
        weights: every parameter's name and numbers, where one was changed by hand.
        loss, learning_rate: None is the preset's.
        samples: how many of the studio's own data.
        round, at: updates done, and the stop of the round.
        element: the number of the stop's tensor that is worked through, counted along its rows.
        sample: the one whose units the graph shows.
        digits: significant ones.
        ask: whether the reader is asked before a result is shown; `answer` is what was typed.
    """

    preset: Literal[PRESETS] = "two_two_two"  # type: ignore[valid-type]
    network: Annotated[str, Field(max_length=400)] = "2 -> fc(3) -> tanh -> fc(1)"
    inputs: Rows | None = None
    targets: Rows | None = None
    weights: Weights | None = None
    loss: LossName | None = None
    learning_rate: float | None = Field(None, gt=0, le=100)
    optimizer: Literal[OPTIMISERS] = "sgd"  # type: ignore[valid-type]
    momentum: float = Field(0.9, ge=0, le=0.999)
    samples: int = Field(2, ge=1, le=MOST_SAMPLES)
    round: int = Field(0, ge=0, le=MOST_ROUNDS)
    at: int = Field(7, ge=0, le=399)
    element: int = Field(0, ge=0, lt=MOST_NUMBERS)
    sample: int = Field(0, ge=0, lt=MOST_SAMPLES)
    digits: int = Field(4, ge=2, le=10)
    ask: bool = False
    answer: Number | None = None

    @model_validator(mode="after")
    def _whole(self) -> "BackpropagationSettings":
        for name in ("inputs", "targets"):
            rows = getattr(self, name)
            if rows is not None and len({len(row) for row in rows}) > 1:
                raise RefusedError("ragged", control="data")
        return self


class SetNumber(Action):
    """Another number in one place: of a parameter, of the input or of the target."""

    kind: Literal["set_number"]
    tensor: Annotated[str, Field(max_length=200)]
    element: int = Field(ge=0, lt=MOST_NUMBERS)
    value: Number


class Train(Action):
    """Do so many whole rounds at once."""

    kind: Literal["train"]
    rounds: int = Field(ge=1, le=100)

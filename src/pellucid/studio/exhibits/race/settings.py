"""What can be set, and what the page may ask."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from pellucid.recipe import OptimizerName
from pellucid.studio.exhibit import Message, Settings

SurfaceName = Literal[
    "bowl", "rosenbrock", "beale", "booth", "himmelblau", "camel", "styblinski_tang", "rastrigin", "ackley", "easom",
    "bukin", "saddle", "monkey_saddle", "network",
]  # fmt: skip
RuleName = Literal[
    "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "adadelta", "nadam", "rprop", "lbfgs"
]
"""pellucid's own optimisers first; the others are torch.optim's."""
assert get_args(RuleName)[: len(get_args(OptimizerName))] == get_args(OptimizerName)
ScheduleName = Literal["constant", "linear", "cosine", "one-cycle", "step"]
"""Those of pellucid's that do not count epochs."""
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]
MOST_LANES = 8
"""As many as there are colours that can be told apart."""


class Lane(Message):
    """One optimiser of the race.

    Attributes:
        on: whether it runs.
        rule: its name.
        rate: learning rate; None for the one that suits the surface.
        momentum: momentum, or the decay of the mean gradient (β₁).
        squares: decay of the mean squared gradient (β₂ of Adam, α of RMSprop, ρ of Adadelta); None for torch's usual.
        weight_decay: pulls towards (0, 0): decoupled in AdamW, an L2 penalty elsewhere.
    """

    on: bool = True
    rule: RuleName
    rate: float | None = Field(default=None, gt=0.0, le=1e6)
    momentum: float = Field(default=0.9, ge=0.0, le=0.9999)
    squares: float | None = Field(default=None, ge=0.0, le=0.99999)
    weight_decay: float = Field(default=0.0, ge=0.0, le=10.0)


USUAL_LANES = (
    Lane(rule="sgd"), Lane(rule="momentum"), Lane(rule="nesterov"), Lane(rule="adagrad"), Lane(rule="rmsprop"),
    Lane(rule="adam"), Lane(rule="adamw", weight_decay=0.01, on=False), Lane(rule="lbfgs"),
)  # fmt: skip


class RaceSettings(Settings):
    """The surface, the start and who runs.

    Attributes:
        condition: of the bowl.
        of: whose loss the slice is of: None for what the studio was opened with, or else a small network.
        run: name of a run in the studio's folder.
        directions: that span the slice.
        batch: rows the gradient is of in each step on a slice; 0 for all.
        start: x and y; None for the surface's usual.
        noise: deviation of what is added to each component of the gradient on a classic surface.
        goal: the loss at which one has arrived; None for the surface's usual.
        steps: length of the race.
        speed: steps between two pictures while it plays.
        guess: the lane that is bet on.
    """

    surface: SurfaceName = "rosenbrock"
    condition: float = Field(20.0, ge=1.0, le=10_000.0)
    of: Literal["small", "given", "run"] | None = None
    run: str = Field("", max_length=200)
    directions: Literal["random", "principal"] = "random"
    batch: int = Field(0, ge=0, le=256)
    start: tuple[Coordinate, Coordinate] | None = None
    noise: float = Field(0.0, ge=0.0, le=1e4)
    goal: Coordinate | None = None
    schedule: ScheduleName = "constant"
    steps: int = Field(300, ge=10, le=2000)
    speed: int = Field(1, ge=1, le=20)
    lanes: tuple[Lane, ...] = Field(USUAL_LANES, min_length=1, max_length=MOST_LANES)
    guess: int | None = Field(None, ge=0, lt=MOST_LANES)

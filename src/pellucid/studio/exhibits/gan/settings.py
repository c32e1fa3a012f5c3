"""What can be set, what can be asked, and settings that show something in particular."""

from typing import Annotated, Any, Literal

from pydantic import Field

from pellucid.recipe import AdversarialLossName
from pellucid.studio.exhibit import Action, Settings

Place = Annotated[float, Field(ge=-3.0, le=3.0)]
Chain = Annotated[str, Field(min_length=1, max_length=400)]
SOURCES = ("ring", "grid", "moons", "line", "drawn", "given")


class GanSettings(Settings):
    """Data, two networks, and how they learn; without `data`, those the studio was opened with, or the ring."""

    data: Literal[SOURCES] | None = None  # type: ignore[valid-type]
    marks: tuple[tuple[Place, Place], ...] = Field(
        ((-1.5, -1.0), (1.5, -1.0), (0.0, 1.5)), min_length=1, max_length=300
    )
    noise: int = Field(2, ge=1, le=16)
    generator: Chain = "2 * (fc(64) -> relu) -> fc(2)"
    discriminator: Chain = "2 * (fc(64) -> relu) -> fc(1)"
    loss: AdversarialLossName = "non-saturating"
    generator_rate: float = Field(0.001, ge=1e-6, le=1.0)
    discriminator_rate: float = Field(0.001, ge=1e-6, le=1.0)
    critic_steps: int = Field(1, ge=1, le=10)
    penalty: float = Field(0.1, ge=0.0, le=100.0)
    batch_size: int = Field(128, ge=8, le=512)
    weights: Literal["present", "average"] = "present"
    manifold: bool = True
    arrows: bool = True


class Draw(Action):
    """One more mark of the drawing, or the first of another."""

    kind: Literal["draw"]
    x: Place
    y: Place
    anew: bool = False


class Preset(Action):
    """Settings known by a name."""

    kind: Literal["preset"]
    name: Literal["usual", "wasserstein", "collapse", "vanishing", "slow"]


PRESETS: dict[str, dict[str, Any]] = {
    "usual": {},
    "wasserstein": {"loss": "wasserstein", "critic_steps": 5, "penalty": 1.0},
    "collapse": {"penalty": 0.0, "generator_rate": 0.01},
    "vanishing": {
        "loss": "minimax",
        "penalty": 0.0,
        "critic_steps": 5,
        "discriminator_rate": 0.003,
        "generator_rate": 0.0001,
    },
    "slow": {"penalty": 0.0, "discriminator_rate": 0.00001, "generator_rate": 0.003},
}
"""What each preset sets that is not a default: the last three go wrong, each in its own way."""
PRESET_OF = (
    "generator",
    "discriminator",
    "noise",
    "loss",
    "generator_rate",
    "discriminator_rate",
    "critic_steps",
    "penalty",
)
"""What a preset decides; the data, the seed and what is drawn stay."""

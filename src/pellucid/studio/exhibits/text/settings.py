"""What a visitor may choose of the text exhibit."""

from typing import Literal

from pydantic import Field

from pellucid.studio.exhibit import Settings


class TextSettings(Settings):
    """What is read by which networks, and what is asked of one of them."""

    own: str = Field("", max_length=8000)
    networks: Literal["all", "rnn", "lstm", "gru"] = "all"
    units: int = Field(48, ge=4, le=128)
    window: int = Field(32, ge=4, le=64)
    learning_rate: float = Field(0.005, gt=0.0, le=10.0)
    shown: Literal["rnn", "lstm", "gru"] = "lstm"
    prompt: str = Field("The dogs near the ", min_length=1, max_length=200)
    length: int = Field(120, ge=0, le=300)
    temperature: float = Field(0.6, ge=0.0, le=2.0)
    draw: int = Field(0, ge=0, le=999)
    unit: int = Field(0, ge=0, le=128)


LOOKED_AT = ("shown", "prompt", "length", "temperature", "draw", "unit")
"""Settings of what is asked of the networks; they need no new training."""

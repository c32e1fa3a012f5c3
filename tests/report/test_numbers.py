"""How numbers are written."""

import math

import pytest

from pellucid.judging.wording import metric, percent
from pellucid.report.numbers import duration, metrics


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.98611, "98.6 %"), (0.99972, "99.97 %"), (0.0001, "0.01 %"), (0.5, "50.0 %")],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_no_share_below_one_is_called_all() -> None:
    assert percent(59_999 / 60_000) == "99.998 %"


def test_metrics() -> None:
    assert metrics({"accuracy": 0.5, "mse": 12.3456789}) == "accuracy 50.0 %, mse 12.35"
    assert metric("loss", math.nan) == "nan"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (14.2, "14 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (59.7, "1 min 0 s")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text

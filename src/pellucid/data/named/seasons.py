"""A series whose law is known: 600 months of trend, seasons and noise that lingers, always the same ones."""

from datetime import date

import numpy as np
import polars as pl

_MONTHS = 600


def seasons() -> pl.DataFrame:
    """Return 50 years by month, columns `month` and `value`.

    y[t] = 20 + t / 50 + 8 sin(2 pi t / 12) + 3 cos(4 pi t / 12) + n[t], the noise n[t] = 0.6 n[t - 1] + e[t] with
    e normal of standard deviation 1: no forecast of the next month can have a root mean square error below 1.
    """
    months = np.arange(_MONTHS)
    surprises = np.random.default_rng(0).normal(0, 1, _MONTHS)
    noise = np.zeros(_MONTHS)
    for month in range(1, _MONTHS):
        noise[month] = 0.6 * noise[month - 1] + surprises[month]
    angles = 2 * np.pi * months / 12
    values = 20 + months / 50 + 8 * np.sin(angles) + 3 * np.cos(2 * angles) + noise
    dates = [date(1970 + month // 12, month % 12 + 1, 1) for month in range(_MONTHS)]
    return pl.DataFrame({"month": dates, "value": values})

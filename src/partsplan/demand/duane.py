"""Duane's growth curve: a straight line through the logarithms of age and cumulative MTBF."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.repair_history import RepairHistory, as_history
from partsplan.errors import PartsplanError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DuaneFit:
    r"""Cumulative MTBF :math:`t^\alpha / A`."""

    growth: float
    r""":math:`\alpha`: growth of the MTBF, 0 where it does not change."""
    rate: float
    """:math:`A`: cumulative failure rate at an age of 1 hour."""

    def cumulative_mtbf(self, hours: ArrayLike) -> Floats:
        r"""Mean hours between failures over all hours up to an age, :math:`t^\alpha / A`."""
        return np.asarray(np.asarray(hours, dtype=np.float64) ** self.growth / self.rate)

    def instantaneous_mtbf(self, hours: ArrayLike) -> Floats | None:
        r"""Mean hours between failures at an age, :math:`t^\alpha / (A (1 - \alpha))`.

        None where the growth is 1 or more: the line then says that failures cease.
        """
        if self.growth >= 1.0:
            return None
        return np.asarray(self.cumulative_mtbf(hours) / (1.0 - self.growth))


def fit_duane(history: RepairHistory | Any) -> DuaneFit:
    r"""Fit Duane's line by least squares.

    Parameters
    ----------
    history : RepairHistory or table
        Failures of one unit observed from new.

    Returns
    -------
    DuaneFit

    Raises
    ------
    PartsplanError
        With several units, a late start, or fewer than two distinct ages.

    Notes
    -----
    Least squares of :math:`\log(t_i / i)` on :math:`\log t_i`. Planners read it off a plot;
    `fit_power_law` uses the same data better and gives intervals.

    References
    ----------
    Duane, Learning curve approach to reliability monitoring, IEEE Trans. Aerospace 2 (1964).

    Examples
    --------
    >>> times = [10400, 26900, 43400, 66400, 89400, 130400, 163400, 232000, 242000, 340700]
    >>> round(fit_duane(RepairHistory.from_arrays(times)).growth, 4)
    0.3362
    """
    told = as_history(history)
    if told.n_units != 1 or told.start_hours[0] > 0.0:
        raise PartsplanError(
            f"Duane's line is for one unit observed from new; there are {told.n_units}"
            f"{' units' if told.n_units > 1 else ' with a late start'}: use fit_power_law."
        )
    if len(np.unique(told.hours)) < 2:
        raise PartsplanError("Duane's line needs failures at two different ages or more.")
    x = np.log(told.hours)
    y = x - np.log(np.arange(1, told.n_failures + 1))
    centered = x - x.mean()
    growth = float((centered * y).sum() / (centered**2).sum())
    return DuaneFit(growth=growth, rate=math.exp(growth * float(x.mean()) - float(y.mean())))

"""Mean cumulative function: failures of a repairable unit up to an age, without any model.

Nelson's estimate with the robust variance, which holds also when failures of one unit depend on
each other (Lawless and Nadeau 1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.repair_history import RepairHistory, as_history
from partsplan.network import frame_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CHUNK = 4_000_000
"""Entries of the (unit, age) block that is held at a time."""


@dataclass(frozen=True, eq=False)
class MeanCumulativeFunction:
    """Mean number of failures of one unit up to each age, with intervals."""

    hours: Floats
    """Shape (n_ages,): distinct ages at failure, ascending [hours]."""
    at_risk: Integers
    """Shape (n_ages,): units under observation at that age."""
    mean: Floats
    """Shape (n_ages,): mean failures of one unit up to and with that age."""
    standard_error: Floats
    """Shape (n_ages,): robust standard error of ``mean``."""
    level: float
    """Confidence level of the intervals."""
    last_hours: float
    """Age up to which some unit was observed [hours]; nothing is known beyond."""

    @property
    def interval(self) -> tuple[Floats, Floats]:
        """Lower and upper limits of the mean, on its logarithm: above 0."""
        z = float(scipy.special.ndtri((1.0 + self.level) / 2.0))
        factor = np.exp(z * self.standard_error / self.mean)
        return self.mean / factor, self.mean * factor

    def at(self, hours: ArrayLike) -> Floats:
        """Mean failures of one unit up to given ages; NaN beyond the observation.

        Parameters
        ----------
        hours : array_like of float
            Ages [hours].
        """
        ages = np.asarray(hours, dtype=np.float64)
        if not (ages >= 0.0).all():
            raise ValueError(f"hours must be at least 0, got {ages[~(ages >= 0.0)].flat[0]}")
        steps = np.concatenate([[0.0], self.mean])
        value = steps[np.searchsorted(self.hours, ages, side="right")]
        return np.asarray(np.where(ages <= self.last_hours, value, np.nan))

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per age at failure: hours, at_risk, mean, standard_error, lower, upper."""
        columns = self._columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def to_frame(self) -> Any:
        """The same as a pandas frame."""
        return frame_of(self._columns())

    def summary(self) -> str:
        """Say in a line or two how many failures a unit has had by the end."""
        if not len(self.hours):
            return f"Mean cumulative function: no failure up to {self.last_hours:,.6g} h"
        lower, upper = self.interval
        return (
            f"Mean cumulative function: {self.mean[-1]:.4g} failures per unit up to "
            f"{self.hours[-1]:,.6g} h\n"
            f"  {100 * self.level:g} % limits  {lower[-1]:.4g} to {upper[-1]:.4g}; units observed "
            f"that long: {self.at_risk[-1]:,}"
        )

    def _columns(self) -> dict[str, NDArray[Any]]:
        lower, upper = self.interval
        return {
            "hours": self.hours,
            "at_risk": self.at_risk,
            "mean": self.mean,
            "standard_error": self.standard_error,
            "lower": lower,
            "upper": upper,
        }


def mean_cumulative_function(
    history: RepairHistory | Any, *, level: float = 0.95
) -> MeanCumulativeFunction:
    r"""Estimate how many failures a unit has had by each age.

    Parameters
    ----------
    history : RepairHistory or table
        Failures and ends of observation; a table as of `RepairHistory.from_table`.
    level : float, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    MeanCumulativeFunction

    Raises
    ------
    InputError
        When the table cannot be read.
    ValueError
        When ``level`` is not strictly between 0 and 1.

    Notes
    -----
    With :math:`d_i(t)` failures of unit i at age t, :math:`\delta_i(t)` 1 while it is observed
    and :math:`n(t) = \sum_i \delta_i(t)`:

    .. math:: \hat M(t) = \sum_{t_j \le t} d_\cdot(t_j) / n(t_j), \qquad
       \widehat{Var} = \sum_i \Big[\sum_{t_j \le t} \frac{\delta_i(t_j)}{n(t_j)}
       \big(d_i(t_j) - d_\cdot(t_j) / n(t_j)\big)\Big]^2

    References
    ----------
    Nelson, Recurrent Events Data Analysis, 2003; Lawless and Nadeau, Technometrics 37 (1995);
    Meeker and Escobar, Statistical Methods for Reliability Data, 1998, section 16.2.

    Examples
    --------
    >>> history = RepairHistory.from_arrays([[5, 8], [], [1, 8]], end_hours=[12, 12, 16])
    >>> mean_cumulative_function(history).mean.round(3)
    array([0.333, 0.667, 1.333])
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be strictly between 0 and 1, got {level!r}")
    told = as_history(history)
    ages, which = np.unique(told.hours, return_inverse=True)
    failures = np.bincount(which.reshape(-1), minlength=len(ages)).astype(np.float64)
    begun = np.searchsorted(np.sort(told.start_hours), ages, side="left")
    over = np.searchsorted(np.sort(told.end_hours), ages, side="left")
    at_risk = (begun - over).astype(np.int64)
    variance = _robust_variance(told, ages, failures, at_risk)
    return MeanCumulativeFunction(
        hours=ages,
        at_risk=at_risk,
        mean=np.cumsum(failures / at_risk),
        standard_error=np.sqrt(variance),
        level=level,
        last_hours=float(told.end_hours.max()),
    )


def _robust_variance(
    history: RepairHistory, ages: Floats, failures: Floats, at_risk: Integers
) -> Floats:
    """Sum over units of the squared deviation of each unit from the mean."""
    variance = np.zeros(len(ages))
    per_risk = 1.0 / at_risk
    expected = failures * per_risk**2
    age_of = np.searchsorted(ages, history.hours)
    bounds = np.searchsorted(history.unit, np.arange(history.n_units + 1))
    step = max(_CHUNK // max(len(ages), 1), 1)
    for first in range(0, history.n_units, step):
        last = min(first + step, history.n_units)
        observed = (ages > history.start_hours[first:last, None]) & (
            ages <= history.end_hours[first:last, None]
        )
        deviation = np.where(observed, -expected, 0.0)
        own = slice(bounds[first], bounds[last])
        np.add.at(deviation, (history.unit[own] - first, age_of[own]), per_risk[age_of[own]])
        variance += (np.cumsum(deviation, axis=1) ** 2).sum(axis=0)
    return variance

"""Is it getting worse? Laplace's test for a trend in the failures of repairable units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from partsplan.demand.repair_history import RepairHistory, as_history
from partsplan.errors import PartsplanError

FEW_FAILURES = 4
"""Below so many failures the normal law of the statistic is rough."""


@dataclass(frozen=True)
class TrendTest:
    """Laplace's statistic, what it says, and how sure that is."""

    statistic: float
    """Laplace's U: above 0 failures come late, so ever faster; normal(0, 1) without a trend."""
    p_value: float
    """Probability of a statistic at least so far from 0 without a trend (two-sided)."""
    significance: float
    """Largest p-value that is taken for a trend."""
    n_failures: int
    """Failures that the statistic counts; the one that stops observation does not count."""

    @property
    def trend(self) -> str:
        """``"worsening"``, ``"improving"`` or ``"none shown"``."""
        if self.p_value > self.significance:
            return "none shown"
        return "worsening" if self.statistic > 0.0 else "improving"

    @property
    def is_getting_worse(self) -> bool:
        """Whether failures come significantly faster with age."""
        return self.trend == "worsening"

    def summary(self) -> str:
        """Answer the question in words."""
        answers = {
            "worsening": "Yes, it is getting worse: failures come faster with age",
            "improving": "No, it is getting better: failures come slower with age",
            "none shown": "No trend is shown: the failures may come at a constant rate",
        }
        few = "" if self.n_failures >= FEW_FAILURES else "; with so few failures only roughly"
        return (
            f"{answers[self.trend]} (Laplace U {self.statistic:.2f}, p = {self.p_value:.3g}, "
            f"{self.n_failures} failures{few})."
        )


def laplace_trend_test(history: RepairHistory | Any, *, significance: float = 0.05) -> TrendTest:
    r"""Test whether failures come ever faster or slower as units age.

    Parameters
    ----------
    history : RepairHistory or table
        Failures and ends of observation; a table as of `RepairHistory.from_table`.
    significance : float, default 0.05
        Largest p-value that is taken for a trend.

    Returns
    -------
    TrendTest

    Raises
    ------
    PartsplanError
        When no failure lies before the end of observation.

    Notes
    -----
    Without a trend, failures lie uniformly over each unit's observation from S to T:

    .. math:: U = \frac{\sum_{ij} (t_{ij} - (S_i + T_i)/2)}{\sqrt{\sum_i n_i (T_i - S_i)^2 / 12}}

    The failure that stops the observation of a unit is left out of its :math:`n_i`. The trend is
    of the rate at which one unit fails by its age; a fleet of unlike units, each at its own
    constant rate, has no such trend even where its pooled lives look like early failures.

    References
    ----------
    Cox and Lewis, The Statistical Analysis of Series of Events, 1966, section 3.3; Ascher and
    Feingold, Repairable Systems Reliability, 1984.

    Examples
    --------
    >>> late = RepairHistory.from_arrays([400, 700, 850, 900, 960], end_hours=1000)
    >>> print(laplace_trend_test(late).summary())
    Yes, it is getting worse: failures come faster with age (Laplace U 2.03, p = 0.0424,
    5 failures).
    """
    if not 0.0 < significance < 1.0:
        raise ValueError(f"significance must be strictly between 0 and 1, got {significance!r}")
    told = as_history(history)
    stops = told.ends_with_failure[told.unit] & (told.hours == told.end_hours[told.unit])
    stops[:-1] &= told.unit[1:] != told.unit[:-1]
    unit, hours = told.unit[~stops], told.hours[~stops]
    if not len(hours):
        raise PartsplanError(
            "A trend test needs failures before the end of observation; there is none. "
            "Give the age at which observation ends, or wait for more failures."
        )
    middle = (told.start_hours + told.end_hours)[unit] / 2.0
    span = (told.end_hours - told.start_hours)[unit]
    statistic = float((hours - middle).sum() / np.sqrt((span**2).sum() / 12.0))
    return TrendTest(
        statistic=statistic,
        p_value=float(2.0 * scipy.special.ndtr(-abs(statistic))),
        significance=significance,
        n_failures=len(hours),
    )

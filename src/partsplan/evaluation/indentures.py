"""Parts within parts at one place of repair: an LRU whose repair waits for the SRU it needs.

Every repair of the LRU needs one SRU at most. With ample repair, units that came in before a
repair time ago and those since are independent (M/G/infinity), so the LRUs held up by missing
SRUs are independent of each other and of the LRUs in repair (Sherbrooke 2004, ch. 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.evaluation.laws import (
    Law,
    backorder_law,
    count_law,
    count_reach,
    poisson_reach,
    stock_moments,
    sum_law,
)
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.supply import Floats, Integers

_METHODS = ("exact", "vari_metric", "metric")


@dataclass(frozen=True, eq=False)
class IndentureFigures:
    """Figures of an LRU and of the SRUs inside it."""

    expected_backorders: float
    """Mean LRUs late, EBO [units]."""
    fill_rate: float
    """Share of the demand for the LRU met at once."""
    pipeline_mean: float
    """Mean LRUs in repair, those that wait for an SRU included [units]."""
    pipeline_variance: float
    """Their variance [units^2]."""
    sru_backorders: Floats
    """Shape (n_srus,): mean LRUs that wait for each SRU [units]."""


def indenture_figures(
    lru: tuple[float, float, int],
    cause_fraction: Floats,
    sru_days: Floats,
    sru_stock: Integers,
    *,
    evaluation: str = "exact",
) -> IndentureFigures:
    r"""Late LRUs at a place that repairs them by replacing SRUs.

    Parameters
    ----------
    lru : tuple of float, float and int
        Failures of the LRU :math:`\lambda` [units/day], its repair time once the SRU is there
        :math:`T` [days], and its base stock :math:`S` [units].
    cause_fraction : ndarray of float, shape (n_srus,)
        Share of the LRU's repairs that need each SRU :math:`q_j`; at most 1 together.
    sru_days : ndarray of float, shape (n_srus,)
        Repair or resupply time of each SRU :math:`T_j` [days].
    sru_stock : ndarray of int, shape (n_srus,)
        Base stock of each SRU :math:`s_j` [units].
    evaluation : {"exact", "vari_metric", "metric"}
        Law of the LRUs in repair: exact, negative binomial through its mean and variance, or
        Poisson through its mean.

    Returns
    -------
    IndentureFigures

    Raises
    ------
    ValueError
        If the fractions are not shares that add up to at most 1, or the method is unknown.

    Notes
    -----
    :math:`X = Poisson(\lambda T) + \sum_j (Poisson(\lambda q_j T_j) - s_j)^+`, independent terms.

    References
    ----------
    Muckstadt (1973), Management Science 20; Sherbrooke (1986), Operations Research 34.

    Examples
    --------
    >>> found = indenture_figures(
    ...     (0.5, 2.0, 2), np.array([0.5, 0.3, 0.2]), np.array([4.0, 6.0, 10.0]),
    ...     np.array([1, 1, 1]))
    >>> round(found.expected_backorders, 9)
    0.613555283
    """
    rate, days, stock = lru
    if not ((cause_fraction >= 0).all() and cause_fraction.sum() <= 1.0 + 1e-12):
        raise ValueError(
            f"cause_fraction must be shares that add up to at most 1, got {cause_fraction}"
        )
    if evaluation not in _METHODS:
        raise ValueError(f"evaluation must be one of {', '.join(_METHODS)}, got {evaluation!r}")
    under_way = rate * cause_fraction * sru_days
    srus = moments_of_stock(sru_stock, under_way, np.zeros(len(under_way)))
    mean = np.array([rate * days + srus.expected_backorders.sum()])
    variance = np.array([rate * days + srus.backorder_variance.sum()])
    held = np.array([stock])
    if evaluation == "exact":
        law = _law(rate * days, under_way, sru_stock, stock)
    else:
        excess = np.maximum(variance - mean, 0.0) * (evaluation == "vari_metric")
        law = count_law(mean, excess, count_reach(mean, excess, held.astype(np.float64)))
    figures = stock_moments(law, held)
    return IndentureFigures(
        expected_backorders=float(figures.expected_backorders[0]),
        fill_rate=float(figures.filled[0]),
        pipeline_mean=float(mean[0]),
        pipeline_variance=float(variance[0]),
        sru_backorders=srus.expected_backorders,
    )


def _law(in_repair: float, under_way: Floats, sru_stock: Integers, stock: int) -> Law:
    """Exact law of the LRUs in repair and waiting."""
    whole = np.array([in_repair + under_way.sum()])
    top = poisson_reach(whole, float(stock))
    law = count_law(np.array([in_repair]), np.zeros(1), top)
    for mean, level in zip(under_way.tolist(), sru_stock.tolist(), strict=True):
        reach = top + level
        units = count_law(np.array([mean]), np.zeros(1), reach)
        law = sum_law(law, backorder_law(units, np.array([level]), top), top)
    return law

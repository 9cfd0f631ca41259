"""Classes of usage by how often it comes and how much its size varies (ADI and CV2).

Syntetos, Boylan and Croston (2005) with their cut-offs 1.32 and 0.49.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.smoothing import months_first

Floats = NDArray[np.float64]

INTERVAL_CUT_OFF = 1.32
"""Mean months between demands above which a series is intermittent or lumpy."""
CV2_CUT_OFF = 0.49
"""Squared coefficient of variation above which a series is erratic or lumpy."""


@dataclass(frozen=True)
class UsageClasses:
    """Class of each series, with the two figures that it comes from."""

    names: NDArray[np.object_]
    """Shape (n_series,): smooth, intermittent, erratic or lumpy; None without any demand."""
    interval: Floats
    """Shape (n_series,): average inter-demand interval, ADI [months]; NaN without any demand."""
    cv2: Floats
    """Shape (n_series,): squared coefficient of variation of demand sizes, CV2 [-]; NaN with
    fewer than two demands."""

    def counts(self) -> dict[str, int]:
        """Series of each class; ``no demand`` counts those without any."""
        words = ("smooth", "intermittent", "erratic", "lumpy")
        found = {word: int((self.names == word).sum()) for word in words}
        return found | {"no demand": len(self.names) - sum(found.values())}


def usage_classes(units: ArrayLike) -> UsageClasses:
    r"""Classify series of usage as smooth, intermittent, erratic or lumpy.

    Parameters
    ----------
    units : array_like of float, shape (n_series, n_months)
        Units used, 0 or more; NaN where not observed [units].

    Returns
    -------
    UsageClasses

    Raises
    ------
    ValueError
        When units are negative or infinite.

    Notes
    -----
    ADI is the observed months from the first month with demand on, over the months with demand;
    CV2 is the sample variance (divisor :math:`n - 1`) of the demands over their squared mean.
    These definitions are those of the authors' own figures for 3,000 automotive parts. Smooth:
    ADI at most 1.32, CV2 at most 0.49; intermittent: only ADI is above; erratic: only CV2;
    lumpy: both. The CV2 of a single demand is not known and counts as not above.

    References
    ----------
    Syntetos, Boylan and Croston (2005), On the categorization of demand patterns, Journal of the
    Operational Research Society 56, 495-503.

    Examples
    --------
    >>> classes = usage_classes([[1, 1, 2, 1], [0, 1, 0, 1], [1, 9, 1, 1], [0, 9, 0, 1]])
    >>> classes.names.tolist()
    ['smooth', 'intermittent', 'erratic', 'lumpy']
    >>> classes.interval.round(2), classes.cv2.round(2)
    (array([1. , 1.5, 1. , 1.5]), array([0.16, 0.  , 1.78, 1.28]))
    """
    by_month = months_first(units)
    demands = np.zeros(by_month.shape[1])
    waited, total = np.zeros_like(demands), np.zeros_like(demands)
    for used in by_month:
        hit = used > 0.0
        demands += hit
        waited += (demands > 0.0) & ~np.isnan(used)
        total += np.where(hit, used, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / demands
        spread = np.zeros_like(demands)
        for used in by_month:
            spread += np.where(used > 0.0, (used - mean) ** 2, 0.0)
        interval = waited / demands
        cv2 = np.where(demands > 1.0, spread / (demands - 1.0) / mean**2, np.nan)
    names = np.where(
        interval <= INTERVAL_CUT_OFF,
        np.where(cv2 > CV2_CUT_OFF, "erratic", "smooth"),
        np.where(cv2 > CV2_CUT_OFF, "lumpy", "intermittent"),
    ).astype(object)
    names[demands == 0.0] = None
    return UsageClasses(names=names, interval=interval, cv2=cv2)

"""Survival of lives without a distribution: Kaplan-Meier, and Turnbull for failures between looks.

Kaplan and Meier, J. Am. Stat. Assoc. 53, 1958, with late entry; Turnbull, J. R. Stat. Soc. B 38,
1976.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand.life_data import LifeData
from partsplan.network import frame_of

Floats = NDArray[np.float64]

_ROUNDS = 20_000
_CLOSE = 1e-9
_NOTHING = 1e-7
"""Mass of a stretch below which the curve does not fall in it."""


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Share of units that reach the hours, a step after each failure time."""

    hours: Floats
    """Times at which units failed; with failures between looks, ends of the stretches in which
    the curve falls [h]."""
    survival: Floats
    """Share of units that outlive them."""
    at_risk: Floats
    """Units under observation just before [units]; NaN where failures lie between looks."""
    failures: Floats
    """Units that failed then [units]; estimated where failures lie between looks."""
    lower: Floats
    """Lower bound of the survival; NaN where failures lie between looks."""
    upper: Floats
    """Upper bound of the survival; NaN where failures lie between looks."""
    _backend: str | None = field(repr=False, default=None)

    def to_records(self) -> list[dict[str, Any]]:
        """One plain dict per step; None is unknown."""
        columns = {name: values.tolist() for name, values in self._columns().items()}
        rows = zip(*columns.values(), strict=True)
        return [
            {name: None if math.isnan(v) else v for name, v in zip(columns, row, strict=True)}
            for row in rows
        ]

    def to_frame(self) -> Any:
        """One row per step, in the library that the user came with."""
        return frame_of(self._columns(), self._backend)

    def _columns(self) -> dict[str, Floats]:
        names = ("hours", "survival", "at_risk", "failures", "lower", "upper")
        return {name: getattr(self, name) for name in names}


def survival_curve(data: LifeData, level: float) -> SurvivalCurve:
    """Estimate the survival of the lives of one group.

    Parameters
    ----------
    data : LifeData
        Lives of one group.
    level : float
        Confidence of the pointwise bounds.

    Returns
    -------
    SurvivalCurve
    """
    return _turnbull(data) if data.is_between.any() else _kaplan_meier(data, level)


def _kaplan_meier(data: LifeData, level: float) -> SurvivalCurve:
    r"""Kaplan-Meier with late entry; Greenwood's variance in the log-log scale.

    At failure time :math:`t` the units at risk entered before :math:`t` and left at :math:`t` or
    later: :math:`S(t) = \prod (1 - d / n)`.
    """
    failed = data.is_failed
    hours, place = np.unique(data.lower[failed], return_inverse=True)
    failures = np.bincount(place.reshape(-1), data.weight[failed], len(hours)).astype(np.float64)
    at_risk = _weight_before(data.entry, data.weight, hours) - _weight_before(
        data.lower, data.weight, hours
    )
    survival = np.cumprod(1.0 - failures / at_risk).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        variance = np.cumsum(failures / (at_risk * (at_risk - failures)))
        spread = scipy.special.ndtri(0.5 * (1.0 + level)) * np.sqrt(variance) / -np.log(survival)
        lower, upper = survival ** np.exp(spread), survival ** np.exp(-spread)
    known = (survival > 0.0) & np.isfinite(spread)
    return SurvivalCurve(
        hours,
        survival,
        at_risk,
        failures,
        np.where(known, lower, np.nan),
        np.where(known, upper, np.nan),
    )


def _weight_before(times: Floats, weight: Floats, hours: Floats) -> Floats:
    """Weight of the times strictly before each of the hours."""
    order = np.argsort(times)
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    summed: Floats = total[np.searchsorted(times[order], hours, side="left")]
    return summed


def _turnbull(data: LifeData) -> SurvivalCurve:
    """Turnbull's self-consistent estimate, over the stretches that lie in no finer one.

    Late entry is taken as survival until then: the estimate is that of units that reached the
    least entry.
    """
    low = np.where(data.is_failed, np.nextafter(data.lower, 0.0), data.lower)
    starts, ends = _innermost(low, data.upper)
    inside = (starts >= low[:, None]) & (ends <= data.upper[:, None])
    seen = starts >= data.entry[:, None]
    mass = np.full(len(starts), 1.0 / len(starts))
    for _ in range(_ROUNDS):
        share = data.weight / (inside @ mass)
        unseen = data.weight / np.maximum(seen @ mass, np.finfo(float).tiny)
        expected = mass * (share @ inside + unseen @ ~seen)
        new = expected / expected.sum()
        moved = np.abs(new - mass).max()
        mass = new
        if moved < _CLOSE:
            break
    finite = np.isfinite(ends) & (mass > _NOTHING)
    unknown = np.full(int(finite.sum()), np.nan)
    survival = np.clip(1.0 - np.cumsum(mass[finite]), 0.0, 1.0)
    failures = (mass * data.weight.sum())[finite]
    return SurvivalCurve(ends[finite], survival, unknown, failures, unknown, unknown)


def _innermost(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Stretches from a lower end to the next upper end, with no other end between."""
    ends = np.concatenate([low, high])
    is_high = np.repeat([False, True], [len(low), len(high)])
    order = np.lexsort((~is_high, ends))
    ends, is_high = ends[order], is_high[order]
    first = np.flatnonzero(~is_high[:-1] & is_high[1:])
    return ends[first], ends[first + 1]

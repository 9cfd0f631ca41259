"""The whole law of a small fleet's need, by convolution, where two moments are not enough."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand.fleet_forecast import FleetForecast
from partsplan.demand.fleet_units import FleetUnits
from partsplan.demand.renewal import renewal_count_pmf
from partsplan.errors import PartsplanError

Floats = NDArray[np.float64]

_TOLERANCE = 1e-7
_NEGLECTED = 1e-14
"""Probability that may be cut off at the upper end of a law."""


def exact_need(forecast: FleetForecast, part: int) -> Floats:
    """Probabilities of needing 0, 1, 2, ... units of a part in all months.

    Parameters
    ----------
    forecast
        The forecast.
    part
        Position of the part.

    Returns
    -------
    ndarray of float
        By `renewal_count_pmf` of every group of units alike, units convolved.

    Raises
    ------
    PartsplanError
        Where the units do not fail independently by a law known in full: the part is superseded
        or supersedes, its rate is uncertain, or its age is that of machines.
    """
    fleet = forecast.fleet
    units = forecast.units.select(forecast.units.part == part)
    wears = fleet.wears(units) & ~fleet.minimal[units.part]
    _check_is_known(forecast, part, units.select(wears))
    law = np.ones(1)
    for unit_law, count in _unit_laws(forecast, units.select(wears)):
        law = _trimmed(np.convolve(law, _power(unit_law, count)))
    if not wears.all():
        total = float(forecast.counts.total_mean[forecast.part == part].sum())
        worn = float((law * np.arange(len(law))).sum())
        law = _trimmed(np.convolve(law, _poisson(max(total - worn, 0.0))))
    return law


def condemned_need(law: Floats, share: float) -> Floats:
    """Law of the condemned among failures, each condemned with probability ``share``."""
    n = np.arange(len(law), dtype=np.float64)[:, np.newaxis]
    k = np.arange(len(law), dtype=np.float64)
    kept = np.maximum(n - k, 0.0)
    log_ways = scipy.special.gammaln(n + 1.0) - scipy.special.gammaln(k + 1.0)
    log_ways = log_ways - scipy.special.gammaln(kept + 1.0)
    log_share = scipy.special.xlogy(k, share) + scipy.special.xlog1py(kept, -share)
    return np.asarray(law @ np.where(k <= n, np.exp(log_ways + log_share), 0.0))


def _check_is_known(forecast: FleetForecast, part: int, worn: FleetUnits) -> None:
    fleet = forecast.fleet
    numbers = {stage.part for stages in fleet.stages.values() for stage in stages}
    reasons = {
        "it is superseded or supersedes": part in fleet.stages or part in numbers,
        "its rate is uncertain": bool(np.isfinite(forecast.rate_shape[part])),
        "its age is that of machines": fleet.ages == "machines" and bool((worn.age > 0.0).any()),
    }
    for reason, holds in reasons.items():
        if holds:
            name = forecast.network.part_ids[part]
            raise PartsplanError(
                f"The need of part {name!r} has no exact law here: {reason}. Use method='moments'."
            )


def _unit_laws(forecast: FleetForecast, units: FleetUnits) -> list[tuple[Floats, int]]:
    """Law of the count of one unit of each group alike, and how many units there are."""
    fleet = forecast.fleet
    hours = fleet.clock.hours(units.row).sum(axis=1)
    key = np.stack([units.law.astype(np.float64), units.age, hours])
    groups, place = np.unique(key, axis=1, return_inverse=True)
    counts = np.bincount(place.reshape(-1), units.units, groups.shape[1]).astype(np.int64)
    laws = []
    for (law, age, ahead), count in zip(groups.T.tolist(), counts.tolist(), strict=True):
        life = fleet.lives.laws[[int(law)]]
        laws.append((renewal_count_pmf(life, ahead, age=age, tolerance=_TOLERANCE), count))
    return laws


def _power(law: Floats, count: int) -> Floats:
    """Law of the sum of ``count`` independent units, by repeated squaring."""
    result, square = np.ones(1), law
    while count:
        if count % 2:
            result = _trimmed(np.convolve(result, square))
        count //= 2
        if count:
            square = _trimmed(np.convolve(square, square))
    return result


def _poisson(mean: float) -> Floats:
    k = np.arange(int(mean + 12.0 * np.sqrt(mean) + 30.0))
    return np.asarray(np.exp(scipy.special.xlogy(k, mean) - mean - scipy.special.gammaln(k + 1.0)))


def _trimmed(law: Floats) -> Floats:
    above = np.cumsum(law[::-1])[::-1]
    return law[: max(int((above > _NEGLECTED).sum()), 1)]

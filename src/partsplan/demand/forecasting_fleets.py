"""Failures to come of an installed base, month by month, with their spread.

A fleet ages, rolls out and retires; what fails is replaced, or repaired same-as-old. Units fail
independently, except that one uncertain rate of a part holds for all of its units.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.fleet_clock import calendar_of, fleet_clock
from partsplan.demand.fleet_failures import (
    HARDLY,
    Ages,
    Fleet,
    hardly_reached,
    stage_parts,
    tallied,
)
from partsplan.demand.fleet_forecast import FleetForecast
from partsplan.demand.fleet_units import FleetUnits, fleet_units, minimal_parts
from partsplan.demand.life_table import LifeTable, read_lives
from partsplan.demand.succession import Stage, stages_of
from partsplan.errors import Finding, PartsplanError
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]


def forecast_fleet(
    network: ServiceNetwork,
    lives: Any = None,
    *,
    start: datetime.date | str,
    months: int,
    hours: Any = None,
    repair: str | Mapping[str, str] = "renewal",
    ages: Ages = "parts",
) -> FleetForecast:
    r"""Forecast the failures of an installed base, month by month.

    Parameters
    ----------
    network : ServiceNetwork
        Installed base, bills of materials and, where there are, supersessions. ``age_hours`` is
        the age at ``start``, or at ``start_date`` of later machines; machines count from
        ``start_date`` to ``end_date`` (retirement, or the contract's end).
    lives : LifetimeFits or table, optional
        Life of a new unit in operating hours: ``part_id``, ``segment`` (of the site; empty = all),
        ``distribution`` (exponential, weibull, lognormal, weibull_never_fails), its parameters
        (``rate``; ``shape``, ``scale``; ``mu``, ``sigma``; ``never_fails``) and where wanted
        ``rate_shape``, the gamma shape of one factor on the part's failures. Parts without a
        life fail at the catalogue's constant rate.
    start : date or str
        First month, such as ``"2026-12"``.
    months : int
        Number of months.
    hours : table, optional
        Operating hours of one machine in a month: ``site_id``, ``equipment_id``, ``month``,
        ``hours``. Elsewhere a machine runs hours_per_year / 365 on every day it counts.
    repair : {"renewal", "minimal"} or mapping of part_id to one of them
        Whether a failure puts a new unit in place, or leaves the unit as old as it was.
    ages : {"parts", "machines"}
        What ``age_hours`` says of parts that are replaced on failure: they are the first ones,
        that old and not failed yet; or the machine was new then, and its parts have been
        replaced on failure since.

    Returns
    -------
    FleetForecast

    Raises
    ------
    InputError
        With every finding of the tables.
    ValueError
        When ``start``, ``months``, ``repair`` or ``ages`` is out of range.
    PartsplanError
        When the network has no installed base, or lives are too short for the months.

    Notes
    -----
    With :math:`F_a` the law of the remaining life at age a and :math:`M_0` the renewal function,
    :math:`M_a(t) = F_a(t) + \int_0^t M_0(t - u) dF_a(u)`, and in a window (s, t]
    :math:`E[N] = M_a(t) - M_a(s)`, :math:`E[N (N - 1)] = 2 \int_s^t M_0(t - u) dM_a(u)`. Under
    minimal repair counts are Poisson with mean :math:`H(a + t) - H(a + s)`. Means and variances
    of units add; quantiles follow from both (`count_quantile`). An uncertain rate adds
    mean^2 / rate_shape to the variance: exact for constant rates and minimal repair, and an
    approximation for renewals. A superseded number is replaced by the new one at the first
    failure from its date; a new number without a life has that of the old one. Under minimal
    repair the number changes, but not the age. Sums over an old and a new number take their
    counts as independent.

    References
    ----------
    Cox, Renewal Theory, 1962, chapters 2 to 4; Rigdon and Basu, Statistical Methods for the
    Reliability of Repairable Systems, 2000.

    Examples
    --------
    >>> network = ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "PUMP", "unit_cost": 900, "resupply_days": 30}],
    ...     locations=[{"location_id": "BERN", "kind": "forward"}],
    ...     sites=[{"site_id": "A", "served_by": "BERN"}],
    ...     equipment=[{"equipment_id": "PRESS"}],
    ...     bill_of_materials=[{"equipment_id": "PRESS", "part_id": "PUMP"}],
    ...     installed_base=[{"site_id": "A", "equipment_id": "PRESS", "machines": 40,
    ...                      "hours_per_year": 6000, "age_hours": 9000}])
    >>> lives = [{"part_id": "PUMP", "distribution": "weibull", "shape": 3, "scale": 15000}]
    >>> forecast = forecast_fleet(network, lives, start="2026-01", months=24)
    >>> forecast
    FleetForecast(24 months from 2026-01, 1 places, 41.5305 failures expected)
    >>> forecast.by("part").to_records()[0]["upper"]
    46
    """
    if ages not in ("parts", "machines"):
        raise ValueError(f"ages must be 'parts' or 'machines', got {ages!r}")
    calendar = calendar_of(start, months)
    minimal = minimal_parts(network, repair)
    table = read_lives(lives, network)
    if len(network.installed_base) == 0:
        raise PartsplanError("A fleet forecast needs an installed_base; the network has none.")
    clock = fleet_clock(network, calendar, hours)
    units = fleet_units(network, clock, table)
    stages = stages_of(network, calendar)
    fleet = Fleet(network, clock, table, minimal, stages, ages)
    keys, counts = tallied(fleet, units).sums()
    return FleetForecast(
        network=network,
        months=calendar.months,
        part=keys // network.n_locations,
        location=keys % network.n_locations,
        counts=counts,
        rate_shape=_rate_shapes(table, stages),
        fleet=fleet,
        units=units,
        told=_told(units, table, minimal),
        warnings=(*table.warnings, *_doubtful_ages(fleet, units)),
    )


def _rate_shapes(table: LifeTable, stages: Mapping[int, tuple[Stage, ...]]) -> Floats:
    """Uncertainty of each part number; a new number without a life has the old one's."""
    shape = table.rate_shape.copy()
    known = {part for part, _ in table.law_of}
    for old, new in stage_parts(stages):
        if new not in known:
            shape[new] = min(shape[new], shape[old])
    return shape


def _doubtful_ages(fleet: Fleet, units: FleetUnits) -> Iterator[Finding]:
    """Warn of parts that would have to be much older than such parts become."""
    rows = np.flatnonzero(hardly_reached(fleet, units))
    if len(rows):
        first, base = int(rows[0]), fleet.network.installed_base
        row, part = int(units.row[first]), fleet.network.part_ids[int(units.part[first])]
        rule = (
            f"part {part!r} of machines aged {units.age[first]:,.0f} h would have reached an age "
            f"that less than {HARDLY:.0%} of such parts reach"
        )
        rule += f"; {len(rows) - 1:,} more like it." if len(rows) > 1 else "."
        fix = "If failed parts were replaced all along, pass ages='machines'."
        yield Finding(base.name, row + 1, "age_hours", float(units.age[first]), rule, fix)


def _told(units: FleetUnits, table: LifeTable, minimal: NDArray[np.bool_]) -> dict[str, int]:
    with_life = np.unique(units.part[units.law >= 0])
    catalogue = np.setdiff1d(units.part, with_life)
    told = {
        "parts by their life": len(with_life) - int(minimal[with_life].sum()),
        "parts as old": int(minimal[with_life].sum()),
        "parts by catalogue": len(catalogue),
    }
    return {what: count for what, count in told.items() if count}

"""Failures to come of an installed base, month by month, with their spread.

A fleet ages, rolls out and retires; what fails is replaced, or repaired same-as-old. Units fail
independently, except that one uncertain rate of a part holds for all of its units.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
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
from partsplan.demand.fleet_figures import FleetFigures
from partsplan.demand.fleet_units import FleetUnits, fleet_units, minimal_parts
from partsplan.demand.life_table import LifeTable, read_lives
from partsplan.demand.rates import DemandRates
from partsplan.demand.renewal_windows import WindowCounts
from partsplan.demand.succession import Stage, stages_of
from partsplan.errors import Finding, PartsplanError
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AXES = ("part", "location", "month")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class FleetForecast:
    """Failures to come per part, location and month; see `forecast_fleet`."""

    network: ServiceNetwork
    """The network whose installed base was forecast."""
    months: NDArray[np.datetime64]
    """Shape (n_months,): the months."""
    part: Integers
    """Shape (n_places,): position of the part number that failures take."""
    location: Integers
    """Shape (n_places,): position of the location that serves them."""
    counts: WindowCounts
    """Failures of each place per month and in all, when rates are known; month by month they
    depend on each other, place by place they do not."""
    rate_shape: Floats
    """Shape (n_parts,): gamma shape of the part's uncertain rate; inf where it is known."""
    fleet: Fleet
    """What decides how the units fail."""
    units: FleetUnits
    """The installed units that were forecast."""
    told: Mapping[str, int]
    """Parts by what their failures follow."""
    warnings: tuple[Finding, ...]
    """What was passed over or is doubtful."""

    @property
    def n_units(self) -> int:
        """Number of installed units that were forecast."""
        return int(self.units.units.sum())

    @property
    def mean(self) -> Floats:
        """Shape (n_places, n_months): expected failures."""
        return self.counts.mean

    @cached_property
    def variance(self) -> Floats:
        """Shape (n_places, n_months): variance, that of an uncertain rate included."""
        shape = self.rate_shape[self.part][:, np.newaxis]
        return self.counts.variance + self.counts.mean**2 / shape

    @property
    def total(self) -> float:
        """Failures expected of the whole fleet in all months."""
        return float(self.counts.total_mean.sum())

    def by(self, *axes: str) -> FleetFigures:
        """Sum over what is not named.

        Parameters
        ----------
        *axes : {"part", "location", "month"}
            What to split by; none gives one row for all. Without "month" the figures are those
            of all months together.

        Returns
        -------
        FleetFigures
            Rows in the order of the network's tables, then months; only parts and locations
            where failures are expected.

        Raises
        ------
        ValueError
            When an axis is not known or named twice.
        """
        unknown = [axis for axis in axes if axis not in AXES]
        if unknown or len(set(axes)) < len(axes):
            raise ValueError(f"axes must be among {', '.join(AXES)}, each once, got {axes!r}")
        place = np.zeros(len(self.part), dtype=np.int64)
        if "part" in axes:
            place = place + self.part * self.network.n_locations
        if "location" in axes:
            place = place + self.location
        distinct, row = np.unique(place, return_inverse=True)
        if not axes or axes == ("month",):
            distinct, row = np.zeros(1, dtype=np.int64), np.zeros(len(place), dtype=np.int64)
        mean, variance = self._summed(row.reshape(-1), len(distinct), "month" in axes)
        keys: dict[str, NDArray[Any]] = {}
        repeats = mean.shape[1]
        if "part" in axes:
            ids = np.array(self.network.part_ids, dtype=object)
            keys["part_id"] = np.repeat(ids[distinct // self.network.n_locations], repeats)
        if "location" in axes:
            ids = np.array(self.network.location_ids, dtype=object)
            keys["location_id"] = np.repeat(ids[distinct % self.network.n_locations], repeats)
        if "month" in axes:
            keys["month"] = np.tile(self.months, len(distinct))
        return FleetFigures(keys, mean.ravel(), variance.ravel(), self.network.frame_backend)

    def _summed(self, row: Integers, n_rows: int, monthly: bool) -> tuple[Floats, Floats]:
        """Sum places to rows; a part's uncertain rate is one for all its places of a row."""
        c = self.counts
        mean = c.mean if monthly else c.total_mean[:, np.newaxis]
        known = c.variance if monthly else c.total_variance[:, np.newaxis]
        sums, spread = np.zeros((2, n_rows, mean.shape[1]))
        np.add.at(sums, row, mean)
        np.add.at(spread, row, known)
        uncertain = np.flatnonzero(np.isfinite(self.rate_shape[self.part]))
        if len(uncertain):
            pair = row[uncertain] * self.network.n_parts + self.part[uncertain]
            distinct, place = np.unique(pair, return_inverse=True)
            of_part = np.zeros((len(distinct), mean.shape[1]))
            np.add.at(of_part, place.reshape(-1), mean[uncertain])
            shape = self.rate_shape[distinct % self.network.n_parts][:, np.newaxis]
            np.add.at(spread, distinct // self.network.n_parts, of_part**2 / shape)
        return sums, spread

    def by_month(self) -> FleetFigures:
        """Failures of the whole fleet per month."""
        return self.by("month")

    def to_records(self, *, level: float = 0.9) -> list[dict[str, Any]]:
        """One dict per part, location and month, as of `FleetFigures.to_records`."""
        return self.by("part", "location", "month").to_records(level=level)

    def to_frame(self, *, level: float = 0.9) -> Any:
        """The same as a frame in the library of the user's tables."""
        return self.by("part", "location", "month").to_frame(level=level)

    def demand(self, first: int = 0, last: int | None = None) -> DemandRates:
        """Give the mean rate over some of the months as demand to plan with.

        Parameters
        ----------
        first, last : int
            First month, and the one after the last, counted from 0; all by default.

        Returns
        -------
        DemandRates
            Per part and location, with the uncertainty of the rates. The demand is taken as
            Poisson, which holds a little more stock where replaced parts wear.
        """
        chosen = slice(first, last)
        n_months = len(self.months[chosen])
        if n_months == 0:
            raise ValueError(f"first and last must hold a month, got {first} and {last}")
        shape = self.network.n_parts, self.network.n_locations
        mean = self.mean[:, chosen].sum(axis=1) * 12.0 / n_months
        per_year = scipy.sparse.csr_array((mean, (self.part, self.location)), shape=shape)
        ids = self.network.part_ids, self.network.location_ids
        return DemandRates.from_arrays(*ids, per_year, self.rate_shape)

    def summary(self) -> str:
        """Totals, the first and last year, and the parts with most failures."""
        all_, parts = self.by(), self.by("part")
        low, high = (int(all_.quantile(share)[0]) for share in (0.05, 0.95))
        monthly = self.by("month").mean
        lines = [
            f"Fleet forecast: {len(self.months)} months from {self.months[0]}, "
            f"{self.n_units:,} installed units",
            f"  failures expected    {self.total:,.1f} (90 %: {low:,} to {high:,})",
            f"  first, last month    {monthly[0]:,.4g}, {monthly[-1]:,.4g}",
        ]
        lines += [f"  {what:<20} {count:,}" for what, count in self.told.items()]
        order = np.argsort(-parts.mean, kind="stable")[:5]
        upper = parts.quantile(0.95)
        for i in order.tolist():
            name = str(parts.keys["part_id"][i])
            lines.append(f"  {name:<20} {parts.mean[i]:,.4g} expected, 95 %: {upper[i]:,}")
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (
            f"FleetForecast({len(self.months)} months from {self.months[0]}, "
            f"{len(self.part)} places, {self.total:,.6g} failures expected)"
        )

    def _repr_html_(self) -> str:
        return self.by("month")._repr_html_()


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
    repair the number changes, but not the age.

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

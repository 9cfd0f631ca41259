"""What a fleet forecast says: failures per part, location and month, summed as asked.

Units fail independently, except that one uncertain rate of a part holds for all of its units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand.fleet_clock import DAYS_PER_YEAR
from partsplan.demand.fleet_failures import Fleet
from partsplan.demand.fleet_figures import FleetFigures
from partsplan.demand.fleet_units import FleetUnits
from partsplan.demand.rates import DemandRates
from partsplan.demand.renewal_windows import WindowCounts
from partsplan.errors import Finding
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AXES = ("part", "location", "month")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class FleetForecast:
    """Failures to come per part, location and month; made by `forecast_fleet`."""

    network: ServiceNetwork
    """The network whose installed base was forecast."""
    months: NDArray[np.datetime64]
    """Shape (n_months,): the months."""
    part: Integers
    """Shape (n_places,): position of the part number that failures take."""
    location: Integers
    """Shape (n_places,): position of the location that serves them."""
    counts: WindowCounts
    """Failures of each place per month and in all, when rates are known. Months depend on each
    other; places do not, a superseded number and its successor set aside."""
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
        distinct, row = self._rows(axes)
        mean, variance = self._summed(row, len(distinct), "month" in axes)
        repeats = mean.shape[1]
        keys: dict[str, NDArray[Any]] = {}
        if "part" in axes:
            ids = np.array(self.network.part_ids, dtype=object)
            keys["part_id"] = np.repeat(ids[distinct // self.network.n_locations], repeats)
        if "location" in axes:
            ids = np.array(self.network.location_ids, dtype=object)
            keys["location_id"] = np.repeat(ids[distinct % self.network.n_locations], repeats)
        if "month" in axes:
            keys["month"] = np.tile(self.months, len(distinct))
        return FleetFigures(keys, mean.ravel(), variance.ravel(), self.network.frame_backend)

    def _rows(self, axes: tuple[str, ...]) -> tuple[Integers, Integers]:
        """Number the rows as part x n_locations + location, 0 for what is not split by."""
        if not {"part", "location"} & set(axes):
            return np.zeros(1, dtype=np.int64), np.zeros(len(self.part), dtype=np.int64)
        place = np.zeros(len(self.part), dtype=np.int64)
        if "part" in axes:
            place += self.part * self.network.n_locations
        if "location" in axes:
            place += self.location
        distinct, row = np.unique(place, return_inverse=True)
        return distinct, row.reshape(-1)

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
        days = np.diff(self.fleet.clock.calendar.bounds)[chosen].sum()
        if days == 0:
            raise ValueError(f"first and last must hold a month, got {first} and {last}")
        shape = self.network.n_parts, self.network.n_locations
        mean = self.mean[:, chosen].sum(axis=1) * DAYS_PER_YEAR / days
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
            f"  in the first month   {_amount(monthly[0])}",
            f"  in the last month    {_amount(monthly[-1])}",
        ]
        lines += [f"  {what:<20} {count:,}" for what, count in self.told.items()]
        order = np.argsort(-parts.mean, kind="stable")[:5]
        upper = parts.quantile(0.95)
        for i in order.tolist():
            name = str(parts.keys["part_id"][i])
            told = f"{_amount(parts.mean[i])} expected, at most {upper[i]:,} with 95 %"
            lines.append(f"  {name:<20} {told}")
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (
            f"FleetForecast({len(self.months)} months from {self.months[0]}, "
            f"{len(self.part)} places, {self.total:,.6g} failures expected)"
        )

    def _repr_html_(self) -> str:
        return self.by("month")._repr_html_()


def _amount(failures: float) -> str:
    """Write an expected number of failures, small ones with their first digits."""
    return f"{failures:,.1f}" if failures >= 100.0 else f"{failures:.3g}"

"""What the installed base lets expect of a history: the rates of today over the months observed.

Machines come and go. Where the installed base has dates, what it is today is scaled by the
machines that ran in the span of the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.installed_base import (
    installed_units,
    machines_on,
    reference_rates,
    serving_locations,
)
from partsplan.demand.rates import DemandRates
from partsplan.demand.smoothing import MONTHS_PER_YEAR
from partsplan.demand.usage_history import UsageHistory
from partsplan.network import ServiceNetwork

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ObservedPairs:
    """Every part and location with demand or usage, in positions of a network.

    Arrays have shape (n_pairs,), sorted by part, then location.
    """

    part: Integers
    location: Integers
    per_year: Floats
    """Demand before the history [units/year]."""
    units: Floats
    """Units used in the observed months [units]."""
    years: Floats
    """Years observed [years]; 0 where the pair was not."""
    expected: Floats
    """Units that the demand lets expect of the observed months [units]."""
    has_demand: Booleans
    """Whether the demand has the pair, be it with a rate of 0."""
    is_gone: Booleans
    """Whether the pair had machines in the span and has none on the day."""
    keys: Integers
    """part x n_locations + location, ascending."""

    def at(self, keys: Integers) -> Integers:
        """Position of each key; every key must be there."""
        return np.searchsorted(self.keys, keys)


def observed_pairs(
    network: ServiceNetwork,
    demand: DemandRates,
    history: UsageHistory,
    part: Integers,
    location: Integers,
) -> ObservedPairs:
    """Put demand and history side by side.

    Parameters
    ----------
    network, demand
        A network, and demand of it.
    history
        The usage.
    part, location
        Positions, in the network, of the parts and locations of the history.

    Notes
    -----
    A pair without any row was observed where no row means no usage and the table names its
    location.
    """
    n_locations = network.n_locations
    rates = demand.known_rates().tocoo()
    rate_keys = rates.row.astype(np.int64) * n_locations + rates.col
    usage_keys = part[history.part] * n_locations + location[history.location]
    keys = np.union1d(rate_keys, usage_keys)
    per_year, units, years = (np.zeros(len(keys)) for _ in range(3))
    per_year[np.searchsorted(keys, rate_keys)] = rates.data
    place = keys % n_locations
    if history.missing == "zero":
        years[np.isin(place, location)] = history.n_months / MONTHS_PER_YEAR
    at = np.searchsorted(keys, usage_keys)
    units[at] = history.total_units
    years[at] = history.observed_months / MONTHS_PER_YEAR
    ran = _machines_that_ran(network, demand, history, keys, per_year)
    years[np.isnan(ran.per_year)] = 0.0
    return ObservedPairs(
        part=keys // n_locations,
        location=place,
        per_year=per_year,
        units=units,
        years=years,
        expected=np.nan_to_num(ran.per_year) * years,
        has_demand=np.isin(keys, rate_keys),
        is_gone=ran.is_gone,
        keys=keys,
    )


@dataclass(frozen=True, eq=False)
class _Ran:
    """Machines in the span of a history; arrays of shape (n_pairs,)."""

    per_year: Floats
    """Demand of the machines in the span, on average over it [1/year]; NaN where not known."""
    is_gone: Booleans
    """Whether the pair had machines in the span and has none on the day."""


def _machines_that_ran(
    network: ServiceNetwork,
    demand: DemandRates,
    history: UsageHistory,
    keys: Integers,
    per_year: Floats,
) -> _Ran:
    """Scale demand from the machines on the day to those in the span, by catalogue rates.

    Where all machines of a pair are gone, the catalogue takes the factor that the demand of its
    part has on it elsewhere, or 1.
    """
    same = _Ran(per_year, np.zeros(len(keys), dtype=np.bool_))
    base = network.installed_base
    if demand.n_installed is None or len(base) == 0:
        return same
    machines = np.asarray(base["machines"], dtype=np.float64)
    of_span = machines * _span_share(base["start_date"], base["end_date"], history)
    of_day = machines_on(network, demand.on)
    if np.array_equal(of_span, of_day):
        return same
    units = installed_units(network, machines, ~demand.given.parts)
    reference = reference_rates(units, network.n_parts)
    full, row = np.nan_to_num(reference.per_year), units.installed_row
    location = serving_locations(network, base.index("site_id")[row], units.part)
    key = units.part * network.n_locations + location
    known = np.isin(key, keys)
    at = np.searchsorted(keys, key[known])

    def total(counted: Floats) -> Floats:
        weight = full[known] * counted[row[known]] / machines[row[known]]
        return np.bincount(at, weight, len(keys)).astype(np.float64)

    today, then = total(of_day), total(of_span)
    here, is_gone = today > 0.0, (today == 0.0) & (then > 0.0)
    ran = np.divide(per_year * then, today, out=per_year.copy(), where=here)
    part = keys // network.n_locations
    factor = np.where(reference.has_catalogue, 1.0, np.nan)
    of_part = np.bincount(part[here], today[here], network.n_parts)
    demanded = np.bincount(part[here], per_year[here], network.n_parts)
    np.divide(demanded, of_part, out=factor, where=of_part > 0.0)
    ran[is_gone] = then[is_gone] * factor[part[is_gone]]
    return _Ran(ran, is_gone)


def _span_share(start: NDArray[Any], end: NDArray[Any], history: UsageHistory) -> Floats:
    """Share of the span's days on which each row of the installed base counts."""
    begin = history.first.astype("datetime64[D]")
    stop = (history.last + np.timedelta64(1, "M")).astype("datetime64[D]")
    came = np.where(np.isnat(start), begin, np.maximum(start, begin))
    went = np.where(np.isnat(end), stop, np.minimum(end, stop))
    days = np.maximum((went - came).astype(np.int64), 0)
    return np.asarray(days / int((stop - begin).astype(np.int64)))

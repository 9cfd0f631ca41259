"""Demand given for a location or site, shared out over the machines that stand behind it.

Shares follow the catalogue rates (DESIGN, section 6); where the catalogue gives none, operating
hours. What no machine accounts for stays one stream of its own, so that nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.installed_base import (
    InstalledUnits,
    installed_units,
    machines_on,
    reference_rates,
    serving_locations,
)
from partsplan.demand.streams import DemandStreams, unexplained_streams
from partsplan.network import ServiceNetwork

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class GivenAt:
    """Demand given for pairs of a part and a place; each pair at most once."""

    part: Integers
    """Position of the part."""
    place: Integers
    """Position of the location or site."""
    per_year: Floats
    """Demand [1/year]."""

    def __len__(self) -> int:
        return len(self.part)

    def of(self, chosen: Booleans) -> GivenAt:
        """The chosen pairs."""
        return GivenAt(self.part[chosen], self.place[chosen], self.per_year[chosen])

    @property
    def parts(self) -> Integers:
        """Positions of the parts with demand, ascending."""
        return np.unique(self.part)


def shared_streams(
    network: ServiceNetwork, at_sites: GivenAt, at_locations: GivenAt, on: np.datetime64 | None
) -> list[DemandStreams]:
    """Share out demand given for sites, and demand given for locations, over the machines there.

    Parameters
    ----------
    network
        The network whose installed base and catalogue give the shares.
    at_sites, at_locations
        What was given.
    on
        The day on which machines count.

    Returns
    -------
    list of DemandStreams
        They sum to the given demand of every (part, site) and (part, location).
    """
    wanted = np.zeros(network.n_parts, dtype=np.bool_)
    wanted[at_sites.part] = True
    wanted[at_locations.part] = True
    units = installed_units(network, machines_on(network, on), wanted)
    candidates = units.streams(network, reference_rates(units, network.n_parts).per_year)
    site_streams, left = _shared(at_sites, candidates, candidates.site, units)
    lone_part, lone_site = at_sites.part[left], at_sites.place[left]
    location = serving_locations(network, lone_site, lone_part)
    pieces = [
        site_streams,
        unexplained_streams(lone_part, location, lone_site, at_sites.per_year[left]),
    ]
    location_streams, left = _shared(at_locations, candidates, candidates.location, units)
    nowhere = np.full(int(left.sum()), -1, dtype=np.int64)
    lone_part, lone_location = at_locations.part[left], at_locations.place[left]
    pieces += [
        location_streams,
        unexplained_streams(lone_part, lone_location, nowhere, at_locations.per_year[left]),
    ]
    return pieces


def _shared(
    given: GivenAt, candidates: DemandStreams, place: Integers, units: InstalledUnits
) -> tuple[DemandStreams, Booleans]:
    """Candidates at the given pairs with their shares, and which pairs have no candidate."""
    pair = _pair_of(given, candidates.part, place)
    found = pair >= 0
    pair = pair[found]
    weight = np.nan_to_num(candidates.per_year[found])
    total = np.bincount(pair, weights=weight, minlength=len(given))
    weight = np.where(total[pair] > 0.0, weight, units.hours_per_year[found])
    total = np.bincount(pair, weights=weight, minlength=len(given))
    shares = np.divide(weight, total[pair], out=np.zeros_like(weight), where=total[pair] > 0.0)
    per_year = np.zeros(len(candidates))
    per_year[found] = given.per_year[pair] * shares
    keep = found.copy()
    keep[found] = total[pair] > 0.0
    filled = DemandStreams(
        part=candidates.part,
        location=candidates.location,
        site=candidates.site,
        equipment=candidates.equipment,
        installed_row=candidates.installed_row,
        per_year=per_year,
        stopping_fraction=candidates.stopping_fraction,
        diagnosis_hours=candidates.diagnosis_hours,
        repair_hours=candidates.repair_hours,
    )
    return filled.select(keep), total <= 0.0


def _pair_of(given: GivenAt, part: Integers, place: Integers) -> Integers:
    """Position in ``given`` of each (part, place); -1 where it was not given."""
    if len(given) == 0 or len(part) == 0:
        return np.full(len(part), -1, dtype=np.int64)
    stride = int(max(given.place.max(), place.max())) + 1
    keys = given.part * stride + given.place
    order = np.argsort(keys, kind="stable")
    wanted = part * stride + place
    keys = keys[order]
    place_in = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place_in] == wanted, order[place_in], -1)

"""Demand brought onto a network: ids looked up, sites served, shares given to machines.

Positions change with the network; ids do not. What was estimated for one installed base is not
carried to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.given import GivenDemand, SparseRates, pairs_of, sparse_sum
from partsplan.demand.installed_base import serving_locations
from partsplan.demand.sharing import GivenAt, shared_streams
from partsplan.demand.streams import DemandStreams, joined_streams
from partsplan.errors import Finding, InputError, PartsplanError
from partsplan.network import ServiceNetwork
from partsplan.network.values import MOST_ROWS, nearest

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

BASE_COLUMNS = ("site_id", "equipment_id", "machines", "hours_per_year", "start_date", "end_date")
"""What makes an installed base the same."""

HINTS = 20
"""Findings for which the nearest id is looked up."""

SHOWN = 3
"""Ids that a message gives as examples."""


@dataclass(frozen=True)
class ResolvedDemand:
    """Demand in positions of a network."""

    streams: DemandStreams | None
    rates: SparseRates
    clustering: SparseRates | None


def resolved_demand(
    network: ServiceNetwork,
    given: GivenDemand,
    installed: DemandStreams | None,
    on: np.datetime64 | None,
) -> ResolvedDemand:
    """Add up given demand and demand of the installed base, and say who demands.

    Parameters
    ----------
    network
        The network whose ids ``given`` and ``installed`` refer to.
    given
        Demand given directly.
    installed
        Streams of the installed base; None where it was not asked.
    on
        Day on which machines count.
    """
    has_given = given.at_locations.nnz + len(given.at_sites) > 0
    pieces = [] if installed is None else [installed]
    if has_given and (len(network.installed_base) > 0 or len(given.at_sites) > 0 or pieces):
        pieces += shared_streams(network, given.at_sites, pairs_of(given.at_locations), on)
    shape = (network.n_parts, network.n_locations)
    rates, clustering = given.at_locations, given.location_clustering
    if len(given.at_sites) > 0:
        sites = given.at_sites
        serving = serving_locations(network, sites.place, sites.part)
        rates = rates + sparse_sum(sites.part, serving, sites.per_year, shape)
        if given.site_clustering.any():
            of_sites = sparse_sum(sites.part, serving, given.site_clustering, shape)
            clustering = of_sites if clustering is None else clustering + of_sites
    if installed is not None:
        rates = rates + sparse_sum(installed.part, installed.location, installed.per_year, shape)
    return ResolvedDemand(joined_streams(pieces) if pieces else None, rates, clustering)


def moved_streams(
    streams: DemandStreams, old: ServiceNetwork, new: ServiceNetwork
) -> DemandStreams:
    """Bring streams of an installed base onto another network with the same installed base.

    Raises
    ------
    PartsplanError
        When the installed bases differ.
    InputError
        When an id is not in the new network.
    """
    _check_same_base(old, new)
    part, findings = positions("part_id", old.part_ids, new.part_index)
    site, more = positions("site_id", old.site_ids, new.site_index)
    if findings or more:
        raise InputError([*findings, *more])
    moved_part, moved_site = part[streams.part], site[streams.site]
    row = streams.installed_row
    return replace(
        streams,
        part=moved_part,
        site=moved_site,
        location=serving_locations(new, moved_site, moved_part),
        equipment=new.installed_base.index("equipment_id")[row],
    )


def _check_same_base(old: ServiceNetwork, new: ServiceNetwork) -> None:
    before, after = old.installed_base, new.installed_base
    if before.checked is after.checked:
        return
    is_same = len(before) == len(after) and all(
        _same(before[column], after[column]) for column in BASE_COLUMNS
    )
    if not is_same:
        raise PartsplanError(
            "The demand was estimated for another installed base than the network has: "
            "call estimate_demand(network) again."
        )


def _same(before: NDArray[np.generic], after: NDArray[np.generic]) -> bool:
    if before.dtype.kind in "fM":
        return bool(np.array_equal(before, after, equal_nan=True))
    return bool(np.array_equal(before, after))


def renamed_demand(given: GivenDemand, network: ServiceNetwork) -> GivenDemand:
    """Give the same demand with the ids of a network.

    Raises
    ------
    InputError
        With a finding, and the nearest id, for each that the network does not know.
    """
    part, findings = positions("part_id", given.part_ids, network.part_index)
    location, more = positions("location_id", given.location_ids, network.location_index)
    site, most = positions("site_id", given.site_ids, network.site_index)
    if findings or more or most:
        raise InputError([*findings, *more, *most])
    shape = (network.n_parts, network.n_locations)
    rate_shape = np.full(network.n_parts, np.inf)
    rate_shape[part] = given.rate_shape
    sites = given.at_sites
    return GivenDemand(
        part_ids=network.part_ids,
        location_ids=network.location_ids,
        site_ids=network.site_ids,
        at_locations=_moved(given.at_locations, part, location, shape),
        at_sites=GivenAt(part[sites.part], site[sites.place], sites.per_year),
        location_clustering=None
        if given.location_clustering is None
        else _moved(given.location_clustering, part, location, shape),
        site_clustering=given.site_clustering,
        rate_shape=rate_shape,
    )


def _moved(
    matrix: SparseRates, part: Integers, location: Integers, shape: tuple[int, int]
) -> SparseRates:
    if matrix.shape == shape and all(
        np.array_equal(place, np.arange(len(place))) for place in (part, location)
    ):
        return matrix
    pairs = pairs_of(matrix)
    return sparse_sum(part[pairs.part], location[pairs.place], pairs.per_year, shape)


def positions(
    column: str, ids: Sequence[str], index: Mapping[str, int], table: str = "demand"
) -> tuple[Integers, list[Finding]]:
    """Position of each id in a network, and a finding for each id that it does not know."""
    place = np.fromiter((index.get(text, -1) for text in ids), dtype=np.int64, count=len(ids))
    first: dict[str, int] = {}
    for row in np.flatnonzero(place < 0).tolist():
        first.setdefault(ids[row], row)
    known = tuple(index) if first else ()
    noun = column.removesuffix("_id")
    findings: list[Finding] = []
    for text, row in islice(first.items(), MOST_ROWS):
        rule = f"{text!r} is not a {noun} of the network."
        near = nearest(text, known) if len(findings) < HINTS else ""
        fix = near or _way_out(f"{noun}s", known)
        at = None if table == "demand" else row + 1
        findings.append(Finding(table, at, column, text, rule, fix))
    if len(first) > MOST_ROWS:
        rule = f"{len(first) - MOST_ROWS} more are not in the network."
        findings.append(Finding(table, None, column, None, rule))
    return place, findings


def _way_out(nouns: str, known: Sequence[str]) -> str:
    """Say what to do about an id that is like none that the network knows."""
    if not known:
        return f"Add it to {nouns}, or leave these rows out; the network has no {nouns}."
    told = ", ".join(repr(text) for text in known[:SHOWN])
    more = ", ..." if len(known) > SHOWN else "."
    return f"Add it to {nouns}, or leave these rows out; the network's {nouns} are {told}{more}"

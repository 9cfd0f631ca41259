"""Dense blocks of a network's facts for a selection of parts, with axes (part, location).

Kernels take blocks of some fifty parts at a time; a whole network as dense arrays is never
needed. Lanes and serving locations are looked up elementwise.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.network.facts import NetworkFacts
from partsplan.network.forests import Forest, forests_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
Block = TypeVar("Block", Floats, Integers, Bools)


class NetworkBlocks(NetworkFacts):
    """Facts of a network as arrays."""

    @cached_property
    def forests(self) -> tuple[Forest, ...]:
        """Replenishment forests, each with the parts that share it; usually one."""
        return forests_of(self._facts.parents, self.n_parts, *self._facts.own_sources)

    def parents(self, parts: ArrayLike | None = None) -> Integers:
        """Position of the location that replenishes each part at each location.

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of int, shape (len(parts), n_locations)
            -1 where the part enters the network.
        """
        chosen = self._chosen(parts)
        block = np.tile(self._facts.parents, (len(chosen), 1))
        sources = self._facts.index("part_locations", "replenished_from")
        return self._with_own(chosen, block, sources, sources >= 0)

    def transit_days(self, parts: ArrayLike | None = None) -> Floats:
        """Order to shelf when the source has stock [days].

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
            Resupply time where the part enters the network, else replenishment time.
        """
        chosen = self._chosen(parts)
        is_root = self.parents(chosen) < 0
        usual = np.tile(self._facts.numbers("locations", "replenishment_days"), (len(chosen), 1))
        shipping = self._overridden(chosen, usual, "replenishment_days")
        outside = np.repeat(self._facts.resupply_days[chosen, None], self.n_locations, axis=1)
        outside = self._overridden(chosen, outside, "resupply_days")
        return np.where(is_root, outside, shipping)

    def holding_rates(self, parts: ArrayLike | None = None) -> Floats:
        """Yearly holding cost as a share of unit cost: part_locations over location over part.

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
            [1/year].
        """
        chosen = self._chosen(parts)
        here = self.locations["holding_rate"]
        block = np.where(np.isnan(here), self.parts["holding_rate"][chosen, None], here)
        return self._overridden(chosen, block, "holding_rate")

    def local_repair_fractions(self, parts: ArrayLike | None = None) -> Floats:
        """Share of the demand that is repaired at the location itself [share].

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
        """
        chosen = self._chosen(parts)
        block = np.zeros((len(chosen), self.n_locations))
        return self._overridden(chosen, block, "local_repair_fraction")

    def local_repair_days(self, parts: ArrayLike | None = None) -> Floats:
        """Turn-around of a repair at the location itself, 0 where none is done [days].

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
        """
        chosen = self._chosen(parts)
        block = np.zeros((len(chosen), self.n_locations))
        return self._overridden(chosen, block, "local_repair_days")

    def may_stock(self, parts: ArrayLike | None = None) -> Bools:
        """Whether a part may be stocked at a location.

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of bool, shape (len(parts), n_locations)
        """
        chosen = self._chosen(parts)
        block = np.tile(self.locations["stocks_parts"], (len(chosen), 1))
        own = self.part_locations["stocks_part"]
        return self._with_own(chosen, block, own, np.ones(len(own), dtype=bool))

    def serving_locations(self, sites: ArrayLike, parts: ArrayLike) -> Integers:
        """Location that serves a site with a part: sourcing over served_by over nearest lane.

        Parameters
        ----------
        sites, parts : array_like of int
            Positions, broadcast against each other. Of lanes with equal hours the location that
            comes first in `locations` is the nearest.

        Returns
        -------
        ndarray of int
            Positions of locations.
        """
        site, part = np.broadcast_arrays(
            np.asarray(sites, dtype=np.int64), np.asarray(parts, dtype=np.int64)
        )
        serving: Integers = self._facts.serving[site]
        keys, sources = self._sourcing
        if len(keys):
            wanted = site * self.n_parts + part
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            serving = np.where(keys[place] == wanted, sources[place], serving)
        return serving

    def lane_hours(self, locations: ArrayLike, sites: ArrayLike) -> Floats:
        """Door-to-door time from locations to sites [hours].

        Parameters
        ----------
        locations, sites : array_like of int
            Positions, broadcast against each other.

        Returns
        -------
        ndarray of float
            NaN without a lane; 0 everywhere when the network has no lanes at all.
        """
        return self._lane_figure("hours", locations, sites)

    def lane_costs(self, locations: ArrayLike, sites: ArrayLike) -> Floats:
        """Cost of one shipment from locations to sites [currency].

        Parameters
        ----------
        locations, sites : array_like of int
            Positions, broadcast against each other.

        Returns
        -------
        ndarray of float
            NaN without a lane; 0 everywhere when the network has no lanes at all.
        """
        return self._lane_figure("cost", locations, sites)

    def _lane_figure(self, column: str, locations: ArrayLike, sites: ArrayLike) -> Floats:
        location, site = np.broadcast_arrays(
            np.asarray(locations, dtype=np.int64), np.asarray(sites, dtype=np.int64)
        )
        if not self.has_lanes:
            return np.zeros(location.shape)
        rows = self._facts.lanes_between(location, site)
        figures: Floats = np.where(rows >= 0, self.lanes[column][rows], np.nan)
        return figures

    @cached_property
    def _sourcing(self) -> tuple[Integers, Integers]:
        table = self.sourcing
        keys = table.index("site_id") * self.n_parts + table.index("part_id")
        order = np.argsort(keys)
        return keys[order], table.index("served_by")[order]

    @cached_property
    def _own_rows(self) -> tuple[Integers, Integers]:
        """`part_locations` rows sorted by part, and where each part's rows start."""
        part = self.part_locations.index("part_id")
        order = np.argsort(part, kind="stable")
        starts = np.searchsorted(part[order], np.arange(self.n_parts + 1))
        return order, starts.astype(np.int64)

    def _chosen(self, parts: ArrayLike | None) -> Integers:
        if parts is None:
            return np.arange(self.n_parts, dtype=np.int64)
        return np.atleast_1d(np.asarray(parts, dtype=np.int64))

    def _overridden(self, chosen: Integers, block: Floats, column: str) -> Floats:
        own = self._facts.numbers("part_locations", column)
        return self._with_own(chosen, block, own, ~np.isnan(own))

    def _with_own(
        self, chosen: Integers, block: Block, own: NDArray[Any], is_given: Bools
    ) -> Block:
        """Put the given values of `part_locations` over a block, in place."""
        if not len(own) or not len(chosen):
            return block
        order, starts = self._own_rows
        counts = starts[chosen + 1] - starts[chosen]
        place = np.repeat(np.arange(len(chosen)), counts)
        offset = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = order[np.repeat(starts[chosen], counts) + offset]
        keep = is_given[rows]
        location = self.part_locations.index("location_id")[rows]
        block[place[keep], location[keep]] = own[rows][keep]
        return block

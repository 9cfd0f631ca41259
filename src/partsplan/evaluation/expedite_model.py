"""The model of expedited shortages: blocks of parts with their source orders, and what they meet.

Who ships also reorders; outside shipments reorder nothing. With an uncertain rate the figures are
mixed over the part's factor (to about 1e-8), shares of demand with the size-biased law.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from partsplan.errors import PartsplanError
from partsplan.evaluation.closed_sets import Exactness, closed_sets
from partsplan.evaluation.commitments import DAYS_PER_YEAR
from partsplan.evaluation.entry_table import Entries
from partsplan.evaluation.exact import RateMixture
from partsplan.evaluation.expedite_terms import EmergencySupply, LinearUse, UseBuilder
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.overflow import SourceTree, overflow
from partsplan.evaluation.pooling import refine_small_groups, refine_supplied_groups
from partsplan.evaluation.source_orders import SourceOrders, source_orders
from partsplan.evaluation.supply import Floats, Integers, SupplyTree
from partsplan.evaluation.uncertainty import rate_nodes

_CELLS = 5_000_000
"""Shares (part, node) in one block at most."""


@dataclass(frozen=True, eq=False)
class MetDemand:
    """Where the demand of some rows (stocks of parts) is met; means over uncertain rates."""

    missed: Floats
    """Shape (n_rows, n_nodes): share of a node's demand that its sources so far do not meet."""
    short: Floats
    """Shape (n_rows, n_locations): share of demand that would find the shelf empty."""
    late: Floats
    """Shape (n_rows, n_locations): mean orders of other locations that wait [units]."""
    unready: Floats
    """Shape (n_rows, n_locations): share of time in which such an order waits."""
    shipped: Floats
    """Shape (n_rows, n_locations): customers' demand shipped [units/day]."""
    ordered: Floats
    """Shape (n_rows, n_locations): orders of other locations [units/day]."""
    pipeline: Floats
    """Shape (n_rows, n_locations): units on order or in repair, or used up and not yet ordered
    where orders are for lots [units]."""


@dataclass(frozen=True, eq=False)
class ExpediteBlock:
    """Parts worked together."""

    parts: Integers
    tree: SupplyTree
    sources: SourceTree
    rate: Floats
    """Shape (n_parts, n_nodes): demand whose order begins with the node's prefix [units/day]."""
    use: LinearUse
    """Use of every promise."""
    cost: LinearUse
    """Cost of shipments [currency/year]."""

    @property
    def first_asked(self) -> Floats:
        """Shape (n_parts, n_locations): demand that asks each location first [units/day]."""
        firsts = self.rate * (self.sources.above < 0)
        return np.asarray(firsts @ self.sources.gathered(self.tree.n_locations))

    def of_parts(self, rows: Integers) -> ExpediteBlock:
        """The same for some parts of the block, by their place in it; a part may come twice."""
        return ExpediteBlock(
            self.parts[rows],
            self.tree.of_parts(rows),
            self.sources,
            self.rate[rows],
            self.use.of_parts(rows),
            self.cost.of_parts(rows),
        )

    def met(
        self, stock: Integers, *, by_chains: bool = True, by_centres: bool = False
    ) -> MetDemand:
        """Where demand is met at one stock vector per part of the block.

        Parameters
        ----------
        stock
            Shape (n_parts, n_locations): base stock [units].
        by_chains
            Whether small pooling groups are solved as Markov chains instead of the fixed point.
        by_centres
            Whether small groups with a centre that supplies them are so, too.
        """
        mixture = self._mixture(stock)
        rows, factor = mixture.part, mixture.factor
        rate = self.rate[rows] * factor[:, np.newaxis]
        tree, held = self.tree.of_parts(rows), stock[rows]
        found = overflow(self.sources, rate, tree, held)
        lots = np.where(found.shipped + found.ordered > 0, tree.lots_held(held), 1)
        done = np.repeat((lots > 1).any(axis=1, keepdims=True), held.shape[1], axis=1)
        if by_centres:
            refine_supplied_groups(self.sources, rate, tree, held, found, done=done)
        if by_chains:
            refine_small_groups(self.sources, rate, held, found, done)
        under_way = (found.shipped + found.ordered) * found.resupply_days + (lots - 1) / 2.0
        return MetDemand(
            missed=mixture.mean(found.missed, per_demand=True),
            short=mixture.mean(found.short, per_demand=True),
            late=mixture.mean(found.late),
            unready=mixture.mean(found.unready),
            shipped=mixture.mean(found.shipped),
            ordered=mixture.mean(found.ordered),
            pipeline=mixture.mean(under_way),
        )

    def _mixture(self, stock: Integers) -> RateMixture:
        """Factors of the uncertain rates."""
        shape = self.tree.rate_shape
        n = len(shape)
        if np.isinf(shape).all():
            return RateMixture(np.arange(n), np.ones(n), np.ones(n))
        days = self.tree.transit_days.max(axis=1) + self.tree.repair_days.max(axis=1)
        load = self.rate[:, self.sources.above < 0].sum(axis=1) * days
        load = np.exp2(np.ceil(np.log2(np.maximum(load, 1e-3))))
        held = stock.sum(axis=1)
        cases = np.column_stack([shape, load, held]).tolist()
        rules = [rate_nodes(a, m, s) for a, m, s in cases]
        counts = [len(nodes) for nodes, _ in rules]
        return RateMixture(
            np.repeat(np.arange(n), counts),
            np.concatenate([nodes for nodes, _ in rules]),
            np.concatenate([weights for _, weights in rules]),
        )

    def exactness(self, stock: Integers) -> Exactness:
        """What is exact of each part at its stock vector, for any law of resupply times.

        Not below a stocked location, whose delays depend on all it supplies. Locations that repair
        are no two of one set: who ships would decide how long resupply takes.
        """
        tree, held = self.tree, stock > 0
        stocked_above = np.zeros(stock.shape, dtype=bool)
        days, repairs = np.zeros(stock.shape), tree.repair_fraction > 0
        for j in tree.order:
            parent, fraction = tree.parents[j], tree.repair_fraction[:, j]
            delay: Floats | float = 0.0
            if parent >= 0:
                stocked_above[:, j] = stocked_above[:, parent] | held[:, parent]
                repairs[:, j] |= repairs[:, parent]
                delay = days[:, parent]
            days[:, j] = (1.0 - fraction) * (tree.transit_days[:, j] + delay)
            days[:, j] += fraction * tree.repair_days[:, j]
        sets = closed_sets(self.sources, self.rate, stock, days, stands_alone=repairs)
        found = sets.all_closed(self.sources, held, self.rate)
        direct = ~((held & stocked_above) | (tree.lots_held(stock) > 1)).any(axis=1)
        return Exactness(found.everywhere & direct, found.outside & direct)


class ExpediteModel:
    """Source orders, emergency supply and blocks of a service model.

    Parameters
    ----------
    model
        Network, demand and promises.

    Raises
    ------
    PartsplanError
        If demand is clustered or a part with demand has no emergency supply.
    """

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        parts = model.network.parts
        cost = np.nan_to_num(parts["emergency_cost"])
        self.outside = EmergencySupply(parts["emergency_hours"], cost)
        self._check_demand()

    @cached_property
    def orders(self) -> SourceOrders:
        """Source orders of all demand streams."""
        return source_orders(self.model.network, self.model.streams)

    def _check_demand(self) -> None:
        network, demand = self.model.network, self.model.demand
        if demand.clustering is not None and demand.clustering.nnz:
            raise PartsplanError(
                "Expedited shortages have no law for clustered demand: use a variance_to_mean of "
                "1, or shortages='wait'."
            )
        asked = np.unique(self.model.streams.part[self.model.streams.per_year > 0])
        lacking = asked[np.isnan(self.outside.hours[asked])]
        if len(lacking):
            raise PartsplanError(
                f"part {network.part_ids[lacking[0]]!r} has demand but no emergency_hours, and "
                "shortages are expedited. Give the hours of an emergency shipment in parts."
            )

    def blocks(self, size: int) -> Iterator[ExpediteBlock]:
        """Blocks of at most ``size`` parts, together all parts once, in a fixed order."""
        size = max(1, min(size, _CELLS // max(self.orders.tree.n_nodes, 1)))
        for forest in self.model.network.forests:
            for start in range(0, len(forest.parts), size):
                chosen = forest.parts[start : start + size]
                yield self._block(chosen, self.model.tree(forest, chosen))

    def streams_of(self, parts: Integers) -> tuple[Integers, Integers]:
        """Place in ``parts`` and position of every demand stream of some parts."""
        order, starts = self._by_part
        counts = starts[parts + 1] - starts[parts]
        place = np.repeat(np.arange(len(parts)), counts)
        offset = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        return place, order[np.repeat(starts[parts], counts) + offset]

    @cached_property
    def _by_part(self) -> tuple[Integers, Integers]:
        part = self.model.streams.part
        order = np.argsort(part, kind="stable")
        return order, np.searchsorted(part[order], np.arange(self.model.network.n_parts + 1))

    def builder(self, parts: Integers, *, least: bool = False) -> UseBuilder:
        """Builder of linear uses of some parts."""
        outside = EmergencySupply(self.outside.hours[parts], self.outside.cost[parts])
        return UseBuilder(self.orders, self.model.streams, outside, least=least)

    def least_uses(self, parts: Integers) -> tuple[LinearUse, LinearUse]:
        """At most the use of every promise and the cost, with terms of 0 or more."""
        builder = self.builder(parts, least=True)
        use = builder.promised(self.model.entries(parts), self.model.promises)
        return use, builder.shipments(self.demand_entries(parts))

    def demand_entries(self, parts: Integers) -> Entries:
        """Entries that weigh every stream with its yearly demand, in row 0."""
        place, stream = self.streams_of(parts)
        none = np.zeros(len(stream), dtype=np.int64)
        return Entries(place, stream, none, self.model.streams.per_year[stream])

    def _block(self, parts: Integers, tree: SupplyTree) -> ExpediteBlock:
        orders, builder = self.orders, self.builder(parts)
        place, stream = self.streams_of(parts)
        per_day = self.model.streams.per_year[stream] / DAYS_PER_YEAR
        rate = np.zeros(len(parts) * orders.tree.n_nodes)
        for step in range(orders.most_sources):
            node = orders.node[orders.customer[stream], step]
            asked = node >= 0
            key = place[asked] * orders.tree.n_nodes + node[asked]
            rate += np.bincount(key, per_day[asked], minlength=len(rate))
        return ExpediteBlock(
            parts=parts,
            tree=tree,
            sources=orders.tree,
            rate=rate.reshape(len(parts), orders.tree.n_nodes),
            use=builder.promised(self.model.entries(parts), self.model.promises),
            cost=builder.shipments(self.demand_entries(parts)),
        )

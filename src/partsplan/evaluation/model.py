"""The service model: network, demand and promises, compiled into blocks of arrays.

Evaluation and optimization see the same blocks: parts that share a replenishment forest, sorted
by the units they have under way so that a block's laws have about the same length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates, DemandStreams
from partsplan.evaluation.commitments import (
    DAYS_PER_YEAR,
    Promise,
    promises_of,
)
from partsplan.evaluation.entry_table import Entries, EntryTable
from partsplan.evaluation.families import Family
from partsplan.evaluation.indenture_table import (
    Indentures,
    RepairDemand,
    indentures_of,
    repair_demand,
)
from partsplan.evaluation.lots import check_one_for_one, order_lots
from partsplan.evaluation.promise_terms import service_weights
from partsplan.evaluation.routing import RoutedStreams, routed_streams
from partsplan.evaluation.supply import SupplyTree, uniform
from partsplan.evaluation.weights import ServiceWeights
from partsplan.network import Forest, ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_KINDS = 4
"""Kinds of rates: known or uncertain, Poisson or clustered."""
_MANY_PARTS = 2_000
_SPARSE = 0.5
"""Demand streams per part and location below which parts are sorted by where they are asked for."""
_PIPELINE_SPREAD = 2.0
"""Largest ratio of the pipelines (plus 1 unit) of parts in one block."""


@dataclass(frozen=True, eq=False)
class PartBlock:
    """Parts worked together: their positions, supply tree and service weights."""

    parts: Integers
    tree: SupplyTree
    weights: ServiceWeights
    family: Family | None = None
    """How the parts sit in each other; None: the block has parts of their own."""

    def of_parts(self, rows: Integers) -> PartBlock:
        """The same for some parts of the block, by their place in it."""
        return PartBlock(self.parts[rows], self.tree.of_parts(rows), self.weights.of_parts(rows))


@dataclass(frozen=True, eq=False)
class BlockPiece:
    """A block that can be made when it is needed."""

    parts: Integers
    """Its parts, by their position in the network."""
    make: Callable[[], PartBlock]

    def __call__(self) -> PartBlock:
        """The block."""
        return self.make()


class ServiceModel:
    """Everything that evaluation and optimization need to know, in arrays.

    Parameters
    ----------
    network
        The network, with its commitments.
    demand
        Demand aligned to the network.
    promises
        What is measured; the network's commitments by default.
    """

    def __init__(
        self,
        network: ServiceNetwork,
        demand: DemandRates,
        promises: tuple[Promise, ...] | None = None,
    ) -> None:
        self.network = network
        self.demand = demand
        self.streams: DemandStreams = demand.all_streams
        self.promises = promises_of(network, demand) if promises is None else promises

    @property
    def n_promises(self) -> int:
        """Number of promises, ``each`` expanded."""
        return len(self.promises)

    def with_promises(self, promises: tuple[Promise, ...]) -> ServiceModel:
        """The same network and demand with other promises."""
        return ServiceModel(self.network, self.demand, promises)

    @cached_property
    def pipeline_at_root(self) -> Floats:
        """Mean units under way per part over all roots [units]; sorts parts into blocks.

        Lots count by half, as the mean of what they add to the stock.
        """
        total = np.zeros(self.network.n_parts)
        for forest in self.network.forests:
            for parts in np.array_split(forest.parts, max(1, len(forest.parts) // 2000)):
                tree = self.tree(forest, parts)
                roots = forest.parents < 0
                units = tree.pipeline() + (tree.lots - 1) / 2.0
                total[parts] = units[:, roots].sum(axis=1)
        return total

    def tree(self, forest: Forest, parts: Integers) -> SupplyTree:
        """Supply tree of some parts of a forest; demand of repairs stands beside customers'."""
        tree = self._tree_of_customers(forest, parts)
        if self.indentures is None:
            return tree
        asked = tree.own_rate + self._asked_by_repairs[parts]
        return replace(tree, own_rate=asked)

    def _tree_of_customers(self, forest: Forest, parts: Integers) -> SupplyTree:
        tree = SupplyTree(
            parents=forest.parents,
            own_rate=self.demand.block(parts) / DAYS_PER_YEAR,
            transit_days=self.network.transit_days(parts),
            repair_fraction=uniform(self.network.local_repair_fractions(parts)),
            repair_days=uniform(self.network.local_repair_days(parts)),
            rate_shape=self.demand.rate_shape[parts],
            variance_to_mean=uniform(self.demand.variance_to_mean_block(parts)),
        )
        return replace(tree, lots=uniform(order_lots(self.network, parts, tree)))

    @cached_property
    def indentures(self) -> Indentures | None:
        """Parts within parts; None where there are none, or where shortages are expedited."""
        if self.network.shortages != "wait":
            return None
        found = indentures_of(self.network)
        if found is not None:
            check_one_for_one(self.network, "planning of parts within parts", found.parts)
        return found

    @cached_property
    def repair_demand(self) -> RepairDemand | None:
        """Inner parts that repairs ask for; None as for `indentures`."""
        if self.indentures is None:
            return None
        return repair_demand(self.indentures, self.network.forests, self._tree_of_customers)

    @cached_property
    def _asked_by_repairs(self) -> Floats:
        if self.indentures is None or self.repair_demand is None:
            return np.zeros((self.network.n_parts, self.network.n_locations))
        return self.repair_demand.of_parts(self.indentures.sru, self.network.n_parts)

    def blocks(self, size: int) -> Iterator[PartBlock]:
        """Blocks of at most ``size`` parts, and one per family of parts that sit in each other.

        Together they have all parts once, in a fixed order; families come last.
        """
        for piece in self.pieces(size):
            yield piece()

    def pieces(self, size: int, among: NDArray[np.bool_] | None = None) -> Iterator[BlockPiece]:
        """What makes each of the `blocks`; several may be made at the same time, in threads.

        ``among``, of shape (n_parts,), says which parts are wanted; families are taken whole.
        """
        alone = np.ones(self.network.n_parts, dtype=np.bool_)
        if self.indentures is not None:
            alone = ~self.indentures.parts
        if among is not None:
            alone &= among
        for forest, routed in zip(self.network.forests, self._routed, strict=True):
            parts = forest.parts[alone[forest.parts]]
            kind = self._kind_of_rate[parts] + _KINDS * self._places_in_use[parts]
            pipeline = self.pipeline_at_root[parts]
            order = np.lexsort((pipeline, kind))
            for piece in _cut(pipeline[order], kind[order], size):
                chosen = parts[order[piece]]
                yield BlockPiece(chosen, partial(self._block, forest, routed, chosen))
        if self.indentures is None or self.repair_demand is None:
            return
        for parts in self.indentures.families:
            for forest, routed in zip(self.network.forests, self._routed, strict=True):
                if parts[0] in forest.parts:
                    sit = self.indentures, self.repair_demand
                    make = partial(self._family_block, forest, routed, parts, sit)
                    yield BlockPiece(parts, make)

    def _block(self, forest: Forest, routed: RoutedStreams, parts: Integers) -> PartBlock:
        return PartBlock(parts, self.tree(forest, parts), self._weights(routed, parts))

    def _family_block(
        self,
        forest: Forest,
        routed: RoutedStreams,
        parts: Integers,
        sit: tuple[Indentures, RepairDemand],
    ) -> PartBlock:
        customers = self._tree_of_customers(forest, parts).own_rate
        tree = self.tree(forest, parts)
        family = Family.of(parts, tree, customers, *sit)
        return PartBlock(parts, tree, self._weights(routed, parts), family)

    def shippers(self, stock: Integers) -> tuple[Integers, Floats]:
        """Location that ships to every demand stream at a stock, and its lane hours.

        ``stock`` has the shape (n_parts, n_locations).
        """
        shipper = self.streams.location.copy()
        hours = np.zeros(len(shipper))
        for forest, routed in zip(self.network.forests, self._routed, strict=True):
            inside = np.isin(self.streams.part, forest.parts)
            places, lanes = routed.shippers(self.streams, stock)
            shipper[inside], hours[inside] = places[inside], lanes[inside]
        return shipper, hours

    @cached_property
    def _kind_of_rate(self) -> Integers:
        """Per part: 1 where the rate is uncertain, and 2 more where demand is clustered."""
        kind = np.isfinite(self.demand.rate_shape).astype(np.int64)
        if self.demand.clustering is not None:
            kind += 2 * (np.diff(self.demand.clustering.tocsr().indptr) > 0)
        return kind

    @cached_property
    def _places_in_use(self) -> Integers:
        """Class of parts by the number of locations that they are asked for at, in octaves.

        One class where demand is dense, or parts are too few for blocks of each class.
        """
        n_parts, n_locations = self.network.n_parts, self.network.n_locations
        if n_parts < _MANY_PARTS or len(self.streams) > _SPARSE * n_parts * n_locations:
            return np.zeros(n_parts, dtype=np.int64)
        pairs = np.unique(self.streams.part * n_locations + self.streams.location)
        count = np.bincount(pairs // n_locations, minlength=n_parts)
        return np.ceil(np.log2(np.maximum(count, 1))).astype(np.int64)

    @cached_property
    def _routed(self) -> tuple[RoutedStreams, ...]:
        return tuple(
            routed_streams(self.network, self.streams, forest) for forest in self.network.forests
        )

    @cached_property
    def _entries(self) -> EntryTable:
        return EntryTable.of(self.promises, self.streams, self.network.n_parts)

    def entries(self, parts: Integers) -> Entries:
        """What the promises weigh of the demand of some parts."""
        return self._entries.of_parts(parts)

    def _weights(self, routed: RoutedStreams, parts: Integers) -> ServiceWeights:
        shape = (len(parts), self.network.n_locations)
        return service_weights(routed, self.entries(parts), self.promises, self.streams, shape)


def _cut(pipeline: Floats, kind: Integers, size: int) -> Iterator[slice]:
    """Slices of sorted parts: at most ``size``, alike in pipeline and of one kind."""
    start = 0
    for end in range(1, len(pipeline) + 1):
        if (
            end == len(pipeline)
            or end - start == size
            or kind[end] != kind[start]
            or pipeline[end] > _PIPELINE_SPREAD * (pipeline[start] + 1.0)
        ):
            yield slice(start, end)
            start = end

"""Which parts sit in which, and where the repairs of the outer ones ask for the inner ones.

An LRU is repaired where a share of its demand is repaired locally, and at the top of its
replenishment, where resupply is repair but for the condemned share. Each repair needs one SRU at
most; these demands are Poisson streams of their own at the place of repair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.evaluation.supply import Floats, Integers, SupplyTree
from partsplan.network import Forest, ServiceNetwork


@dataclass(frozen=True, eq=False)
class Indentures:
    """Which parts sit in which; all arrays refer to the network."""

    lru: Integers
    """Shape (n_pairs,): the part repaired."""
    sru: Integers
    """The part that a share of its repairs needs."""
    share: Floats
    """Share of the repairs."""
    depth: Integers
    """Shape (n_parts,): 0 for parts that sit in no other, else 1 more than the one above."""
    repaired: Floats
    """Shape (n_parts,): share of what is sent outside that is repaired, not condemned."""

    @property
    def parts(self) -> NDArray[np.bool_]:
        """Shape (n_parts,): parts that sit in others or have others inside."""
        touched = np.zeros(len(self.depth), dtype=np.bool_)
        touched[self.lru] = touched[self.sru] = True
        return touched

    @property
    def families(self) -> tuple[Integers, ...]:
        """Parts that sit in each other, over any number of steps; each ascending."""
        n = len(self.depth)
        graph = scipy.sparse.csr_matrix((np.ones(len(self.lru)), (self.lru, self.sru)), (n, n))
        _, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
        inside = np.flatnonzero(self.parts)
        return tuple(inside[label[inside] == name] for name in dict.fromkeys(label[inside]))


def indentures_of(network: ServiceNetwork) -> Indentures | None:
    """Parts within parts of a network; None where there are none.

    Raises
    ------
    PartsplanError
        If shares of an LRU's repairs add up to more than 1, differ between machines, or the parts
        are not replenished by the same ways.
    """
    bill = network.bill_of_materials
    inside = bill["parent_part_id"] != "" if len(bill) else np.zeros(0, dtype=bool)
    if not inside.any():
        return None
    triples = np.column_stack(
        [
            bill.index("parent_part_id")[inside],
            bill.index("part_id")[inside],
            bill["cause_fraction"][inside],
        ]
    )
    triples = np.unique(triples, axis=0)
    lru, sru = triples[:, 0].astype(np.int64), triples[:, 1].astype(np.int64)
    _check_shares(network, triples)
    _check_ways(network, lru, sru)
    condemned = network.parts["condemnation_fraction"]
    return Indentures(lru, sru, triples[:, 2], _depth(lru, sru, network.n_parts), 1.0 - condemned)


def _check_shares(network: ServiceNetwork, triples: Floats) -> None:
    """One share per pair; at most 1 together for each outer part."""
    ids, lru = network.part_ids, triples[:, 0].astype(np.int64)
    pairs, first, count = np.unique(triples[:, :2], axis=0, return_index=True, return_counts=True)
    if len(pairs) < len(triples):
        outer, inner = triples[first[count > 1][0], :2].astype(np.int64)
        raise PartsplanError(
            f"part {ids[inner]!r} has different cause_fractions in {ids[outer]!r} in different "
            "machines: give one for all."
        )
    total = np.bincount(lru, triples[:, 2], minlength=network.n_parts)
    if (total > 1.0 + 1e-9).any():
        raise PartsplanError(
            f"the cause_fractions inside {ids[int(total.argmax())]!r} add up to {total.max():g}: a "
            "repair replaces one part at most, so they must add up to at most 1."
        )


def _check_ways(network: ServiceNetwork, lru: Integers, sru: Integers) -> None:
    """Outer and inner parts are replenished by the same ways."""
    forest = np.zeros(network.n_parts, dtype=np.int64)
    for number, group in enumerate(network.forests):
        forest[group.parts] = number
    apart = np.flatnonzero(forest[lru] != forest[sru])
    if len(apart):
        ids = network.part_ids
        raise PartsplanError(
            f"part {ids[sru[apart[0]]]!r} sits in {ids[lru[apart[0]]]!r} and has other "
            "replenished_from in part_locations: give both parts the same."
        )


def _depth(lru: Integers, sru: Integers, n_parts: int) -> Integers:
    depth = np.zeros(n_parts, dtype=np.int64)
    for _ in range(n_parts):
        deeper = depth.copy()
        np.maximum.at(deeper, sru, depth[lru] + 1)
        if (deeper == depth).all():
            break
        depth = deeper
    return depth


@dataclass(frozen=True, eq=False)
class RepairDemand:
    """Inner parts asked for by repairs of outer ones [units/day]; shape (n_pairs, n_locations)."""

    local: Floats
    """By repairs at the location itself."""
    outside: Floats
    """By repairs that the location, a root, sends outside."""

    @property
    def total(self) -> Floats:
        """Both together."""
        return self.local + self.outside

    def of_parts(self, sru: Integers, n_parts: int) -> Floats:
        """Demand for every part; shape (n_parts, n_locations)."""
        asked = np.zeros((n_parts, self.local.shape[1]))
        np.add.at(asked, sru, self.total)
        return asked


def repair_demand(
    indentures: Indentures,
    forests: tuple[Forest, ...],
    tree_of: Callable[[Forest, Integers], SupplyTree],
) -> RepairDemand:
    """Where and how often repairs ask for inner parts, from the outermost parts inward.

    ``tree_of`` gives the supply tree of some parts with the demand of customers alone.
    """
    lru, sru = indentures.lru, indentures.sru
    trees = [(forest, tree_of(forest, forest.parts)) for forest in forests]
    n_parts, n_locations = len(indentures.depth), trees[0][1].n_locations
    local, outside = np.zeros((2, len(lru), n_locations))
    for depth in range(int(indentures.depth[lru].max(initial=0)) + 1):
        asked = RepairDemand(local, outside).of_parts(sru, n_parts)
        here, sent = np.zeros((2, n_parts, n_locations))
        for forest, tree in trees:
            whole = replace(tree, own_rate=tree.own_rate + asked[forest.parts])
            goes_out = np.where(tree.parents < 0, 1.0 - tree.repair_fraction, 0.0) * whole.rate
            here[forest.parts] = tree.repair_fraction * whole.rate
            sent[forest.parts] = goes_out * indentures.repaired[forest.parts, np.newaxis]
        now = indentures.depth[lru] == depth
        local[now] = indentures.share[now, np.newaxis] * here[lru[now]]
        outside[now] = indentures.share[now, np.newaxis] * sent[lru[now]]
    return RepairDemand(local, outside)

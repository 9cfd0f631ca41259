"""Sparse demand: childless locations where nobody asks for a part take no room.

Most parts of a large network are asked for at few of its locations. As the children of one parent
are alike but for their figures, the children in use are numbered by part: a block of parts needs
as many places as the part with the most of them, wherever each of these is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.model import PartBlock
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.weights import Route, ServiceWeights, Terms
from partsplan.optimization.axes import Booleans, Integers
from partsplan.optimization.block_problem import BlockProblem, Number

_LARGEST_SHARE = 0.7
"""Share of the places that compaction has to leave at most to be worth it."""
_MOST_WINDOWS = 3
"""Different windows of a block [days]; each is worked for every place that any part asks it of."""


def compacted(problem: BlockProblem) -> BlockProblem:
    """The problem with places in use only; itself where that saves little or is not possible.

    Where ancestors ship to customers, or promises speak of many windows, locations are not alike;
    and where no place at all is in use nothing is left to be worked.
    """
    block = problem.block
    weights, tree = block.weights, block.tree
    if weights.has_direct_routes or len({days for _, days in weights.windows}) > _MOST_WINDOWS:
        return problem
    places, parents = _places_in_use(tree, (tree.own_rate > 0) | (problem.lowest > 0))
    if not 0 < places.shape[1] <= _LARGEST_SHARE * tree.n_locations:
        return problem
    small = PartBlock(block.parts, _tree(tree, places, parents), _weights(weights, places))
    return replace(
        problem,
        block=small,
        unit_price=np.take_along_axis(problem.unit_price, places, axis=1),
        lowest=np.take_along_axis(problem.lowest, places, axis=1),
        highest=np.take_along_axis(problem.highest, places, axis=1),
        places=places,
        n_locations=tree.n_locations,
    )


def _places_in_use(tree: SupplyTree, is_used: Booleans) -> tuple[Integers, Integers]:
    """Location of every place of every part, shape (n_parts, n_places), and the places' parents.

    Locations with children come first; where a part uses fewer of a parent's other children than
    another part, its list is filled up with children that it does not use.
    """
    inner = [at for at in tree.order if tree.children[at]]
    number = {at: k for k, at in enumerate(inner)}
    places = [np.tile(np.array(inner, dtype=np.int64), (tree.n_parts, 1))]
    parents = [number.get(int(tree.parents[at]), -1) for at in inner]
    for parent in (-1, *inner):
        leaves = np.array(
            [at for at in np.flatnonzero(tree.parents == parent) if not tree.children[at]],
            dtype=np.int64,
        )
        order = np.argsort(~is_used[:, leaves], axis=1, kind="stable")
        count = int(is_used[:, leaves].sum(axis=1).max(initial=0))
        places.append(leaves[order[:, :count]])
        parents += [number.get(parent, -1)] * count
    return np.concatenate(places, axis=1), np.array(parents, dtype=np.int64)


def _tree(tree: SupplyTree, places: Integers, parents: Integers) -> SupplyTree:
    def of(array: NDArray[Number]) -> NDArray[Number]:
        whole = np.broadcast_to(array, tree.own_rate.shape)
        return np.take_along_axis(whole, places, axis=1)

    return SupplyTree(
        parents=parents,
        own_rate=of(tree.own_rate),
        transit_days=of(tree.transit_days),
        repair_fraction=of(tree.repair_fraction),
        repair_days=of(tree.repair_days),
        rate_shape=tree.rate_shape,
        variance_to_mean=of(tree.variance_to_mean),
        lots=of(tree.lots),
    )


def _weights(weights: ServiceWeights, places: Integers) -> ServiceWeights:
    """The weights with a place's own route and windows in place of its location's."""
    n_parts, n_places = places.shape
    n_locations = int(places.max(initial=-1)) + 1
    of_location = np.full((n_parts, max(n_locations, 1)), -1, dtype=np.int64)
    np.put_along_axis(of_location, places, np.arange(n_places), axis=1)

    def placed(terms: Terms, location_of_slot: Integers) -> tuple[Integers, Integers, Integers]:
        part, slot = np.divmod(terms.row, max(terms.n_slots, 1))
        place = of_location[part, location_of_slot[slot]]
        if (place < 0).any():
            raise AssertionError("a promise weighs demand where there is none")
        return part, slot, place

    def moved(terms: Terms, location_of_slot: Integers) -> Terms:
        part, _, place = placed(terms, location_of_slot)
        return _ordered(terms, part, place, n_places)

    location = np.array([at for at, _ in weights.windows], dtype=np.int64)[weights.late_window]
    days, which = np.unique(
        np.array([days for _, days in weights.windows], dtype=np.float64), return_inverse=True
    )
    part, slot, place = placed(weights.late, location)
    asked, late_slot = np.unique(
        place * max(len(days), 1) + which[weights.late_window[slot]], return_inverse=True
    )
    late_place, late_days = np.divmod(asked, max(len(days), 1))
    return ServiceWeights(
        routes=tuple(Route(place, place, ()) for place in range(n_places)),
        windows=tuple(zip(late_place.tolist(), days[late_days].tolist(), strict=True)),
        late_route=late_place,
        late_window=np.arange(len(asked)),
        wait=moved(weights.wait, weights.route_location),
        stockout=moved(weights.stockout, np.arange(weights.stockout.n_slots)),
        late=_ordered(weights.late, part, late_slot, len(asked)),
        fixed=moved(weights.fixed, weights.route_location),
    )


def _ordered(terms: Terms, part: Integers, slot: Integers, n_slots: int) -> Terms:
    """Terms in other slots."""
    order = np.lexsort((terms.promise, slot, part))
    row = (part * n_slots + slot)[order]
    promise, weight = terms.promise[order], terms.weight[order]
    return Terms(terms.n_parts, n_slots, terms.n_promises, row, promise, weight)

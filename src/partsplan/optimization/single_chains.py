r"""Stock above an only customer: never better than the same unit further down.

Where all that a location sends goes to one child, move a unit from its shelf to the child's. Of
the orders of the child none is filled more than one demand later than before, and the child's
one unit more fills each of its own demands one order earlier: nobody waits longer, in any course
of events, whatever the child holds. So where a unit costs no more at the child, nothing beyond the
fewest units allowed need be looked at above it, and fast movers that one location uses have
hundreds of stocks less to compare that all cost the same.

It holds for the exact evaluation of one-for-one orders of Poisson demand; where a promise speaks
of a window and one of the two repairs units itself, that evaluation is an approximation, and both
stocks are looked at.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partsplan.optimization.axes import Integers
from partsplan.optimization.block_problem import NO_CHILD, BlockProblem


def with_only_children(problem: BlockProblem) -> BlockProblem:
    """The problem that knows its only children; itself where there are none."""
    children = only_children(problem)
    return replace(problem, only_children=children) if (children != NO_CHILD).any() else problem


def only_children(problem: BlockProblem) -> Integers:
    """Child to whose shelf any unit may move, `NO_CHILD` without; shape (n_parts, n_locations)."""
    tree, weights = problem.block.tree, problem.block.weights
    found = np.full(tree.own_rate.shape, NO_CHILD, dtype=np.int64)
    if problem.evaluation != "exact" or problem.block.family is not None:
        return found
    if weights.has_direct_routes or tree.is_clustered:
        return found
    is_plain = tree.asked_lots == 1
    if not weights.late.is_empty:
        is_plain = is_plain & (tree.repair_fraction == 0.0)
    price = problem.unit_price
    for location, children in enumerate(tree.children):
        if not children:
            continue
        chosen = list(children)
        is_fed = tree.rate[:, chosen] > 0.0
        child = np.array(chosen)[is_fed.argmax(axis=1)]
        row = np.arange(tree.n_parts)
        is_only = (is_fed.sum(axis=1) == 1) & (tree.own_rate[:, location] == 0.0)
        is_only &= is_plain[:, location] & is_plain[row, child]
        is_only &= price[row, child] <= price[:, location]
        found[:, location] = np.where(is_only, child, NO_CHILD)
    return found

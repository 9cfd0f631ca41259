"""The tables of a block under each evaluation: exact, exact with uncertain rates, by moments.

An uncertain rate is one factor for a part's whole tree. Two levels of it have tables in closed form
(`rate_tabulation`); others are a mixture of exact tables, in which shares of demand weigh a factor
by its size. Under METRIC and VARI-METRIC late units come
from moments, and shares of demand from the exact tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import scipy

from partsplan.evaluation.measuring import Evaluation
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.clock import Clock
from partsplan.optimization.clustered import with_clustered_roots
from partsplan.optimization.grids import Grids, worst_pipelines
from partsplan.optimization.moment_tables import moment_tables
from partsplan.optimization.rate_factors import rate_factors
from partsplan.optimization.rate_tabulation import closed_parts, rate_tables
from partsplan.optimization.tables import OUTSIDE, Family, Weighed
from partsplan.optimization.tabulation import TableBuilder

_MIXED_CELLS = 1_000_000
_MIXED_STEPS = 2_000_000
"""Figures of one kind, and units under way, that are worked at once."""


def build_tables(
    evaluation: Evaluation, tree: SupplyTree, grids: Grids, weighed: Weighed, clock: Clock
) -> Family:
    """Tables of a block of parts under an evaluation method, of the figures that are weighed.

    Raises
    ------
    TimeIsOverError
        As `Clock.check` has it; tables of uncertain fast movers can take long.
    """
    if evaluation == "exact" or not weighed.has_waits:
        tables = _mixed_tables(tree, grids, weighed, clock)
    else:
        shares = replace(weighed, has_waits=False)
        exact = _mixed_tables(tree, grids, shares, clock) if weighed.has_shares else None
        tables = moment_tables(evaluation, tree, grids, exact)
    return tables.stock_major()


def _mixed_tables(tree: SupplyTree, grids: Grids, weighed: Weighed, clock: Clock) -> Family:
    """Exact tables, mixed over the factors of uncertain rates."""
    if np.isinf(tree.rate_shape).all():
        return _exact_tables(tree, grids, weighed)
    mixed: Family | None = None
    for part, factor, weight, tables in _pieces(tree, grids, weighed):
        clock.check()
        mixing = scipy.sparse.csr_array(
            (weight, (part, np.arange(len(part)))), shape=(tree.n_parts, len(part))
        )
        whole = tables.mapped(partial(_mixture, mixing), partial(_mixture, mixing * factor))
        mixed = whole if mixed is None else mixed.plus(whole)
    if mixed is None:
        raise AssertionError("a block has at least one part")
    return mixed


def _pieces(
    tree: SupplyTree, grids: Grids, weighed: Weighed
) -> Iterator[tuple[Integers, Floats, Floats, Family]]:
    """Part, factor on its rates, weight and tables: in closed form, or at the factors of a rule."""
    closed, counts = closed_parts(tree, grids)
    for some in _alike(counts, tree, grids):
        part = closed[some]
        tables = rate_tables(tree.of_parts(part), grids.of_parts(part), weighed)
        yield part, np.ones(len(part)), np.ones(len(part)), tables
    others = np.setdiff1d(np.arange(tree.n_parts), closed)
    if len(others) == 0:
        return
    for part, factor, weight in _factors(tree.of_parts(others), grids.of_parts(others), weighed):
        given = tree.of_parts(others[part])
        given = replace(given, own_rate=given.own_rate * factor[:, None])
        tables = _exact_tables(given, grids.of_parts(others[part]), weighed)
        yield others[part], factor, weight, tables


def _alike(counts: Integers, tree: SupplyTree, grids: Grids) -> Iterator[Integers]:
    """Places of parts whose laws are of similar length, as many as are worked at once."""
    most = max(1, _MIXED_CELLS // figures_per_part(tree, grids))
    order = np.argsort(counts, kind="stable")
    start = 0
    while start < len(order):
        longest = 1.3 * counts[order[start]] + 8
        end = int(np.searchsorted(counts[order], longest, side="right"))
        yield np.sort(order[start : min(end, start + most)])
        start = min(end, start + most)


def _mixture(mixing: Any, figures: Floats) -> Floats:
    """Sums of rows, a part each."""
    mixed = mixing @ figures.reshape(len(figures), -1)
    return np.asarray(mixed).reshape(mixing.shape[0], *figures.shape[1:])


def _exact_tables(tree: SupplyTree, grids: Grids, weighed: Weighed) -> Family:
    """Exact tables at known rates; where clustering leaves no exact law, as if it were not there.

    Nothing reads those: late units come from moments there, and no promise weighs their shares
    (`check_clustered_demand`).
    """
    tables = TableBuilder(tree, grids, weighed).build()
    return with_clustered_roots(tables, tree, grids, weighed.windows)


def _factors(
    tree: SupplyTree, grids: Grids, weighed: Weighed
) -> Iterator[tuple[Integers, Floats, Floats]]:
    """Part, factor on its rates, and weight: all nodes of all parts, alike in pipeline together."""
    part, factor, weight = rate_factors(tree, grids, weighed.windows)
    mean = worst_pipelines(tree).max(axis=1, initial=0.0)[part] * factor
    order = np.argsort(mean, kind="stable")
    most = max(1, _MIXED_CELLS // figures_per_part(tree, grids))
    start = 0
    while start < len(order):
        end = int(np.searchsorted(mean[order], 2.0 * mean[order[start]] + 2.0, side="right"))
        few = int(max(1.0, _MIXED_STEPS / max(mean[order[start]], 1.0)))
        chosen = np.sort(order[start : min(end, start + most, start + few)])
        yield part[chosen], factor[chosen], weight[chosen]
        start += len(chosen)


def figures_per_part(tree: SupplyTree, grids: Grids) -> int:
    """Figures of one kind in a part's tables: stocks of childless locations, in every context."""
    contexts: dict[int, int] = {OUTSIDE: 1}
    for location in tree.order:
        if location in grids.branch:
            above = contexts[int(tree.parents[location])]
            contexts[location] = above * (grids.branch[location].shape[1] + 1)
    sizes = [
        contexts[parent] * max(int(lists.shape[1]), 1) * int(lists.shape[2])
        for parent, lists in grids.leaves.items()
    ]
    return sum(sizes)

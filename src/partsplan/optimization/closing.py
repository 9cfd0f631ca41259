"""Closing a node of the search: the cheapest choice among all columns that could still be used.

A plan cheaper than the incumbent uses no column whose reduced cost exceeds the difference between
incumbent and bound. When few such columns are left, choosing among them is a small integer
programme, and its answer is final for the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from partsplan.optimization.axes import Floats
from partsplan.optimization.columns import Columns
from partsplan.optimization.highs import silent_highs
from partsplan.optimization.rounding import Choice

_FEASIBILITY = 1e-10
_MOST_NODES = 200


@dataclass(frozen=True, eq=False)
class CheapestChoice:
    """Answer of the integer programme of a node."""

    choice: Choice | None
    """The cheapest choice; None where none is cheaper than asked for."""
    bound: float
    """No choice of the columns costs less than this or the cost asked for."""


def undominated(columns: Columns) -> Columns:
    """Columns that no other column of the same part beats in cost and in every use."""
    kept = np.ones(len(columns), dtype=bool)
    order = np.lexsort((columns.cost, columns.parts))
    starts = np.flatnonzero(np.diff(columns.parts[order], prepend=-1))
    for own in np.split(order, starts[1:]):
        uses = columns.uses[own]
        for place in range(1, len(own)):
            beaten = (uses[:place] <= uses[place]).all(axis=1) & kept[own[:place]]
            kept[own[place]] = not beaten.any()
    return columns.of(kept)


def cheapest_choice(
    columns: Columns, allowed: Floats, n_parts: int, below: float, seconds: float
) -> CheapestChoice:
    """Cheapest choice of one column per part that keeps every promise, if it costs less than asked.

    Parameters
    ----------
    columns
        Columns to choose from.
    allowed
        Use allowed to each promise, positive.
    n_parts
        Number of parts.
    below
        Cost that the choice must beat.
    seconds
        Time limit [s]; ``inf`` for none. Nodes are limited in any case, so that a run without a
        time limit gives the same answer on every machine.
    """
    import highspy  # noqa: PLC0415

    if len(np.unique(columns.parts)) < n_parts:
        return CheapestChoice(None, below)
    model = silent_highs(
        mip_max_nodes=_MOST_NODES,
        time_limit=max(seconds, 0.1),
        mip_rel_gap=0.0,
        mip_abs_gap=1e-12 * abs(below),
        mip_feasibility_tolerance=_FEASIBILITY,
        primal_feasibility_tolerance=_FEASIBILITY,
        objective_bound=below,
    )
    model.passModel(_programme(columns, allowed, n_parts))
    model.run()
    status, info = model.getModelStatus(), model.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return CheapestChoice(None, below)
    bound = min(float(info.mip_dual_bound), below)
    value = np.asarray(model.getSolution().col_value)
    picked = np.flatnonzero(value > 0.5)
    if len(picked) != n_parts or float(columns.cost[picked].sum()) >= below:
        return CheapestChoice(None, bound)
    return CheapestChoice(Choice(columns, picked[np.argsort(columns.parts[picked])]), bound)


def _programme(columns: Columns, allowed: Floats, n_parts: int) -> Any:
    """The integer programme: sum of costs; uses at most 1 when scaled; one column per part."""
    import highspy  # noqa: PLC0415

    count, n_promises = len(columns), len(allowed)
    one_each = scipy.sparse.csc_matrix(
        (np.ones(count), (columns.parts, np.arange(count))), shape=(n_parts, count)
    )
    matrix = scipy.sparse.vstack(
        [scipy.sparse.csc_matrix((columns.uses / allowed).T), one_each]
    ).tocsc()
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = count, n_promises + n_parts
    programme.col_cost_ = columns.cost
    programme.col_lower_, programme.col_upper_ = np.zeros(count), np.ones(count)
    programme.row_lower_ = np.concatenate(
        [np.full(n_promises, -highspy.kHighsInf), np.ones(n_parts)]
    )
    programme.row_upper_ = np.ones(n_promises + n_parts)
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_ = matrix.indptr
    programme.a_matrix_.index_ = matrix.indices
    programme.a_matrix_.value_ = matrix.data
    programme.integrality_ = [highspy.HighsVarType.kInteger] * count
    return programme

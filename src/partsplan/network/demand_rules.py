"""Rules on what makes demand: bills of materials, indentures and demand given directly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.column_checks import counted
from partsplan.network.scanning import MOST_ROWS, Mask
from partsplan.network.table_sets import TableSet


def check_bill_of_materials(tables: TableSet) -> list[Finding]:
    """Check the indentures of the bills of materials."""
    reads = ("equipment_id", "part_id", "parent_part_id")
    if not tables.count("bill_of_materials") or not tables.is_clean("parts", "part_id"):
        return []
    if not tables.is_clean("bill_of_materials", *reads):
        return []
    return [*_check_parents(tables), *_check_indenture(tables)]


def _check_parents(tables: TableSet) -> list[Finding]:
    """The part that another one sits in is in the same machine."""
    table = tables["bill_of_materials"]
    parent = tables.index("bill_of_materials", "parent_part_id")
    if not (parent >= 0).any():
        return []
    equipment = tables.index("bill_of_materials", "equipment_id")
    part = tables.index("bill_of_materials", "part_id")
    n_parts = tables.count("parts")
    present = np.unique(equipment * n_parts + part)
    missing = (parent >= 0) & (equipment >= 0) & ~np.isin(equipment * n_parts + parent, present)
    rows = np.flatnonzero(missing)
    found = [
        table.finding(
            row,
            "parent_part_id",
            f"{table.columns['parent_part_id'][row]!r} is not in the bill of materials of "
            f"{table.columns['equipment_id'][row]!r}.",
            "Add a row for it, or mend the id.",
        )
        for row in rows[:MOST_ROWS].tolist()
    ]
    return counted(found, len(rows), "bill_of_materials", "parent_part_id")


def _check_indenture(tables: TableSet) -> list[Finding]:
    """No part sits, over any number of steps, in itself."""
    table = tables["bill_of_materials"]
    part = tables.index("bill_of_materials", "part_id")
    parent = tables.index("bill_of_materials", "parent_part_id")
    rows = np.flatnonzero((part >= 0) & (parent >= 0) & (part != parent))
    cycle = cycle_of_edges(part[rows], parent[rows], tables.count("parts"))
    if not cycle:
        return []
    ids = tables["parts"].columns["part_id"]
    names = " in ".join(repr(str(ids[p])) for p in [*cycle, cycle[0]])
    row = int(rows[(part[rows] == cycle[0]) & (parent[rows] == cycle[1])][0])
    rule = f"parts sit in each other in a circle: {names}."
    return [table.finding(row, "parent_part_id", rule, "Mend one parent_part_id.")]


def cycle_of_edges(child: NDArray[np.int64], parent: NDArray[np.int64], n_nodes: int) -> list[int]:
    """Find a cycle in child-to-parent edges by taking away nodes that no cycle needs."""
    live = np.ones(len(child), dtype=bool)
    while True:
        has_parent = np.zeros(n_nodes, dtype=bool)
        has_parent[child[live]] = True
        keep = live & has_parent[parent]
        if keep.sum() == live.sum():
            break
        live = keep
    if not live.any():
        return []
    onward = dict(zip(child[live].tolist(), parent[live].tolist(), strict=True))
    path: list[int] = []
    node = int(child[live][0])
    while node not in path:
        path.append(node)
        node = onward[node]
    return path[path.index(node) :]


def check_demand(tables: TableSet) -> list[Finding]:
    """Check that the uncertainty of a part's rate is the same in all its rows."""
    table = tables["demand"]
    if not table.n_rows or not tables.is_clean("demand", "part_id", "rate_shape"):
        return []
    part = tables.index("demand", "part_id")
    shape = table.columns["rate_shape"]
    known: Mask = part >= 0
    order = np.argsort(part, kind="stable")
    order = order[known[order]]
    _, first, inverse = np.unique(part[order], return_index=True, return_inverse=True)
    reference = shape[order][first][inverse.reshape(-1)]
    own = shape[order]
    differs = ~((own == reference) | (np.isnan(own) & np.isnan(reference)))
    rows = np.sort(order[differs])
    found = [
        table.finding(
            row,
            "rate_shape",
            f"rate_shape {_told(shape[row])} differs from another row of part "
            f"{table.columns['part_id'][row]!r}.",
            "Give one value per part: it is the uncertainty of the part's rate.",
        )
        for row in rows[:MOST_ROWS].tolist()
    ]
    return counted(found, len(rows), "demand", "rate_shape")


def _told(value: float) -> str:
    return "(empty)" if np.isnan(value) else f"{value:g}"

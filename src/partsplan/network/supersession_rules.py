"""Rules on supersessions: a chain of part numbers ends somewhere."""

from __future__ import annotations

import numpy as np

from partsplan.errors import Finding
from partsplan.network.demand_rules import cycle_of_edges
from partsplan.network.table_sets import TableSet


def check_supersessions(tables: TableSet) -> list[Finding]:
    """Check that no part number comes back to itself."""
    name = "supersessions"
    if not tables.count(name) or not tables.is_clean("parts", "part_id"):
        return []
    if not tables.is_clean(name, "part_id", "superseded_by"):
        return []
    old, new = tables.index(name, "part_id"), tables.index(name, "superseded_by")
    known = (old >= 0) & (new >= 0) & (old != new)
    cycle = cycle_of_edges(old[known], new[known], tables.count("parts"))
    if not cycle:
        return []
    ids = tables["parts"].columns["part_id"]
    words = " by ".join(repr(str(ids[part])) for part in [*cycle, cycle[0]])
    row = int(np.flatnonzero(old == cycle[0])[0])
    rule = f"supersession runs in a circle: {words}."
    fix = "Take out the row of the number that stays."
    return [tables[name].finding(row, "superseded_by", rule, fix)]

"""Figures that can be planned with but are probably not what was meant: warnings."""

from __future__ import annotations

from partsplan.errors import Finding
from partsplan.network.table_sets import TableSet


def doubtful_figures(tables: TableSet) -> list[Finding]:
    """List doubtful figures, one finding per rule."""
    return []

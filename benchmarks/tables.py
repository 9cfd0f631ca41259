"""How the benchmarks print: aligned columns, and the machine that the figures were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, the first to the left, the others to the right, as a Markdown table."""
    table = [list(head), *(list(row) for row in rows)]
    width = [max(len(row[c]) for row in table) for c in range(len(head))]
    for r, row in enumerate(table):
        cells = [
            text.ljust(width[c]) if c == 0 else text.rjust(width[c]) for c, text in enumerate(row)
        ]
        print("| " + " | ".join(cells) + " |")
        if r == 0:
            rules = ["-" * w if c == 0 else "-" * (w - 1) + ":" for c, w in enumerate(width)]
            print("| " + " | ".join(rules) + " |")


def machine() -> str:
    """Date, cores, Python and solver packages."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "highspy", "pulp"))
    return (
        f"{date.today().isoformat()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {packages}"
    )

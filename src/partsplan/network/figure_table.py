"""A table of figures that comes as records, as a frame of the user's library, and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.network.frames import frame_of


class FigureTable:
    """Columns of equal length; what is unknown is None in records and empty in a frame."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], frame_backend: str | None) -> None:
        self._columns = dict(columns)
        self._frame_backend = frame_backend

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def __repr__(self) -> str:
        return f"FigureTable({len(self)} rows: {', '.join(self._columns)})"

    def to_records(self) -> list[dict[str, Any]]:
        """Plain dicts, one per row."""
        plain = [_plain_values(column) for column in self._columns.values()]
        return [dict(zip(self._columns, row, strict=True)) for row in zip(*plain, strict=True)]

    def to_frame(self) -> Any:
        """A frame in the library of the user's tables (pandas where there was none)."""
        return frame_of(self._columns, self._frame_backend)

    def _repr_html_(self) -> str:
        most = 50
        shown = [column[:most] for column in self._columns.values()]
        plain = [[_words(value) for value in _plain_values(column)] for column in shown]
        return html_table(self.columns, list(zip(*plain, strict=True)), len(self) - most)


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], left_out: int = 0) -> str:
    """HTML table of texts, and how many rows it leaves out."""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    more = f"<p>... and {left_out:,} more</p>" if left_out > 0 else ""
    return f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>{more}"


def _plain_values(column: NDArray[Any]) -> list[Any]:
    if column.dtype.kind != "f":
        return list(column.tolist())
    empty = np.isnan(column).tolist()
    return [None if e else value for value, e in zip(column.tolist(), empty, strict=True)]


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

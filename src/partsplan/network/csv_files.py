"""CSV files: comma, semicolon or tab, UTF-8 with or without a byte-order mark.

Fields stay text, so leading zeros survive; each row keeps its line in the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from partsplan.network.raw_tables import RawTable
from partsplan.network.scanning import MOST_ROWS

_SEPARATORS = ",;\t"
_CHUNK = 1_024
_MOST_SHARED = 200_000
Texts = NDArray[Any]
_BLAME = {
    ",": "Put texts with a comma in quotes and write decimals with a point.",
    ";": "Put texts with a semicolon in quotes.",
    "\t": "Put texts with a tab in quotes.",
}


def read_csv(name: str, path: Path) -> RawTable:
    """Read one CSV file; what is wrong with the file is among the findings."""
    raw = RawTable(name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            _read_rows(raw, file, path)
    except UnicodeDecodeError:
        raw.columns.clear()
        raw.fault(f"{path.name} is not UTF-8 text.", "Save it as CSV UTF-8.")
    except csv.Error as error:
        raw.columns.clear()
        raw.fault(
            f"{path.name} cannot be read: {error}.", "Close every quote that is opened in a field."
        )
    except OSError as error:
        raw.fault(f"{path.name} cannot be opened: {error.strerror}.")
    return raw


def _read_rows(raw: RawTable, file: TextIO, path: Path) -> None:
    first, before = "", 0
    for line in file:
        before += 1
        if line.strip():
            first = line
            break
    if not first:
        raw.fault(f"{path.name} is empty.", "Its first line names the columns.")
        return
    separator = max(_SEPARATORS, key=first.count)
    header = next(csv.reader([first], delimiter=separator, strict=True))
    names = _column_names(raw, header)
    rows = _Rows(csv.reader(file, delimiter=separator, strict=True), before)
    parts: list[list[Texts]] = [[] for _ in header]
    seen: list[dict[str, str]] = [{} for _ in header]
    for chunk in rows.chunks(raw, len(header), separator):
        for place, column in enumerate(zip(*chunk, strict=True)):
            parts[place].append(_shared_texts(column, seen[place]))
    if rows.ragged > MOST_ROWS:
        raw.fault(f"{rows.ragged - MOST_ROWS} more rows have another number of fields.")
    raw.lines = np.concatenate([*rows.lines, np.empty(0, dtype=np.int64)])
    raw.n_rows = len(raw.lines)
    for name, chunks in zip(names, parts, strict=True):
        if name:
            raw.columns[name] = np.concatenate([*chunks, np.empty(0, dtype=object)])


def _column_names(raw: RawTable, header: list[str]) -> list[str]:
    """Give the name of each column; '' where it has none of its own."""
    names: list[str] = []
    for place, name in enumerate(header, start=1):
        if not name.strip():
            raw.fault(f"column {place} has no name.", "Name it or remove it.", line=1)
        elif name in names:
            raw.fault(f"column {name!r} is there twice.", "Keep one of them.", column=name, line=1)
        names.append(name if name.strip() and name not in names else "")
    return names


class _Rows:
    """Rows of a file with the line each one starts on; blank lines are left out."""

    def __init__(self, reader: Any, before: int) -> None:
        self.reader = reader
        self.next_line = before + 1
        self.n_rows = 0
        self.lines: list[NDArray[np.int64]] = []
        self.ragged = 0

    def chunks(self, raw: RawTable, width: int, separator: str) -> Iterator[list[list[str]]]:
        """Give the rows in chunks, all of the header's width; ragged ones become findings.

        Chunks are small: many row lists alive at once make the garbage collector dear.
        """
        before = self.reader.line_num
        while rows := list(islice(self.reader, _CHUNK)):
            passed, before = self.reader.line_num - before, self.reader.line_num
            is_plain = passed == len(rows) and all(rows)
            spans = np.ones(len(rows), dtype=np.int64)
            if not is_plain:
                spans[:] = [_lines_in(row) for row in rows]
            lines = self.next_line + np.cumsum(spans) - spans
            self.next_line += passed
            if not is_plain:
                lines = lines[[bool(row) for row in rows]]
                rows = [row for row in rows if row]
            if any(len(row) != width for row in rows):
                self._mend(raw, rows, lines, width, separator)
            self.lines.append(lines)
            self.n_rows += len(rows)
            if rows:
                yield rows

    def _mend(
        self,
        raw: RawTable,
        rows: list[list[str]],
        lines: NDArray[np.int64],
        width: int,
        separator: str,
    ) -> None:
        """Note ragged rows, and give them the right width so that the others stay aligned."""
        for place, row in enumerate(rows):
            if len(row) == width:
                continue
            self.ragged += 1
            if self.ragged <= MOST_ROWS:
                raw.fault(
                    f"has {len(row)} fields where the header has {width}.",
                    _BLAME[separator] if len(row) > width else "Give every field, empty or not.",
                    row=self.n_rows + place + 1,
                    line=int(lines[place]),
                    value=separator.join(row),
                )
            rows[place] = (row + [""] * width)[:width]


def _lines_in(row: list[str]) -> int:
    """Count the lines that a row takes; quoted fields may hold line ends."""
    return 1 + sum(f.count("\n") + f.count("\r") - f.count("\r\n") for f in row)


def _shared_texts(column: tuple[str, ...], seen: dict[str, str]) -> Texts:
    """Keep one object per distinct text of a column: ids repeat, and memory counts."""
    if len(seen) > _MOST_SHARED:
        seen.clear()
    texts = np.empty(len(column), dtype=object)
    texts[:] = [seen.setdefault(text, text) for text in column]
    return texts

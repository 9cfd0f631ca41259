"""CSV files: comma, semicolon or tab, UTF-8 with or without a byte-order mark.

Fields stay text, so leading zeros survive; each row keeps its line in the file.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from partsplan.network.raw_tables import RawTable
from partsplan.network.values import MOST_ROWS

_SEPARATORS = ",;\t"
_CHUNK = 65_536
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
    while chunk := rows.take(raw, len(header), separator):
        for place, column in enumerate(zip(*chunk, strict=True)):
            parts[place].append(_shared_texts(column))
    if rows.ragged > MOST_ROWS:
        raw.fault(f"{rows.ragged - MOST_ROWS} more rows have another number of fields.")
    raw.n_rows = len(rows.lines)
    raw.lines = np.array(rows.lines, dtype=np.int64)
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
        self.before = before
        self.lines: list[int] = []
        self.ragged = 0
        self.next_line = before + 1

    def take(self, raw: RawTable, width: int, separator: str) -> list[list[str]]:
        """Take the next rows, all of the header's width; ragged ones become findings."""
        rows: list[list[str]] = []
        for row in self.reader:
            line, self.next_line = self.next_line, self.before + self.reader.line_num + 1
            if not row:
                continue
            self.lines.append(line)
            rows.append(row if len(row) == width else self._mended(raw, row, width, separator))
            if len(rows) == _CHUNK:
                break
        return rows

    def _mended(self, raw: RawTable, row: list[str], width: int, separator: str) -> list[str]:
        """Note a ragged row, and give it the right width so that the others stay aligned."""
        self.ragged += 1
        if self.ragged <= MOST_ROWS:
            raw.fault(
                f"has {len(row)} fields where the header has {width}.",
                _BLAME[separator] if len(row) > width else "Give every field, empty or not.",
                row=len(self.lines),
                line=self.lines[-1],
                value=separator.join(row),
            )
        return (row + [""] * width)[:width]


def _shared_texts(column: tuple[str, ...]) -> Texts:
    """Keep one object per distinct text of a chunk: ids repeat, and memory counts."""
    seen: dict[str, str] = {}
    texts = np.empty(len(column), dtype=object)
    texts[:] = [seen.setdefault(text, text) for text in column]
    return texts

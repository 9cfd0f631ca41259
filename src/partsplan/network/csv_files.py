"""CSV files: comma, semicolon or tab, UTF-8 with or without a byte-order mark.

Fields stay text, so leading zeros survive; each row keeps its line in the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from partsplan.network.raw_tables import RawTable
from partsplan.network.values import MOST_ROWS, shown

_SEPARATORS = ",;\t"
_CHUNK = 65_536
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


def _read_rows(raw: RawTable, file: Any, path: Path) -> None:
    first = ""
    skipped = 0
    for line in file:
        if line.strip():
            first = line
            break
        skipped += 1
    if not first:
        raw.fault(f"{path.name} is empty.", "Its first line names the columns.")
        return
    separator = max(_SEPARATORS, key=first.count)
    header = next(csv.reader([first], delimiter=separator, strict=True))
    names = _column_names(raw, header)
    reader = csv.reader(file, delimiter=separator, strict=True)
    parts: list[list[np.ndarray[Any, Any]]] = [[] for _ in header]
    lines: list[int] = []
    for rows in _chunks(raw, reader, len(header), separator, lines, skipped + 1):
        for place, column in enumerate(zip(*rows, strict=True)):
            parts[place].append(_shared_texts(column))
    raw.n_rows = len(lines)
    raw.lines = np.array(lines, dtype=np.int64)
    for name, chunks in zip(names, parts, strict=True):
        if name:
            raw.columns[name] = np.concatenate([*chunks, np.empty(0, dtype=object)])


def _column_names(raw: RawTable, header: list[str]) -> list[str]:
    names: list[str] = []
    for place, name in enumerate(header, start=1):
        if not name.strip():
            raw.fault(f"column {place} has no name.", "Name it or remove it.", line=1)
        elif name in names:
            raw.fault(f"column {name!r} is there twice.", "Keep one of them.", column=name, line=1)
        names.append(name if name.strip() and name not in names else "")
    return names


def _chunks(
    raw: RawTable, reader: Any, width: int, separator: str, lines: list[int], before: int
) -> Iterator[list[list[str]]]:
    """Yield rows of the right width in chunks; note the line of each row, and ragged rows."""
    rows: list[list[str]] = []
    start = before + 1
    ragged = 0
    number = 0
    for row in reader:
        line, start = start, before + reader.line_num + 1
        if not row:
            continue
        number += 1
        if len(row) != width:
            ragged += 1
            if ragged <= MOST_ROWS:
                raw.fault(
                    f"has {len(row)} fields where the header has {width}.",
                    _BLAME[separator] if len(row) > width else "Give every field, empty or not.",
                    row=number,
                    line=line,
                    value=shown(separator.join(row)),
                )
            row = (row + [""] * width)[:width]  # noqa: PLW2901 - keeps the rows aligned
        rows.append(row)
        lines.append(line)
        if len(rows) == _CHUNK:
            yield rows
            rows = []
    if rows:
        yield rows


def _shared_texts(column: tuple[str, ...]) -> np.ndarray[Any, Any]:
    """Keep one object per distinct text of a chunk: ids repeat, and memory counts."""
    seen: dict[str, str] = {}
    texts = np.empty(len(column), dtype=object)
    texts[:] = [seen.setdefault(text, text) for text in column]
    return texts

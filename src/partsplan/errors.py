"""What goes wrong, said so that a planner can mend it.

``PartsplanError`` is the root. ``InputError`` carries every finding of every table at once;
each finding names table, row, column, value, rule and the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class PartsplanError(Exception):
    """Root of all errors that partsplan raises on purpose."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or doubtful, in a user's tables."""

    table: str
    """Table name, such as ``lanes``."""
    row: int | None
    """Row, counted from 1 without the header; ``None`` for the table as a whole."""
    column: str | None
    """Column name; ``None`` where the row or table as a whole is meant."""
    value: object
    """The offending value as the user wrote it."""
    rule: str
    """What is wrong, as a sentence that contains the value."""
    fix: str = ""
    """The way out, as a sentence."""
    line: int | None = None
    """Line in the CSV file, the header being line 1; ``None`` for other sources."""

    def __str__(self) -> str:
        place = self.table
        if self.row is not None:
            place += f" row {self.row}"
        if self.line is not None:
            place += f" (line {self.line})"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{place}: {self.rule}" + (f" {self.fix}" if self.fix else "")


def _elsewhere(findings: Sequence[Finding]) -> str:
    """Name the other rows of which the same is said."""
    if not findings:
        return ""
    rows = ", ".join(str(finding.row) for finding in findings[:3])
    more = f" and {len(findings) - 3:,} more" if len(findings) > 3 else ""
    return f" Also in row{'' if len(findings) == 1 else 's'} {rows}{more}."


class InputError(PartsplanError):
    """The tables cannot be planned with; ``findings`` says everything that is wrong.

    Examples
    --------
    >>> error = InputError([Finding("lanes", 7, "location_id", "DPOT",
    ...                             "'DPOT' is not a location.", "Did you mean 'DEPOT'?")])
    >>> print(error)
    1 finding
      lanes row 7, column location_id: 'DPOT' is not a location. Did you mean 'DEPOT'?
    """

    SHOWN = 20

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__(self._text())

    def _text(self) -> str:
        count = len(self.findings)
        lines = [f"{count:,} finding{'' if count == 1 else 's'}"]
        alike = self._alike()
        lines += [f"  {some[0]}{_elsewhere(some[1:])}" for some in alike[: self.SHOWN]]
        if len(alike) > self.SHOWN:
            more = sum(map(len, alike[self.SHOWN :]))
            lines.append(f"  ... and {more:,} more in .findings")
        return "\n".join(lines)

    def _alike(self) -> list[list[Finding]]:
        """Put findings that say the same of several rows together, in order of the first."""
        groups: dict[tuple[object, ...], list[Finding]] = {}
        for place, finding in enumerate(self.findings):
            told = (finding.table, finding.column, finding.rule, finding.fix)
            key = told if finding.row is not None else (place,)
            groups.setdefault(key, []).append(finding)
        return list(groups.values())

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Finding, ...]]]:
        return type(self), (self.findings,)

"""Lives of the parts of a network, by part and segment: from fits or from plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_laws import PARAMETERS, LifeLaws, parameter_rule
from partsplan.demand.own_tables import Columns, OwnColumn, raise_findings, read_own_table
from partsplan.errors import Finding
from partsplan.network import ServiceNetwork, backend_of
from partsplan.network.scanning import MOST_ROWS, nearest
from partsplan.network.values import Choice, Number, Text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_TABLE = "lives"
_FIGURES = ("shape", "scale", "mu", "sigma", "rate", "never_fails", "rate_shape")
_COLUMNS = {
    "part_id": OwnColumn(Text()),
    "segment": OwnColumn(Text(), is_required=False),
    "distribution": OwnColumn(
        Choice(words=tuple(PARAMETERS)), source="fit_lifetimes(lives) gives it of single lives."
    ),
    **{name: OwnColumn(Number(at_most=None), is_required=False) for name in _FIGURES},
}


_BESIDE = (
    *(f"{name}_error" for name in _FIGURES),
    *("log_likelihood", "aic", "failures", "censored", "note"),
)
"""What fits tell of themselves; it says nothing more about the life."""


@dataclass(frozen=True)
class LifeTable:
    """Laws of life, and which holds for a part in a segment."""

    laws: LifeLaws
    """The laws, in the order of the records."""
    law_of: Mapping[tuple[int, str], int]
    """Law of each (part, segment); segment '' holds where a part has none for the segment."""
    rate_shape: Floats
    """Shape (n_parts,): gamma shape of the part's uncertain rate; inf where it is known."""
    warnings: tuple[Finding, ...]
    """Records that say nothing about the life, or that no site has a use for."""

    def law(self, part: int, segment: str) -> int:
        """Position of the law of a part in a segment; -1 where there is none."""
        return self.law_of.get((part, segment), self.law_of.get((part, ""), -1))

    def laws_for(self, part: Integers, segment: NDArray[Any]) -> Integers:
        """Position of the law of each (part, segment)."""
        names, code = np.unique(segment.astype(str), return_inverse=True)
        pairs, place = np.unique(part * len(names) + code.reshape(-1), return_inverse=True)
        found = [self.law(int(pair) // len(names), names[pair % len(names)]) for pair in pairs]
        return np.asarray(np.array(found, dtype=np.int64)[place.reshape(-1)])


def read_lives(lives: Any, network: ServiceNetwork) -> LifeTable:
    """Read the lives of parts: records, a frame, or a result that has ``to_records``.

    Parameters
    ----------
    lives
        ``part_id``, ``segment`` (empty = all), ``distribution`` and its parameters, and where
        wanted ``rate_shape``. What a fit tells of itself is not read; other columns of a table are
        findings.
    network
        The network that names the parts.

    Raises
    ------
    InputError
        With every finding.
    """
    read, findings = read_own_table(_TABLE, _source_of(lives), _COLUMNS, unread=_BESIDE)
    raise_findings(findings)
    part = _parts(read, network, findings)
    is_empty = _is_empty(read)
    findings += [*_repeated(read), *_bad_parameters(read, is_empty), *_bad_rate_shapes(read, part)]
    raise_findings(findings)
    rate_shape = np.full(network.n_parts, np.inf)
    shaped = ~np.isnan(read["rate_shape"])
    rate_shape[part[shaped]] = read["rate_shape"][shaped]
    keep = np.flatnonzero(~is_empty)
    segments = read["segment"][keep].tolist()
    keys = zip(part[keep].tolist(), segments, strict=True)
    columns = {name: read[name][keep] for name in _FIGURES}
    return LifeTable(
        laws=LifeLaws.from_columns(read["distribution"][keep], columns),
        law_of={key: place for place, key in enumerate(keys)},
        rate_shape=rate_shape,
        warnings=(
            *_told_empty(read, np.flatnonzero(is_empty)),
            *_unknown_segments(read, network),
        ),
    )


def _source_of(lives: Any) -> Any:
    """Take the columns that matter out of a fit's records."""
    if lives is None:
        return []
    if backend_of(lives) is not None or not hasattr(lives, "to_records"):
        return lives
    if isinstance(lives, np.ndarray):
        return lives
    return [
        {name: value for name, value in record.items() if name in _COLUMNS}
        for record in lives.to_records()
    ]


def _parts(read: Columns, network: ServiceNetwork, findings: list[Finding]) -> Integers:
    known = network.part_index
    part = np.array([known.get(name, -1) for name in read["part_id"].tolist()], dtype=np.int64)
    for row in np.flatnonzero(part < 0)[:MOST_ROWS].tolist():
        name = read["part_id"][row]
        fix = nearest(name, network.part_ids) or "Add it to parts or mend the id."
        findings.append(Finding(_TABLE, row + 1, "part_id", name, f"{name!r} is not a part.", fix))
    return part


def _is_empty(read: Columns) -> NDArray[np.bool_]:
    """Records without any parameter: fits that could not be made."""
    given = [~np.isnan(read[name]) for name in _FIGURES if name != "rate_shape"]
    return np.asarray(~np.any(given, axis=0))


def _repeated(read: Columns) -> list[Finding]:
    seen: dict[tuple[str, str], int] = {}
    findings = []
    keys = zip(read["part_id"].tolist(), read["segment"].tolist(), strict=True)
    for row, key in enumerate(keys):
        if seen.setdefault(key, row) != row:
            words = f"part {key[0]!r}" + (f", segment {key[1]!r}" if key[1] else "")
            rule = f"{words} is already in row {seen[key] + 1}."
            findings.append(Finding(_TABLE, row + 1, "part_id", key[0], rule, "Keep one row."))
    return findings[:MOST_ROWS]


def _bad_parameters(read: Columns, is_empty: NDArray[np.bool_]) -> list[Finding]:
    findings = []
    for name, wanted in PARAMETERS.items():
        rows = np.flatnonzero((read["distribution"] == name) & ~is_empty)
        for column in wanted:
            for row in rows.tolist():
                value = float(read[column][row])
                rule = parameter_rule(column, value)
                if np.isnan(value):
                    words = f"is empty, but a {name} life needs {' and '.join(wanted)}."
                    fix = f"Give {column}."
                    findings.append(Finding(_TABLE, row + 1, column, None, words, fix))
                elif rule:
                    words = f"{column} {value:g} of part {read['part_id'][row]!r} is not {rule}."
                    findings.append(Finding(_TABLE, row + 1, column, value, words))
    return sorted(findings, key=lambda finding: finding.row or 0)[:MOST_ROWS]


def _bad_rate_shapes(read: Columns, part: Integers) -> list[Finding]:
    findings = []
    seen: dict[int, float] = {}
    for row in np.flatnonzero(~np.isnan(read["rate_shape"])).tolist():
        value = float(read["rate_shape"][row])
        rule = ""
        if not (value > 0.0 and np.isfinite(value)):
            rule = f"rate_shape {value:g} is not a gamma shape above 0."
        elif seen.setdefault(int(part[row]), value) != value:
            rule = f"rate_shape {value:g} differs from another row of part "
            rule += f"{read['part_id'][row]!r}: it is the uncertainty of the part's rate."
        if rule:
            findings.append(Finding(_TABLE, row + 1, "rate_shape", value, rule))
    return findings[:MOST_ROWS]


def _unknown_segments(read: Columns, network: ServiceNetwork) -> list[Finding]:
    """Warn of segments that no site has, each once."""
    known = tuple(dict.fromkeys(name for name in network.sites["segment"].tolist() if name))
    segments = read["segment"].tolist()
    findings = []
    for name in dict.fromkeys(segments):
        if name and name not in known:
            count = segments.count(name)
            rows = "this life is" if count == 1 else f"its {count:,} lives are"
            rule = f"{name!r} is the segment of no site, so {rows} not used."
            fix = nearest(name, known) or "Give sites the segment, or leave it empty for all."
            row = segments.index(name) + 1
            findings.append(Finding(_TABLE, row, "segment", name, rule, fix))
    return findings[:MOST_ROWS]


def _told_empty(read: Columns, rows: Integers) -> list[Finding]:
    return [
        Finding(
            _TABLE,
            int(row) + 1,
            "part_id",
            read["part_id"][row],
            f"the life of part {read['part_id'][row]!r} has no parameters, so it is not used.",
            "Its catalogue rate holds, or that of another segment.",
        )
        for row in rows[:MOST_ROWS]
    ]

"""What the field says: failures and exposure per part and segment, whatever form they came in.

Rows of the same part and segment are added up; rows without a segment count for the part alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.given import numbered
from partsplan.demand.life_data import LifeData
from partsplan.demand.lifetime_doubts import doubtful_lives
from partsplan.errors import Finding
from partsplan.network import Table
from partsplan.network.values import MOST_ROWS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
FailureMode = str | Sequence[str] | None
"""Modes of lives that count as failures; all where None."""


@dataclass(frozen=True, eq=False)
class FieldEvidence:
    """Failures and operating hours; one entry per part and segment, by part, then segment."""

    part_ids: tuple[str, ...]
    segment_ids: tuple[str, ...]
    part: Integers
    """Position of each entry's part."""
    segment: Integers
    """Position of each entry's segment; -1 where none was named."""
    failures: Floats
    """Failures counted."""
    operating_hours: Floats
    """Hours of all installed units together [h]."""
    source: str = "counts"
    """What was read: counts or lives."""

    @property
    def n_parts(self) -> int:
        """Number of parts, observed or not."""
        return len(self.part_ids)

    @property
    def has_evidence(self) -> Booleans:
        """Shape (n_parts,): whether the part was observed at all."""
        return self.by_part(self.operating_hours) > 0.0

    def by_part(self, amounts: Floats) -> Floats:
        """Sum of entries' amounts by part, shape (n_parts,)."""
        return np.bincount(self.part, amounts, self.n_parts).astype(np.float64)

    @classmethod
    def summed(
        cls,
        part_ids: tuple[str, ...],
        part: Integers,
        segments: NDArray[np.object_] | None,
        failures: Floats,
        operating_hours: Floats,
    ) -> FieldEvidence:
        """Add rows up by part and segment.

        Parameters
        ----------
        part_ids
            All parts.
        part
            Position of each row's part.
        segments
            Segment of each row, '' where none is named; None to put all segments together.
        failures, operating_hours
            Figures of each row.
        """
        segment_ids: tuple[str, ...] = ()
        segment = np.full(len(part), -1, dtype=np.int64)
        if segments is not None:
            segment_ids, segment = numbered(segments)
        key = part * (len(segment_ids) + 1) + segment + 1
        keys, entry = distinct(key)
        return cls(
            part_ids=part_ids,
            segment_ids=segment_ids,
            part=keys // (len(segment_ids) + 1),
            segment=keys % (len(segment_ids) + 1) - 1,
            failures=np.bincount(entry, failures, len(keys)).astype(np.float64),
            operating_hours=np.bincount(entry, operating_hours, len(keys)).astype(np.float64),
        )


def distinct(keys: Integers) -> tuple[Integers, Integers]:
    """Distinct keys, 0 or above, in ascending order, and the position of each key among them."""
    if int(keys.max(initial=-1)) < 4 * len(keys):
        is_there = np.bincount(keys) > 0
        return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[keys]
    values, place = np.unique(keys, return_inverse=True)
    return values, place.reshape(-1)


@dataclass(frozen=True, eq=False)
class ReadEvidence:
    """Evidence, what is wrong with it, and what is doubtful."""

    evidence: FieldEvidence
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()


def read_evidence(
    table: Table,
    part: Integers,
    part_ids: tuple[str, ...],
    *,
    is_segmented: bool,
    failure_mode: FailureMode = None,
) -> ReadEvidence:
    """Evidence of a ``failures`` table, be it counts or lives.

    Lives are reduced to the failures and hours that they are worth for a constant rate.

    Parameters
    ----------
    table
        The ``failures`` table.
    part
        Position of each row's part.
    part_ids
        All parts.
    is_segmented
        Whether segments are kept apart.
    failure_mode
        Modes that count as failures of lives; every failure where not given.

    Raises
    ------
    ValueError
        When ``failure_mode`` is no mode of the lives, or is given for counts.
    """
    if "outcome" in table:
        return _evidence_of_lives(table, part_ids, is_segmented, failure_mode)
    if failure_mode is not None:
        raise ValueError(
            f"failure_mode must be left out where failures are counts, got {failure_mode!r}: "
            "count the failures of that mode alone"
        )
    counted = np.asarray(table["failures"], dtype=np.float64)
    hours = np.asarray(table["operating_hours"], dtype=np.float64)
    evidence = FieldEvidence.summed(
        part_ids, part, table["segment"] if is_segmented else None, counted, hours
    )
    return ReadEvidence(evidence, tuple(_without_hours(table, counted, hours)))


def _evidence_of_lives(
    table: Table, part_ids: tuple[str, ...], is_segmented: bool, failure_mode: FailureMode
) -> ReadEvidence:
    lives = LifeData.from_table(table, failure_mode=failure_mode, by_segment=is_segmented)
    position = {name: i for i, name in enumerate(part_ids)}
    part = np.array([position[name] for name in lives.part_ids], dtype=np.int64)
    segments = np.array(lives.segments, dtype=object) if is_segmented else None
    evidence = FieldEvidence.summed(part_ids, part, segments, lives.failures, lives.exposure_hours)
    lost = np.flatnonzero((lives.observed_failures > 0.0) & (lives.exposure_hours <= 0.0))
    doubts = [
        Finding(
            table.name,
            None,
            "outcome",
            None,
            f"every life of part {lives.part_ids[first]!r}"
            + (f" in segment {lives.segments[first]!r}" if lives.segments[first] else "")
            + " was found failed at its first look, so nothing bounds its rate from above and it "
            f"is left out{_and_more(len(lost) - 1)}.",
            "Give an earlier look at the units, or units that had not failed.",
        )
        for first in lost[:1].tolist()
    ]
    doubts += doubtful_lives(table, lives, failure_mode)
    return ReadEvidence(replace(evidence, source="lives"), doubts=tuple(doubts))


def _and_more(count: int) -> str:
    return f"; {count} more like it" if count else ""


def _without_hours(table: Table, counted: Floats, hours: Floats) -> list[Finding]:
    rows = np.flatnonzero((counted > 0.0) & (hours <= 0.0))
    findings = [
        Finding(
            table.name,
            int(row) + 1,
            "operating_hours",
            float(hours[row]),
            f"{counted[row]:g} failures of part {table['part_id'][row]!r} in 0 operating hours.",
            "Give the operating hours of all installed units: machines x quantity x hours.",
            table.line(int(row)),
        )
        for row in rows[:MOST_ROWS]
    ]
    if len(rows) > MOST_ROWS:
        more = f"{len(rows) - MOST_ROWS} more rows have failures in 0 operating hours."
        findings.append(Finding(table.name, None, "operating_hours", None, more))
    return findings

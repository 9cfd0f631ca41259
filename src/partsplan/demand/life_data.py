"""Lives as arrays: grouped by part and segment, with one failure mode or all of them.

Every outcome becomes one of three kinds of row: failed at a time, still running at a time, or
failed between two times; late entry is kept beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.exponential_lives import equivalent_counts
from partsplan.demand.reading import read_alone
from partsplan.errors import PartsplanError
from partsplan.network import Table
from partsplan.network.column_checks import codes
from partsplan.network.scanning import nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LifeData:
    """Lives of parts, sorted so that the lives of one group (part and segment) stand together.

    Parameters
    ----------
    part_ids, segments
        Part and segment of each group, in order of appearance; a segment is '' where none is given
        or segments are pooled.
    group
        Shape (n_lives,): group of each life, ascending.
    entry
        Hours at which the life came under observation [h].
    lower
        Hours at the failure or the last look; for a failure between two looks the first [h].
    upper
        The same hours for a failure, endless for a life without one, and the second look for a
        failure between two [h].
    weight
        Units with this life [units].
    row
        Position of the life in the table it came from.
    """

    part_ids: tuple[str, ...]
    segments: tuple[str, ...]
    group: Integers
    entry: Floats
    lower: Floats
    upper: Floats
    weight: Floats
    row: Integers

    @classmethod
    def from_table(
        cls,
        table: Table,
        *,
        failure_mode: str | Sequence[str] | None = None,
        by_segment: bool = True,
    ) -> LifeData:
        """Group the lives of a table.

        Parameters
        ----------
        table
            A ``failures`` table that holds lives.
        failure_mode : str or sequence of str, optional
            Modes that count as failures. A life that ended by any other mode counts as still
            running when it ended: censored at ``hours`` for ``failed``, at the earliest possible
            time for ``left`` and ``interval``.
        by_segment : bool, default True
            Whether each segment of a part is a group of its own.

        Returns
        -------
        LifeData
        """
        part, segment = codes(table["part_id"]), codes(table["segment"])
        if not by_segment:
            segment = np.zeros_like(segment)
        n_segments = int(segment.max(initial=0)) + 1
        keys, first, group = np.unique(
            part * n_segments + segment, return_index=True, return_inverse=True
        )
        place = np.empty(len(keys), dtype=np.int64)
        place[np.argsort(first)] = np.arange(len(keys))
        group = place[group.reshape(-1)]
        order = np.argsort(group, kind="stable")
        heads = np.sort(first)
        lower, upper = _bounds(table, _counts_as_failure(table, failure_mode))
        return cls(
            part_ids=tuple(table["part_id"][heads].tolist()),
            segments=tuple(table["segment"][heads].tolist() if by_segment else [""] * len(heads)),
            group=group[order],
            entry=table["entry_hours"][order],
            lower=lower[order],
            upper=upper[order],
            weight=table["weight"][order],
            row=order,
        )

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.part_ids)

    @property
    def n_lives(self) -> int:
        """Number of lives, each counted once whatever its weight."""
        return len(self.group)

    @property
    def is_failed(self) -> Mask:
        """Shape (n_lives,): whether the life ended in a failure whose hours are known."""
        failed: Mask = self.lower == self.upper
        return failed

    @property
    def is_running(self) -> Mask:
        """Shape (n_lives,): whether the life had not failed when last looked at."""
        return np.isinf(self.upper)

    @property
    def is_between(self) -> Mask:
        """Shape (n_lives,): whether the life failed between two looks."""
        between: Mask = (self.lower < self.upper) & ~self.is_running
        return between

    @cached_property
    def observed_failures(self) -> Floats:
        """Shape (n_groups,): units that failed, at known hours or between two looks [units]."""
        return self.sums(np.where(self.is_running, 0.0, self.weight))

    @cached_property
    def censored(self) -> Floats:
        """Shape (n_groups,): units that had not failed when last looked at [units]."""
        return self.sums(np.where(self.is_running, self.weight, 0.0))

    @property
    def failures(self) -> Floats:
        r"""Failures that the lives of a group are worth for a constant rate, shape (n_groups,).

        Where all failures have known hours it is their weighted number :math:`n`. Otherwise it is
        the observed information :math:`-\ell''(\log \hat r)` of the exponential likelihood
        :math:`\ell` about the rate: failures that are only known to lie between two looks are
        worth less than one each. Together with `exposure_hours` it has the mode and the curvature
        of that likelihood. Both are 0 where nothing bounds the rate from above (every unit was
        found failed at its first look).
        """
        return self._counts[0]

    @property
    def exposure_hours(self) -> Floats:
        r"""Operating hours to go with `failures`, shape (n_groups,) [h].

        Where all failures have known hours it is the sum of weight x (hours - entry_hours).
        Otherwise it is `failures` over the exponential estimate :math:`\hat r` of the rate.
        """
        return self._counts[1]

    @cached_property
    def _counts(self) -> tuple[Floats, Floats]:
        known = ~self.is_between
        run = self.lower - self.entry
        return equivalent_counts(
            failures=self.sums(np.where(self.is_failed, self.weight, 0.0)),
            hours=self.sums(self.weight * run),
            between=self.group[~known],
            span=(self.upper - self.lower)[~known],
            weight=self.weight[~known],
        )

    def sums(self, values: Floats) -> Floats:
        """Sum one value per life over each group, shape (n_groups,)."""
        return np.bincount(self.group, values, self.n_groups).astype(np.float64)

    def take(self, groups: Integers) -> LifeData:
        """Give the data of some groups only, numbered anew in the order given."""
        place = np.full(self.n_groups, -1)
        place[groups] = np.arange(len(groups))
        new = place[self.group]
        rows = np.flatnonzero(new >= 0)
        rows = rows[np.argsort(new[rows], kind="stable")]
        return LifeData(
            part_ids=tuple(self.part_ids[g] for g in groups),
            segments=tuple(self.segments[g] for g in groups),
            group=new[rows],
            entry=self.entry[rows],
            lower=self.lower[rows],
            upper=self.upper[rows],
            weight=self.weight[rows],
            row=self.row[rows],
        )


def read_lives(
    lives: Any,
    *,
    rename: Mapping[str, str] | None = None,
    extra_columns: Literal["error", "ignore"] = "error",
) -> Table:
    """Read a table of lives by itself, or take a network's ``failures``.

    Raises
    ------
    InputError
        With every finding of the table.
    PartsplanError
        When the table holds counts, or nothing.
    """
    table = read_alone("failures", lives, rename=rename, extra_columns=extra_columns)
    if "outcome" not in table:
        what = "counts, not lives" if len(table) else "no lives"
        raise PartsplanError(
            f"The failures table holds {what}. A lifetime is fitted to lives: part_id, hours, "
            "outcome (failed, censored, left, interval), and entry_hours where a unit came under "
            "observation late."
        )
    if not len(table):
        raise PartsplanError("The failures table has no rows. Give at least one life.")
    return table


def _counts_as_failure(table: Table, failure_mode: str | Sequence[str] | None) -> Mask:
    """Mark the lives whose end counts as a failure when it is one."""
    if failure_mode is None:
        return np.ones(len(table), dtype=bool)
    wanted = [failure_mode] if isinstance(failure_mode, str) else list(failure_mode)
    known = [mode for mode in dict.fromkeys(table["failure_mode"].tolist()) if mode]
    for mode in wanted:
        if mode not in known:
            modes = ", ".join(repr(name) for name in known[:10]) or "none: failure_mode is empty"
            hint = nearest(mode, tuple(known)) if isinstance(mode, str) else ""
            raise ValueError(
                f"failure_mode must be among the modes of the lives ({modes}), got {mode!r}. {hint}"
            )
    counts: Mask = np.isin(table["failure_mode"].astype(str), wanted)
    return counts


def _bounds(table: Table, counts: Mask) -> tuple[Floats, Floats]:
    """Hours that the life is known to have reached, and those it did not outlast."""
    outcome, hours = table["outcome"], table["hours"]
    is_left = outcome == "left"
    is_interval = outcome == "interval"
    lower = np.where(is_left, table["entry_hours"], hours)
    upper = np.where(is_interval, table["hours_upper"], hours)
    return lower, np.where(counts & (outcome != "censored"), upper, np.inf)

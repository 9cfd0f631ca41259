"""What is doubtful about lives and about the lifetimes fitted to them: warnings.

One finding per rule, with the number of groups or rows it concerns and the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_data import LifeData
from partsplan.demand.maximum_likelihood import (
    ALL_FAIL,
    EDGE,
    NO_FAILURE,
    ONE_TIME,
    ONE_TIME_OR_NEVER,
)
from partsplan.errors import Finding
from partsplan.network import Table
from partsplan.network.column_checks import codes

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

_FEW = 3
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
_LEAST_LIVES = 3
_DAY_RATIO = (20.0, 29.0)
_CLEAR_GAP = float(np.log(4.0))
"""Gap between the logs of two kinds of lives from which they count as two."""


def doubtful_fits(data: LifeData, causes: Sequence[str], n_parameters: int) -> Iterator[Finding]:
    """List what is doubtful about the fits, by cause."""
    cause = np.array(causes, dtype=object)
    failures = data.observed_failures
    lives = np.bincount(data.group, minlength=data.n_groups)
    one = (lives == 1) & (failures > 0.0)
    few = (failures > 0.0) & (failures < _FEW) & ~one
    told = (
        (
            cause == NO_FAILURE,
            "has no failure among its lives: all are censored, so there is no finite estimate.",
            "estimate_demand(network, lives) gives a rate with its uncertainty all the same.",
        ),
        (
            cause == ONE_TIME,
            "fails at one time only and no unit outlives it, so the likelihood rises without end "
            "as the spread of lives goes to 0.",
            "Fit distribution='exponential', or give lives with more than one failure time.",
        ),
        (
            cause == ONE_TIME_OR_NEVER,
            "fails at one time only, and all other units may never fail: the likelihood rises "
            "without end as the spread of lives goes to 0.",
            "Take distribution='weibull', or give lives with more than one failure time.",
        ),
        (
            cause == EDGE,
            "has a likelihood that is flat or rises toward an edge: the lives do not pin the "
            "distribution down.",
            "Fit distribution='exponential', pool segments with by_segment=False, or give more "
            "lives.",
        ),
        (
            cause == ALL_FAIL,
            "shows no sign of units that never fail: never_fails is 0, at the edge of its range, "
            "and the fit is the plain Weibull.",
            "Take distribution='weibull'.",
        ),
        (
            one,
            "has one life only.",
            "Give all lives, those without a failure as outcome censored.",
        ),
        (
            few,
            f"has fewer than {_FEW} failures: the estimate is uncertain by a large factor.",
            "Take the interval rather than the estimate, or pool segments with by_segment=False.",
        ),
        (
            (failures >= _FEW) & (failures <= n_parameters),
            "has no more failures than parameters.",
            "Take a distribution with fewer parameters.",
        ),
    )
    for groups, words, fix in told:
        yield from _groups(data, groups, words, fix)


def _groups(data: LifeData, doubtful: Mask, words: str, fix: str) -> Iterator[Finding]:
    """Make one finding of the marked groups."""
    groups = np.flatnonzero(doubtful)
    if not len(groups):
        return
    first = int(groups[0])
    segment = f" in segment {data.segments[first]!r}" if data.segments[first] else ""
    rule = f"part {data.part_ids[first]!r}{segment} {words}"
    if len(groups) > 1:
        others = len(groups) - 1
        rule += f" {others} more {'group' if others == 1 else 'groups'} like it."
    yield Finding("failures", None, "part_id", data.part_ids[first], rule, fix)


def doubtful_lives(
    table: Table, data: LifeData, failure_mode: str | Sequence[str] | None
) -> Iterator[Finding]:
    """List what is doubtful about the lives themselves."""
    if failure_mode is not None:
        yield from _failures_without_mode(table)
    yield from _days_between_segments(table)
    yield from _days_among_hours(table, data)
    yield from _more_than_the_calendar(table)
    yield from _failures_twice(table)


def _failures_without_mode(table: Table) -> Iterator[Finding]:
    rows = np.flatnonzero((table["outcome"] != "censored") & (table["failure_mode"] == ""))
    if len(rows):
        rule = f"is empty for {len(rows)} failed lives, which count as censored."
        fix = "Name the mode of every failure, or fit without failure_mode."
        yield _row_finding(table, int(rows[0]), "failure_mode", rule, fix)


def _row_finding(table: Table, row: int, column: str, rule: str, fix: str) -> Finding:
    value = table[column][row]
    plain = value.item() if isinstance(value, np.generic) else value
    return Finding("failures", row + 1, column, plain, rule, fix, table.line(row))


def _days_between_segments(table: Table) -> Iterator[Finding]:
    """Find segments of a part whose typical hours are a day's hours apart."""
    if not (table["segment"] != "").any():
        return
    data = LifeData.from_table(table)
    typical = _typical_hours(data)
    lives = np.bincount(data.group, minlength=data.n_groups)
    by_part: dict[str, list[int]] = {}
    for group in np.flatnonzero((lives >= _LEAST_LIVES) & (typical > 0.0)).tolist():
        by_part.setdefault(data.part_ids[group], []).append(group)
    for part_id, groups in by_part.items():
        usual = float(np.median(typical[groups])) if len(groups) > 2 else typical[groups].max()
        for group in groups:
            ratio = usual / typical[group]
            if _DAY_RATIO[0] <= ratio <= _DAY_RATIO[1]:
                rule = (
                    f"lives of part {part_id!r} in segment {data.segments[group]!r} are typically "
                    f"{typical[group]:g}, a {ratio:.0f}th of those elsewhere ({usual:g}): they "
                    "look like days among hours."
                )
                fix = "Give operating hours in all rows: days x hours run per day."
                row = int(data.row[data.group == group].min())
                yield _row_finding(table, row, "hours", rule, fix)
                return


def _days_among_hours(table: Table, data: LifeData) -> Iterator[Finding]:
    """Find groups whose lives are of two kinds, far apart, one a day's hours above the other."""
    last = np.where(data.is_running, data.lower, data.upper)
    lives = np.flatnonzero(last > 0.0)
    lives = lives[np.lexsort((last[lives], data.group[lives]))]
    group, logs = data.group[lives], np.log(last[lives])
    begin, end = (np.searchsorted(group, np.arange(data.n_groups), side) for side in _SIDES)
    for g in np.flatnonzero(end - begin >= 2 * _LEAST_LIVES).tolist():
        own = logs[begin[g] : end[g]]
        split = int(np.argmax(np.diff(own))) + 1
        low, high = own[:split], own[split:]
        gap, ratio = high[0] - low[-1], float(np.exp(high.mean() - low.mean()))
        is_clear = gap > max(_CLEAR_GAP, low[-1] - low[0], high[-1] - high[0])
        is_daily = _DAY_RATIO[0] <= ratio <= _DAY_RATIO[1]
        if is_clear and is_daily and min(len(low), len(high)) >= _LEAST_LIVES:
            rule = (
                f"{len(low)} of {len(own)} lives of part {data.part_ids[g]!r} are typically "
                f"{np.exp(low.mean()):.4g}, a {ratio:.0f}th of the others "
                f"({np.exp(high.mean()):.4g}): they look like days among hours."
            )
            fix = "Give operating hours in all rows: days x hours run per day."
            row = int(data.row[lives[begin[g] : begin[g] + split]].min())
            yield _row_finding(table, row, "hours", rule, fix)
            return


def _typical_hours(data: LifeData) -> Floats:
    """Geometric mean of the hours of each group's lives."""
    last = np.where(data.is_running, data.lower, data.upper)
    counted = np.where(last > 0.0, 1.0, 0.0)
    logs = data.sums(counted * np.log(np.where(last > 0.0, last, 1.0)))
    number = data.sums(counted)
    return np.where(number > 0.0, np.exp(logs / np.maximum(number, 1.0)), 0.0)


def _more_than_the_calendar(table: Table) -> Iterator[Finding]:
    """Find lives longer than the calendar time since the same unit's life before."""
    dated = np.flatnonzero(~np.isnat(table["date"]) & (table["unit_id"] != ""))
    if len(dated) < 2:
        return
    part, unit = codes(table["part_id"][dated]), codes(table["unit_id"][dated])
    day = table["date"][dated].astype(np.int64)
    order = np.lexsort((day, unit, part))
    same = (np.diff(part[order]) == 0) & (np.diff(unit[order]) == 0)
    later, before = order[1:][same], order[:-1][same]
    run = (table["hours"] - table["entry_hours"])[dated[later]]
    most = 24.0 * (day[later] - day[before] + 1)
    beyond = np.flatnonzero(run > most)
    if len(beyond):
        place = int(beyond[np.argmin(later[beyond])])
        row = int(dated[later[place]])
        rule = (
            f"unit {table['unit_id'][row]!r} ran {run[place]:g} h, but its life before ended only "
            f"{day[later[place]] - day[before[place]]} days earlier. {len(beyond)} in all."
        )
        fix = "Give operating hours since installation (not calendar or total hours)."
        yield _row_finding(table, row, "hours", rule, fix)


def _failures_twice(table: Table) -> Iterator[Finding]:
    """Find failures of one unit at the same hours and date, which may be one entered twice."""
    named = np.flatnonzero((table["unit_id"] != "") & (table["outcome"] == "failed"))
    _, place, times = np.unique(table["hours"][named], return_inverse=True, return_counts=True)
    named = named[times[place.reshape(-1)] > 1]
    if not len(named):
        return
    keys = [codes(table[name][named]) for name in ("hours", "unit_id", "part_id", "date")]
    order = np.lexsort(keys)
    same = np.all([column[order][1:] == column[order][:-1] for column in keys], axis=0)
    again = np.flatnonzero(same)
    if len(again):
        first = int(again[np.argmin(named[order[1:][again]])])
        before, row = (int(named[order[place]]) for place in (first, first + 1))
        rule = (
            f"unit {table['unit_id'][row]!r} fails at {table['hours'][row]:g} h as in row "
            f"{before + 1}; both count. {len(again)} in all."
        )
        fix = "Leave out what was entered twice."
        yield _row_finding(table, row, "unit_id", rule, fix)

"""Supersession: which part number a failure takes, and the lives that follow each other.

From its date a new number replaces the old one on failure; the old units stay until they fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.fleet_clock import Calendar
from partsplan.demand.life_laws import LifeLaws
from partsplan.demand.renewal import even_grid
from partsplan.demand.renewal_solutions import (
    STEPS_PER_DEVIATION,
    FirstLife,
    RenewalSolution,
    UnitGroups,
    interpolated,
    solutions,
)
from partsplan.demand.renewal_windows import WindowCounts, counts_of, renewed_at
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
InPlace = Callable[[Integers], FirstLife]
"""Law of the first failure of the units in place, of some groups."""

_STEPS = (64, 4096)
"""Least and most steps of the hours behind and ahead, where a stage finds units in place."""
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Stage:
    """Days on which failures take one part number."""

    part: int
    """Position of the part number."""
    first_day: int
    """First day, counted from the start of the forecast."""
    last_day: int
    """Day after the last one."""


def stages_of(network: ServiceNetwork, months: Calendar) -> Mapping[int, tuple[Stage, ...]]:
    """Give the stages of every superseded part within the forecast."""
    table = network.supersessions
    if len(table) == 0:
        return {}
    old, new = table.index("part_id").tolist(), table.index("superseded_by").tolist()
    day = months.days(table["from_date"], 0).tolist()
    successor = {part: (by, on) for part, by, on in zip(old, new, day, strict=True)}
    return {part: _stages(part, successor, months.last_day) for part in old}


def _stages(part: int, successor: Mapping[int, tuple[int, int]], last: int) -> tuple[Stage, ...]:
    changes = {0}
    number = part
    while number in successor:
        number, day = successor[number]
        changes.add(day)
    days = sorted(day for day in changes if day < last)
    stages: list[Stage] = []
    for day, until in zip(days, [*days[1:], last], strict=True):
        number = part
        while number in successor and successor[number][1] <= day:
            number = successor[number][0]
        if stages and stages[-1].part == number:
            stages[-1] = Stage(number, stages[-1].first_day, until)
        else:
            stages.append(Stage(number, day, until))
    return tuple(stages)


@dataclass(frozen=True)
class StagedGroups:
    """Groups of units alike whose replacements change from stage to stage."""

    laws: LifeLaws
    """Laws that positions refer to."""
    first: Integers
    """Shape (n_groups,): law of the units in place at the start."""
    age: Floats
    """Shape (n_groups,): their age [hours]."""
    later: Integers
    """Shape (n_stages, n_groups): law of the replacements of each stage."""
    clocks: Floats
    """Shape (n_stages, n_groups, n_windows + 1): operating hours since the stage began."""


def staged_counts(groups: StagedGroups) -> list[WindowCounts]:
    r"""Count failures stage by stage.

    A stage finds a unit in place whose remaining life has, after L hours of the stage before,

    .. math:: P(X > x) = 1 - G(L + x) + \int_0^L R(L + x - u) dM(u)

    with G the law of the first failure of that stage, R the survival of its replacements and M
    its expected failures.
    """
    in_place = _in_place_at_start(groups)
    counts = []
    for stage in range(len(groups.clocks)):
        counted, in_place = _run_stage(groups, stage, in_place)
        counts.append(counted)
    return counts


def _in_place_at_start(groups: StagedGroups) -> InPlace:
    laws, age = groups.laws[groups.first], groups.age

    def of(which: Integers) -> FirstLife:
        own, own_age = laws[which], age[which]
        return lambda hours: own.residual(own_age, hours)

    return of


def _in_place_by(table: Floats, span: Floats) -> InPlace:
    """Units whose remaining life stands in a table over even points of a span."""
    safe = np.where(span > 0.0, span, 1.0)

    def of(which: Integers) -> FirstLife:
        rows, scale = table[which], (table.shape[1] - 1) / safe[which, np.newaxis]
        return lambda hours: interpolated(rows, hours * scale)

    return of


def _run_stage(groups: StagedGroups, stage: int, in_place: InPlace) -> tuple[WindowCounts, InPlace]:
    """Count the failures of a stage; give the units that the next one finds in place."""
    clock, later = groups.clocks[stage], groups.later[stage]
    counts = WindowCounts.zeros(len(clock), clock.shape[1] - 1)
    ahead = groups.clocks[stage + 1 :, :, -1].sum(axis=0)
    grid = even_grid(ahead, _table_steps(groups.laws, groups.later, ahead))
    behind = np.linspace(0.0, 1.0, _table_steps(groups.laws, groups.later, clock[:, -1]) + 1)
    table = in_place(np.arange(len(clock)))(grid)
    for solution, block in solutions(UnitGroups(groups.laws, later, groups.age, later, clock)):
        n_blocks = -(-len(block) * grid.shape[1] * len(behind) // _BLOCK)
        for some in np.array_split(block, n_blocks):
            first = in_place(some)
            counts.put(some, counts_of(solution, first, later[some], clock[some]))
            points = clock[some, -1:] * behind
            table[some] = _remaining_life(solution, first, later[some], points, grid[some])
    return counts, _in_place_by(table, ahead)


def _table_steps(laws: LifeLaws, later: Integers, ahead: Floats) -> int:
    width = np.minimum(laws.standard_deviation, laws.mean)[later].min(axis=0)
    wanted = float((STEPS_PER_DEVIATION * ahead / width).max(initial=0.0))
    if wanted == 0.0:
        return 4
    return int(2 ** np.ceil(np.log2(np.clip(wanted, *_STEPS))))


def _remaining_life(
    solution: RenewalSolution, first: FirstLife, later: Integers, points: Floats, grid: Floats
) -> Floats:
    """Law, over a grid, of the remaining life of the units in place at the last of the points."""
    passed = points[:, -1:]
    failed = np.diff(renewed_at(solution, first, later, points))
    ages = passed - points
    survival = np.exp(
        solution.laws[later].log_survival(ages[:, :, np.newaxis] + grid[:, np.newaxis, :])
    )
    middle = (survival[:, 1:] + survival[:, :-1]) / 2.0
    alive = 1.0 - first(passed + grid) + np.einsum("gu,gux->gx", failed, middle)
    return np.asarray(1.0 - np.clip(alive / alive[:, :1], 0.0, 1.0))

"""What planners use instead: marginal analysis, item-by-item targets, a single-level PuLP model.

The first two search on the library's own exact evaluation, so that only the search differs. The
third plans by single-level formulas, as such models do, and is evaluated exactly afterwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from benchmarks.exact_tables import (
    ExactTables,
    Floats,
    Integers,
    Surroundings,
    TwoLevelProblem,
    poisson_quantile,
)

from partsplan.evaluation.poisson import expected_backorders, fill_rate

PLANNERS_CENTRE_FILL_RATE = 0.95
_SOLVER_GAP = 5e-4
_TIGHTENINGS = 10


class Marginals(Protocol):
    """Where marginal analysis reads hours: tables of all stocks, or evaluation where it stands."""

    def around(self, parts: Integers, stock: Integers, step: int) -> Surroundings:
        """Hours at the stock of some parts, and a unit further."""
        ...


@dataclass
class _Search:
    """A stock and the effect of one unit more, or less, of every part at every location."""

    marginals: Marginals
    stock: Integers
    step: int
    """1 or -1: the unit is added or removed."""
    now: Floats
    """Shape (n_parts, n_fsls): what a part adds to the FSL's mean wait [hours]."""
    by_fsl_unit: Floats
    """Shape (n_parts, n_fsls): change of the FSL's own mean wait by a unit there."""
    by_centre_unit: Floats
    """Shape (n_parts, n_fsls): change of every FSL's mean wait by a unit at the centre."""
    hours: Floats
    """Shape (n_fsls,): mean wait [hours]."""

    @classmethod
    def at(cls, marginals: Marginals, stock: Integers, step: int) -> _Search:
        shape = (len(stock), stock.shape[1] - 1)
        now, by_fsl, by_centre = (np.zeros(shape) for _ in range(3))
        search = cls(marginals, stock.copy(), step, now, by_fsl, by_centre, np.zeros(shape[1]))
        search._refresh(np.arange(len(stock)))
        search.hours = search.now.sum(axis=0)
        return search

    def _refresh(self, parts: Integers) -> None:
        now, fsl, centre = self.marginals.around(parts, self.stock[parts], self.step)
        unknown = 0.0 if self.step > 0 else np.inf
        self.now[parts] = now
        self.by_fsl_unit[parts] = np.where(np.isnan(fsl), unknown, fsl - now)
        self.by_centre_unit[parts] = np.where(np.isnan(centre), unknown, centre - now)

    def gains(self, parts: Integers, missing: Floats | float) -> Floats:
        """Violation that a unit at every location takes away, shape (len(parts), 1 + n_fsls)."""
        by_centre = np.minimum(-self.by_centre_unit[parts], missing).sum(axis=1)
        return np.column_stack([by_centre, np.minimum(-self.by_fsl_unit[parts], missing)])

    def best_move(self, missing: Floats, price: Floats, most: Floats) -> tuple[int, int]:
        """Part and location with the largest gain per cost.

        ``most`` has gains per cost as they were last looked at. What is missing only shrinks, so
        they are upper bounds of other parts' gains: the first that proves right is the best.
        """
        while True:
            p, location = divmod(int(np.argmax(most)), most.shape[1])
            gain = self.gains(np.array([p]), missing)[0] / price[p]
            if gain[location] >= most[p, location] * (1.0 - 1e-12):
                if gain[location] <= 0.0:
                    raise ValueError("no unit more helps before the promises are kept")
                return p, location
            most[p] = gain

    def move(self, p: int, location: int) -> None:
        """Add or remove the unit."""
        self.hours -= self.now[p]
        self.stock[p, location] += self.step
        self._refresh(np.array([p]))
        self.hours += self.now[p]


def marginal_analysis(problem: TwoLevelProblem, marginals: Marginals) -> Integers:
    """Add the unit that takes most violation away per cost until all promises are kept.

    Violation is the sum over the FSLs of the mean wait beyond the promise; what a unit does
    beyond a promise does not count. Units that are not needed in the end are removed, the dearest
    first.
    """
    search = _Search.at(marginals, np.zeros(problem.tree.own_rate.shape, np.int64), 1)
    most = search.gains(np.arange(problem.n_parts), np.inf) / problem.unit_price[:, np.newaxis]
    while True:
        missing = np.maximum(search.hours - problem.allowed_hours, 0.0)
        if not (missing > 1e-9 * problem.allowed_hours).any():
            return without_spare_units(problem, marginals, search.stock)
        p, location = search.best_move(missing, problem.unit_price, most)
        search.move(p, location)
        most[p] = search.gains(np.array([p]), missing)[0] / problem.unit_price[p]


def without_spare_units(
    problem: TwoLevelProblem, marginals: Marginals, stock: Integers
) -> Integers:
    """Remove units, the dearest first, while every promise stays kept."""
    search = _Search.at(marginals, stock, -1)
    price = np.broadcast_to(problem.unit_price[:, np.newaxis], stock.shape)
    while True:
        slack = problem.allowed_hours - search.hours
        spare = np.empty(stock.shape, dtype=bool)
        spare[:, 0] = (search.by_centre_unit <= slack).all(axis=1)
        spare[:, 1:] = search.by_fsl_unit <= slack
        if not spare.any():
            return search.stock
        p, location = divmod(int(np.argmax(np.where(spare, price, 0.0))), stock.shape[1])
        search.move(p, location)


def same_fill_rate(problem: TwoLevelProblem, tables: ExactTables) -> Integers:
    """Smallest stocks with one fill rate for all parts at all places, just high enough."""
    return _just_kept(
        problem,
        tables,
        lambda target: _item_by_item(
            tables.centre_stockout, tables.stockout, 1.0 - target, problem.n_parts
        ),
    )


def same_ready_rate(problem: TwoLevelProblem, tables: ExactTables) -> Integers:
    """Smallest stocks with one ready rate: slow movers may go without stock."""
    return _just_kept(
        problem,
        tables,
        lambda target: _item_by_item(
            tables.centre_unready, tables.unready, 1.0 - target, problem.n_parts
        ),
    )


def _item_by_item(
    at_centre: list[Floats], at_fsls: list[Floats], allowed: float, n_parts: int
) -> Integers:
    """Smallest stocks whose shortfall is at most ``allowed``, the centre's first."""
    stock = []
    for p in range(n_parts):
        s0 = _smallest(at_centre[p], allowed)
        stock.append([int(s0), *_smallest(at_fsls[p][s0], allowed).tolist()])
    return np.array(stock, dtype=np.int64)


def _smallest(shortfall: Floats, allowed: float) -> Any:
    """First place along the last axis with at most ``allowed``; the last one if there is none."""
    enough = shortfall <= allowed
    return np.where(enough.any(axis=-1), enough.argmax(axis=-1), shortfall.shape[-1] - 1)


def _just_kept(
    problem: TwoLevelProblem, tables: ExactTables, stock_at: Callable[[float], Integers]
) -> Integers:
    """Stock at the lowest target that keeps all promises, by bisection on its logit."""
    low, high = -12.0, 12.0
    best = stock_at(_share(high))
    for _ in range(40):
        middle = 0.5 * (low + high)
        stock = stock_at(_share(middle))
        if (tables.wait_hours(stock) <= problem.allowed_hours).all():
            high, best = middle, stock
        else:
            low = middle
    return best


def _share(logit: float) -> float:
    return 1.0 / (1.0 + float(np.exp(-logit)))


def cbc_missing() -> str | None:
    """Why the PuLP model cannot be solved by CBC here; None if it can."""
    import pulp

    if "PULP_CBC_CMD" in pulp.listSolvers(onlyAvailable=True):
        return None
    return f"PuLP {pulp.__version__} has no CBC here"


class SingleLevelModel:
    r"""Each FSL on its own, the centre by a fill rate: one binary model, solved by CBC.

    Variables :math:`x_{p,l,S} \in \{0, 1\}`: FSL l holds S units of part p. Its lead time is the
    replenishment time plus the centre's mean delay :math:`EBO_0 / \lambda_0`; late units are those
    of a Poisson pipeline.
    """

    def __init__(self, problem: TwoLevelProblem, centre_fill_rate: float, seconds: float) -> None:
        tree = problem.tree
        pipeline = tree.pipeline()
        self.problem = problem
        self.seconds = seconds
        self.centre = _stock_for_fill_rate(pipeline[:, 0], centre_fill_rate)
        delay = expected_backorders(self.centre, pipeline[:, 0]) / tree.rate[:, 0]
        self.mean = tree.rate[:, 1:] * (tree.transit_days[:, 1:] + delay[:, np.newaxis])

    def stock(self, allowed_hours: Floats) -> Integers | None:
        """Stock that keeps the mean waits by the model's own reckoning; None if CBC found none."""
        fsls = _solved_by_cbc(self.problem, self.mean, allowed_hours, self.seconds)
        return None if fsls is None else np.column_stack([self.centre, fsls])

    def tightened_until_kept(self, tables: ExactTables) -> Integers | None:
        """The same with targets lowered until exact evaluation finds the promises kept."""
        promised = self.problem.allowed_hours
        allowed = promised
        for attempt in range(_TIGHTENINGS):
            stock = self.stock(allowed)
            if stock is None:
                return None
            hours = tables.wait_hours(stock)
            if (hours <= promised).all():
                return stock
            beyond = np.maximum(hours / promised, 1.0)
            allowed = allowed / beyond * np.where(beyond > 1.0, 1.0 - 1e-3 * attempt, 1.0)
        return stock


def _stock_for_fill_rate(pipeline: Floats, target: float) -> Integers:
    """Smallest stock with the fill rate under a Poisson pipeline."""
    levels = np.arange(1 + int(poisson_quantile(pipeline, 1e-9).max()) + 1)
    enough = fill_rate(levels, pipeline[:, np.newaxis]) >= target
    return np.asarray(enough.argmax(axis=1), dtype=np.int64)


def _solved_by_cbc(
    problem: TwoLevelProblem, mean: Floats, allowed_hours: Floats, seconds: float
) -> Integers | None:
    """Stock of the FSLs, shape (n_parts, n_fsls); None when CBC found none in time."""
    import pulp

    part, fsl, level = _choices(mean)
    hours = expected_backorders(level, mean[part, fsl]) * problem.hours_per_late_unit[fsl]
    model: Any = pulp.LpProblem("single_level", pulp.LpMinimize)
    x = model.add_variable_dict("x", range(len(part)), 0, 1, "Binary")
    cost = (problem.unit_price[part] * level).tolist()
    model += pulp.lpSum(c * x[k] for k, c in enumerate(cost) if c > 0.0)
    starts = [*np.flatnonzero(level == 0).tolist(), len(part)]
    for first, last in itertools.pairwise(starts):
        model += pulp.lpSum(x[k] for k in range(first, last)) == 1
    for j in range(problem.n_fsls):
        own = np.flatnonzero(fsl == j).tolist()
        used = pulp.lpSum(float(hours[k] / allowed_hours[j]) * x[k] for k in own)
        model += used <= 1.0
    model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=seconds, gapRel=_SOLVER_GAP))
    value = np.array([x[k].varValue or 0.0 for k in range(len(part))])
    if int((value > 0.5).sum()) != mean.size:
        return None
    stock = np.zeros(mean.shape, dtype=np.int64)
    np.add.at(stock, (part, fsl), np.where(value > 0.5, level, 0))
    return stock


def _choices(mean: Floats) -> tuple[Integers, Integers, Integers]:
    """(part, FSL, stock) of every variable, the stocks of a part at an FSL in a row from 0."""
    counts = (poisson_quantile(mean, 1e-4) + 2).ravel()
    pair = np.repeat(np.arange(counts.size), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    part, fsl = np.divmod(pair, mean.shape[1])
    return part, fsl, (np.arange(len(pair)) - first).astype(np.int64)

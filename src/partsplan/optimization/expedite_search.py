"""Price search where shortages are expedited: by enumeration where it can be, else by descent.

At given prices it finds every part's best column; what no column costs less than is proven by the
list, or by cases (`expedite_branching`).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from partsplan.evaluation.expedite_model import ExpediteBlock, ExpediteModel
from partsplan.evaluation.weights import Terms
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.clock import Clock
from partsplan.optimization.columns import Columns
from partsplan.optimization.expedite_bound import RelaxedParts
from partsplan.optimization.expedite_branching import CaseTree, tuned_share
from partsplan.optimization.expedite_descent import Descent, DescentFigures, FrozenStreams
from partsplan.optimization.expedite_least import LeastMissed
from partsplan.optimization.expedite_tables import Figures, PartTable, StockBox, figures_of
from partsplan.optimization.problem import PlanningProblem

MOST_VECTORS = 100_000
"""Stock vectors of one part that are listed at most."""
MOST_LISTED_TOGETHER = 1_500_000
"""Stock vectors of all parts together that are listed at most."""
MOST_VECTORS_TOGETHER = 200_000
"""Those that are evaluated at most, by the fixed point."""
MOST_CHAINS_TOGETHER = 30_000
"""The same where small groups are solved as Markov chains."""
_WORTH_LISTING = 500
_MOST_PLACES = 8
"""Places where a part may be stocked, for its vectors to be listed at all."""
_SHORT_LIST = 300
"""Vectors up to which a list grows for prices that are only passed by."""
_LISTED_AT_ONCE = 50
_LEARNED_AT_ONCE = 40
_BOUNDED_AT_ONCE = 20_000
_POLISHING_ROUNDS = 8
_SUPPLIER_MOVES = (1, 2, 5)
"""Units by which stocks of suppliers are changed or exchanged where the evaluation judges."""


class TimeIsOverError(Exception):
    """Time ran out while a list was evaluated; the list stays as it was."""


class ExpediteSearch:
    """Price search of a block of parts.

    Parameters
    ----------
    problem, model, block
        The planning problem, its sources and the parts searched.
    most_vectors
        Stock vectors of a part that may be listed, and evaluated where that is slow.
    clock
        When time is over, lists grow no more.
    """

    def __init__(
        self,
        problem: PlanningProblem,
        model: ExpediteModel,
        block: ExpediteBlock,
        most_vectors: tuple[int, int],
        clock: Clock | None = None,
    ) -> None:
        self.problem = problem
        self.clock = clock or Clock(None)
        self.block = block
        parts = block.parts
        self.by_chains = problem.evaluation == "exact"
        self.unit_price = problem.unit_price(parts)
        self.owned = problem.owned(parts)
        self.counts_shipments = problem.objective == "holding_cost"
        self.least_use, self.least_cost = model.least_uses(parts)
        self.fixed_use = self.least_use.constant
        self.lowest = problem.lowest(parts)
        self.highest = self._highest()
        self.most_listed, self.most_evaluated = most_vectors
        open_places = (self.highest > self.lowest).sum(axis=1)
        self.is_lazy = self._has_quick_bound()
        room = np.where(self.is_lazy, self.most_listed, self.most_evaluated)
        self.is_listed: Booleans = (open_places <= _MOST_PLACES) & (room >= _WORTH_LISTING)
        self.tables = {row: self._table(row) for row in np.flatnonzero(self.is_listed).tolist()}
        self.latest = self._first_stock()
        self._known: Columns | None = None

    def _has_quick_bound(self) -> Booleans:
        """Parts whose evaluation solves chains and whose vectors `LeastMissed` knows."""
        tree = self.block.tree
        has_lots = np.broadcast_to(tree.lots, tree.own_rate.shape).max(axis=1, initial=1) > 1
        has_suppliers = bool((tree.parents >= 0).any())
        known = np.isinf(tree.rate_shape) & ~has_lots
        return np.asarray(known & self.by_chains & (not has_suppliers))

    def _highest(self) -> Floats:
        """Most units; nothing where nobody asks, and free units at most until they never lack."""
        block, tree = self.block, self.block.tree
        asked = np.zeros(tree.own_rate.shape, dtype=bool)
        part, node = np.nonzero(block.rate > 0)
        asked[part, block.sources.location[node]] = True
        for j in reversed(tree.order):
            if tree.parents[j] >= 0:
                asked[:, tree.parents[j]] |= asked[:, j]
        highest = np.where(asked, self.problem.highest(block.parts), self.lowest)
        is_free = (self.unit_price <= 0.0) | (self.owned > 0)[:, None]
        enough = np.maximum(self._enough()[:, None], self.lowest)
        return np.where(is_free, np.minimum(highest, enough), highest)

    def _first_stock(self) -> Integers:
        """Where the descent starts: suppliers hold what is under way of the demand nearest them."""
        tree, sources = self.block.tree, self.block.sources
        stock = self.lowest.copy()
        asked = self.block.rate * (sources.above < 0)
        load = np.asarray(asked @ sources.gathered(tree.n_locations))
        for j in reversed(tree.order):
            if tree.parents[j] >= 0:
                load[:, tree.parents[j]] += load[:, j]
        for j in self._descent.suppliers:
            start = np.ceil(load[:, j] * tree.transit_days[:, j])
            stock[:, j] = np.clip(start, stock[:, j], self.highest[:, j]).astype(np.int64)
        return stock

    def _enough(self) -> Floats:
        """Units that all demand of a part practically never uses up."""
        tree = self.block.tree
        days = tree.transit_days.sum(axis=1) + tree.repair_days.sum(axis=1)
        load = self.block.rate[:, self.block.sources.above < 0].sum(axis=1) * days
        spread = np.sqrt(load + load**2 / tree.rate_shape)
        lots = np.broadcast_to(tree.lots, tree.own_rate.shape).max(axis=1)
        return np.asarray(np.ceil(load + 10.0 * spread + 10.0) + lots - 1)

    def _table(self, row: int) -> PartTable:
        def evaluate(stock: Integers) -> tuple[Floats, Floats]:
            found = []
            for start in range(0, max(len(stock), 1), _LISTED_AT_ONCE):
                if start and self.clock.is_over:
                    raise TimeIsOverError
                some = stock[start : start + _LISTED_AT_ONCE]
                found.append(self.figures(np.full(len(some), row), some))
            return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

        box = StockBox(
            self.lowest[row], self.highest[row], self.unit_price[row], float(self.owned[row])
        )
        least = float(self.least_cost.constant[row, 0]) * self.counts_shipments
        at_least = self._at_least(row) if self.is_lazy[row] else None
        listed = self.most_evaluated if at_least is None else self.most_listed
        return PartTable(box, evaluate, at_least, least, listed, self.most_evaluated)

    def _at_least(self, row: int) -> Figures:
        """Uses and shipment costs that those of a part's vectors are at least."""
        one = np.array([row])
        least = LeastMissed(self.block.of_parts(one), by_chains=self.by_chains)
        use, cost = self.least_use.of_parts(one), self.least_cost.of_parts(one)

        def at_least(stock: Integers) -> tuple[Floats, Floats]:
            uses, costs = [], []
            for start in range(0, max(len(stock), 1), _BOUNDED_AT_ONCE):
                missed = least.of(stock[start : start + _BOUNDED_AT_ONCE])
                every = np.zeros(len(missed), dtype=np.int64)
                amounts = use.of_parts(every).at(missed) - self.fixed_use[one]
                uses.append(amounts[:, self.problem.kept])
                costs.append(cost.of_parts(every).at(missed)[:, 0] * self.counts_shipments)
            return np.concatenate(uses), np.concatenate(costs)

        return at_least

    def figures(self, rows: Integers, stock: Integers) -> tuple[Floats, Floats]:
        """Uses (without fixed use) and shipment costs of stock vectors of some parts."""
        block = self.block.of_parts(rows)
        uses, cost = figures_of(block, stock, by_chains=self.by_chains)
        kept = self.problem.kept
        return (uses - self.fixed_use[rows])[:, kept], cost * self.counts_shipments

    def best(self, price: Floats, *, slack: float = 0.0) -> tuple[Columns, Floats]:
        """Best columns found and the least of cost and penalties; by part of the block.

        For listed parts it is a lower bound over all vectors, else what descent found.
        ``slack`` is how far a listed part's least may be above its bound, in the objective's unit:
        lists do not grow long for prices that are only passed by.
        """
        found: list[Columns] = []
        low = np.full(len(self.block.parts), -np.inf)
        for row, table in self.tables.items():
            column, low[row] = self._best_listed(row, table, price, slack)
            found.append(column)
        rows = np.flatnonzero(~self.is_listed)
        if len(rows):
            found.append(self._best_known(rows, price))
            low[rows] = np.maximum(low[rows], found[-1].value(price))
        return Columns.joined(found), low

    def _best_listed(
        self, row: int, table: PartTable, price: Floats, slack: float
    ) -> tuple[Columns, float]:
        """Best listed vector, the list grown until it is the best of all."""
        place, value = self._least(table, price, slack)
        while value - table.beyond > slack and self.is_listed[row]:
            if slack > 0.0 and len(table.stock) > _SHORT_LIST:
                break
            self.is_listed[row] = self._grown(table)
            place, value = self._least(table, price, slack)
            self.latest[row] = table.stock[place]
        return self._columns(np.array([row]), table, np.array([place])), table.lower(price)

    def _least(self, table: PartTable, price: Floats, slack: float) -> tuple[int, float]:
        """Best vector of a list; those that may be better are evaluated, as far as allowed."""
        place, value = table.least(price)
        while table.may_learn and not self.clock.is_over:
            places = table.promising(price, value - slack)[:_LEARNED_AT_ONCE]
            if len(places) == 0:
                break
            table.learn(places)
            place, value = table.least(price)
        return place, value

    def _grown(self, table: PartTable) -> bool:
        """Whether a list could grow: there is room and time."""
        try:
            return not self.clock.is_over and table.grow()
        except TimeIsOverError:
            return False

    def _learned(self, table: PartTable, places: Integers) -> bool:
        """Whether all of some vectors could be evaluated in time."""
        for start in range(0, len(places), _LEARNED_AT_ONCE):
            if self.clock.is_over:
                return False
            table.learn(places[start : start + _LEARNED_AT_ONCE])
        return True

    def _columns(self, rows: Integers, table: PartTable, places: Integers) -> Columns:
        parts = self.block.parts[np.broadcast_to(rows, places.shape)]
        return Columns(parts, table.stock[places], table.cost[places], table.uses[places])

    def _best_known(self, rows: Integers, price: Floats) -> Columns:
        """Best columns met of parts with too many vectors, after descent from the best so far."""
        if self._known is not None:
            met = np.isin(self.block.parts[rows], self._known.parts)
            self.latest[rows[met]] = self._best_of(self._known, rows[met], price).stock
        fresh = self._descended(rows, price)
        self._known = fresh if self._known is None else Columns.joined([self._known, fresh])
        return self._best_of(self._known, rows, price)

    def _best_of(self, columns: Columns, rows: Integers, price: Floats) -> Columns:
        """Best columns at some prices, one for each of some parts."""
        order = np.lexsort((columns.value(price), columns.parts))
        first = np.searchsorted(columns.parts[order], self.block.parts[rows])
        return columns.of(order[first])

    def _descended(self, rows: Integers, price: Floats) -> Columns:
        """Columns of parts with too many vectors, by descent from the latest ones."""
        block = self.block if len(rows) == len(self.block.parts) else self.block.of_parts(rows)
        limits = self.lowest[rows], self.highest[rows]
        met = block.met(self.latest[rows], by_chains=False)
        reached = block.sources.reached(met.short)
        asked = np.asarray((block.rate * reached) @ block.sources.gathered(block.tree.n_locations))
        figures = DescentFigures(
            block.tree,
            FrozenStreams(asked, met.ordered),
            self.unit_price[rows],
            self._missed_price(block.use.missed, block.cost.missed, price),
        )
        stock = self._descent.improved(self.latest[rows], limits, figures)
        uses, cost = self.figures(rows, stock)
        parts = self.block.parts[rows]
        return Columns(parts, stock, self.problem.cost(parts, stock) + cost, uses)

    def polished(self, rows: Integers, price: Floats, clock: Clock) -> Columns:
        """Better columns of some parts: the evaluation judges stocks of suppliers, one by one."""
        best = self._best_known(rows, price)
        found, steps = [best], self._supplier_steps()
        open_rows = np.arange(len(rows))
        for _ in range(_POLISHING_ROUNDS):
            if len(open_rows) == 0 or clock.is_over:
                break
            better = self._stepped(rows[open_rows], best.of(open_rows), steps, price)
            self.latest[rows[open_rows]] = better.stock
            swept = self._descended(rows[open_rows], price)
            both = Columns.joined([better, swept])
            found.append(both)
            reached = self._best_of(both, rows[open_rows], price)
            before = best.value(price)[open_rows]
            after = reached.value(price)
            pieces = Columns.joined([best, reached])
            best = self._best_of(pieces, rows, price)
            open_rows = open_rows[after < before * (1.0 - 1e-9)]
        self._known = (
            Columns.joined([self._known, *found]) if self._known else Columns.joined(found)
        )
        return Columns.joined(found)

    def _supplier_steps(self) -> Integers:
        """Changes of stocks of suppliers, and exchanges between them; (n_steps, n_locations)."""
        one = np.eye(self.block.tree.n_locations, dtype=np.int64)
        suppliers = self._descent.suppliers
        ways = [sign * one[j] for j in suppliers for sign in (-1, 1)]
        ways += [one[j] - one[k] for j in suppliers for k in suppliers if j != k]
        steps = [units * way for way in ways for units in _SUPPLIER_MOVES]
        return np.array([0 * one[0], *steps])

    def _stepped(self, rows: Integers, from_: Columns, steps: Integers, price: Floats) -> Columns:
        """Best of the steps from one column of every part."""
        stock = (from_.stock[:, None, :] + steps[None, :, :]).reshape(-1, steps.shape[1])
        every = np.repeat(rows, len(steps))
        fits = (stock >= self.lowest[every]) & (stock <= self.highest[every])
        stock, every = stock[fits.all(axis=1)], every[fits.all(axis=1)]
        uses, cost = self.figures(every, stock)
        parts = self.block.parts[every]
        tried = Columns(parts, stock, self.problem.cost(parts, stock) + cost, uses)
        return self._best_of(tried, rows, price)

    @cached_property
    def _descent(self) -> Descent:
        return Descent(self.block.sources, self.block.tree.parents)

    def _missed_price(self, use: Terms, cost: Terms, price: Floats) -> Floats:
        """Cost and penalties per share missed at every node."""
        full = np.zeros(self.problem.model.n_promises)
        full[self.problem.kept] = price
        shipments = cost.prices(np.full(1, float(self.counts_shipments)))
        return np.asarray(use.prices(full) + shipments)

    @cached_property
    def _relaxed(self) -> RelaxedParts:
        limits = self.lowest, self.highest
        return RelaxedParts(self.block, self.unit_price, limits, by_chains=self.by_chains)

    def case_tree(self, price: Floats, clock: Clock) -> CaseTree:
        """Cases of all parts, to be bounded between their best columns and a relaxation."""
        rows = np.arange(len(self.block.parts))
        best = self._best_known(rows, price)
        terms = self.least_use.missed, self.least_cost.missed
        missed_price = self._missed_price(*terms, price)
        short = self.block.met(best.stock, by_chains=False).short
        share = short[:, self.block.sources.location]
        problem = self._relaxed.relaxed(self._relaxed.cases_at(best.stock), missed_price)
        share = tuned_share(problem, share, clock)
        upper = best.value(price) - self._constant
        return CaseTree(self._relaxed, missed_price, share, upper)

    @cached_property
    def _constant(self) -> Floats:
        """What every stock vector costs beside the terms of the relaxation."""
        shipments = self.least_cost.constant[:, 0] * self.counts_shipments
        return np.asarray(shipments - self.unit_price.max(axis=1) * self.owned)

    def proven(self, tree: CaseTree) -> Floats:
        """Lower bound of every part's cost and penalties that its cases prove."""
        return tree.least + self._constant

    def listed_bound(self, price: Floats) -> Floats:
        """Lower bound of every listed part's cost and penalties; ``-inf`` for the others."""
        low = np.full(len(self.block.parts), -np.inf)
        for row, table in self.tables.items():
            low[row] = self._best_listed(row, table, price, 0.0)[1]
        return low

    def columns_within(self, price: Floats, slack: float, limit: int) -> Columns | None:
        """All columns within a slack of their part's least; None where that is not known."""
        found: list[Columns] = []
        for row in range(len(self.block.parts)):
            table = self.tables.get(row)
            if table is None:
                return None
            most = self._least(table, price, 0.0)[1] + slack
            while table.beyond <= most:
                if not self._grown(table):
                    return None
            unknown = table.promising(price, most)
            if len(unknown) + int(table.is_known.sum()) > self.most_evaluated:
                return None
            if not self._learned(table, unknown):
                return None
            places = np.flatnonzero(table.within(price, most))
            found.append(self._columns(np.array([row]), table, places))
            if sum(map(len, found)) > limit:
                return None
        return Columns.joined(found)

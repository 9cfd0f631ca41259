"""From prices to a plan: near columns, rounding, branch and price, and the integer master.

Rounding the relaxed solution gives a first plan; branching raises the bound and finds better ones
on the way; where that is not enough, the integer master chooses among the near columns.
"""

from __future__ import annotations

import numpy as np

from partsplan.optimization.all_blocks import AllBlocks
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.branching import BranchAndPrice
from partsplan.optimization.clock import Clock
from partsplan.optimization.columns import Columns
from partsplan.optimization.master import IntegerMaster
from partsplan.optimization.nearest import exchanged_nearby, nearest_plan, prices_of_columns
from partsplan.optimization.prices import MANY_PARTS, PriceFinder, PriceState
from partsplan.optimization.restricted import RestrictedSolution
from partsplan.optimization.rounding import Choice, improved, largest_shares, mended

_NEAR_PER_PART = 20
_NEAR_AT_LEAST = 8_000
_NEAR_PER_PROMISE = 1_000
_NEAR_OF_MANY_PARTS = 2
"""Columns near the best per part, where that is more: prices are off by the same share of all."""
_NEAREST_PER_PROMISE = 40
_NEAREST_TRIES = 4
_NEAREST_TRIES_OF_MANY = 2
_APPROACHES = 8
_WORTHWHILE = 0.9
"""Gaps that do not fall to this share are tried no further."""
_NODES_BEFORE_MASTER = 150
_PROOF_GAP = 1e-6
_MASTER_COLUMNS = 1_000
_OTHER_SOLVER_SECONDS = 30.0
_PLENTY = (1.0, 2.5, 5.0, 1e6)
"""Standard deviations above the mean; so many that no more is of use."""
_RAISES = 40
_RAISE = 1.1
_LARGE_RAISE = 1.3


class PlanSearch:
    """Finds a plan whose cost is proven to be close to the least.

    Parameters
    ----------
    blocks
        All parts.
    state
        Prices, bound and columns of the price search.
    solver
        Solver of the integer master, as the user chose it.
    clock
        Time limit.
    """

    def __init__(self, blocks: AllBlocks, state: PriceState, solver: object, clock: Clock) -> None:
        self.blocks = blocks
        self.allowed = blocks.allowed
        self.n_parts = blocks.n_parts
        self.state = state
        self.solver = solver
        self.clock = clock
        self.bound = state.bound
        self.nearest_price = state.price

    @property
    def best(self) -> Choice | None:
        """The best plan."""
        return self.state.plan

    @property
    def cost(self) -> float:
        """Cost of the best plan; ``inf`` while there is none."""
        return float("inf") if self.best is None else self.best.cost

    @property
    def gap(self) -> float:
        """Proven relative gap of the best plan."""
        return relative_gap(self.cost, self.bound)

    def run(self, gap: float, effort: int | None, nodes_for_proof: int) -> None:
        """Search until the gap is reached, then up to some nodes more for a proof of optimality.

        ``effort`` is the most nodes spent on the gap; ``None`` for no limit but the clock's.
        """
        if self.gap <= gap and nodes_for_proof == 0:
            return
        self._offer_cheapest()
        if self.gap <= gap and nodes_for_proof == 0:
            return
        self.round(gap)
        if self.gap <= gap and nodes_for_proof == 0:
            return
        if not len(self.allowed):
            return
        tree = BranchAndPrice(self.blocks, self.state.pool, (self.state.bound, self.state.price))
        wants_proof = nodes_for_proof > 0 or gap < _PROOF_GAP
        nodes = _NODES_BEFORE_MASTER if effort is None else min(effort, _NODES_BEFORE_MASTER)
        self._branch(tree, gap, nodes, closes=wants_proof)
        if self.gap > gap and not self.clock.is_over:
            self._solve_master(gap)
            self._branch(tree, gap, effort)
        self._branch(tree, 1e-10, nodes_for_proof)
        self.state.passes += tree.passes

    def approach(self, gap: float, finder: PriceFinder) -> None:
        """Plans and prices from the nearest columns, in turn, until the gap is reached."""
        price = finder.promising
        for _ in range(_APPROACHES):
            before = self.gap
            is_news = finder.look_at(price, self._near_slack(price))
            self.bound = self.state.bound
            is_close = is_news and self.round_nearest(gap)
            self.clock.report(self.state.passes, self.bound, self.cost)
            if self.gap <= gap or self.clock.is_over or self.gap > _WORTHWHILE * before:
                return
            is_close = is_close and not finder.is_off_alike
            price = self.nearest_price if is_close else finder.further()

    def round(self, gap: float) -> None:
        """A plan from the relaxation, mended and improved by columns near the best ones."""
        self._add_near_columns()
        self._offer_cheapest()
        self._first_plan()
        self.round_nearest(gap)
        self.clock.report(self.state.passes, self.bound, self.cost)

    def round_nearest(self, gap: float) -> bool:
        """Plans of the nearest columns, of more of them while the gap is not reached.

        Whether any of them keeps every promise; `nearest_price` are prices at which the columns
        met use about what is allowed.
        """
        columns = self.state.pool.columns
        price = prices_of_columns(columns, self.state.price, self.allowed, self.n_parts)
        self.nearest_price = self.state.balanced = price
        is_found = False
        count = _NEAREST_PER_PROMISE * len(self.allowed)
        for _ in range(_NEAREST_TRIES if self.n_parts < MANY_PARTS else _NEAREST_TRIES_OF_MANY):
            found = nearest_plan(columns, price, self.allowed, self.n_parts, count)
            if found.picked is not None:
                is_found, self.nearest_price = True, found.price
                self._keep(Choice(columns, found.picked))
            if self.gap <= gap or count >= len(columns) or self.clock.is_over:
                break
            count *= 2
        return is_found

    def _keep(self, choice: Choice) -> None:
        """Keep a choice that keeps every promise, if it is the best."""
        if choice.cost < self.cost:
            self.state.plan = choice
            self.clock.has_plan = True

    def offer_as_it_is(self, choice: Choice) -> bool:
        """Whether a choice keeps every promise; it is kept then, if it is the best."""
        does_keep = choice.keeps(self.allowed)
        if does_keep:
            self._keep(choice)
        return does_keep

    def _branch(
        self, tree: BranchAndPrice, gap: float, nodes: int | None, *, closes: bool = True
    ) -> None:
        try:
            tree.run(self._look, gap, self.clock, nodes, closes=closes)
        finally:  # a pass may be cut
            self.bound = max(self.bound, min(tree.bound, self.cost))
            self.clock.report(self.state.passes + tree.passes, self.bound, self.cost)

    def _look(self, found: RestrictedSolution | Choice | None) -> float:
        """Consider a node's relaxed solution or final choice; returns the best cost known."""
        if isinstance(found, Choice):
            if found.cost < self.cost and found.keeps(self.allowed):
                places = self.state.pool.places(found.columns.of(found.picked))
                self._keep(Choice(self.state.pool.columns, places))
        elif found is not None:
            self._offer(self._rounded(found.share))
        return self.cost

    def _offer(self, choice: Choice) -> None:
        """Mend and improve a choice; keep it if it is the best, improved by pairs of changes."""
        kept = mended(choice, self.state.price, self.allowed)
        better = None if kept is None else improved(kept, self.allowed)
        if better is not None and better.cost < self.cost:
            count = _NEAREST_PER_PROMISE * len(self.allowed)
            self._keep(exchanged_nearby(better, self.state.price, self.allowed, count))

    def _rounded(self, share: Floats) -> Choice:
        columns = self.state.pool.columns
        padded = np.concatenate([share, np.zeros(len(columns) - len(share))])
        return largest_shares(columns, padded, self.n_parts)

    def _cheapest_by_part(self) -> Choice:
        """For every part the column of least cost and penalties at the best prices."""
        columns = self.state.pool.columns
        return self._rounded(-columns.reduced_cost(self.state.price, self.state.least))

    def _offer_cheapest(self) -> None:
        """A plan of the best columns, mended; of many parts by prices, which takes no time."""
        if self.n_parts < MANY_PARTS:
            self._offer(self._cheapest_by_part())
            return
        self._offer_at_raised_prices(_RAISE)

    def _offer_at_raised_prices(self, step: float) -> None:
        """The best columns at prices raised where promises are broken, until all are kept."""
        columns, price = self.state.pool.columns, self._positive_prices()
        for _ in range(_RAISES):
            choice = largest_shares(columns, -columns.value(price), self.n_parts)
            if self.offer_as_it_is(choice):
                return
            price = price * np.where(choice.used > self.allowed, step, 1.0)

    def offer_held(self, stock: Integers) -> None:
        """A stock of all parts as a plan, if it still keeps every promise; else nothing.

        Parts whose column is not among those met hold what is best for them.
        """
        columns = self.state.pool.columns
        is_held = (columns.stock == stock[columns.parts]).all(axis=1)
        share = np.where(is_held, np.inf, -columns.value(self.state.price))
        self.offer_as_it_is(largest_shares(columns, share, self.n_parts))

    def offer_plenty(self) -> None:
        """A plan that takes no more than an evaluation or two to find.

        It has plenty of stock where that mends what the columns met so far leave broken. Where
        there is a plan, only cheaper stock is looked at.
        """
        for deviations in _PLENTY:
            if self.best is not None and self.blocks.cost_above(deviations) >= self.cost:
                return
            columns = self.blocks.columns_above(deviations)
            if self.offer_as_it_is(Choice(columns, np.argsort(columns.parts))):
                self.state.pool.add(columns)
                if self.state.rough is not None:
                    self.state.pool.add(self.state.rough)
                self._offer_at_raised_prices(_LARGE_RAISE)
                return

    def _positive_prices(self) -> Floats:
        least = 1e-6 * self.state.price.max(initial=1e-6)
        return np.asarray(np.maximum(self.state.price, least))

    def _first_plan(self) -> None:
        """A plan of the best columns at higher and higher prices, while there is none."""
        if self.state.solution is not None:
            self._offer(self._rounded(self.state.solution.share))
        price = self._positive_prices()
        for _ in range(_RAISES):
            if self.best is not None:
                return
            price = 2.0 * price
            found = self.blocks.priced(price).columns
            self.state.pool.add(found)
            if self.n_parts < MANY_PARTS:
                columns = self.state.pool.columns
                self._offer(self._rounded(-columns.reduced_cost(price, self.state.least)))
            else:
                self.offer_as_it_is(largest_shares(found, -found.value(price), self.n_parts))

    def _add_near_columns(self) -> None:
        """Columns one change away from the best, as many as are of use."""
        price = self.state.price
        if not self.clock.is_over:
            self.state.near = self._near_slack(price)
            self.state.pool.add(self.blocks.near_columns(price, self.state.near))

    def _near_slack(self, price: Floats) -> float:
        """Largest excess of columns one change away that are of use."""
        count = max(_NEAR_AT_LEAST, _NEAR_PER_PROMISE * len(self.allowed))
        count = max(count, _NEAR_OF_MANY_PARTS * self.n_parts)
        count = min(_NEAR_PER_PART * self.n_parts + 200, count)
        return self.blocks.near_slack(price, count)

    def _solve_master(self, gap: float) -> None:
        """The integer master over the nearest columns, parts with one column fixed."""
        columns = self.state.pool.columns
        excess = columns.reduced_cost(self.state.price, self.state.least)
        near = np.flatnonzero(excess <= self.cost - self.state.bound)
        near = near[np.argsort(excess[near], kind="stable")[:_MASTER_COLUMNS]]
        if self.best is not None:
            near = np.union1d(near, self.best.picked)
        chosen = _solved(
            columns.of(near),
            self.allowed,
            self.n_parts,
            (self.solver, self._seconds(), gap),
            self.bound / (1.0 - gap),
        )
        if chosen is not None:
            self._offer(Choice(columns, near[chosen]))

    def _seconds(self) -> float | None:
        """Time for the integer master: what is left; without a limit only other solvers get one."""
        if np.isfinite(self.clock.seconds_left):
            return max(0.1, self.clock.seconds_left)
        return None if self.solver is None else _OTHER_SOLVER_SECONDS


def _solved(
    columns: Columns,
    allowed: Floats,
    n_parts: int,
    how: tuple[object, float | None, float],
    target: float,
) -> Integers | None:
    """Columns chosen by the integer master, one per part in part order; None if it found none."""
    counts = np.bincount(columns.parts, minlength=n_parts)
    if (counts == 0).any():
        return None
    open_columns = np.flatnonzero(counts[columns.parts] > 1)
    fixed = np.flatnonzero(counts[columns.parts] == 1)
    picked = np.empty(n_parts, dtype=np.int64)
    picked[columns.parts[fixed]] = fixed
    if len(open_columns):
        left = allowed - columns.uses[fixed].sum(axis=0)
        solver, seconds, gap = how
        master = IntegerMaster(columns.of(open_columns), left, allowed)
        fixed_cost = float(columns.cost[fixed].sum())
        found = master.solve(solver, seconds, gap, target - fixed_cost)
        if found is None:
            return None
        picked[columns.parts[open_columns[found]]] = open_columns[found]
    return picked


def relative_gap(cost: float, bound: float) -> float:
    """(cost - bound) / cost; 0 when both are 0, ``inf`` without a cost or bound."""
    if not np.isfinite(cost) or not np.isfinite(bound):
        return float("inf")
    if cost <= bound:
        return 0.0
    return (cost - bound) / cost if cost > 0 else float("inf")

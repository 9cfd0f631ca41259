"""Branch and price: a better bound, and better plans, by splitting what one part may hold.

The Lagrangian bound leaves a gap where the relaxation mixes two stocks of a dear part. A node
narrows the limits of one part at one location; its bound comes from the same price search, so it
holds for all stocks within the limits. The least bound over the open nodes is the new bound.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.optimization.all_blocks import AllBlocks
from partsplan.optimization.axes import Floats
from partsplan.optimization.block_problem import StockBounds
from partsplan.optimization.clock import Clock
from partsplan.optimization.closing import CheapestChoice, cheapest_choice, undominated
from partsplan.optimization.columns import ColumnPool, Columns
from partsplan.optimization.enumeration import TooManyStocksError
from partsplan.optimization.restricted import RestrictedMaster, RestrictedSolution
from partsplan.optimization.rounding import Choice

_INTEGRAL = 1e-7
_PASSES_PER_NODE = 12
_SAME = 1e-11
_CLOSING_COLUMNS = 250
_SHARE_OF_GAP = 0.05
_WIDENING = 1.02


Look = Callable[[RestrictedSolution | Choice | None], float]
"""Looks at a relaxed solution or a choice of columns; returns the best cost known."""


@dataclass(frozen=True)
class Narrowing:
    """Units that one part may hold at one location: lowest <= S <= highest."""

    part: int
    location: int
    lowest: int
    highest: float


@dataclass(frozen=True, eq=False)
class _Node:
    bound: float
    price: Floats
    narrowings: tuple[Narrowing, ...]


class BranchAndPrice:
    """Searches the tree of narrowed problems, the least bound first.

    Parameters
    ----------
    blocks
        All parts.
    pool
        Columns met; new ones are added.
    root
        Bound and prices of the unnarrowed problem.
    """

    def __init__(self, blocks: AllBlocks, pool: ColumnPool, root: tuple[float, Floats]) -> None:
        self.blocks = blocks
        self.pool = pool
        self.nodes = 0
        self.passes = 0
        cost = float(pool.columns.cost.max())
        self._master = RestrictedMaster(blocks.allowed, blocks.n_parts, max(root[0], cost))
        self._master.add(pool.columns)
        self._count = 0
        self._closes = True
        self._widest = float("inf")
        self._left = float("inf")
        self._at_work = float("inf")
        """Bound of the node that is worked, as it is when a pass is cut."""
        self._open: list[tuple[float, int, _Node]] = []
        self._push(_Node(root[0], root[1], ()))

    @property
    def bound(self) -> float:
        """Least bound of what is not yet decided; ``inf`` when everything is."""
        return min(self._open[0][0] if self._open else float("inf"), self._at_work, self._left)

    def run(
        self,
        incumbent: Look,
        target_gap: float,
        clock: Clock,
        most_nodes: int | None = None,
        *,
        closes: bool = True,
    ) -> None:
        """Work nodes until the gap is reached, no node is open, or time or nodes are used up.

        ``incumbent`` may look at a node's relaxed solution; it returns the best cost known.
        What cuts a pass is raised on; `bound` holds all the same.
        ``closes`` lets nodes be settled by an integer programme, which pays near the end.
        """
        self._closes = closes
        best = incumbent(None)
        last = None if most_nodes is None else self.nodes + most_nodes
        while self._open and not clock.is_over and self.nodes != last:
            if best - self.bound <= target_gap * abs(best):
                return
            self._at_work = self._open[0][0]
            _, _, node = heapq.heappop(self._open)
            best = self._work(node, incumbent, best, clock)
            self._at_work = float("inf")
            self.nodes += 1

    def _work(
        self,
        node: _Node,
        incumbent: Look,
        best: float,
        clock: Clock,
    ) -> float:
        limits = self._limits(node.narrowings)
        bound, price, solution, fresh = node.bound, node.price, None, self.pool.columns
        share_of_gap = _SHARE_OF_GAP if np.isfinite(best) else 0.0
        for _ in range(_PASSES_PER_NODE):
            self._master.allow_only(self._compatible(node.narrowings))
            solution = self._master.solve()
            slack = share_of_gap * max(best - bound, 0.0) if share_of_gap else 0.0
            share = slack / best if best > 0.0 and share_of_gap else 0.0
            result = self.blocks.priced(solution.price, limits, slack=slack, share=share)
            self.passes += 1
            if result.bound > bound:
                bound, price = result.bound, solution.price
                self._at_work = bound
            fresh = self.pool.add(result.columns)
            self._master.add(fresh)
            if bound >= best * (1.0 - _SAME) or clock.is_over:
                break
            if len(fresh) == 0:
                if slack == 0.0 or self._split(solution.share) is not None:
                    break
                share_of_gap = 0.0  # nothing is mixed: only a precise bound can tell more
        if solution is not None and solution.slack_share < _INTEGRAL:
            best = incumbent(solution)
        if bound >= best * (1.0 - _SAME) or clock.is_over:
            if bound < best:
                self._push(_Node(bound, price, node.narrowings))
            return best
        priced_node = _Node(bound, price, node.narrowings)
        answer = self._closed(priced_node, limits, best, clock)
        if answer is not None and answer.choice is not None:
            best = incumbent(answer.choice)
        if answer is None or answer.bound < best * (1.0 - _SAME):
            self._branch(priced_node, solution, is_priced=len(fresh) == 0)
        return best

    def _closed(
        self, node: _Node, limits: Mapping[int, StockBounds], best: float, clock: Clock
    ) -> CheapestChoice | None:
        """The cheapest choice among all columns that a plan cheaper than ``best`` could use.

        ``None`` where they are too many.
        """
        if not self._closes or not np.isfinite(best):
            return None
        self._widest *= _WIDENING
        if best - node.bound > self._widest:
            return None
        try:
            columns = self.blocks.columns_within(
                node.price, best - node.bound, _CLOSING_COLUMNS, limits=limits
            )
        except TooManyStocksError:
            self._widest = best - node.bound
            return None
        return cheapest_choice(
            undominated(columns), self.blocks.allowed, self.blocks.n_parts, best, clock.seconds_left
        )

    def _branch(self, node: _Node, solution: RestrictedSolution | None, *, is_priced: bool) -> None:
        """Open the two sides of a split; a node that cannot be split leaves its bound."""
        split = None if solution is None else self._split(solution.share)
        if split is None:
            if is_priced:
                self._left = min(self._left, node.bound)
            else:
                self._push(node)
            return
        part, location, below = split
        low, high = self._range(node.narrowings, part, location)
        down = Narrowing(part, location, low, float(below))
        up = Narrowing(part, location, below + 1, high)
        for side in (down, up):
            self._push(_Node(node.bound, node.price, (*node.narrowings, side)))

    def _push(self, node: _Node) -> None:
        self._count += 1
        heapq.heappush(self._open, (node.bound, self._count, node))

    def _split(self, share: Floats) -> tuple[int, int, int] | None:
        """Part, location and stock where mixing columns matters most: price times spread."""
        columns = self.pool.columns
        share = np.concatenate([share, np.zeros(len(columns) - len(share))])
        mixed = np.flatnonzero((share > _INTEGRAL) & (share < 1.0 - _INTEGRAL))
        best, worth = None, 0.0
        for part in np.unique(columns.parts[mixed]):
            own = mixed[columns.parts[mixed] == part]
            stock, weight = columns.stock[own], share[own]
            mean = weight @ stock / weight.sum()
            block, row = self.blocks.places[part]
            spread = (weight[:, None] * np.abs(stock - mean)).sum(axis=0)
            value = spread * self.blocks.searches[block].unit_price_of_locations(row)
            location = int(value.argmax())
            if value[location] > worth:
                below = int(np.floor(mean[location]))
                below = min(
                    max(below, int(stock[:, location].min())), int(stock[:, location].max()) - 1
                )
                best, worth = (int(part), location, below), float(value[location])
        return best

    def _range(
        self, narrowings: Sequence[Narrowing], part: int, location: int
    ) -> tuple[int, float]:
        block, row = self.blocks.places[part]
        low, high = self.blocks.searches[block].limits_of_locations
        lowest, highest = int(low[row, location]), float(high[row, location])
        for item in narrowings:
            if (item.part, item.location) == (part, location):
                lowest, highest = max(lowest, item.lowest), min(highest, item.highest)
        return lowest, highest

    def _limits(self, narrowings: Sequence[Narrowing]) -> dict[int, StockBounds]:
        """Narrowed limits of the blocks concerned."""
        limits: dict[int, StockBounds] = {}
        for item in narrowings:
            block, row = self.blocks.places[item.part]
            if block not in limits:
                low, high = self.blocks.searches[block].limits_of_locations
                limits[block] = low.copy(), high.copy()
            low, high = limits[block]
            low[row, item.location] = max(low[row, item.location], item.lowest)
            high[row, item.location] = min(high[row, item.location], item.highest)
        return limits

    def _compatible(self, narrowings: Sequence[Narrowing]) -> NDArray[np.bool_]:
        columns: Columns = self.pool.columns
        fits = np.ones(len(columns), dtype=bool)
        for item in narrowings:
            held = columns.stock[:, item.location]
            outside = (held < item.lowest) | (held > item.highest)
            fits &= ~((columns.parts == item.part) & outside)
        return fits

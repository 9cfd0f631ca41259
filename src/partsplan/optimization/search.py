"""Price search over blocks: the tables of a block, kept between passes, and its best columns.

Tables hold a few stocks per part and location and get more only where a lower bound shows that
they could matter, so every pass returns exact values and a bound that holds for all stocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np

from partsplan.evaluation.measuring import measure_block
from partsplan.evaluation.model import PartBlock
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.block_problem import BlockProblem, StockBounds
from partsplan.optimization.choices import (
    FamilyChoice,
    chosen_stock,
    excess_on_path,
    gaps_on_path,
    lows_on_path,
    stocks_one_change_away,
)
from partsplan.optimization.clock import Clock
from partsplan.optimization.columns import Columns
from partsplan.optimization.enumeration import (
    TableTooShortError,
    TooManyStocksError,
    stocks_within,
)
from partsplan.optimization.first_lists import first_lists, likely_stock
from partsplan.optimization.grids import Grids, most_of_use
from partsplan.optimization.pricing import PriceSearch, block_prices
from partsplan.optimization.stock_tables import StockTables

_NUMBERS = count()
_PRUNED_UNITS = 4.0
_PRUNED_SHARE = 0.02
_PRUNED_SIZE = 0.7
_WORTH_PRUNING = 1.3
_WORTH_BEGINNING_ANEW = 8.0
"""How much more of a unit late is worth at prices that lists are not made longer for, but anew."""
_LEVERAGE = 1.0
_OWNED_PRICE_SHARES = 2.0 ** -np.concatenate([np.arange(11.0), np.arange(13.0, 41.0, 3.0)])


@dataclass(frozen=True, eq=False)
class SearchLists:
    """The stocks that a search has listed: all that it learns from one pass for the next."""

    grids: Grids
    worth: Floats
    """Shape (n_parts,): worth of a unit late, in units held, when they were begun."""
    pruned_size: int
    """Lengths of all lists together when they were pruned last."""


class BlockSearch:
    """The price search of one block, with the tables it keeps.

    Parameters
    ----------
    parts
        The parts searched, by their position in the network.
    make
        Makes their problem.
    tolerance
        Least relative difference between a value and its lower bound that lists are refined for.
    clock
        When time is over, lists are refined no more; bounds are looser then, never wrong.
    keeps_tables
        Whether problem and tables are kept between passes; without, only the lists are.
    """

    def __init__(
        self,
        parts: Integers,
        make: Callable[[], BlockProblem],
        tolerance: float,
        clock: Clock,
        *,
        keeps_tables: bool = True,
    ) -> None:
        self.parts = parts
        self.number = next(_NUMBERS)
        """Of no other search of this process."""
        self.tolerance = tolerance
        self.clock = clock
        self.keeps_tables = keeps_tables
        self._make = make
        self.version = 0
        """Changes with the lists."""
        self._version_built = 0
        self.is_shared = False
        """Whether others may work the block as well."""
        self._problem: BlockProblem | None = None
        self._grids: Grids | None = None
        self._worth: Floats = np.zeros(len(parts))
        self._tables: StockTables | None = None
        self._pruned_size = 0
        self._wide: StockTables | None = None
        self._last: tuple[Floats, Grids, FamilyChoice] | None = None

    @property
    def problem(self) -> BlockProblem:
        """The problem of these parts."""
        if self._problem is None:
            self._problem = self._make()
        return self._problem

    @property
    def block(self) -> PartBlock:
        """Their supply tree and service weights."""
        return self.problem.block

    @property
    def unit_price(self) -> Floats:
        """Cost of a unit held, in the objective's unit; shape (n_parts, n_locations)."""
        return self.problem.unit_price

    @property
    def limits(self) -> StockBounds:
        """Fewest and most units."""
        return self.problem.limits

    @property
    def limits_of_locations(self) -> StockBounds:
        """Fewest and most units by location of the network; 0 where nobody asks."""
        rows = np.arange(len(self.parts))
        lowest, highest = self.limits
        return self.problem.at_locations(rows, lowest), self.problem.at_locations(rows, highest)

    def unit_price_of_locations(self, row: int) -> Floats:
        """Cost of a unit of one part held, by location of the network; 0 where nobody asks."""
        return np.asarray(self.problem.at_locations(np.array([row]), self.unit_price[[row]])[0])

    def _searched_limits(self, limits: StockBounds | None) -> StockBounds:
        """What need be looked at within the problem's limits, or narrower ones by location."""
        if limits is None:
            return self.problem.searched_limits
        lowest, highest = limits
        return self.problem.narrowed(
            (self.problem.at_places(lowest), self.problem.at_places(highest))
        )

    @property
    def fixed_use(self) -> Floats:
        """Use of every kept promise that no stock avoids; shape (n_parts, n_kept)."""
        return self.problem.fixed_use

    def _near(self, price: Floats) -> StockTables:
        """Tables of the price search, begun with lists for some prices where there are none."""
        if self._tables is None:
            if self._grids is None:
                worth = self._worth_of_delay(price)
                has_gaps = self.problem.evaluation == "exact"
                self._grids = first_lists(
                    self.block.tree, self.problem.searched_limits, worth, has_gaps=has_gaps
                )
                self._worth = worth.max(axis=1, initial=0.0)
                self.version += 1
                self._pruned_size = self._grids.n_stocks
            grids = self._grids.unpacked()
            self._tables = StockTables(self.problem.evaluation, self.block, grids, self.clock)
            self._version_built = self.version
        return self._tables

    def _worth_of_delay(self, price: Floats) -> Floats:
        """What a unit late may cost over what a unit held does; shape (n_parts, n_locations)."""
        late = block_prices(self.block, self.problem.price_of_all(price)).of_delay(self.block)
        return np.asarray(late / np.maximum(self.unit_price, 1e-200))

    def _begin_anew_if_dearer(self, price: Floats) -> None:
        """Let go of lists for prices so low that most of them is far from any use at these."""
        if self._tables is not None or self._grids is not None:
            worth = self._worth_of_delay(price).max(axis=1, initial=0.0)
            if np.median(worth) > _WORTH_BEGINNING_ANEW * np.median(self._worth):
                self._grids = self._tables = self._wide = self._last = None

    def _drawn_in(self, stock: Integers) -> Integers:
        """A user's stock within the limits, without units that nobody could need."""
        lowest, highest = self.limits
        most = np.minimum(highest, most_of_use(self.block.tree))
        return np.clip(stock, lowest, np.maximum(most, lowest)).astype(np.int64)

    def tidy(self) -> None:
        """Let go of what is not to be kept between passes; it is made anew when needed.

        To the last bit tables depend on the lists they were begun with. So where others work the
        block as well, they begin with the same ones.
        """
        self._last = None
        if not self.keeps_tables or (self.is_shared and self.version != self._version_built):
            self.forget()

    def forget(self) -> None:
        """Let go of everything but the lists; it is made anew when needed."""
        if self._tables is not None:
            self._grids = self._tables.grids.packed()
        self._problem = self._tables = self._wide = self._last = None

    @property
    def lists(self) -> SearchLists | None:
        """The stocks listed; None while there are none."""
        if self._tables is not None:
            self._grids = self._tables.grids.packed()
        if self._grids is None:
            return None
        return SearchLists(self._grids, self._worth, self._pruned_size)

    def take_lists(self, lists: SearchLists | None, version: int) -> None:
        """Go on with the lists of the same search elsewhere."""
        self.version = version
        self._tables = self._wide = self._last = None
        self._grids = None if lists is None else lists.grids
        if lists is not None:
            self._worth, self._pruned_size = lists.worth, lists.pruned_size

    def best(
        self,
        price: Floats,
        limits: StockBounds | None = None,
        *,
        slack: float = 0.0,
        share: float = 0.0,
    ) -> tuple[Columns, Floats]:
        """Best column of every part, and a lower bound of its cost and penalties.

        Parameters
        ----------
        price
            Price of one unit of use of every kept promise.
        limits
            Fewest and most units, where they are narrower than the problem's.
        slack
            How far a part's lower bound may stay below its best column, in the objective's unit.
        share
            The same relative to the bound. The most of both and the search's own tolerance counts.

        Returns
        -------
        tuple
            Columns (several per part where owned units cost nothing), and bounds (n_parts,).
        """
        limits = self._searched_limits(limits)
        self._begin_anew_if_dearer(price)
        if not self.problem.owned.any():
            choice = self.searched(price, self.unit_price, limits, slack, share)
            low = choice.low + self.problem.avoidable_use @ price
            return self._chosen(choice, price), low
        columns, low = self._best_with_owned(price, limits)
        return columns, low + self.problem.avoidable_use @ price

    def _best_with_owned(self, price: Floats, limits: StockBounds) -> tuple[Columns, Floats]:
        """Bound with owned units free: for any share t, cost >= t * price * (units - owned)."""
        found: list[Columns] = []
        owned = self.problem.owned
        low = np.full(len(owned), -np.inf)
        unit = self.unit_price.max(axis=1)
        for share in _OWNED_PRICE_SHARES:
            choice = self.searched(price, self.unit_price * share, limits)
            found.append(self._chosen(choice, price))
            low = np.maximum(low, choice.low - share * unit * owned)
            if (found[-1].stock.sum(axis=1) >= owned).all():
                break
        return Columns.joined(found), low

    def searched(
        self,
        price: Floats,
        unit_price: Floats,
        limits: StockBounds,
        slack: float = 0.0,
        share: float = 0.0,
    ) -> FamilyChoice:
        """Values of all tabulated stocks, the lists refined until the lower bound is tight."""
        tables = self._near(price)
        share = max(share, self.tolerance)
        while True:
            choice = self._values(tables, price, unit_price, limits)
            apart = np.maximum(share * np.abs(choice.low), slack)
            loose = np.flatnonzero(~(choice.value - choice.low <= apart))
            gaps = []
            if len(loose) and not self.clock.is_over:
                gaps = gaps_on_path(choice, tables.grids, (loose,), apart[loose])
            if not gaps or not tables.refine(gaps):
                if unit_price is self.unit_price and limits is self.problem.searched_limits:
                    self._last = price, tables.grids, choice
                return choice
            self.version += 1

    def _choice(self, price: Floats) -> FamilyChoice:
        """Values within the problem's own limits; those of the last search at the same prices."""
        tables = self._near(price)
        if self._last is not None and self._last[0] is price and self._last[1] is tables.grids:
            return self._last[2]
        return self._values(tables, price, self.unit_price, self.problem.searched_limits)

    def _values(
        self, tables: StockTables, price: Floats, unit_price: Floats, limits: StockBounds
    ) -> FamilyChoice:
        holdings = tables.holdings(unit_price, limits)
        search = PriceSearch(self.block, tables.grids, tables.figures, holdings)
        return search.search(self.problem.price_of_all(price))

    def prune(self, price: Floats) -> None:
        """Forget stocks that are far from any use at these prices."""
        if not self.keeps_tables:
            return
        tables = self._near(price)
        if tables.grids.n_stocks < _WORTH_PRUNING * self._pruned_size:
            return
        choice = self._choice(price)
        lows = lows_on_path(choice, (np.arange(len(choice.value)),))
        margins = _PRUNED_UNITS * self.unit_price + _PRUNED_SHARE * np.abs(choice.low)[:, None]
        grids = tables.grids.pruned(lows, margins)
        if grids.n_stocks < _PRUNED_SIZE * tables.grids.n_stocks:
            tables.replace_lists(grids)
        elif self._pruned_size == tables.grids.n_stocks:
            return
        self._pruned_size = tables.grids.n_stocks
        self.version += 1

    @property
    def leverage(self) -> Floats:
        """What the excess of near columns is measured in, by part: a power of a unit's price.

        A plan that does not yet use what is allowed is mended by few columns of dear parts, which
        use much, rather than by many of cheap ones.
        """
        return np.asarray(np.maximum(self.unit_price.max(axis=1), 1e-12) ** _LEVERAGE)

    def near_excess(self, price: Floats) -> Floats:
        """Excess over the best column of every tabulated one that differs at one location."""
        choice = self._choice(price)
        return excess_on_path(choice, (np.arange(len(choice.value)),), self.leverage)

    def near_columns(self, price: Floats, slack: Floats, most: int | None = None) -> Columns:
        """Tabulated columns within a slack that differ from the best one at one location.

        Below a location with another stock the others hold what is best then.

        Parameters
        ----------
        price
            Price of one unit of use of every kept promise.
        slack
            Largest excess of each part's, in the objective's unit.
        most
            Most columns; beyond it ``TooManyStocksError`` is raised. ``None`` for no limit.
        """
        choice, tables = self._choice(price), self._near(price)
        rows, stock = stocks_one_change_away(choice, tables.grids, slack)
        if most is not None and len(rows) > most:
            raise TooManyStocksError
        return self._columns(tables, rows, stock)

    def columns_within(
        self, price: Floats, slack: float, limit: int, *, limits: StockBounds | None = None
    ) -> Columns:
        """All columns whose cost and penalties are within a slack of their part's least.

        Parameters
        ----------
        price
            Price of one unit of use of every kept promise.
        slack
            Largest excess, in the objective's unit.
        limit
            Most columns; beyond it, or when time is over, ``TooManyStocksError`` is raised.
        limits
            Fewest and most units, where they are narrower than the problem's.
        """
        limits = self._searched_limits(limits)
        if self._wide is None:
            self._wide = self._near(price).copy()
        tables = self._wide
        room = np.full(len(self.block.parts), slack)
        while True:
            choice = self._values(tables, price, self.unit_price, limits)
            if self.clock.is_over:
                raise TooManyStocksError
            if self.problem.owned.any():
                room = slack + self._saved_by_owned(choice, price, limits)
            try:
                rows, stock = stocks_within(choice, tables.grids, room, limit)
            except TableTooShortError as short:
                if tables.refine(short.gaps):
                    continue
                raise TooManyStocksError from short
            return self._columns(tables, rows, stock)

    def columns_of(self, stock: Integers) -> Columns:
        """The column of a stock of every part, drawn to the limits where it lies outside."""
        return self._measured(self.problem.at_places(stock))

    def cost_above(self, deviations: float) -> float:
        """Cost of all columns of `columns_above`."""
        stock = self._drawn_in(likely_stock(self.block.tree, deviations))
        return float(self.problem.cost(np.arange(len(stock)), stock).sum())

    def columns_above(self, deviations: float) -> Columns:
        """The column of some standard deviations above the mean everywhere, drawn to the limits."""
        return self._measured(likely_stock(self.block.tree, deviations))

    def _measured(self, stock: Integers) -> Columns:
        """The columns of any stock, drawn to the limits where it lies outside."""
        stock = self._drawn_in(stock)
        measured = measure_block(self.block, stock, self.problem.evaluation)
        rows = np.arange(len(stock))
        uses = measured.uses()[:, self.problem.kept] - self.fixed_use
        cost = self.problem.cost(rows, stock)
        return Columns(self.parts, self.problem.at_locations(rows, stock), cost, uses)

    def _saved_by_owned(self, choice: FamilyChoice, price: Floats, limits: StockBounds) -> Floats:
        """Most that a part's best column can be below its value at full price; 0 or more.

        Owned units cost nothing: at least their full price less that of all of them.
        """
        found, _ = self._best_with_owned(price, limits)
        owned = self.problem.owned
        worth = found.value(price).reshape(-1, len(owned)).min(axis=0)
        at_most = worth - self.problem.avoidable_use @ price
        saved = at_most + self.unit_price.max(axis=1) * owned - choice.value
        return np.asarray(np.maximum(saved, 0.0))

    def _chosen(self, choice: FamilyChoice, price: Floats) -> Columns:
        """The best column of every part."""
        tables = self._near(price)
        stock = chosen_stock(choice, tables.grids)
        return self._columns(tables, np.arange(len(stock)), stock)

    def _columns(self, tables: StockTables, rows: Integers, stock: Integers) -> Columns:
        """Columns of listed stocks; ``rows`` are places in the block, in any order."""
        backorders, stockout, late = tables.of_rows(rows, stock)
        rate = self.block.tree.rate[rows]
        wait = np.divide(backorders, rate, out=np.zeros_like(rate), where=rate > 0)
        weights = self.block.weights.of_parts(rows)
        uses = weights.uses(stock, wait, stockout, late)[:, self.problem.kept]
        cost = self.problem.cost(rows, stock)
        whole = self.problem.at_locations(rows, stock)
        return Columns(self.parts[rows], whole, cost, uses - self.fixed_use[rows])

r"""A lower bound of a part's cost and penalties over all stock vectors, where there are too many.

Relaxations, each at most the true model, make locations independent. (1) A shelf is empty at
least as often as if it were asked only by those who ask it first, a supplier's as if by the least
demand and orders of its case. (2) It ships no more than if all that may reach it always did.
(3) A source meets no more of what reaches it than the share of time its shelf is filled: what two
sources miss together is kept. (4) Orders wait at a supplier as its stock, the orders of its
children and the demand that reaches it say (all by cases). (5) A supplier and its children hold
at least the units under way for what they ship (Little's law; the delays between them cancel).
What couples locations, (3) and (5), is priced out: any multipliers in their range give a bound,
and subgradient steps raise it. What is lost: cases count as cheap as their cheapest and serve as
well as their best, and multipliers let a location mix stocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from partsplan.evaluation.erlang import loss_shares, shelf_figures
from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.evaluation.laws import poisson_reach
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.clock import Clock

ORDER_SHARES = (0.0, 0.0, 0.06, 0.14, 0.24, 0.34, 0.44, 0.54, 0.64, 0.74, 0.84, 0.92)
"""Cases of the share of a part's demand that children of a supplier carry at least; in the
first case they carry nothing."""
CUSTOMER_SHARES = (0.0, 0.06, 0.15, 0.3, 0.5, 0.75, 1.0)
"""Cases of the demand that reaches a supplier: shares of what may reach it beside its own."""
_PRICE_STEPS = 4
"""Prices of turnover that are tried, from 0 to the largest worth of a unit shipped."""
_TENSIONS = (0, 1, 2, 3)
"""Those of them that are tried as the price of what the children carry."""
_GRID = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.93, 0.97, 1.0])
"""Chances of a filled shelf at which worth is tabulated; chords lie above it in between."""
_DELAYS = np.array([0.0, 0.004, 0.01, 0.02, 0.035, 0.06, 0.1, 0.17, 0.28, 0.45, 0.7, 1.0])
"""Delays at a supplier that are told apart, as shares of its own resupply time."""
_MOST_LEVELS = 8
_SUPPLIER_STOCKS = 36
"""Stocks of a supplier that are told apart; those between count as cheap as the one below and
serve as well as the one above."""
_TAIL = 9.0


@dataclass(frozen=True, eq=False)
class _Shelves:
    """What some locations can do at most, by units held; last axes (location, units)."""

    filled: Floats
    """Chance that the shelf is not empty."""
    turnover: Floats
    """Customers' demand shipped [units/day]."""
    place: Integers = field(init=False)
    """Point of `_GRID` at or below ``filled``."""
    onward: Floats = field(init=False)
    """Share of the way from there to the next point."""

    def __post_init__(self) -> None:
        place = np.clip(np.searchsorted(_GRID, self.filled, "right") - 1, 0, len(_GRID) - 2)
        onward = (self.filled - _GRID[place]) / (_GRID[place + 1] - _GRID[place])
        object.__setattr__(self, "place", place)
        object.__setattr__(self, "onward", onward)


@dataclass(frozen=True, eq=False)
class _Supplier:
    """Tables of one root that supplies others, by its stock, its orders and who asks it."""

    location: int
    children: Integers
    held: Integers
    """Shape (n_parts, n_stocks): fewest units of every group of stocks."""
    own: _Shelves
    """Shape (n_parts, n_cells, 1, 1), cells by stock, orders and demand that reaches it."""
    stock_of: Integers
    """Shape (n_cells,): group of stocks."""
    most: Floats
    """Shape (n_parts, n_cells): most that the children carry; ``inf`` for no limit."""
    delay: Integers
    """Shape (n_parts, n_cells): step of the delay that the children are resupplied with."""
    below: _Shelves
    """Shape (n_parts, n_delays, n_children, n_levels)."""


@dataclass(frozen=True, eq=False)
class _Worth:
    """Worth of what locations ship, at every price of turnover."""

    price: Floats
    """Shape (n_parts, n_prices) [per unit/day]."""
    left: Floats
    """Shape (n_parts, n_prices, n_locations, n_points): worth above the price, of shelves filled
    as the points of `_GRID` say; convex in that."""

    def gains(self, places: Integers, shelves: _Shelves) -> Floats:
        """Worth above every price of turnover; shape (n_prices, *shape of the shelves)."""
        shape = shelves.filled.shape
        part = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        location = places.reshape(*[1] * (len(shape) - 2), -1, 1)
        found = np.empty((self.price.shape[1], *shape))
        for step in range(len(found)):
            table = self.left[:, step]
            low = table[part, location, shelves.place]
            high = table[part, location, shelves.place + 1]
            found[step] = low + shelves.onward * (high - low)
        return found

    def most(self, gains: Floats, turnover: Floats, tension: int) -> Floats:
        """Most that shipping is worth, shape of the shelves, when carrying has a price too."""
        wide = (slice(None), *[None] * (turnover.ndim - 1))
        best = gains[tension].copy()
        for step in range(tension + 1, len(gains)):
            extra = (self.price[:, step] - self.price[:, tension])[wide]
            np.minimum(best, extra * turnover + gains[step], out=best)
        return np.asarray(best)


@dataclass(eq=False)
class RelaxedParts:
    """The relaxation of a block of parts.

    Parameters
    ----------
    block
        The parts.
    unit_price
        Shape (n_parts, n_locations): cost of a unit held.
    lowest, highest
        Shape (n_parts, n_locations): fewest and most units.
    """

    block: ExpediteBlock
    unit_price: Floats
    lowest: Integers
    highest: Floats
    share: Floats = field(init=False)
    """Shape (n_parts, n_nodes): price of reaching a node as a share of the price of missing it."""

    def __post_init__(self) -> None:
        block = self.block
        self.share = np.full(block.rate.shape, 0.6)
        first = block.sources.above < 0
        gathered = block.sources.gathered(block.tree.n_locations)
        self.first_asked = np.asarray((block.rate * first) @ gathered)
        self.total = block.rate[:, first].sum(axis=1)
        self.ever_asked = np.asarray(block.rate @ gathered)
        parents = block.tree.parents
        self.days_under_way = self._days_under_way()
        self.units_share = np.full(self.first_asked.shape, 0.8)
        roots = [j for j in np.unique(parents[parents >= 0]).tolist() if parents[j] < 0]
        self.suppliers = [self._supplier(j) for j in roots]
        inside = [j for s in self.suppliers for j in (s.location, *s.children.tolist())]
        self.alone = np.setdiff1d(np.arange(len(parents)), np.array(inside, dtype=np.int64))
        days = self._days(self.alone, np.zeros(len(self.total)))
        self.alone_shelves = self._shelves(self.alone, days)

    def _days_under_way(self) -> Floats:
        """Days that a unit shipped is replaced in, from outside on; 0 where that is not certain.

        For a root that supplies others and for its children without local repair.
        """
        tree = self.block.tree
        days = np.zeros(tree.transit_days.shape)
        for j in range(tree.n_locations):
            parent = int(tree.parents[j])
            root = parent if parent >= 0 else j
            certain = (tree.repair_fraction[:, [j, root]] <= 0).all(axis=1)
            if tree.parents[root] < 0 and tree.children[root]:
                total = tree.transit_days[:, j] + (parent >= 0) * tree.transit_days[:, root]
                days[:, j] = np.where(certain, total, 0.0)
        return days

    def _days(self, places: Integers, delay: Floats) -> Floats:
        """Resupply time at a delay of the supplier; (n_parts, ..., n_places)."""
        tree = self.block.tree
        fraction, repair = tree.repair_fraction[:, places], tree.repair_days[:, places]
        transit = tree.transit_days[:, places]
        wide = (slice(None), *[None] * (delay.ndim - 1))
        late = transit[wide] + delay[..., None]
        return np.asarray((1.0 - fraction)[wide] * late + (fraction * repair)[wide])

    def _levels(self, places: Integers, days: Floats) -> int:
        load = self.first_asked[:, places] * days.max(axis=tuple(range(1, days.ndim - 1)))
        reach = poisson_reach(load, 0.0, _TAIL) - self.lowest[:, places]
        return int(np.clip(reach.max(initial=1), 1, _MOST_LEVELS)) + 1

    def _shelves(self, places: Integers, days: Floats) -> _Shelves:
        """What shelves can do at most at some resupply times.

        The last level stands for any more. ``days`` has the shape (n_parts, ..., n_places).
        """
        levels = np.arange(self._levels(places, days))
        first = self._filled(places, days, levels, self.first_asked)
        ever = self._filled(places, days, levels, self.ever_asked)
        wide = (slice(None), *[None] * (days.ndim - 2))
        return _Shelves(first, ever * self.ever_asked[:, places][wide][..., None])

    def _filled(self, places: Integers, days: Floats, levels: Integers, asked: Floats) -> Floats:
        """Chance that shelves asked at some rates are filled, by units above the lowest."""
        wide = (slice(None), *[None] * (days.ndim - 2))
        load = asked[:, places][wide] * days
        lowest = np.broadcast_to(self.lowest[:, places][wide], load.shape)
        stock = lowest[..., None] + levels
        loads = np.broadcast_to(load[..., None], stock.shape)
        filled = 1.0 - loss_shares(stock, loads)
        for part in np.flatnonzero(np.isfinite(self.block.tree.rate_shape)).tolist():
            filled[part] = self._mixed(part, stock[part], loads[part])
        filled[..., -1] = 1.0
        return np.where(stock <= 0, 0.0, filled)

    def _mixed(self, part: int, stock: Integers, load: Floats) -> Floats:
        """The same under the part's uncertain rate, by demand."""
        shape = float(self.block.tree.rate_shape[part])
        nodes, weights = rate_nodes(shape, float(load.max(initial=1e-3)), float(stock.max()))
        mixed = np.zeros(stock.shape)
        for factor, weight in zip(nodes.tolist(), (nodes * weights).tolist(), strict=True):
            mixed += weight * (1.0 - loss_shares(stock, factor * load))
        return mixed

    def _supplier(self, root: int) -> _Supplier:
        tree, total = self.block.tree, self.total[:, None]
        children = np.flatnonzero(tree.parents == root)
        days = tree.transit_days[:, [root]] * (1.0 - tree.repair_fraction[:, [root]])
        days = days + tree.repair_fraction[:, [root]] * tree.repair_days[:, [root]]
        held = self._supplier_stocks(root, days[:, 0])
        n_stocks, n_orders, n_asked = held.shape[1], len(ORDER_SHARES), len(CUSTOMER_SHARES) - 1
        of_stock, of_orders, of_asked = (
            index.ravel() for index in np.indices((n_stocks, n_orders, n_asked))
        )
        best = np.append(held[:, 1:] - 1, held[:, -1:], axis=1)
        stock = best[:, of_stock]
        orders = np.array(ORDER_SHARES)[of_orders] * total
        first, ever = self.first_asked[:, [root]], self.ever_asked[:, [root]]
        shares = np.array(CUSTOMER_SHARES)
        fewest = first + shares[of_asked] * (ever - first)
        # without orders of others the shelf may be part of a chain: only its own demand is sure
        load = np.where((of_orders == 0) | self._may_carry_unseen(root, of_orders), first, fewest)
        load = load * days
        most_asked = np.minimum(first + shares[of_asked + 1] * (ever - first), total - orders)
        figures = shelf_figures(stock, load, orders * days)
        alone = self._late_at_once(stock, load, days)
        late = np.divide(figures.late, orders, out=alone, where=orders > 0)
        delay = np.where(stock <= 0, days, late)
        filled = np.where(stock <= 0, 0.0, 1.0 - figures.short)
        asked = np.maximum(most_asked, 0.0)
        lost = shelf_figures(stock, asked * days, orders * days).short
        shipped = np.where(stock <= 0, 0.0, asked * (1.0 - lost))
        # what the children carry does not reach it: no such case
        impossible = fewest > np.maximum(total - orders, first) * (1.0 + 1e-9)
        uncertain = np.isfinite(tree.rate_shape)[:, None] & (stock > 0)
        endless = uncertain | (of_stock == n_stocks - 1)
        delay, filled = np.where(endless, 0.0, delay), np.where(endless, 1.0, filled)
        shipped = np.where(endless, asked, shipped)
        step = np.searchsorted(_DELAYS, np.minimum(delay / np.maximum(days, 1e-300), 1.0) + 1e-12)
        upper = np.append(np.array(ORDER_SHARES[1:]), np.inf)[of_orders] * np.maximum(total, 1e-12)
        step = np.where(of_orders == 0, len(_DELAYS) + 1, step)
        own = _Shelves(filled[:, :, None, None], shipped[:, :, None, None])
        return _Supplier(
            root,
            children,
            held,
            own,
            of_stock,
            np.where(impossible, np.nan, upper),
            np.clip(step - 1, 0, len(_DELAYS)),
            self._idle(children, self._shelves(children, self._days(children, _DELAYS * days))),
        )

    def _may_carry_unseen(self, root: int, of_orders: Integers) -> Booleans:
        """Cases in which children may ship what they never order from the supplier."""
        children = self.block.tree.parents == root
        unseen: Booleans = np.any(self.block.tree.repair_fraction[:, children] >= 1.0, axis=1)
        return np.asarray(np.logical_and(unseen[:, np.newaxis], of_orders == 1))

    def _idle(self, children: Integers, shelves: _Shelves) -> _Shelves:
        """Shelves with one more step: nothing is shipped that is ordered from the supplier."""
        filled, turnover = shelves.filled[:, :1], shelves.turnover[:, :1]
        orders = self.block.tree.repair_fraction[:, None, children, None] < 1.0
        filled, turnover = np.where(orders, 0.0, filled), np.where(orders, 0.0, turnover)
        return _Shelves(
            np.concatenate([shelves.filled, filled], axis=1),
            np.concatenate([shelves.turnover, turnover], axis=1),
        )

    def _late_at_once(self, stock: Integers, load: Floats, days: Floats) -> Floats:
        """Delay of an order so rare that it meets no other order [days]."""
        rare = np.full(load.shape, 1e-9) / np.maximum(days, 1e-300)
        return np.asarray(shelf_figures(stock, load, rare * days).late / rare)

    def _supplier_stocks(self, root: int, days: Floats) -> Integers:
        """Fewest units of every group of stocks, evenly from the lowest on; the last is open."""
        load = self.total * days
        most = np.maximum(np.ceil(load + 3.6 * np.sqrt(load) + 1.8), _SUPPLIER_STOCKS - 1)
        shares = np.arange(_SUPPLIER_STOCKS) / (_SUPPLIER_STOCKS - 1)
        return np.asarray(self.lowest[:, [root]] + np.ceil(most[:, None] * shares).astype(np.int64))

    def bound(self, missed_price: Floats, rounds: int, clock: Clock | None = None) -> Floats:
        """Lower bound of holding cost and penalties of every part; shape (n_parts,).

        Parameters
        ----------
        missed_price
            Shape (n_parts, n_nodes): cost and penalties per share missed, 0 or more.
        rounds
            Subgradient steps; the multipliers are kept for the next call.
        clock
            When time is over, no further steps are taken; every step gives a bound.
        """
        best = np.asarray((self.unit_price * self.lowest).sum(axis=1), dtype=np.float64)
        best_share, best_units = self.share.copy(), self.units_share.copy()
        for step in range(rounds):
            if step and clock is not None and clock.is_over:
                break
            value, surplus, lack = self._value(missed_price)
            better = value > best
            best = np.where(better, value, best)
            best_share[better], best_units[better] = self.share[better], self.units_share[better]
            size = 0.2 / (1.0 + 0.05 * step)
            self.share = np.clip(self.share + size * surplus, 0.0, 1.0)
            self.units_share = np.clip(self.units_share + size * lack, 0.0, 1.0)
        self.units_share, self.share = best_units, best_share
        return best

    def _prices_of_reaching(self, missed_price: Floats) -> tuple[Floats, Floats]:
        """Price of missing a share at a node, what follows included, and of reaching the node."""
        sources = self.block.sources
        missing, reaching = missed_price.copy(), np.zeros(missed_price.shape)
        for nodes in reversed(sources.levels[1:]):
            reaching[:, nodes] = self.share[:, nodes] * missing[:, nodes]
            np.add.at(missing.T, sources.above[nodes], reaching[:, nodes].T)
        first = sources.above < 0
        reaching[:, first] = missing[:, first]
        return missing, reaching

    def _value(self, missed_price: Floats) -> tuple[Floats, Floats, Floats]:
        """Value of the relaxation at the present multipliers.

        Also by node how much more of its demand reaches it than it counts with, and by location
        how many units the supplier and its children lack for what they ship, relatively.
        """
        sources, rate = self.block.sources, self.block.rate
        first = sources.above < 0
        missing, reaching = self._prices_of_reaching(missed_price)
        unit = self._unit_multiplier()
        gain = missing - rate * (unit * self.days_under_way)[:, sources.location]
        entry = missing - reaching
        worth = self._worth(gain, entry)
        prices = self.unit_price - unit
        filled, turnover = np.zeros(unit.shape), np.zeros(unit.shape)
        value = missing[:, first].sum(axis=1)
        if len(self.alone):
            gains = worth.gains(self.alone, self.alone_shelves)
            least, level = self._least(self.alone, self.alone_shelves, worth, (0, prices), gains)
            value = value + least.sum(axis=1)
            self._enter(self.alone, self.alone_shelves, level, (filled, turnover))
        units = np.zeros(unit.shape)
        for supplier in self.suppliers:
            least, held = self._least_of(supplier, worth, prices, (filled, turnover))
            value = value + least
            units[:, supplier.location] = held
        reached, met = self._flows(worth, (gain, entry), (filled, turnover))
        lack = np.zeros(unit.shape)
        for supplier in self.suppliers:
            group = np.append(supplier.children, supplier.location)
            inside = np.isin(sources.location, group)
            needed = (met * rate * self.days_under_way[:, sources.location])[:, inside].sum(axis=1)
            held = units[:, supplier.location]
            lack[:, group] = ((needed - held) / (needed + held + 1e-9))[:, None]
        onward = (reached - met)[:, sources.above]
        return value, np.where(first, 0.0, onward - reached), lack

    def _enter(
        self, places: Integers, shelves: _Shelves, level: Integers, into: tuple[Floats, Floats]
    ) -> None:
        """Note how filled chosen shelves are and what they turn over."""
        for figure, table in zip(into, (shelves.filled, shelves.turnover), strict=True):
            figure[:, places] = np.take_along_axis(table, level[..., None], axis=-1)[..., 0]

    def _flows(
        self, worth: _Worth, price: tuple[Floats, Floats], shelves: tuple[Floats, Floats]
    ) -> tuple[Floats, Floats]:
        """Shares that reach every node and are met there, as the chosen shelves like it best."""
        sources, rate, (gain, entry) = self.block.sources, self.block.rate, price
        filled, turnover = shelves
        part, location = np.arange(len(rate))[:, None], np.arange(filled.shape[1])[None, :]
        chosen = _Shelves(filled[:, :, None], turnover[:, :, None])
        gains = worth.gains(location[0], chosen)[..., 0]
        step = (worth.price.T[:, :, None] * turnover + gains).argmin(axis=0)
        # one price lower: what is worth just the price is shipped too, as far as there is room
        charge = worth.price[part, np.maximum(step - 1, 0)][:, sources.location]
        here = filled[:, sources.location]
        first = sources.above < 0
        wanted = (here * (gain - charge * rate) - entry > 0).astype(np.float64)
        gathered = sources.gathered(filled.shape[1])
        own = np.asarray((rate * wanted * first) @ gathered)
        others = np.asarray((rate * wanted * ~first) @ gathered)
        room = np.maximum(turnover / np.maximum(filled, 1e-12) - own, 0.0)
        part_of = np.minimum(np.divide(room, others, out=np.ones_like(room), where=others > 0), 1.0)
        reached = np.where(first, 1.0, wanted * part_of[:, sources.location])
        return reached, reached * here * np.where(first, wanted, 1.0)

    def _unit_multiplier(self) -> Floats:
        """Part of a unit's price that is charged by what is under way, by location."""
        unit = np.zeros(self.unit_price.shape)
        for supplier in self.suppliers:
            group = np.append(supplier.children, supplier.location)
            certain = (self.block.tree.repair_fraction[:, group] <= 0).all(axis=1)
            price = self.unit_price[:, group].min(axis=1) * self.units_share[:, supplier.location]
            unit[:, group] = np.where(certain, price, 0.0)[:, None]
        return unit

    def _worth(self, gain: Floats, entry: Floats) -> _Worth:
        """Worth of what the locations ship, at all prices of turnover."""
        sources, rate = self.block.sources, self.block.rate
        ratio = np.divide(gain - entry, rate, out=np.zeros_like(gain), where=rate > 0)
        steps = (np.arange(_PRICE_STEPS + 1) / _PRICE_STEPS) ** 2
        prices = np.maximum(ratio.max(axis=1, initial=0.0), 0.0)[:, None] * steps
        order = np.argsort(sources.location, kind="stable")
        asked, start = np.unique(sources.location[order], return_index=True)
        gain, entry, rate = gain[:, order], entry[:, order], rate[:, order]
        shape = (*prices.shape, self.block.tree.n_locations, len(_GRID))
        left = np.zeros(shape)
        for step in range(prices.shape[1]):
            slope = gain - prices[:, [step]] * rate
            for point, filled in enumerate(_GRID.tolist()):
                some = np.maximum(filled * slope - entry, 0.0)
                left[:, step, asked, point] = np.add.reduceat(some, start, axis=1)
        return _Worth(prices, left)

    def _least(
        self,
        places: Integers,
        shelves: _Shelves,
        worth: _Worth,
        at: tuple[int, Floats],
        gains: Floats,
    ) -> tuple[Floats, Integers]:
        """Least holding cost minus worth of what is shipped; (n_parts, ..., n_places).

        Also the level of units that has it; ``at`` is the step of the price of carrying, and the
        prices of units.
        """
        tension, unit_price = at
        levels = np.arange(shelves.filled.shape[-1])
        stock = self.lowest[:, places, None] + levels
        price = unit_price[:, places, None] * stock
        price = np.where(stock <= self.highest[:, places, None], price, np.inf)
        wide = (slice(None), *[None] * (shelves.filled.ndim - 3))
        value = price[wide] - worth.most(gains, shelves.turnover, tension)
        best = value.argmin(axis=-1)
        return np.take_along_axis(value, best[..., None], axis=-1)[..., 0], best

    def _least_of(
        self,
        supplier: _Supplier,
        worth: _Worth,
        unit_price: Floats,
        into: tuple[Floats, Floats],
    ) -> tuple[Floats, Floats]:
        """Least over the cells of a supplier, at the best price of carrying.

        Also the units it and its children then hold together; what they do is entered.
        """
        root, children, held = supplier.location, supplier.children, supplier.held
        price = np.where(held <= self.highest[:, [root]], unit_price[:, [root]] * held, np.inf)
        gains = worth.gains(np.array([root]), supplier.own)
        own = worth.most(gains, supplier.own.turnover, 0)[:, :, 0, 0]
        own = np.where(np.isnan(supplier.most), np.inf, price[:, supplier.stock_of] - own)
        every = np.arange(len(own))
        below = worth.gains(children, supplier.below)
        repairs = (self.block.tree.repair_fraction[:, children] > 0).any()
        best = np.full(own.shape, -np.inf)
        tense = np.zeros(own.shape, dtype=np.int64)
        levels = []
        for place, tension in enumerate((0,) if repairs else _TENSIONS):
            least, level = self._least(
                children, supplier.below, worth, (tension, unit_price), below
            )
            levels.append(level)
            total = least.sum(axis=-1)[every[:, None], supplier.delay]
            if tension:
                limit = np.where(np.isinf(supplier.most), 0.0, supplier.most)
                total = total - worth.price[:, [tension]] * limit
                total = np.where(np.isinf(supplier.most), -np.inf, total)
            better: Booleans = total > best
            best, tense = np.where(better, total, best), np.where(better, place, tense)
        cell = (own + best).argmin(axis=1)
        delay = supplier.delay[every, cell]
        level = np.stack(levels)[tense[every, cell], every, delay]
        for figure, table, one in zip(
            into,
            (supplier.below.filled, supplier.below.turnover),
            (supplier.own.filled, supplier.own.turnover),
            strict=True,
        ):
            figure[:, root] = one[every, cell, 0, 0]
            chosen = np.take_along_axis(table[every, delay], level[..., None], axis=-1)
            figure[:, children] = chosen[..., 0]
        units = (self.lowest[:, children] + level).sum(axis=1)
        units = units + held[every, supplier.stock_of[cell]]
        return (own + best)[every, cell], units.astype(np.float64)

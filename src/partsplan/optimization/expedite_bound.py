r"""A lower bound of a part's cost and penalties over all stock vectors, where there are too many.

Five relaxations, each at most the true model, make locations independent. (1) A shelf is empty at
least as often as if it were asked only by those who ask it first. (2) It ships no more than if
everybody who ever asks it asked it always. (3) Orders at a supplier wait at least as long as if
nothing else were ordered there than a stated share of all demand; the children then carry no more
than the next share (both by cases). (4) A supplier and its children hold at least the units
that are under way for what they ship (Little's law; the delays between them cancel). (5) The
shares met by the sources of a demand sum up to at most 1. What couples the locations, (4) and
(5), is priced out: any multipliers, up to the price of a unit and of a missed share, give a
bound, and subgradient steps raise it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from partsplan.evaluation.erlang import loss_shares, shelf_figures
from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.evaluation.laws import poisson_reach
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Booleans, Floats, Integers

ORDER_SHARES = (0.0, 0.15, 0.35, 0.55, 0.75, 0.9)
"""Cases of the share of a part's demand that children of a supplier carry at least."""
_PRICE_STEPS = 4
"""Prices of turnover that are tried, from 0 to the largest worth of a unit shipped."""
_TENSIONS = (0, 2)
"""Those of them that are tried as the price of what the children carry."""
_MOST_LEVELS = 8
_SUPPLIER_STOCKS = 10
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


@dataclass(frozen=True, eq=False)
class _Supplier:
    """Tables of one root that supplies others."""

    location: int
    children: Integers
    held: Integers
    """Shape (n_parts, n_stocks): fewest units of every group of stocks."""
    own: _Shelves
    """Shape (n_parts, n_stocks, n_cases)."""
    below: _Shelves
    """Shape (n_parts, n_stocks, n_cases, n_children, n_levels)."""
    most: Floats
    """Shape (n_parts, n_cases): most that the children carry; ``inf`` in the last case."""


@dataclass(frozen=True, eq=False)
class _Worth:
    """Worth of what locations ship, at every price of turnover."""

    price: Floats
    """Shape (n_parts, n_prices) [per unit/day]."""
    left: Floats
    """Shape (n_parts, n_prices, n_locations): worth above the price of a shelf always filled."""

    def gain(self, places: Integers, shelves: _Shelves, tension: int) -> Floats:
        """Most that shipping is worth, shape of the shelves, when carrying has a price too."""
        wide = (slice(None), *[None] * (shelves.filled.ndim - 3))
        best = np.full(shelves.filled.shape, np.inf)
        for step in range(tension, self.price.shape[1]):
            extra = (self.price[:, step] - self.price[:, tension])[(*wide, None, None)]
            worth = self.left[:, step][:, places][wide][..., None]
            np.minimum(best, extra * shelves.turnover + worth * shelves.filled, out=best)
        return best


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
    """Shape (n_parts, n_nodes): multipliers as shares of the price of a missed share."""

    def __post_init__(self) -> None:
        block = self.block
        self.share = np.ones(block.rate.shape)
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
        tree, parts = self.block.tree, len(self.total)
        children = np.flatnonzero(tree.parents == root)
        days = tree.transit_days[:, [root]] * (1.0 - tree.repair_fraction[:, [root]])
        days = days + tree.repair_fraction[:, [root]] * tree.repair_days[:, [root]]
        held = self._supplier_stocks(root, days[:, 0])
        orders = np.maximum(np.array(ORDER_SHARES) * self.total[:, None], 1e-12)
        shape = (parts, held.shape[1], len(ORDER_SHARES))
        best = np.append(held[:, 1:] - 1, held[:, -1:], axis=1)
        stock = np.broadcast_to(best[:, :, None], shape)
        rate = np.broadcast_to(orders[:, None, :], shape)
        own = np.broadcast_to(self.first_asked[:, root, None, None], shape)
        figures = shelf_figures(stock, own * days[:, :, None], rate * days[:, :, None])
        delay = np.where(stock <= 0, days[:, :, None], figures.late / rate)
        filled = np.where(stock <= 0, 0.0, 1.0 - figures.short)
        uncertain = np.isfinite(tree.rate_shape)[:, None, None] & (stock > 0)
        delay, filled = np.where(uncertain, 0.0, delay), np.where(uncertain, 1.0, filled)
        delay[:, -1], filled[:, -1] = 0.0, 1.0
        orders = np.array(ORDER_SHARES[1:]) * np.maximum(self.total[:, None], 1e-12)
        most = np.append(orders, np.full((parts, 1), np.inf), axis=1)
        return _Supplier(
            root,
            children,
            held,
            _Shelves(filled, self._supplier_turnover(stock, rate, days)),
            self._shelves(children, self._days(children, delay)),
            most,
        )

    def _supplier_turnover(self, stock: Integers, rate: Floats, days: Floats) -> Floats:
        """Most that customers of a supplier get: all demand that its children do not carry."""
        most = (self.total[:, None] * (1.0 - np.array(ORDER_SHARES)))[:, None, :]
        asked = np.broadcast_to(most, stock.shape)
        figures = shelf_figures(stock, asked * days[:, :, None], rate * days[:, :, None])
        shipped = np.where(stock <= 0, 0.0, asked * (1.0 - figures.short))
        uncertain = np.isfinite(self.block.tree.rate_shape)[:, None, None] & (stock > 0)
        shipped = np.where(uncertain, asked, shipped)
        shipped[:, -1] = asked[:, -1]
        return np.asarray(shipped)

    def _supplier_stocks(self, root: int, days: Floats) -> Integers:
        """Fewest units of every group of stocks: fine around the load, from the lowest on."""
        load = self.total * days
        spread = np.sqrt(load) + 0.5
        fine = np.linspace(-1.6, 3.6, _SUPPLIER_STOCKS - 1)
        around = np.ceil(load[:, None] + fine * spread[:, None]).astype(np.int64)
        lowest = self.lowest[:, [root]]
        held = np.concatenate([lowest, np.maximum(around, lowest)], axis=1)
        steps = np.arange(_SUPPLIER_STOCKS)
        small = lowest + steps
        return np.where((load < 6.0)[:, None], small, np.maximum.accumulate(held, axis=1))

    def bound(self, missed_price: Floats, rounds: int) -> Floats:
        """Lower bound of holding cost and penalties of every part; shape (n_parts,).

        Parameters
        ----------
        missed_price
            Shape (n_parts, n_nodes): cost and penalties per share missed, 0 or more.
        rounds
            Subgradient steps; the multipliers are kept for the next call.
        """
        best = np.full(len(self.total), -np.inf)
        best_share = self.share.copy()
        active = missed_price > 0
        best_units = self.units_share.copy()
        for step in range(rounds):
            value, met, lack = self._value(missed_price * self.share)
            better = value > best
            best = np.where(better, value, best)
            best_share[better], best_units[better] = self.share[better], self.units_share[better]
            size = 0.5 / (1.0 + 0.15 * step)
            slack = 1.0 - self._sum_on_way(met)
            self.share = np.where(active, np.clip(self.share + size * slack, 0.0, 1.0), 1.0)
            self.units_share = np.clip(self.units_share + size * lack, 0.0, 1.0)
        self.units_share = best_units
        self.share = best_share
        return best

    def _sum_on_way(self, met: Floats) -> Floats:
        """Sum of the shares met over a node and those above it."""
        sources = self.block.sources
        total = met.copy()
        for nodes in sources.levels[1:]:
            total[:, nodes] += total[:, sources.above[nodes]]
        return total

    def _value(self, multiplier: Floats) -> tuple[Floats, Floats, Floats]:
        """Value of the relaxation at some multipliers.

        Also the share then met at every node, and by location how many units the supplier and
        its children lack for what they ship, relatively.
        """
        sources, rate = self.block.sources, self.block.rate
        gain = multiplier.T.copy()
        for nodes in reversed(sources.levels[1:]):
            np.add.at(gain, sources.above[nodes], gain[nodes])
        unit = self._unit_multiplier()
        under_way = (unit * self.days_under_way)[:, sources.location]
        gain = np.maximum(gain.T - rate * under_way, 0.0)
        worth = self._worth(gain)
        prices = self.unit_price - unit
        filled = np.zeros(unit.shape)
        value = multiplier.sum(axis=1)
        if len(self.alone):
            least, filled[:, self.alone], _ = self._least(
                self.alone, self.alone_shelves, worth, (0, prices)
            )
            value = value + least.sum(axis=1)
        lack = np.zeros(unit.shape)
        for supplier in self.suppliers:
            root, children = supplier.location, supplier.children
            least, filled[:, root], filled[:, children], units = self._least_of(
                supplier, worth, prices
            )
            value = value + least
            group = np.append(children, root)
            met = filled[:, sources.location] * (gain > 0) * np.isin(sources.location, group)
            needed = (met * rate * self.days_under_way[:, sources.location]).sum(axis=1)
            lack[:, group] = ((needed - units) / (needed + units + 1e-9))[:, None]
        return value, filled[:, sources.location] * (gain > 0), lack

    def _unit_multiplier(self) -> Floats:
        """Part of a unit's price that is charged by what is under way, by location."""
        unit = np.zeros(self.unit_price.shape)
        for supplier in self.suppliers:
            group = np.append(supplier.children, supplier.location)
            certain = (self.block.tree.repair_fraction[:, group] <= 0).all(axis=1)
            price = self.unit_price[:, group].min(axis=1) * self.units_share[:, supplier.location]
            unit[:, group] = np.where(certain, price, 0.0)[:, None]
        return unit

    def _worth(self, gain: Floats) -> _Worth:
        """Worth of what the locations ship, at all prices of turnover."""
        sources, rate = self.block.sources, self.block.rate
        ratio = np.divide(gain, rate, out=np.zeros_like(gain), where=rate > 0)
        steps = (np.arange(_PRICE_STEPS + 1) / _PRICE_STEPS) ** 2
        prices = ratio.max(axis=1, initial=0.0)[:, None] * steps
        gathered = sources.gathered(self.block.tree.n_locations)
        left = [np.maximum(gain - p[:, None] * rate, 0.0) @ gathered for p in prices.T]
        return _Worth(prices, np.stack([np.asarray(some) for some in left], axis=1))

    def _least(
        self,
        places: Integers,
        shelves: _Shelves,
        worth: _Worth,
        at: tuple[int, Floats],
    ) -> tuple[Floats, Floats, Floats]:
        """Least holding cost minus worth of what is shipped; (n_parts, ..., n_places).

        Also how filled the shelves then are, and the units held; ``at`` is the step of the price
        of carrying, and the prices of units.
        """
        tension, unit_price = at
        levels = np.arange(shelves.filled.shape[-1])
        stock = self.lowest[:, places, None] + levels
        price = unit_price[:, places, None] * stock
        price = np.where(stock <= self.highest[:, places, None], price, np.inf)
        wide = (slice(None), *[None] * (shelves.filled.ndim - 3))
        value = price[wide] - worth.gain(places, shelves, tension)
        best = value.argmin(axis=-1)[..., None]
        held = np.broadcast_to(stock[wide], value.shape)
        return (
            np.take_along_axis(value, best, axis=-1)[..., 0],
            np.take_along_axis(shelves.filled, best, axis=-1)[..., 0],
            np.take_along_axis(held, best, axis=-1)[..., 0].astype(np.float64),
        )

    def _least_of(
        self, supplier: _Supplier, worth: _Worth, unit_price: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Least over the stocks and cases of a supplier, at the best price of carrying.

        Also how filled it and its children then are, and the units they hold together.
        """
        root, children = supplier.location, supplier.children
        shape, held = supplier.own.filled.shape, supplier.held
        price = np.where(held <= self.highest[:, [root]], unit_price[:, [root]] * held, np.inf)
        alone = _Shelves(
            np.moveaxis(supplier.own.filled, 1, 2)[:, :, None],
            np.moveaxis(supplier.own.turnover, 1, 2)[:, :, None],
        )
        gain = np.moveaxis(worth.gain(np.array([root]), alone, 0)[:, :, 0], 1, 2)
        own = price[:, :, None] - gain
        best = np.full(shape, -np.inf)
        best_filled, best_held = np.zeros((*shape, len(children))), np.zeros(shape)
        repairs = (self.block.tree.repair_fraction[:, children] > 0).any()
        for tension in (0,) if repairs else _TENSIONS:
            least, filled, units = self._least(
                children, supplier.below, worth, (tension, unit_price)
            )
            limit = worth.price[:, tension, None] * np.where(
                np.isfinite(supplier.most), supplier.most, 0.0
            )
            is_last = ~np.isfinite(supplier.most) & (tension > 0)
            total = least.sum(axis=-1) - limit[:, None, :]
            total = np.where(is_last[:, None, :], -np.inf, total)
            better: Booleans = total > best
            best = np.where(better, total, best)
            best_filled[better], best_held[better] = filled[better], units.sum(axis=-1)[better]
        value = (own + best).reshape(shape[0], -1)
        place = value.argmin(axis=1)
        every = np.arange(shape[0])
        return (
            value[every, place],
            supplier.own.filled.reshape(shape[0], -1)[every, place],
            best_filled.reshape(shape[0], -1, len(children))[every, place],
            best_held.reshape(shape[0], -1)[every, place] + held[every, place // shape[2]],
        )

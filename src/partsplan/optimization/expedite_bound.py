r"""A lower bound of a part's cost and penalties over all stock vectors, where there are too many.

Three relaxations, each at most the true model, make locations independent. (1) A shelf is empty
at least as often as if it were asked only by those who ask it first. (2) Orders at a supplier
wait at least as long as if nothing else were ordered there than a stated share of all demand; the
children then carry no more than the next share (both by cases). (3) Sources are all empty at
least with one minus the sum of their chances to be filled. What is left is separable at any
multipliers between 0 and the price of a missed share, which subgradient steps raise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from partsplan.evaluation.erlang import loss_shares, shelf_figures
from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.evaluation.laws import poisson_reach
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Booleans, Floats, Integers

ORDER_SHARES = (0.0, 0.25, 0.5, 0.7, 0.8, 0.88, 0.94, 0.98)
"""Cases of the share of a part's demand that children of a supplier carry at least."""
_TENSIONS = (0.0, 0.03, 0.1, 0.2, 0.35, 0.6, 1.0)
"""Multipliers of the most that the children carry, as shares of the largest sensible one."""
_MOST_LEVELS = 25
_TAIL = 9.0


@dataclass(frozen=True, eq=False)
class _Supplier:
    """Tables of one root that supplies others."""

    location: int
    children: Integers
    filled: Floats
    """Shape (n_parts, n_stocks, n_cases): chance that the shelf is not empty, at most."""
    child_filled: Floats
    """Shape (n_parts, n_stocks, n_cases, n_children, n_levels)."""
    carried: Floats
    """Shape (n_parts, n_children): first-asked demand that becomes orders [units/day]."""
    most: Floats
    """Shape (n_parts, n_cases): most that the children carry; ``inf`` in the last case."""


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
        parents = block.tree.parents
        roots = [j for j in np.unique(parents[parents >= 0]).tolist() if parents[j] < 0]
        self.suppliers = [self._supplier(j) for j in roots]
        inside = [j for s in self.suppliers for j in (s.location, *s.children.tolist())]
        self.alone = np.setdiff1d(np.arange(len(parents)), np.array(inside, dtype=np.int64))
        days = self._days(self.alone, np.zeros(len(self.total)))
        self.alone_filled = self._filled(self.alone, days)

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

    def _filled(self, places: Integers, days: Floats) -> Floats:
        """Chance that a shelf asked by its first-asked demand alone is filled, by units held.

        The last level stands for any more: 1. ``days`` has the shape (n_parts, ..., n_places).
        """
        wide = (slice(None), *[None] * (days.ndim - 2))
        load = self.first_asked[:, places][wide] * days
        lowest = np.broadcast_to(self.lowest[:, places][wide], load.shape)
        levels = self._levels(places, days)
        stock = lowest[..., None] + np.arange(levels)
        loads = np.broadcast_to(load[..., None], stock.shape)
        filled = 1.0 - loss_shares(stock, loads)
        uncertain = np.flatnonzero(np.isfinite(self.block.tree.rate_shape))
        for part in uncertain.tolist():
            filled[part] = self._mixed(part, stock[part], loads[part])
        filled[..., -1] = 1.0
        return np.asarray(np.where(stock <= 0, 0.0, filled))

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
        reach = poisson_reach(self.total * days[:, 0], 0.0, _TAIL) - self.lowest[:, root]
        n_stocks = int(np.clip(reach.max(initial=1), 1, _MOST_LEVELS)) + 1
        orders = np.maximum(np.array(ORDER_SHARES) * self.total[:, None], 1e-12)
        shape = (parts, n_stocks, len(ORDER_SHARES))
        stock = np.broadcast_to((self.lowest[:, [root]] + np.arange(n_stocks))[:, :, None], shape)
        rate = np.broadcast_to(orders[:, None, :], shape)
        own = np.broadcast_to(self.first_asked[:, root, None, None], shape)
        figures = shelf_figures(stock, own * days[:, :, None], rate * days[:, :, None])
        delay = np.where(stock <= 0, days[:, :, None], figures.late / rate)
        filled = np.where(stock <= 0, 0.0, 1.0 - figures.short)
        uncertain = np.isfinite(tree.rate_shape)[:, None, None] & (stock > 0)
        delay, filled = np.where(uncertain, 0.0, delay), np.where(uncertain, 1.0, filled)
        delay[:, -1], filled[:, -1] = 0.0, 1.0
        most = np.append(np.array(ORDER_SHARES[1:]), np.inf) * np.maximum(
            self.total[:, None], 1e-12
        )
        carried = (1.0 - tree.repair_fraction[:, children]) * self.first_asked[:, children]
        child_filled = self._filled(children, self._days(children, delay))
        return _Supplier(root, children, filled, child_filled, carried, most)

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
        for step in range(rounds):
            value, filled = self._value(missed_price * self.share)
            better = value > best
            best = np.where(better, value, best)
            best_share[better] = self.share[better]
            if step == rounds - 1:
                break
            slack = 1.0 - self._sum_on_way(filled)
            size = 0.6 / (1.0 + 0.5 * step)
            self.share = np.where(active, np.clip(self.share + size * slack, 0.0, 1.0), 1.0)
        self.share = best_share
        return best

    def _sum_on_way(self, filled: Floats) -> Floats:
        """Sum over a node's sources of their chances to be filled."""
        sources = self.block.sources
        total = np.zeros((len(filled), sources.n_nodes))
        for nodes in sources.levels:
            above = sources.above[nodes]
            before = np.where(above >= 0, total[:, above], 0.0)
            total[:, nodes] = before + filled[:, sources.location[nodes]]
        return total

    def _value(self, multiplier: Floats) -> tuple[Floats, Floats]:
        """Value of the relaxation at some multipliers, and how filled each shelf then is."""
        sources = self.block.sources
        gain = multiplier.T.copy()
        for nodes in reversed(sources.levels[1:]):
            np.add.at(gain, sources.above[nodes], gain[nodes])
        worth = np.asarray(gain.T @ sources.gathered(self.block.tree.n_locations))
        filled = np.zeros(worth.shape)
        value = multiplier.sum(axis=1)
        if len(self.alone):
            least, chosen = self._least(self.alone, self.alone_filled, worth[:, self.alone])
            value = value + least.sum(axis=1)
            filled[:, self.alone] = chosen
        for supplier in self.suppliers:
            least, own, below = self._least_of(supplier, worth)
            value = value + least
            filled[:, supplier.location], filled[:, supplier.children] = own, below
        return value, filled

    def _least(self, places: Integers, filled: Floats, worth: Floats) -> tuple[Floats, Floats]:
        """Least holding cost minus worth of being filled; (n_parts, ..., n_places)."""
        levels = np.arange(filled.shape[-1])
        stock = self.lowest[:, places, None] + levels
        price = self.unit_price[:, places, None] * stock
        price = np.where(stock <= self.highest[:, places, None], price, np.inf)
        wide = (slice(None), *[None] * (filled.ndim - 3))
        value = price[wide] - worth[..., None] * filled
        best = value.argmin(axis=-1)[..., None]
        return (
            np.take_along_axis(value, best, axis=-1)[..., 0],
            np.take_along_axis(filled, best, axis=-1)[..., 0],
        )

    def _least_of(self, supplier: _Supplier, worth: Floats) -> tuple[Floats, Floats, Floats]:
        """Least over the stocks and cases of a supplier, at the best multiplier of each case."""
        root, children = supplier.location, supplier.children
        n_parts, n_stocks, n_cases = supplier.filled.shape
        stock = self.lowest[:, [root]] + np.arange(n_stocks)
        price = np.where(
            stock <= self.highest[:, [root]], self.unit_price[:, [root]] * stock, np.inf
        )
        own = price[:, :, None] - worth[:, root, None, None] * supplier.filled
        rate, gains = supplier.carried, worth[:, children]
        ratio = np.divide(gains, rate, out=np.zeros_like(gains), where=rate > 0)
        largest = ratio.max(axis=1, initial=0.0)
        best = np.full((n_parts, n_stocks, n_cases), -np.inf)
        best_filled = np.zeros((n_parts, n_stocks, n_cases, len(children)))
        for tension in _TENSIONS:
            cost = tension * largest
            left = np.maximum(gains - cost[:, None] * rate, 0.0)
            wide = np.broadcast_to(left[:, None, None, :], best_filled.shape)
            least, filled = self._least(children, supplier.child_filled, wide)
            limit = cost[:, None] * np.where(np.isfinite(supplier.most), supplier.most, 0.0)
            is_last = ~np.isfinite(supplier.most) & (tension > 0.0)
            total = least.sum(axis=-1) - limit[:, None, :]
            total = np.where(is_last[:, None, :], -np.inf, total)
            better: Booleans = total > best
            best = np.where(better, total, best)
            best_filled[better] = filled[better]
        value = (own + best).reshape(n_parts, -1)
        place = value.argmin(axis=1)
        every = np.arange(n_parts)
        return (
            value[every, place],
            supplier.filled.reshape(n_parts, -1)[every, place],
            best_filled.reshape(n_parts, -1, len(children))[every, place],
        )

r"""A lower bound of a part's cost and penalties in a case, where there are too many stock vectors.

Given what suppliers hold and what is ordered of them (`expedite_cases`), their service is known at
best (`expedite_suppliers`), and with it the price of what all shelves of a customer miss. Three
relaxations, each at most the true model, then make shelves independent. (1) A shelf is empty at
least as often as if it were asked only by those who ask it first. (2) It meets no more of what
reaches it than the share of time it is filled. (3) What the shelves ship adds up to the orders of
the case. (2) and (3) are priced out: any multipliers in their range give a bound. What is lost:
service and orders within a case, and shelves that multipliers let a location mix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.evaluation.erlang import loss_shares
from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.expedite_cases import Cases
from partsplan.optimization.expedite_demand import SupplierDemand
from partsplan.optimization.expedite_suppliers import SupplierLimits, SupplierService

_MOST_LEVELS = 10
"""Groups of stocks of a shelf above its lowest that are told apart; a group costs as its least
and serves as its most, the last as if it were never empty."""
_SHARE_STEP = 0.15


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Prices of what couples the locations, one row per case."""

    charge: Floats
    """Shape (n_rows, n_suppliers): price of orders [per unit/day]."""
    share: Floats
    """Shape (n_rows, n_nodes): price of reaching a node as a share of the price of missing it."""


@dataclass(frozen=True, eq=False)
class RelaxedValue:
    """Value of relaxed cases, and how their multipliers would rather be."""

    bound: Floats
    """Shape (n_rows,): lower bound of cost and penalties."""
    orders: Floats
    """Shape (n_rows, n_suppliers): what the chosen shelves order [units/day]."""
    lack: Floats
    """Shape (n_rows, n_nodes): share of demand that reaches a node beyond what it counts with."""


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
    by_chains
        Whether small groups are solved as chains.
    """

    def __init__(
        self,
        block: ExpediteBlock,
        unit_price: Floats,
        limits: tuple[Integers, Floats],
        *,
        by_chains: bool,
    ) -> None:
        self.block = block
        self.unit_price = unit_price
        self.lowest, self.highest = limits
        self.demand = SupplierDemand(block)
        self.suppliers = SupplierLimits(block, self.demand, limits, by_chains=by_chains)
        location = block.sources.location
        nodes = np.flatnonzero(self.demand.place[location] < 0)
        self.nodes = nodes[np.argsort(location[nodes], kind="stable")]
        """Nodes of shelves, by location."""
        self.shelves, self.start, self.shelf_of = np.unique(
            location[self.nodes], return_index=True, return_inverse=True
        )
        self.above = self.demand.above[self.shelves]
        """Shape (n_shelves,): their suppliers; -1 for none."""
        self.is_delayed = np.isin(block.tree.parents[self.shelves], self.demand.roots)
        self._mixed_filled: dict[int, Floats] = {}

    def first_cases(self) -> Cases:
        """One case for every part, which has all its stock vectors."""
        demand, n = self.demand, len(self.unit_price)
        shape = (n, demand.n_suppliers)
        least = demand.least_orders(self.lowest, self.highest)
        return Cases(
            np.arange(n),
            self.lowest[:, demand.roots],
            self.suppliers.most.copy(),
            least,
            np.maximum(np.broadcast_to(demand.total[:, None], shape), least),
            np.ones(shape, dtype=bool),
            np.zeros(shape),
        )

    def cases_at(self, stock: Integers) -> Cases:
        """One case for every part, in which the suppliers hold what a stock vector says."""
        first = self.first_cases()
        held = np.minimum(stock[:, self.demand.roots], self.suppliers.most)
        none = np.zeros(held.shape)
        return Cases(
            first.part, held, held, none, first.most_orders, none.astype(bool), first.charge
        )

    def relaxed(self, cases: Cases, missed_price: Floats) -> RelaxedCases:
        """The relaxation of some cases at prices of missing, shape (n_parts, n_nodes)."""
        return RelaxedCases(self, cases, missed_price[cases.part])

    def shelf_days(self, cases: Cases, service: SupplierService) -> Floats:
        """Resupply time of the shelves at least; shape (n_rows, n_shelves)."""
        tree, at = self.block.tree, np.ix_(cases.part, self.shelves)
        delay = np.zeros((len(cases), len(self.shelves)))
        delay[:, self.is_delayed] = service.delay[:, self.above[self.is_delayed]]
        fraction = tree.repair_fraction[at]
        transit = tree.transit_days[at] + delay
        return np.asarray((1.0 - fraction) * transit + fraction * tree.repair_days[at])

    def levels(self, cases: Cases, load: Floats) -> tuple[Integers, Integers]:
        """Fewest and most units of groups of stocks; shape (n_rows, n_shelves, n_levels)."""
        lowest = self.lowest[np.ix_(cases.part, self.shelves)]
        shape = self.block.tree.rate_shape[cases.part][:, None]
        enough = np.ceil(load + 3.0 * np.sqrt(load + load**2 / shape) + 1.0)
        needed = np.maximum(enough - lowest, 1.0)
        count = int(np.clip(needed.max(initial=1.0), 1, _MOST_LEVELS))
        width = np.ceil(needed / _MOST_LEVELS).astype(np.int64)[:, :, None]
        level = np.arange(count + 2)
        fewest = np.where(level > 0, 1 + (level - 1) * width, 0)
        return lowest[:, :, None] + fewest, lowest[:, :, None] + level * width

    def filled(self, cases: Cases, load: Floats, most: Integers) -> Floats:
        """Chance that the shelves are filled, at most; shape (n_rows, n_shelves, n_levels)."""
        filled = 1.0 - loss_shares(most, np.broadcast_to(load[:, :, None], most.shape))
        for row in np.flatnonzero(~self.suppliers.is_known[cases.part]).tolist():
            filled[row] = self._mixed(int(cases.part[row]), load[row], most[row])
        filled[:, :, -1] = 1.0
        return np.where(most <= 0, 0.0, filled)

    def _mixed(self, part: int, load: Floats, most: Integers) -> Floats:
        """The same under the part's uncertain rate, by demand; its load knows no delay."""
        known = self._mixed_filled.get(part)
        if known is not None and known.shape[1] >= most.shape[1]:
            return known[:, : most.shape[1]]
        shape, largest = float(self.block.tree.rate_shape[part]), float(load.max(initial=1e-3))
        nodes, weights = rate_nodes(shape, largest, float(most.max(initial=1)))
        loads = np.broadcast_to(load[:, None], most.shape)
        mixed = np.zeros(most.shape)
        for factor, weight in zip(nodes.tolist(), (nodes * weights).tolist(), strict=True):
            mixed += weight * (1.0 - loss_shares(most, factor * loads))
        self._mixed_filled[part] = mixed
        return mixed


class RelaxedCases:
    """The relaxation of some cases, to be valued at any multipliers.

    Parameters
    ----------
    parts
        The relaxation of their block.
    cases
        The cases.
    missed_price
        Shape (n_rows, n_nodes): cost and penalties per share missed, 0 or more.
    """

    def __init__(self, parts: RelaxedParts, cases: Cases, missed_price: Floats) -> None:
        self.parts = parts
        self.cases = cases
        self.missed_price = missed_price
        self.service = parts.suppliers.service(cases)
        at = np.ix_(cases.part, parts.shelves)
        load = parts.demand.first_asked[at] * parts.shelf_days(cases, self.service)
        fewest, most = parts.levels(cases, load)
        self.filled = parts.filled(cases, load, most)
        self.passed = parts.demand.passed[at]
        self.is_idle = np.zeros(self.passed.shape, dtype=bool)
        supplied = np.flatnonzero(parts.above >= 0)
        of_idle = cases.is_idle[:, parts.above[supplied]]
        self.is_idle[:, supplied] = of_idle & (self.passed[:, supplied] > 0.0)
        self.filled[self.is_idle] = 0.0
        price = parts.unit_price[at][:, :, None] * fewest
        self.holding = np.where(fewest <= parts.highest[at][:, :, None], price, np.inf)
        self.rate = parts.block.rate[np.ix_(cases.part, parts.nodes)]
        roots = parts.demand.roots
        self.least_holding = self.holding[:, :, 0].sum(axis=1)
        self.supplier_holding = (parts.unit_price[:, roots][cases.part] * cases.fewest).sum(axis=1)

        self.least_holding += self.supplier_holding

    def at(self, multipliers: Multipliers) -> RelaxedValue:
        """Value at some multipliers."""
        parts, cases, charge = self.parts, self.cases, multipliers.charge
        missing, entry, base = self._prices(multipliers.share)
        by_shelf = np.zeros(self.passed.shape)
        supplied = parts.above >= 0
        by_shelf[:, supplied] = charge[:, parts.above[supplied]]
        charged = (by_shelf * self.passed)[:, parts.shelf_of] * self.rate
        gain, entry = missing[:, parts.nodes] - charged, entry[:, parts.nodes]
        value = self.holding - self._worth(gain, entry)
        level = value.argmin(axis=2)[..., None]
        least = np.take_along_axis(value, level, axis=2)[..., 0]
        limit = np.where(charge > 0.0, cases.most_orders, cases.surely_ordered)
        bound = base + self.supplier_holding + least.sum(axis=1) - (charge * limit).sum(axis=1)
        bound = np.maximum(bound, self.least_holding)
        here = np.take_along_axis(self.filled, level, axis=2)[..., 0][:, parts.shelf_of]
        takes = (here * gain - entry > 0.0).astype(np.float64)
        return RelaxedValue(bound, self._orders(takes * here), self._lack(takes, here))

    def charge_scale(self, share: Floats) -> Floats:
        """Worth of what shelves ship per unit, by their supplier; sizes steps of the charge."""
        missing, _, _ = self._prices(share)
        parts = self.parts
        above = parts.above[parts.shelf_of]
        scale = np.zeros(self.cases.charge.shape)
        for k in range(self.cases.n_suppliers):
            own = above == k
            worth = missing[:, parts.nodes[own]].sum(axis=1)
            demand = self.rate[:, own].sum(axis=1)
            scale[:, k] = np.divide(worth, demand, out=np.zeros_like(worth), where=demand > 0)
        return scale

    def raised(self, multipliers: Multipliers, value: RelaxedValue, scale: Floats) -> Multipliers:
        """Multipliers after a step toward the orders and flows that the case has."""
        cases, orders = self.cases, value.orders
        near = np.clip(orders, cases.surely_ordered, cases.most_orders)
        excess = (orders - near) / np.maximum(orders + near, 1e-300)
        return Multipliers(
            multipliers.charge + scale * excess,
            np.clip(multipliers.share + _SHARE_STEP * value.lack, 0.0, 1.0),
        )

    def _prices(self, share: Floats) -> tuple[Floats, Floats, Floats]:
        """Prices of missing a share at a node, what follows included.

        Also what a shelf pays for reaching a node, beside what is missed there; and the cost were
        all shelves empty.
        """
        parts, sources = self.parts, self.parts.block.sources
        place = parts.demand.place[sources.location]
        missing, entry = self.missed_price.copy(), np.zeros(self.missed_price.shape)
        for nodes in reversed(sources.levels[1:]):
            reaching = self._reached(nodes, place[nodes], share) * missing[:, nodes]
            entry[:, nodes] = missing[:, nodes] - reaching
            np.add.at(missing.T, sources.above[nodes], reaching.T)
        first = sources.levels[0]
        at_supplier = place[first] >= 0
        base = missing[:, first[~at_supplier]].sum(axis=1)
        chance = self.service.short[:, place[first[at_supplier]]]
        return missing, entry, base + (chance * missing[:, first[at_supplier]]).sum(axis=1)

    def _reached(self, nodes: Integers, place: Integers, share: Floats) -> Floats:
        """Share of the price of missing a node that is paid by the node before."""
        found = share[:, nodes]
        before = self.parts.demand.before[nodes]
        alone = np.flatnonzero((place >= 0) & (before < 0))
        found[:, alone] = self.service.short[:, place[alone]]
        second = np.flatnonzero((place >= 0) & (before >= 0))
        found[:, second] = self.service.after[:, before[second], place[second]]
        return found

    def _worth(self, gain: Floats, entry: Floats) -> Floats:
        """Most that shelves are worth by level; shape (n_rows, n_shelves, n_levels)."""
        parts = self.parts
        worth = np.zeros(self.filled.shape)
        for level in range(self.filled.shape[-1]):
            some = self.filled[:, :, level][:, parts.shelf_of] * gain
            some -= entry
            np.maximum(some, 0.0, out=some)
            worth[:, :, level] = np.add.reduceat(some, parts.start, axis=1)
        return worth

    def _orders(self, met: Floats) -> Floats:
        """What shelves order of the suppliers for what they meet [units/day]."""
        parts = self.parts
        shipped = np.add.reduceat(met * self.rate, parts.start, axis=1) * self.passed
        orders = np.zeros(self.cases.charge.shape)
        for k in range(self.cases.n_suppliers):
            orders[:, k] = shipped[:, parts.above == k].sum(axis=1)
        return orders

    def _lack(self, takes: Floats, here: Floats) -> Floats:
        """Share of demand that reaches shelves' nodes beyond what they take up; 0 elsewhere."""
        parts, sources = self.parts, self.parts.block.sources
        place = parts.demand.place[sources.location]
        reaching, filled = np.ones(self.missed_price.shape), np.zeros(self.missed_price.shape)
        reaching[:, parts.nodes], filled[:, parts.nodes] = takes, here
        first = sources.above < 0
        reaching[:, first] = 1.0
        missed = reaching * (1.0 - filled)
        lack = np.zeros(reaching.shape)
        for nodes in sources.levels:
            above = sources.above[nodes]
            arriving = np.where(above >= 0, missed[:, above], 1.0)
            at_supplier = place[nodes] >= 0
            lack[:, nodes] = np.where(at_supplier | (above < 0), 0.0, arriving - reaching[:, nodes])
            some = nodes[at_supplier]
            missed[:, some] = arriving[:, at_supplier] * self.service.short[:, place[some]]
        return lack

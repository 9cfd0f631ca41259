r"""How well suppliers serve at best in a case: chance of an empty shelf, delay of their orders.

What a supplier's own shelves ship never asks it as a customer, so orders and customers together
come to no less than the demand that it is the first supplier of. At a given sum an empty shelf and
a delay are the rarer the less of it are orders (:math:`\log \sum_k b^k S! / (S + k)!` is convex in
the orders' load b), so the least orders of a case give the best service.

Where nobody orders of a supplier its group may be solved as a chain. Then only those customers
count whose earlier sources surely are empty for good; of two such suppliers, both are empty at
least as often as one shelf with all their units, or as the fixed point says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.evaluation.erlang import loss_shares, shelf_figures
from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.evaluation.pooling import MOST_STATES
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.expedite_cases import Cases
from partsplan.optimization.expedite_demand import MOST_STOCKED, SupplierDemand

_RARE = 1e-9
"""Load of orders that stands for any less."""
_ROUNDS = 3
"""Rounds in which suppliers' overflow raises each other's demand; each gives a bound."""


@dataclass(frozen=True, eq=False)
class SupplierService:
    """Service of suppliers at best; axes (row, supplier)."""

    short: Floats
    """Chance that the supplier's shelf is empty, at least."""
    after: Floats
    """Axes (row, from, to): chance that a supplier is empty while another one is, at least, for
    the demand that asks them in turn before any other supplier."""
    delay: Floats
    """Mean delay of an order, at least [days]."""


@dataclass(frozen=True, eq=False)
class _Flows:
    """Demand of the rows of some cases, all multiplied by a factor of the rate."""

    entering: Floats
    """What a supplier is the first supplier of, less what shelves may ship of it at most beside
    its least orders."""
    passing: Floats
    """Axes (row, from, to): what finds the first of two suppliers, at least."""
    sure: Floats
    """What surely asks a supplier, were its group a chain."""
    sure_passing: Floats
    """Axes (row, from, to): what surely asks two suppliers in turn, were they in a chain."""
    orders: Floats


class SupplierLimits:
    """Service of the suppliers of a block at best.

    Parameters
    ----------
    block, demand
        The parts and the demand of their suppliers.
    lowest, highest
        Shape (n_parts, n_locations): fewest and most units.
    by_chains
        Whether small groups are solved as chains.
    """

    def __init__(
        self,
        block: ExpediteBlock,
        demand: SupplierDemand,
        limits: tuple[Integers, Floats],
        *,
        by_chains: bool,
    ) -> None:
        self.block = block
        self.demand = demand
        self.by_chains = by_chains
        lowest, highest = limits
        load = demand.total[:, None] * demand.days
        spread = np.sqrt(load + load**2 / block.tree.rate_shape[:, None])
        enough = lowest[:, demand.roots] + np.ceil(load + 4.0 * spread + 3.0)
        self.most = np.minimum(enough, highest[:, demand.roots]).astype(np.int64)
        """Shape (n_parts, n_suppliers): units that stand for any more, or the most there may be."""
        self.is_open: Booleans = enough < highest[:, demand.roots]
        self.is_known = np.isinf(block.tree.rate_shape)
        self._nodes: dict[int, tuple[Floats, Floats]] = {}

    def service(self, cases: Cases) -> SupplierService:
        """Service at best in some cases; rates that are uncertain are mixed by demand."""
        n, k = cases.fewest.shape
        short, after = np.zeros((n, k)), np.zeros((n, k, k))
        delay = np.zeros((n, k))
        known = np.flatnonzero(self.is_known[cases.part])
        if len(known):
            some = self._service(cases.of(known), np.ones(len(known)))
            short[known], after[known], delay[known] = some.short, some.after, some.delay
        uncertain = np.flatnonzero(~self.is_known[cases.part])
        if len(uncertain):
            short[uncertain], after[uncertain] = self._mixed(cases.of(uncertain))
        return SupplierService(short, after, delay)

    def _mixed(self, cases: Cases) -> tuple[Floats, Floats]:
        """Mean over the factors of uncertain rates, when nothing is known of the orders."""
        rules = [self._rule(part) for part in cases.part.tolist()]
        row = np.repeat(np.arange(len(cases)), [len(nodes) for nodes, _ in rules])
        factor = np.concatenate([nodes for nodes, _ in rules])
        weight = np.concatenate([nodes * weights for nodes, weights in rules])
        spread = cases.of(row)
        most = np.where(spread.is_idle, 0.0, self.demand.total[spread.part][:, None])
        loose = Cases(
            spread.part,
            spread.fewest,
            spread.most,
            np.zeros_like(most),
            most,
            spread.may_idle,
            spread.charge,
        )
        found = self._service(loose, factor)
        short, both = np.zeros(cases.charge.shape), np.zeros((len(cases), *found.after.shape[1:]))
        np.add.at(short, row, weight[:, None] * found.short)
        np.add.at(both, row, weight[:, None, None] * found.after * found.short[:, :, None])
        short = np.minimum(short, 1.0)
        own = short[:, :, None]
        after = np.divide(both, own, out=np.zeros_like(both), where=own > 0)
        return short, np.minimum(after, 1.0)

    def _rule(self, part: int) -> tuple[Floats, Floats]:
        if part not in self._nodes:
            shape = float(self.block.tree.rate_shape[part])
            load = float((self.demand.total[part] * self.demand.days[part]).max(initial=1e-3))
            self._nodes[part] = rate_nodes(shape, load, float(self.most[part].max(initial=1)))
        return self._nodes[part]

    def _service(self, cases: Cases, factor: Floats) -> SupplierService:
        """Service at best of rows whose rates are multiplied by a factor."""
        part, most, days = cases.part, cases.most, self.demand.days[cases.part]
        flows = self._flows(cases, factor)
        chained = self._may_be_chained(cases)
        endless = self.is_open[part] & (most >= self.most[part])
        orders = np.maximum(flows.orders * days, _RARE)
        never = np.where(most <= 0, 1.0, 0.0)
        surely = flows.sure + (flows.sure_passing * never[:, :, None]).sum(axis=1)
        short, delay = never, np.zeros_like(never)
        for _ in range(_ROUNDS):
            customers = flows.entering + (flows.passing * short[:, :, None]).sum(axis=1)
            customers = np.where(chained, np.minimum(surely, customers), customers)
            figures = shelf_figures(most, customers * days, orders)
            short = np.where(endless, 0.0, np.maximum(figures.short, never))
            delay = np.where(most <= 0, days, figures.late / orders * days)
        both = self._both(cases, flows, (chained & ~endless, short))
        short = np.maximum(short, both.max(axis=2, initial=0.0))
        own = short[:, :, None]
        together = np.divide(both, own, out=np.zeros_like(both), where=own > 0)
        after = np.minimum(np.maximum(short[:, None, :], together), 1.0)
        return SupplierService(short, after, np.where(endless, 0.0, delay))

    def _both(self, cases: Cases, flows: _Flows, known: tuple[Booleans, Floats]) -> Floats:
        """Chance that two suppliers that may be in a chain are both empty, at least."""
        chained, short = known
        pairs = chained[:, :, None] & chained[:, None, :] & ~np.eye(short.shape[1], dtype=bool)
        if not pairs.any():
            return np.zeros(pairs.shape)
        days = self.demand.days[cases.part]
        for _ in range(_ROUNDS - 1):
            customers = flows.sure + (flows.sure_passing * short[:, :, None]).sum(axis=1)
            orders = np.maximum(flows.orders * days, _RARE)
            figures = shelf_figures(cases.most, customers * days, orders)
            short = np.where(chained, np.maximum(figures.short, short), short)
        units = cases.most[:, :, None] + cases.most[:, None, :]
        asking = flows.sure_passing + flows.sure_passing.transpose(0, 2, 1)
        shortest = np.minimum(days[:, :, None], days[:, None, :])
        pooled = loss_shares(units, asking * shortest)
        return np.where(pairs, np.minimum(pooled, short[:, :, None] * short[:, None, :]), 0.0)

    def _flows(self, cases: Cases, factor: Floats) -> _Flows:
        """What is asked for in some cases."""
        demand, part = self.demand, cases.part
        foreign, stray = (amount[part] * factor[:, None] for amount in demand.strays)
        most = cases.most_orders * factor[:, None]
        by_others = np.minimum(foreign, most.sum(axis=1, keepdims=True) - most) + stray
        first = demand.first_asked[part][:, demand.roots] * factor[:, None]
        entering = demand.entering[part] * factor[:, None]
        onward = demand.onward[part] * factor[:, None, None]
        onward_first = demand.onward_first[part] * factor[:, None, None]
        least = cases.surely_ordered * factor[:, None]
        busy = (~cases.is_idle).sum(axis=1, keepdims=True)
        open_to = stray + np.where(busy > ~cases.is_idle, foreign, 0.0)
        sure, sure_passing = self._sure_flows(cases, (entering, onward, open_to), factor)
        return _Flows(
            np.maximum(entering - least - by_others, first),
            np.maximum(onward - (most + by_others)[:, :, None], onward_first),
            np.maximum(sure, first),
            np.maximum(sure_passing, onward_first),
            least,
        )

    def _sure_flows(
        self, cases: Cases, whole: tuple[Floats, Floats, Floats], factor: Floats
    ) -> tuple[Floats, Floats]:
        """What asks suppliers directly, were nothing ordered of them and their group a chain.

        A chain has room for few stocked shelves, and shelves of a supplier of which nobody orders
        hold nothing; ``whole`` ends with what shelves of others may ship.
        """
        entering, onward, by_others = whole
        demand, part, k = self.demand, cases.part, cases.fewest.shape[1]
        room = np.log2(MOST_STATES / np.minimum(cases.fewest + 1.0, MOST_STATES)) + 1e-9
        stocked = np.minimum(np.floor(room), MOST_STOCKED).astype(np.int64)
        row, one, other = np.ogrid[: len(part), :k, :k]
        # groups in which everyone asks everyone have no chain, and room for any shelves
        apart = demand.is_apart[part]
        touched = demand.touched[part][row[:, :, 0], one[:, :, 0], stocked] * factor[:, None]
        touched = np.where(apart, touched, np.inf)
        sure = entering - np.minimum(touched, by_others)
        fewer = np.minimum(stocked[:, :, None], stocked[:, None, :])
        touched = demand.touched_onward[part][row, one, other, fewer] * factor[:, None, None]
        touched = np.where(apart[:, :, None] | apart[:, None, :], touched, np.inf)
        of_idle = np.where(cases.is_idle, by_others, np.inf)[:, :, None]
        return sure, onward - np.minimum(np.minimum(touched, of_idle), onward)

    def _may_be_chained(self, cases: Cases) -> Booleans:
        """Suppliers of which nobody orders, in a group where nobody orders of anyone."""
        if not self.by_chains:
            return np.zeros(cases.fewest.shape, dtype=bool)
        stocked = cases.fewest > 0
        ordering = stocked & ~cases.may_idle & ~cases.is_idle
        joined: Booleans = self.demand.linked[cases.part] & ordering[:, :, None]
        others = joined.any(axis=1)
        idle = cases.may_idle | cases.is_idle
        return idle & ~(others & stocked)

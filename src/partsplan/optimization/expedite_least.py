r"""What stock vectors miss at least, without solving a chain: locations that get no orders.

A shelf is empty at least as often as if only those asked it who have no stocked source before it;
two are empty together at least as often as if they were independent. In a chain, a set E of shelves
is empty at least as often as one shelf with all their units: :math:`B(\sum_E S, \Lambda_E T_E)`,
:math:`\Lambda_E` the demand that asks all of E before any other stocked source, and :math:`T_E`
their shortest resupply time, since E ships at that rate whenever it has a unit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from partsplan.evaluation.erlang import loss_shares
from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.evaluation.pooling import MOST_STATES
from partsplan.optimization.axes import Booleans, Floats, Integers


class LeastMissed:
    """Least shares missed of stock vectors of one part.

    Parameters
    ----------
    block
        The part alone; its rate is known, it has no lots and no location replenishes another one.
    by_chains
        Whether small groups are solved as chains.
    """

    def __init__(self, block: ExpediteBlock, *, by_chains: bool) -> None:
        tree = block.tree
        self.sources = block.sources
        self.rate = block.rate[0]
        self.by_chains = by_chains
        days = (1.0 - tree.repair_fraction) * tree.transit_days
        self.days = (days + tree.repair_fraction * tree.repair_days)[0]

    def of(self, stock: Integers) -> Floats:
        """Least shares missed; shape (n_vectors, n_nodes)."""
        missed = np.empty((len(stock), self.sources.n_nodes))
        for rows, stocked in _by_pattern(stock > 0):
            missed[rows] = self._of_pattern(stock[rows], stocked)
        return missed

    def _of_pattern(self, stock: Integers, stocked: Booleans) -> Floats:
        """The same of vectors that stock the same places."""
        asked, demand = self._asked_sets(stocked)
        alone = np.ones((len(stock), len(stocked)))
        together: dict[int, Floats] = {0: np.ones(len(stock))}
        is_chained = self.by_chains & ((stock + 1.0).prod(axis=1) <= MOST_STATES)
        for code, rate in demand.items():
            places = np.array([j for j in range(len(stocked)) if code >> j & 1])
            units, days = stock[:, places].sum(axis=1), float(self.days[places].min())
            loss = loss_shares(units, np.full(len(units), rate * days))
            together[code] = loss if len(places) == 1 else np.where(is_chained, loss, 0.0)
            if len(places) == 1:
                alone[:, places[0]] = loss
        missed = np.empty((len(stock), self.sources.n_nodes))
        for nodes in self.sources.levels:
            for node in nodes.tolist():
                above, place = int(self.sources.above[node]), int(self.sources.location[node])
                before = missed[:, above] if above >= 0 else 1.0
                missed[:, node] = before * (alone[:, place] if stocked[place] else 1.0)
                if asked[node] in together:
                    np.maximum(missed[:, node], together[asked[node]], out=missed[:, node])
        return missed

    def _asked_sets(self, stocked: Booleans) -> tuple[list[int], dict[int, float]]:
        """Set of stocked sources asked up to every node, as bits, and the demand of every set.

        A shelf that nobody asks first has demand 0.
        """
        sources = self.sources
        asked = [0] * sources.n_nodes
        demand = {1 << j: 0.0 for j in np.flatnonzero(stocked).tolist()}
        for nodes in sources.levels:
            for node in nodes.tolist():
                above, place = int(sources.above[node]), int(sources.location[node])
                before = asked[above] if above >= 0 else 0
                asked[node] = before | (1 << place if stocked[place] else 0)
                if asked[node] != before:
                    demand[asked[node]] = demand.get(asked[node], 0.0) + float(self.rate[node])
        return asked, demand


def _by_pattern(stocked: Booleans) -> Iterator[tuple[Integers, Booleans]]:
    """Rows with the same places stocked, and those places."""
    patterns, which = np.unique(stocked, axis=0, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    starts = np.searchsorted(which.reshape(-1)[order], np.arange(len(patterns) + 1))
    for place, pattern in enumerate(patterns):
        yield order[starts[place] : starts[place + 1]], pattern

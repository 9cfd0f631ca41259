"""Making the tables of a block of parts whose rates are known.

What a child suffers is linear in the law of its parent's backorders (Simon 1971, Graves 1985), so
the figures for all stocks of parent and child are one matrix product: the law of the late units
at every stock of the parent, times the child's figure given each number of late units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers, trailing
from partsplan.optimization.conditional import Given
from partsplan.optimization.grids import Grids, reach, worst_pipelines
from partsplan.optimization.late_units import LateUnits, with_endless
from partsplan.optimization.lots import over_positions, position_lots
from partsplan.optimization.poisson_tables import poisson_law, poisson_tables
from partsplan.optimization.sweeping import Kind
from partsplan.optimization.tables import OUTSIDE, Branch, Family, Figures, Leaves, Weighed

_LAW_TAIL = 1e-15


@dataclass(frozen=True, eq=False)
class _Laws:
    """Laws of a parent's late units; None where there is no parent."""

    now: LateUnits | None
    """Units late at a random moment."""
    then: Mapping[bytes, LateUnits | None]
    """Units still late after a wait, by the key of the wait (days per part)."""
    late: Mapping[bytes, Floats]
    """P(the parent's own customers wait longer), same keys; shape (part, context...)."""


class TableBuilder:
    """Builds the tables of one block of parts.

    Parameters
    ----------
    tree
        Supply tree of the block; rates known (one value of an uncertain rate at a time).
    grids
        Stocks to tabulate.
    weighed
        Which figures are needed.
    """

    def __init__(self, tree: SupplyTree, grids: Grids, weighed: Weighed) -> None:
        self.weighed = weighed
        self.tree = tree
        self.grids = grids
        self.windows = weighed.windows
        self.worst = worst_pipelines(tree)
        self.lots = [tree.lots_at(location) for location in range(tree.n_locations)]
        self.asked = self._waits_asked_from_above()

    def build(self) -> Family:
        """Tables of all locations, from the roots down."""
        n = self.tree.n_parts
        waits = {
            self._wait_above(root, wait).tobytes()
            for root in self._roots()
            for wait in self._waits_at(root)
        }
        laws = _Laws(None, dict.fromkeys(waits), dict.fromkeys(waits, np.zeros(n)))
        return self._family(OUTSIDE, self._roots(), laws)

    def _roots(self) -> tuple[int, ...]:
        return tuple(np.flatnonzero(self.tree.parents < 0).tolist())

    def _waits_asked_from_above(self) -> dict[int, dict[bytes, Floats]]:
        """Waits (days per part) of which the children of a location ask what is left for it."""
        asked: dict[int, dict[bytes, Floats]] = {
            location: {} for location in range(self.tree.n_locations)
        }
        self.asked = asked
        for location in reversed(self.tree.order):
            parent = int(self.tree.parents[location])
            for wait in self._waits_at(location) if parent >= 0 else ():
                above = self._wait_above(location, wait)
                asked[parent][above.tobytes()] = above
        return asked

    def _waits_at(self, location: int) -> list[Floats]:
        """All waits at a location: its own windows and what its children ask for."""
        own = [np.full(self.tree.n_parts, days) for at, days in self.windows if at == location]
        return [*own, *self.asked[location].values()]

    def _wait_above(self, location: int, wait: Floats) -> Floats:
        """What is left of a wait for the parent: (u - T)+."""
        return np.maximum(wait - self.tree.transit_days[:, location], 0.0)

    def _family(self, parent: int, members: Sequence[int], laws: _Laws) -> Family:
        children = self.tree.children
        leaf = tuple(member for member in members if not children[member])
        branches = tuple(self._branch(member, laws) for member in members if children[member])
        return Family(self._leaves(parent, leaf, laws), branches)

    def _leaves(self, parent: int, locations: tuple[int, ...], laws: _Laws) -> Leaves:
        chosen = list(locations)
        stock = self.grids.leaves[parent]
        given = self._given(locations, self.tree.pipeline()[:, chosen], stock)
        contexts = () if laws.now is None else laws.now.contexts
        backorders = np.zeros((self.tree.n_parts, *contexts, *stock.shape[1:]))
        if self.weighed.has_waits:
            backorders = given["loss"].over(laws.now, stock)
        stockout = None
        if self.weighed.has_stockout:
            stockout = given["tail"].over(laws.now, stock)
        by_location = dict(zip(locations, stock.swapaxes(0, 1), strict=True))
        late = self._own_lateness(locations, by_location, laws)
        return Leaves(locations, Figures(backorders, stockout, late))

    def _own_lateness(
        self, locations: Sequence[int], stocks: Mapping[int, Integers], laws: _Laws
    ) -> dict[int, Floats]:
        """Lateness of the windows of some locations with one parent; (part, context..., stock)."""
        by_law: dict[bytes, list[int]] = {}
        for w, (location, days) in enumerate(self.windows):
            if location in locations:
                wait = np.full(self.tree.n_parts, days)
                by_law.setdefault(self._wait_above(location, wait).tobytes(), []).append(w)
        late: dict[int, Floats] = {}
        for above, windows in by_law.items():
            places = [self.windows[w][0] for w in windows]
            pipelines = [
                self.tree.pipeline(self.windows[w][1])[:, self.windows[w][0]] for w in windows
            ]
            stock = np.stack([stocks[place] for place in places], axis=1)
            given = self._given(places, np.stack(pipelines, axis=1), stock)
            mixed = given["tail"].over(laws.then[above], stock)
            for k, w in enumerate(windows):
                wait = np.full(self.tree.n_parts, self.windows[w][1])
                late[w] = self._with_empty_shelf(
                    places[k], wait, (stock[:, k], mixed[..., k, :]), laws.late[above]
                )
        return late

    def _with_empty_shelf(
        self,
        location: int,
        wait: Floats,
        at_stock: tuple[Integers, Floats],
        parent_late: Floats,
    ) -> Floats:
        """Lateness with stock 0: the customer's unit is the one that is ordered or repaired."""
        stock, late = at_stock
        r, R = self.tree.repair_fraction[:, location], self.tree.repair_days[:, location]
        on_the_way = wait < self.tree.transit_days[:, location]
        ndim = late.ndim - 1
        from_parent = np.where(trailing(on_the_way, ndim), 1.0, parent_late)
        empty = trailing(r * (wait < R), ndim) + trailing(1.0 - r, ndim) * from_parent
        late[..., 0] = np.where(trailing(stock[:, 0] == 0, ndim), empty, late[..., 0])
        return late

    def _branch(self, location: int, laws: _Laws) -> Branch:
        stock = self.grids.branch[location]
        now = self._late_units(location, laws.now, np.zeros(self.tree.n_parts))
        then, late = {}, {}
        for key, wait in self.asked[location].items():
            above = self._wait_above(location, wait).tobytes()
            then[key] = now
            if wait.any():
                then[key] = self._late_units(location, laws.then[above], wait)
            over = self._with_empty_shelf(
                location, wait, (stock, then[key].short()), laws.late[above]
            )
            late[key] = with_endless(over)
        own_late = self._own_lateness((location,), {location: stock}, laws)
        stockout = None
        if self.weighed.has_stockout:
            stockout = with_endless(now.short())
        figures = Figures(
            backorders=now.mean(),
            stockout=stockout,
            late={window: with_endless(over) for window, over in own_late.items()},
        )
        below = _Laws(now, then, late)
        return Branch(
            location, figures, self._family(location, self.tree.children[location], below)
        )

    def _given(
        self, locations: Sequence[int], mean: Floats, stock: Integers
    ) -> Mapping[Kind, Given]:
        """What stocks of some locations meet while no unit is late at their parent.

        Parameters
        ----------
        locations
            With one parent.
        mean
            Units under way, axes (part, location).
        stock
            Stocks asked for, axes (part, location, size).
        """
        tail, loss = poisson_tables(mean, 1 + stock.max(initial=0))
        if locations:  # means where roots order in lots
            lots = np.stack([self.lots[location] for location in locations], axis=1)
            tail, loss = over_positions(tail, lots), over_positions(loss, lots)
        share = self.tree.share[:, list(locations)]
        return {"tail": Given(tail, share, "tail"), "loss": Given(loss, share, "loss")}

    def _late_units(self, location: int, above: LateUnits | None, wait: Floats) -> LateUnits:
        """Units late at a location after a wait [days per part], at each of its stocks."""
        length = 1 + reach(self.worst[:, location], _LAW_TAIL)
        mean = self.tree.pipeline(wait[:, None])[:, [location]]
        law = Given(poisson_law(mean, length), self.tree.share[:, [location]], "law").over(above)
        stock, lots = self.grids.branch[location], self.lots[location]
        in_lots = position_lots(lots, stock) if (lots > 1).any() else None
        return LateUnits(law[..., 0, :], stock, in_lots)

"""What a worker simulates: parts that share a replenishment forest, as plain arrays.

A block is small enough that the demands of one replication fit the processor's cache, and knows
how long its parts must run before the empty pipelines of the start are forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.supply import SupplyTree
from partsplan.simulation.customers import CustomerClasses
from partsplan.simulation.lead_times import LeadTimes
from partsplan.simulation.opening import Opening

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MOST_PARTS = 256
_LOSS_WARMUP = 4.0
"""Times the longest path, until a network that loses demand to the outside has settled."""
_SLOWER = 3.0
"""Times that demand at an uncertain rate is given to fill up a lot."""
_SPREAD = 2.0
"""Most demands of a part per least in a block that is taken event by event."""
_MOST_DEMANDS = 60_000
"""Demands of a block in one replication, but for single parts that have more."""


@dataclass(frozen=True, eq=False)
class SimulatedBlock:
    """Parts with one forest; rows of arrays are parts, classes are those of the block."""

    parts: Integers
    """Shape (n_parts,): positions in the network."""
    tree: SupplyTree
    """Forest, times, repair fractions and lots; its demand rates draw nothing."""
    stock: Integers
    """Shape (n_parts, n_locations): base stock [units]."""
    lead_times: LeadTimes
    """Law of the resupply times at the roots."""
    classes: Integers
    """Shape (n_classes,): positions of the classes, by part."""
    class_part: Integers
    """Part of each class, by its row in the block."""
    class_shipper: Integers
    """Location whose stock a class draws on."""
    per_day: Floats
    """Mean demand of each class [units/day]."""
    variance_to_mean: Floats
    """Clustering of each class."""
    warmup_days: Floats
    """Shape (n_parts,): days before figures are taken."""
    window_days: float
    """Days over which figures are taken."""
    opening: Opening | None = None
    """Units of the first day; None: the base stock is on the shelf."""
    has_indentures: bool = False
    """Whether parts sit in each other, so that repairs may wait."""
    sources: Integers | None = None
    """Shape (n_classes, most_sources): locations asked in turn where shortages are expedited."""

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return len(self.parts)

    @property
    def asked_in_turn(self) -> Integers:
        """Shape (n_classes, most_sources): sources of each class, by default its shipper."""
        return self.class_shipper[:, np.newaxis] if self.sources is None else self.sources

    @cached_property
    def may_cross(self) -> bool:
        """Whether an order may come in before an earlier one."""
        repair = self.tree.repair_fraction
        return bool(
            self.has_indentures or self.lead_times.varies or ((repair > 0) & (repair < 1)).any()
        )

    @cached_property
    def lots(self) -> Integers | None:
        """Shape (n_parts, n_locations): units per order; None where all is one for one."""
        return self.tree.order_lots(self.stock)

    @cached_property
    def horizon_days(self) -> Floats:
        """Shape (n_parts,): days simulated.

        Where orders cross or come in lots, demand after the window can bring a unit to one inside.
        """
        needs_future = (self.may_cross or self.lots is not None) and self.sources is None
        after = self.warmup_days + self._lot_days if needs_future else 0.0
        return self.warmup_days + self.window_days + after

    @property
    def _lot_days(self) -> Floats:
        """Shape (n_parts,): days in which the demand fills up a lot, but for one time in 10^6."""
        if self.lots is None:
            return np.zeros(self.n_parts)
        rate = self.tree.rate
        slow = np.where(np.isfinite(self.tree.rate_shape), _SLOWER, 1.0)[:, np.newaxis]
        units = slow * (self.lots + 5.0 * np.sqrt(self.lots) + 10.0)
        asked = (self.lots > 1) & (rate > 0.0)
        days = np.divide(units, rate, out=np.zeros(units.shape), where=asked)
        return np.asarray(days.max(axis=1))

    @cached_property
    def ancestors(self) -> Integers:
        """Shape (n_locations, n_levels): ancestor at each depth, itself at its own; -1 below."""
        depth, parents = self.tree.depth, self.tree.parents
        table = np.full((len(parents), int(depth.max(initial=0)) + 1), -1, dtype=np.int64)
        for j in self.tree.order:
            if parents[j] >= 0:
                table[j] = table[parents[j]]
            table[j, depth[j]] = j
        return table


def path_days(tree: SupplyTree, lead_times: LeadTimes) -> Floats:
    """Longest time from an order of a part to its arrival, over all paths from outside [days]."""
    is_root = tree.parents < 0
    own = np.where(is_root, lead_times.settling(tree.transit_days), tree.transit_days)
    slowest = np.maximum(own, np.where(tree.repair_fraction > 0, tree.repair_days, 0.0))
    total = slowest.copy()
    for j in tree.order:
        if tree.parents[j] >= 0:
            total[:, j] += total[:, tree.parents[j]]
    return np.asarray(total.max(axis=1, initial=0.0))


def simulated_blocks(
    model: ServiceModel,
    stock: Integers,
    customers: CustomerClasses,
    lead_times: LeadTimes,
    *,
    window_days: float,
    warmup_days: float | None,
    sources: Integers | None = None,
    together: Integers | None = None,
) -> Iterator[SimulatedBlock]:
    """All parts with demand in blocks, in a fixed order."""
    starts = customers.starts(model.network.n_parts)
    per_day = np.add.reduceat(np.append(customers.per_day, 0.0), starts[:-1])
    per_day = np.where(np.diff(starts) > 0, per_day, 0.0)
    for forest in model.network.forests:
        asked = forest.parts[per_day[forest.parts] > 0]
        if sources is not None:  # rows that take about as many steps of the event loop
            asked = asked[np.argsort(-per_day[asked], kind="stable")]
        if len(asked) == 0:
            continue
        tree = model.tree(forest, asked)
        _check_lots(model, tree, asked)
        laws = lead_times.of_parts(asked)
        longest = path_days(tree, laws)
        if sources is not None:
            longest = _LOSS_WARMUP * longest
        warmup = longest if warmup_days is None else np.full(len(asked), warmup_days)
        demands = per_day[asked] * (warmup + window_days)
        pieces = _rows_together if sources is None else _rows_in_step
        levels = np.full(len(asked), -1) if together is None else together[asked]
        if (levels >= 0).any():  # one level of parts after the other
            family = np.flatnonzero(levels >= 0)
            warmup[family] = sum(
                longest[levels == level].max(initial=0.0) for level in set(levels[family].tolist())
            )
        for rows in _apart(levels, demands, pieces):
            parts = asked[rows]
            counts = starts[parts + 1] - starts[parts]
            row = np.repeat(np.arange(len(parts)), counts)
            classes = np.concatenate([np.arange(starts[p], starts[p + 1]) for p in parts])
            kept = customers.per_day[classes] > 0
            classes, row = classes[kept], row[kept]
            yield SimulatedBlock(
                parts=parts,
                tree=tree.of_parts(rows),
                stock=stock[parts],
                lead_times=laws.of_parts(rows),
                classes=classes,
                class_part=row,
                class_shipper=customers.shipper[classes],
                per_day=customers.per_day[classes],
                variance_to_mean=customers.variance_to_mean[classes],
                warmup_days=warmup[rows],
                window_days=window_days,
                sources=None if sources is None else sources[classes],
                has_indentures=bool((levels[rows] >= 0).any()),
            )


def _check_lots(model: ServiceModel, tree: SupplyTree, parts: Integers) -> None:
    """Raise where a root orders in lots and repairs a share itself, unit by unit."""
    mixes = ((tree.lots > 1) & (tree.repair_fraction > 0)).any(axis=1)
    if mixes.any():
        part = model.network.part_ids[parts[np.flatnonzero(mixes)[0]]]
        raise PartsplanError(
            f"a simulation knows no lots where the top location repairs a share itself, as of "
            f"part {part!r}. Give order_quantity 1 or local_repair_fraction 0."
        )


def _apart(
    levels: Integers, demands: Floats, pieces: Callable[[Floats], Iterator[Integers]]
) -> Iterator[Integers]:
    """Rows with a level of indenture in one piece, the others in usual ones."""
    family, others = np.flatnonzero(levels >= 0), np.flatnonzero(levels < 0)
    if len(family):
        yield family
    if len(others):
        yield from (others[rows] for rows in pieces(demands[others]))


def _rows_together(demands: Floats) -> Iterator[Integers]:
    """Rows in order, cut where a block has enough parts or demands."""
    start, total = 0, 0.0
    for row, amount in enumerate(demands.tolist()):
        if row > start and (row - start == _MOST_PARTS or total + amount > _MOST_DEMANDS):
            yield np.arange(start, row)
            start, total = row, 0.0
        total += amount
    yield np.arange(start, len(demands))


def _rows_in_step(demands: Floats) -> Iterator[Integers]:
    """Rows, most demands first, cut where they would take too many or too different steps."""
    start = 0
    for row, amount in enumerate(demands.tolist()):
        is_unlike = amount * _SPREAD < demands[start]
        if row > start and (row - start == _MOST_PARTS or is_unlike):
            yield np.arange(start, row)
            start = row
    yield np.arange(start, len(demands))

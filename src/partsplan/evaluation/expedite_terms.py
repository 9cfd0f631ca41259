r"""What promises and shipments weigh of expedited demand: linear in the shares missed on the way.

With the value :math:`v_k` of a shipment from the k-th source (lane hours, 1 if late, a cost) and
:math:`p_k` the share that the first k sources miss, a demand's mean value is
:math:`v_1 + \sum_k p_k (v_{k+1} - v_k)`, the outside supply coming last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from partsplan.demand import DemandStreams
from partsplan.evaluation.commitments import HOURS_PER_DAY, Promise
from partsplan.evaluation.entry_table import Entries
from partsplan.evaluation.source_orders import SourceOrders
from partsplan.evaluation.supply import Floats, Integers
from partsplan.evaluation.weights import Terms


@dataclass(frozen=True, eq=False)
class EmergencySupply:
    """The outside supply of every part."""

    hours: Floats
    """Shape (n_parts,) [hours]."""
    cost: Floats
    """Shape (n_parts,): cost of a shipment [currency]."""


@dataclass(frozen=True, eq=False)
class LinearUse:
    """Amounts that are a constant plus terms in the missed shares, one per part and row."""

    constant: Floats
    """Shape (n_parts, n_rows): amount if the first source always ships."""
    missed: Terms
    """Slots are nodes; per share missed at the node."""

    def at(self, missed: Floats) -> Floats:
        """Amounts at missed shares of shape (n_parts, n_nodes); shape (n_parts, n_rows)."""
        return self.constant + self.missed.uses(missed)

    def of_parts(self, rows: Integers) -> LinearUse:
        """The same for some parts; a part may come twice."""
        return LinearUse(self.constant[rows], self.missed.of_parts(rows))


Value = Callable[[Entries, Floats, Floats], Floats]
"""Value of a shipment by entry, lane hours (or cost) of the source, and those of the first."""


class UseBuilder:
    """Makes linear uses of a block of parts.

    Parameters
    ----------
    orders
        Source orders of the demand streams.
    streams
        All demand streams.
    outside
        Outside supply of the parts of the block.
    least
        Whether every value is replaced by the least of its own and those of all later sources:
        amounts that are at most the true ones, whose terms are never negative.
    """

    def __init__(
        self,
        orders: SourceOrders,
        streams: DemandStreams,
        outside: EmergencySupply,
        *,
        least: bool = False,
    ) -> None:
        self.orders = orders
        self.streams = streams
        self.outside = outside
        self.least = least
        self.n_parts = len(outside.hours)

    def promised(self, entries: Entries, promises: Sequence[Promise]) -> LinearUse:
        """Use of every promise."""
        kind = np.array([promise.metric for promise in promises], dtype=object)[entries.promise]
        within = np.array([promise.within_hours for promise in promises], dtype=np.float64)
        values: dict[str, Value] = {
            "mean_wait": lambda _, hours, first: np.maximum(hours - first, 0.0),
            "uptime": lambda chosen, hours, _: (hours + self._hands(chosen)) / HOURS_PER_DAY,
            "response": lambda chosen, hours, _: (hours > within[chosen.promise]).astype(float),
        }
        pieces = [
            self._pieces(entries.of(kind == metric), self.orders.hours, self.outside.hours, value)
            for metric, value in values.items()
        ]
        pieces.append(self._first_missed(entries.of(kind == "fill_rate")))
        return self._summed(pieces, len(promises))

    def shipments(self, entries: Entries) -> LinearUse:
        """Cost of all shipments; weights are shipments per year [currency/year]."""
        pieces = [
            self._pieces(entries, self.orders.cost, self.outside.cost, lambda _, cost, __: cost)
        ]
        return self._summed(pieces, 1)

    def waits(self, entries: Entries, n_rows: int) -> LinearUse:
        """Hours by which shipments take longer than the first source's."""

        def longer(_: Entries, hours: Floats, first: Floats) -> Floats:
            return np.maximum(hours - first, 0.0)

        pieces = [self._pieces(entries, self.orders.hours, self.outside.hours, longer)]
        return self._summed(pieces, n_rows)

    def _hands(self, entries: Entries) -> Floats:
        streams = self.streams
        hands = streams.diagnosis_hours + streams.repair_hours
        return np.asarray(hands[entries.stream], dtype=np.float64)

    def _pieces(
        self, entries: Entries, figure: Floats, outside: Floats, value: Value
    ) -> list[_Piece]:
        """Constant piece and one piece per place in the orders."""
        customer = self.orders.customer[entries.stream]
        last = outside[entries.part]
        own = np.where(self.orders.node[customer, 0] >= 0, figure[customer, 0], 0.0)
        values = []
        for place in range(self.orders.most_sources):
            asked = self.orders.node[customer, place] >= 0
            values.append(value(entries, np.where(asked, figure[customer, place], last), own))
        values.append(value(entries, last, own))
        if self.least:
            for place in range(self.orders.most_sources - 1, -1, -1):
                values[place] = np.minimum(values[place], values[place + 1])
        pieces = [_Piece(entries, None, entries.weight * values[0])]
        for place in range(self.orders.most_sources):
            node = self.orders.node[customer, place]
            asked = node >= 0
            step = entries.weight * (values[place + 1] - values[place])
            pieces.append(_Piece(entries.of(asked), node[asked], step[asked]))
        return pieces

    def _first_missed(self, entries: Entries) -> list[_Piece]:
        node = self.orders.node[self.orders.customer[entries.stream], 0]
        asked = node >= 0
        return [
            _Piece(entries.of(asked), node[asked], entries.weight[asked]),
            _Piece(entries.of(~asked), None, entries.weight[~asked]),
        ]

    def _summed(self, pieces: Sequence[list[_Piece]], n_rows: int) -> LinearUse:
        constant = np.zeros((self.n_parts, n_rows))
        part, node, row, weight = [], [], [], []
        for piece in (piece for some in pieces for piece in some):
            if piece.node is None:
                np.add.at(constant, (piece.entries.part, piece.entries.promise), piece.amount)
                continue
            part.append(piece.entries.part)
            node.append(piece.node)
            row.append(piece.entries.promise)
            weight.append(piece.amount)
        ids = [np.concatenate(column) for column in (part, node, row)]
        shape = (self.n_parts, self.orders.tree.n_nodes, n_rows)
        entries = (ids[0], ids[1], ids[2], np.concatenate(weight))
        return LinearUse(constant, Terms.summed(shape, entries))


@dataclass(frozen=True, eq=False)
class _Piece:
    """Amounts of entries per share missed at their node; None: whatever is missed."""

    entries: Entries
    node: Integers | None
    amount: Floats

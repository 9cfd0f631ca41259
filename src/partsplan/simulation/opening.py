"""Opening at today's position: units on hand and on order in place of a full shelf.

Below its base stock a location orders what it lacks on the first day; above it, it does not order
until it is down to it. Units on order come in evenly over the location's resupply time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.network import ServiceNetwork, read_limits

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Opening:
    """Units of parts at locations on the first day; shape (n_parts, n_locations)."""

    on_hand: Integers
    on_order: Integers
    lacking: Integers
    """Units below the base stock: ordered on the first day."""
    excess: Integers
    """Units above it: so many demands order nothing."""

    def of_parts(self, parts: Integers) -> Opening:
        """The same for some parts."""
        return Opening(
            self.on_hand[parts], self.on_order[parts], self.lacking[parts], self.excess[parts]
        )

    def due(self, transit_days: Floats, is_root: NDArray[np.bool_]) -> tuple[Integers, ...]:
        """Part, location and day (as a third array) of all units that need no other location."""
        part, location, days = [], [], []
        for p, at in np.argwhere((self.on_hand + self.on_order + self.lacking) > 0).tolist():
            ahead = int(self.on_order[p, at])
            new = int(self.lacking[p, at]) if is_root[at] else 0
            times = np.concatenate(
                [
                    np.full(int(self.on_hand[p, at]), -np.inf),
                    (np.arange(ahead) + 0.5) / max(ahead, 1) * transit_days[p, at],
                    np.full(new, transit_days[p, at]),
                ]
            )
            part.append(np.full(len(times), p))
            location.append(np.full(len(times), at))
            days.append(times)
        none = [np.zeros(0, dtype=np.int64)]
        joined = (np.concatenate(none + part), np.concatenate(none + location))
        return (*joined, np.concatenate([np.zeros(0), *days]))


def opening_of(network: ServiceNetwork, stock: Integers) -> Opening:
    """Today's position by the network's stock table.

    Raises
    ------
    PartsplanError
        If the table has neither units on hand nor on order.
    """
    given = network.stock.given_columns
    if "on_hand" not in given and "on_order" not in given:
        raise PartsplanError(
            "opening='position' reads on_hand and on_order of the stock table, and it has neither. "
            "Give them with network.replace(stock=...), or use opening='plan'."
        )
    limits = read_limits(network)
    on_hand, on_order = limits.on_hand.astype(np.int64), limits.on_order.astype(np.int64)
    short = stock - on_hand - on_order
    return Opening(on_hand, on_order, np.maximum(short, 0), np.maximum(-short, 0))

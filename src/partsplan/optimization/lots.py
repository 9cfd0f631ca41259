"""Tables of roots that order in lots: means over the inventory position.

With lots of Q a root with stock S is as often at each of the inventory positions S - Q + 1, ..., S
(Hadley and Whitin 1963), so a figure of the stock is the moving average of the figures that these
positions have as stocks, and the law of its late units is the average of their laws. Averages of
figures that fall with the position fall with S. Sums run from the far end, where tails are least.
"""

from __future__ import annotations

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.poisson_tables import tails


def position_lots(lots: Integers, stock: Integers) -> Integers:
    """Units per order at stocks: no order waits for a late unit; shapes (part,), (part, ...)."""
    lots = lots.reshape(-1, *(1 for _ in stock.shape[1:]))
    return np.asarray(np.minimum(lots, np.maximum(stock, 1)))


def over_positions(table: Floats, lots: Integers) -> Floats:
    """Moving averages of a table of figures that fall with the stock 0, 1, ... (last axis).

    ``lots`` has the shape of the other axes; a table of lots of 1 is left as it is.
    """
    if not (lots > 1).any():
        return table
    size = table.shape[-1]
    rows = table.reshape(-1, size)
    lots = lots.ravel()
    stock = np.broadcast_to(np.arange(size), rows.shape)
    mean = window_means(rows, stock, position_lots(lots, stock))
    return np.where(lots[:, None] > 1, mean, rows).reshape(table.shape)


def window_means(rows: Floats, last: Integers, lots: Integers) -> Floats:
    """Mean of the entries last - lots + 1, ..., last of every row; 0 beyond the row."""
    size = rows.shape[-1]
    sums = np.zeros((len(rows), size + 1))
    sums[:, :-1] = tails(rows)
    first, after = np.minimum(last - lots + 1, size), np.minimum(last + 1, size)
    total = np.take_along_axis(sums, first, axis=-1) - np.take_along_axis(sums, after, axis=-1)
    return np.asarray(total / lots)


def rising_means(rows: Floats, last: Integers, lots: Integers) -> Floats:
    """The same of entries that rise to 1, which they are beyond the row; summed from the near end.

    What is small stays so: it is not what is left of 1.
    """
    size = rows.shape[-1]
    sums = np.zeros((len(rows), size + 1))
    sums[:, 1:] = np.cumsum(rows, axis=-1)

    def before(place: Integers) -> Floats:
        within = np.minimum(place, size)
        return np.asarray(np.take_along_axis(sums, within, axis=-1) + (place - within))

    return np.asarray((before(last + 1) - before(last - lots + 1)) / lots)

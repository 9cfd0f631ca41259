"""Who works the blocks of a pass: threads of this process.

numpy lets go of the interpreter while it computes, so blocks are worked side by side. What comes
back is in block order, whoever worked a block.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from partsplan.optimization.axes import Floats
from partsplan.optimization.columns import Columns
from partsplan.optimization.search import BlockSearch
from partsplan.optimization.stock_tables import StockBounds

_FEW_BLOCKS = 8
"""Fewer are worked one after the other."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class PassOrder:
    """What a pass asks of every block."""

    price: Floats
    """Price of one unit of use of every kept promise."""
    slack: float
    """How far a part's lower bound may stay below its best column, in the objective's unit."""
    near: float | None
    """Largest excess of further columns that are wanted; None for none."""


@dataclass(frozen=True, eq=False)
class BlockPass:
    """What a block gives to a pass."""

    columns: Columns
    """The best column of every part (and others before them, where owned units cost nothing)."""
    least: Floats
    """Lower bound of the cost and penalties of every part."""
    near: Columns | None
    """Columns one change away from the best ones, where they were asked for."""


def passed_block(search: BlockSearch, order: PassOrder, limits: StockBounds | None) -> BlockPass:
    """Work one block."""
    columns, least = search.best(order.price, limits, slack=order.slack)
    near = None if order.near is None else search.near_columns(order.price, order.near)
    search.tidy()
    return BlockPass(columns, least, near)


class Crew:
    """Works blocks in threads of this process.

    Parameters
    ----------
    n_threads
        Number of threads; by default one for each core that this process may use.
    """

    def __init__(self, n_threads: int | None = None) -> None:
        self.n_threads = _n_cores() if n_threads is None else n_threads

    def passed(
        self,
        searches: Sequence[BlockSearch],
        order: PassOrder,
        limits: Mapping[int, StockBounds],
    ) -> list[BlockPass]:
        """What every block gives, in block order; ``limits`` are narrower ones by position."""
        positions = {id(search): place for place, search in enumerate(searches)}
        return self.each(
            searches, lambda one: passed_block(one, order, limits.get(positions[id(one)]))
        )

    def each(
        self, searches: Sequence[BlockSearch], work: Callable[[BlockSearch], _Result]
    ) -> list[_Result]:
        """The results of some work on every block, in block order."""
        if self.n_threads < 2 or len(searches) < _FEW_BLOCKS:
            return [work(search) for search in searches]
        with ThreadPoolExecutor(self.n_threads) as pool:
            return list(pool.map(work, searches))


def _n_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1

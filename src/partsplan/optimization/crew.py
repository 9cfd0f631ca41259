"""Who works the blocks of a pass: threads of this process.

numpy lets go of the interpreter while it computes, so blocks are worked side by side. What comes
back is in block order, whoever worked a block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from partsplan.evaluation.threads import in_threads, n_threads
from partsplan.optimization.axes import Floats
from partsplan.optimization.block_problem import StockBounds
from partsplan.optimization.columns import Columns
from partsplan.optimization.search import BlockSearch

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
    return BlockPass(columns, least, near)


class Crew:
    """Works blocks in threads of this process.

    Parameters
    ----------
    threads
        Number of threads; by default as `partsplan.evaluation.threads` has it.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.n_threads = n_threads() if threads is None else threads

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

        def tidied(search: BlockSearch) -> _Result:
            result = work(search)
            search.tidy()
            return result

        threads = self.n_threads if len(searches) >= _FEW_BLOCKS else 1
        return list(in_threads(tidied, searches, threads))

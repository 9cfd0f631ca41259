"""Who works the blocks: threads of this process.

numpy lets go of the interpreter while it computes, so blocks are worked side by side. What comes
back is in block order, whoever worked a block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from partsplan.evaluation.threads import in_threads, n_threads
from partsplan.optimization.block_problem import StockBounds
from partsplan.optimization.search import BlockSearch
from partsplan.optimization.tasks import Task

_FEW_BLOCKS = 8
"""Fewer are worked one after the other."""

Result = TypeVar("Result")


class Crew:
    """Works blocks in threads of this process.

    Parameters
    ----------
    threads
        Number of threads; by default as `partsplan.evaluation.threads` has it.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.n_threads = n_threads() if threads is None else threads

    def worked(
        self,
        searches: Sequence[BlockSearch],
        task: Task[Result],
        limits: Mapping[int, StockBounds] | None = None,
    ) -> list[Result]:
        """Results of a task for every block, in block order.

        ``limits`` are narrower ones of some blocks, by position.

        Raises
        ------
        TimeIsOverError
            As `Clock.check` has it, by the clocks of the searches.
        """
        narrow = {id(searches[place]): bounds for place, bounds in (limits or {}).items()}

        def work(search: BlockSearch) -> Result:
            search.clock.check()
            return task(search, narrow.get(id(search)))

        return self.each(searches, work)

    def each(
        self, searches: Sequence[BlockSearch], read: Callable[[BlockSearch], Result]
    ) -> list[Result]:
        """What is read of every block here, in block order."""

        def tidied(search: BlockSearch) -> Result:
            result = read(search)
            search.tidy()
            return result

        threads = self.n_threads if len(searches) >= _FEW_BLOCKS else 1
        return list(in_threads(tidied, searches, threads))

"""What is asked of a block: tasks that know prices, and can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from partsplan.optimization.axes import Floats
from partsplan.optimization.block_problem import StockBounds
from partsplan.optimization.columns import Columns
from partsplan.optimization.search import BlockSearch

Result_co = TypeVar("Result_co", covariant=True)


class Task(Protocol[Result_co]):
    """Something to be done with every block, some of them within narrower limits."""

    def __call__(self, search: BlockSearch, limits: StockBounds | None) -> Result_co:
        """Do it."""


@dataclass(frozen=True, eq=False)
class BlockPass:
    """What a block gives to a pass."""

    columns: Columns
    """The best column of every part (and others before them, where owned units cost nothing)."""
    least: Floats
    """Lower bound of the cost and penalties of every part."""
    near: Columns | None
    """Columns one change away from the best ones, where they were asked for."""


@dataclass(frozen=True, eq=False)
class PriceBlock:
    """Price all parts."""

    price: Floats
    """Price of one unit of use of every kept promise."""
    slack: float
    """How far a part's lower bound may stay below its best column, in the objective's unit."""
    share: float
    """The same relative to the bound, where that is more."""
    near: float | None
    """Largest excess of further columns that are wanted, as `ListNear` has it; None for none."""

    def __call__(self, search: BlockSearch, limits: StockBounds | None) -> BlockPass:
        """Best columns and bounds."""
        columns, least = search.best(self.price, limits, slack=self.slack, share=self.share)
        near = None if self.near is None else ListNear(self.price, self.near)(search, limits)
        return BlockPass(columns.packed(), least, near)


@dataclass(frozen=True, eq=False)
class ListNear:
    """List columns one change away from the best ones."""

    price: Floats
    slack: float
    """Largest excess, in the search's leverage."""

    def __call__(self, search: BlockSearch, limits: StockBounds | None) -> Columns:
        """The columns."""
        return search.near_columns(self.price, self.slack * search.leverage).packed()


@dataclass(frozen=True, eq=False)
class NearExcess:
    """Tell the excess of all columns one change away from the best ones."""

    price: Floats

    def __call__(self, search: BlockSearch, limits: StockBounds | None) -> Floats:
        """The excesses."""
        return search.near_excess(self.price)


@dataclass(frozen=True, eq=False)
class Prune:
    """Forget stocks that are far from any use."""

    price: Floats

    def __call__(self, search: BlockSearch, limits: StockBounds | None) -> None:
        """Forget them."""
        search.prune(self.price)

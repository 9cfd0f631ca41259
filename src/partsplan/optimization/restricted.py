"""The restricted master: the linear programme over the columns met, whose duals are new prices.

HiGHS is used directly because it keeps its basis while columns are added. Rows are scaled so that
each promise may be used up to 1; a costly slack keeps the programme feasible until columns that
keep every promise have been met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.optimization.axes import Floats
from partsplan.optimization.columns import Columns
from partsplan.optimization.highs import silent_highs

_SLACK_PRICE = 1e7
"""Cost of 100 % too much use, in mean costs of a part; beyond it HiGHS loses digits."""
_LEAST_SLACK_PRICE = 1e3


@dataclass(frozen=True, eq=False)
class RestrictedSolution:
    """Optimum of the restricted master."""

    objective: float
    price: Floats
    """Price of one unit of use of every promise."""
    share: Floats
    """Share of each column, in the order they were added."""
    slack_share: float
    """Largest use beyond what is allowed, as a share of it; 0 when all promises are kept."""


class RestrictedMaster:
    """Least cost over convex combinations of columns, one combination per part.

    Parameters
    ----------
    allowed
        Allowed use of every promise, positive; shape (n_promises,).
    n_parts
        Number of parts.
    cost
        About what a plan costs, in the objective's unit: costs are scaled by it, and using 100 %
        more of a promise than allowed costs some thousand plans.
    taken
        Use of every promise by parts that have no row here; 0 where all have.
    """

    def __init__(
        self, allowed: Floats, n_parts: int, cost: float, taken: Floats | None = None
    ) -> None:
        import highspy  # noqa: PLC0415

        self.allowed = allowed
        self.n_columns = 0
        self._unit = max(abs(cost), 1e-9) / n_parts
        self._highs = silent_highs()
        infinity = highspy.kHighsInf
        n_promises = len(allowed)
        lower = np.concatenate([np.full(n_promises, -infinity), np.ones(n_parts)])
        self._none = np.zeros(0, dtype=np.int32)
        upper = np.ones(len(lower))
        if taken is not None:
            upper[:n_promises] -= taken / allowed
        self._highs.addRows(len(lower), lower, upper, 0, self._none, self._none, np.zeros(0))
        self._highs.addCols(
            n_promises,
            np.full(n_promises, max(_LEAST_SLACK_PRICE * n_parts, _SLACK_PRICE)),
            np.zeros(n_promises),
            np.full(n_promises, infinity),
            n_promises,
            np.arange(n_promises, dtype=np.int32),
            np.arange(n_promises, dtype=np.int32),
            np.full(n_promises, -1.0),
        )

    def add(self, columns: Columns) -> None:
        """Add columns."""
        count, n_promises = len(columns), len(self.allowed)
        if count == 0:
            return
        uses = columns.uses / self.allowed
        present = uses != 0.0
        lengths = present.sum(axis=1) + 1
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        index = np.empty(int(lengths.sum()), dtype=np.int32)
        value = np.ones(len(index))
        row, promise = np.nonzero(present)
        place = np.arange(len(row)) + row
        index[place] = promise
        value[place] = uses[row, promise]
        index[starts + lengths - 1] = n_promises + columns.parts
        self._highs.addCols(
            count,
            columns.cost / self._unit,
            np.zeros(count),
            np.ones(count),
            len(index),
            starts.astype(np.int32),
            index,
            value,
        )
        self.n_columns += count

    def allow_only(self, allowed: NDArray[np.bool_]) -> None:
        """Let only some of the columns, in the order they were added, be used."""
        first = len(self.allowed)
        self._highs.changeColsBounds(
            self.n_columns,
            np.arange(first, first + self.n_columns, dtype=np.int32),
            np.zeros(self.n_columns),
            allowed.astype(np.float64),
        )

    def solve(self) -> RestrictedSolution:
        """Solve to optimality.

        Raises
        ------
        PartsplanError
            If HiGHS does not report an optimum.
        """
        import highspy  # noqa: PLC0415

        optimal = highspy.HighsModelStatus.kOptimal
        self._highs.run()
        if self._highs.getModelStatus() != optimal:
            # a basis kept from before can be singular for the changed columns: start afresh
            self._highs.clearSolver()
            self._highs.run()
        model_status = self._highs.getModelStatus()
        if model_status != optimal:
            raise PartsplanError(
                "HiGHS could not solve the linear master problem "
                f"({self._highs.modelStatusToString(model_status)}); please report the tables."
            )
        solution = self._highs.getSolution()
        n_promises = len(self.allowed)
        values = np.asarray(solution.col_value)
        duals = np.asarray(solution.row_dual)[:n_promises]
        return RestrictedSolution(
            objective=self._unit * float(self._highs.getInfo().objective_function_value),
            price=self._unit * np.maximum(-duals, 0.0) / self.allowed,
            share=values[n_promises:],
            slack_share=float(values[:n_promises].max(initial=0.0)),
        )

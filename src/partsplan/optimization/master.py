"""The integer master: one column per part, all promises kept, least cost, through PuLP.

Variables: x[k] in {0, 1} for each column k. PuLP's common subset of versions 3.3 and 4 is used;
a solver's claim is read from the values it returns, never from its status text alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from partsplan.errors import PartsplanError
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.columns import Columns
from partsplan.optimization.highs import silent_highs

_FEASIBILITY = 1e-10
_MOST_NODES = 100


class IntegerMaster:
    """Choice of one column per part.

    Parameters
    ----------
    columns
        Columns to choose from; every part named has at least one.
    allowed
        Use allowed to these parts, shape (n_promises,); positive or zero.
    scale
        Full allowed use of every promise, by which rows are scaled.
    """

    def __init__(self, columns: Columns, allowed: Floats, scale: Floats) -> None:
        self.columns = columns
        self.allowed = allowed
        self.scale = scale

    def solve(
        self, solver: object, seconds: float | None, gap: float, target: float
    ) -> Integers | None:
        """Chosen columns in part order; None when the solver found none in time.

        Parameters
        ----------
        solver
            ``None`` for HiGHS, a PuLP solver name, or a PuLP solver object.
        seconds
            Time limit [s]; ``None`` for none (HiGHS is limited by nodes in any case).
        gap
            Relative gap at which the solver may stop.
        target
            Cost at which HiGHS may stop.
        """
        import pulp  # noqa: PLC0415

        model: Any = pulp.LpProblem("one_column_per_part", pulp.LpMinimize)
        chosen = model.add_variable_dict("x", range(len(self.columns)), 0, 1, "Binary")
        model += pulp.lpSum(float(c) * chosen[k] for k, c in enumerate(self.columns.cost))
        self._add_one_column_per_part(model, chosen)
        self._add_promises(model, chosen)
        model.solve(pulp_solver(solver, seconds, gap, target))
        value = np.array([chosen[k].varValue or 0.0 for k in range(len(self.columns))])
        return self._read(value)

    def _add_one_column_per_part(self, model: Any, chosen: Any) -> None:
        """Sum of x[k] over the columns of a part = 1."""
        import pulp  # noqa: PLC0415

        for part in np.unique(self.columns.parts):
            own = np.flatnonzero(self.columns.parts == part)
            model += pulp.lpSum(chosen[int(k)] for k in own) == 1, f"part_{part}"

    def _add_promises(self, model: Any, chosen: Any) -> None:
        """Sum of use[k, c] / scale[c] x[k] <= allowed[c] / scale[c]."""
        import pulp  # noqa: PLC0415

        uses = self.columns.uses / self.scale
        for c, limit in enumerate(self.allowed / self.scale):
            users = np.flatnonzero(uses[:, c] != 0.0)
            if len(users):
                total = pulp.lpSum(float(uses[k, c]) * chosen[int(k)] for k in users)
                model += total <= float(limit), f"promise_{c}"

    def _read(self, value: Floats) -> Integers | None:
        """Columns with value 1, if there is exactly one per part."""
        picked = np.flatnonzero(value > 0.5)
        parts = np.unique(self.columns.parts)
        if len(picked) != len(parts) or len(np.unique(self.columns.parts[picked])) != len(parts):
            return None
        return picked.astype(np.int64)


def check_solver(solver: object) -> None:
    """Raise unless the solver is None, the name of one that works here, or a PuLP solver.

    Raises
    ------
    ValueError
        If it is neither.
    PartsplanError
        If the solver is not installed.
    """
    if solver is None:
        return
    if not isinstance(solver, str) and not hasattr(solver, "actualSolve"):
        raise ValueError(f"solver must be None, a PuLP solver's name or object, got {solver!r}")
    pulp_solver(solver, 1.0, 0.0, 0.0)


def pulp_solver(solver: object, seconds: float | None, gap: float, target: float) -> Any:
    """PuLP solver for a choice of the user's.

    Raises
    ------
    ValueError
        If the name is unknown to PuLP.
    PartsplanError
        If the solver is not installed.
    """
    import pulp  # noqa: PLC0415

    if solver is None or solver == "HiGHS":
        return _node_limited_highs()(
            mip_max_nodes=_MOST_NODES,
            time_limit=math.inf if seconds is None else float(seconds),
            mip_rel_gap=gap,
            mip_feasibility_tolerance=_FEASIBILITY,
            primal_feasibility_tolerance=_FEASIBILITY,
            objective_target=target,
        )
    if not isinstance(solver, str):
        return solver
    if solver not in pulp.listSolvers():
        known = ", ".join(pulp.listSolvers(onlyAvailable=True))
        raise ValueError(f"solver must be one that PuLP has here ({known}), got {solver!r}")
    found = pulp.getSolver(solver, msg=False, timeLimit=seconds, gapRel=gap)
    if not found.available():
        raise PartsplanError(
            f"PuLP knows the solver {solver!r}, but it is not installed here. "
            "Leave solver=None for HiGHS, which is always there."
        )
    return found


def _node_limited_highs() -> Any:
    """PuLP's HiGHS, silent, which takes a stop at the node limit for a stop at the time limit.

    PuLP 3.3 does not know the node limit's status and fails on it; PuLP 3.3 and 4.2 make a
    ``highspy.Highs`` that prints its banner.
    """
    import highspy  # noqa: PLC0415
    import pulp  # noqa: PLC0415

    class NodeLimitedHighs(pulp.HiGHS):  # type: ignore[misc]
        def __init__(self, **options: object) -> None:
            super().__init__(msg=False)
            self.highs_options = options

        def createAndConfigureSolver(self, lp: Any) -> None:  # noqa: N802
            lp.solverModel = silent_highs(**self.highs_options)

        def findSolutionValues(self, lp: Any) -> Any:  # noqa: N802
            lp.solverModel = _StatusKnownToPulp(lp.solverModel)
            return super().findSolutionValues(lp)

    class _StatusKnownToPulp:
        def __init__(self, model: Any) -> None:
            self._model = model

        def __getattr__(self, name: str) -> Any:
            return getattr(self._model, name)

        def getModelStatus(self) -> Any:  # noqa: N802
            status = self._model.getModelStatus()
            limits = highspy.HighsModelStatus
            return limits.kTimeLimit if status == limits.kSolutionLimit else status

    return NodeLimitedHighs

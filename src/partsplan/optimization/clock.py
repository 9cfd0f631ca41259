"""Time that an optimization may take, and who is told how far it has come."""

from __future__ import annotations

import time
from copy import copy

import numpy as np

from partsplan.optimization.progress import Listener, Progress, listener_of

_GRACE = 2.0
"""Seconds that a search without a plan goes on when time is over, so that it ends with a good one.
"""
_GRACE_SHARE = 0.25
"""The same as a share of the time limit."""


class TimeIsOverError(Exception):
    """A pass is cut because time is over; what was found before it holds."""


class Clock:
    """Seconds since the start and until the time limit.

    Parameters
    ----------
    time_limit
        Seconds from now; ``None`` for no limit.
    progress
        Who is told of every step, as in `optimize`.
    """

    def __init__(self, time_limit: float | None, progress: bool | Listener = False) -> None:
        self._start = time.perf_counter()
        self._limit = float("inf") if time_limit is None else time_limit
        self._listener = listener_of(progress)
        self.is_interrupted = False
        self.has_plan = False
        """Whether a plan is there, so that nothing need be finished when time is over."""
        self._reported = 0, -np.inf, np.inf

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    @property
    def seconds_left(self) -> float:
        """Seconds until the time limit; ``inf`` without one."""
        return self._limit - self.seconds

    @property
    def is_over(self) -> bool:
        """Whether the time limit has passed, or the user has interrupted."""
        return self.seconds_left <= 0.0

    def interrupt(self) -> None:
        """Let the search end with what it has."""
        self.is_interrupted = True
        self._limit = min(self._limit, self.seconds)

    def check(self) -> None:
        """Cut a pass.

        Raises
        ------
        TimeIsOverError
            If time is over, and without a plan some grace as well.
        """
        grace = 0.0 if self.has_plan else max(_GRACE, _GRACE_SHARE * self._limit)
        if self.seconds_left + grace <= 0.0:
            raise TimeIsOverError

    def unheard(self) -> Clock:
        """The same clock for a search whose steps nobody is told of."""
        twin = copy(self)
        twin._listener = _nobody
        return twin

    def report(self, passes: int, bound: float, cost: float = np.inf) -> None:
        """Tell how far the search has come, if that is news; ``inf`` where nothing is known yet."""
        if (passes, bound, cost) == self._reported:
            return
        self._reported = passes, bound, cost
        has_cost = bool(np.isfinite(cost))
        has_bound = bool(np.isfinite(bound)) and (bound > 0.0 or cost == 0.0)
        gap = max(0.0, (cost - bound) / cost) if has_bound and has_cost and cost > 0 else None
        left = self.seconds_left
        self._listener(
            Progress(
                passes=passes,
                bound=bound if has_bound else None,
                cost=cost if has_cost else None,
                gap=gap,
                seconds=self.seconds,
                seconds_left=max(left, 0.0) if np.isfinite(left) else None,
            )
        )


def _nobody(step: Progress) -> None:
    """Hear nothing."""

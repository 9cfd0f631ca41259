"""Time that an optimization may take."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the start and until the time limit.

    Parameters
    ----------
    time_limit
        Seconds from now; ``None`` for no limit.
    """

    def __init__(self, time_limit: float | None) -> None:
        self._start = time.perf_counter()
        self._limit = float("inf") if time_limit is None else time_limit

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
        """Whether the time limit has passed."""
        return self.seconds_left <= 0.0

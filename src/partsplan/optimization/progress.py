"""What a running optimization tells: a record for the caller's own bar, a bar of tqdm, the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from partsplan.errors import PartsplanError

logger = logging.getLogger("partsplan")


@dataclass(frozen=True)
class Progress:
    """How far an optimization has come."""

    passes: int
    """Passes over all parts so far."""
    bound: float | None
    """No plan costs less, in the objective's unit; None while nothing is proven."""
    cost: float | None
    """Cost of the best plan so far, in the objective's unit; None while there is none."""
    gap: float | None
    """(cost - bound) / cost; None while one of them is unknown."""
    seconds: float
    """Seconds since the start [s]."""
    seconds_left: float | None
    """Seconds until the time limit [s]; None without one."""

    def __str__(self) -> str:
        told = [f"pass {self.passes}"]
        told += [] if self.bound is None else [f"bound {self.bound:.8g}"]
        told += [] if self.cost is None else [f"cost {self.cost:.8g}"]
        told += [] if self.gap is None else [f"gap {100.0 * self.gap:.4f} %"]
        told += [] if self.seconds_left is None else [f"{self.seconds_left:.0f} s left"]
        return ", ".join(told)


Listener = Callable[[Progress], object]


def listener_of(progress: bool | Listener) -> Listener:
    """What is called with every step.

    Parameters
    ----------
    progress
        False for the log alone, True for a bar of tqdm as well, or the caller's own function.

    Raises
    ------
    ValueError
        When it is none of these.
    PartsplanError
        When a bar is asked for and tqdm is not installed.
    """
    if progress is False:
        return _log
    if progress is True:
        return _Bar()
    if not callable(progress):
        raise ValueError(f"progress must be True, False or a function, got {progress!r}")
    listener = progress

    def told(step: Progress) -> None:
        _log(step)
        listener(step)

    return told


def _log(step: Progress) -> None:
    logger.info("%s", step)


class _Bar:
    """A bar of tqdm that shows the last step."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm  # noqa: PLC0415
        except ModuleNotFoundError:
            raise PartsplanError(
                "progress=True shows a bar of tqdm, which is not installed here: "
                "pip install 'partsplan[progress]', or pass a function as progress."
            ) from None
        self._bar: Any = tqdm(unit=" passes", leave=False)

    def __call__(self, step: Progress) -> None:
        _log(step)
        self._bar.update(step.passes - self._bar.n)
        self._bar.set_postfix_str(str(step))

"""Multiplicative steps of prices: each is multiplied by a power of what is used over allowed.

The power is the inverse of how strongly use answers to price, learned from the last two steps
(a secant in logarithms, promise by promise).
"""

from __future__ import annotations

import numpy as np

from partsplan.optimization.axes import Floats

FIRST_POWER = 0.9
_POWERS = (0.4, 2.5)
_LEAST_ASKED = 1e-4
"""Least change of a price, in logarithms, that its answer is judged by."""


class StepPowers:
    """Powers of the steps, from what the last two steps asked for and were answered."""

    def __init__(self) -> None:
        self._last: tuple[Floats, Floats] | None = None

    def at(self, price: Floats, ratio: Floats) -> Floats:
        """Power of every promise's next step, given its price and its use over what is allowed."""
        power = np.full(len(price), FIRST_POWER)
        here = np.log(np.maximum(price, 1e-300)), np.log(np.maximum(ratio, 1e-300))
        before, self._last = self._last, here
        if before is None:
            return power
        asked, answered = here[0] - before[0], here[1] - before[1]
        is_clear = (np.abs(asked) > _LEAST_ASKED) & (asked * answered < 0.0)
        np.divide(-asked, answered, out=power, where=is_clear)
        return np.asarray(np.clip(power, *_POWERS))

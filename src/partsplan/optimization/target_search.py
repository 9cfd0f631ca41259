"""The tightened target of one commitment: between one that was too loose and one that was kept.

A plan uses so much of a promise in the long run, and a period's measured use has a quantile at the
probability asked for. The search looks for the largest long-run use whose quantile is still
allowed: by regula falsi from the stock that never runs out, then in turn with bisection.
"""

from __future__ import annotations

from dataclasses import dataclass

_NARROWEST = 0.02
"""Width of the bracket that ends the search, as a share of the use that may be avoided."""
_LEAST_STEP, _LARGEST_STEP = 0.15, 0.9
_TIGHTER = 0.8
"""Use to presume kept, per use that was kept before and is no more."""
_FROM_ABOVE = 1e-6


@dataclass
class TargetSearch:
    """Search of one promise; uses are in the unit of `Promise.allowed`.

    Parameters
    ----------
    promised
        Use that the promise allows.
    fixed
        Use in the long run that no stock avoids.
    fixed_quantile
        Quantile of the measured use with the stock that never runs out.
    """

    promised: float
    fixed: float
    fixed_quantile: float

    def __post_init__(self) -> None:
        self.aim = self.promised
        """Use to plan for next."""
        self._kept, self._kept_quantile = self.fixed, self.fixed_quantile
        self._broken: float | None = None
        self._broken_quantile = 0.0
        self._steps = 0

    @property
    def is_settled(self) -> bool:
        """Whether no looser target is worth a try."""
        if self._broken is None:
            return True
        return self._broken - self._kept <= _NARROWEST * max(self.promised - self.fixed, 0.0)

    def saw(self, use: float, quantile: float, *, is_kept: bool) -> None:
        """Learn from a plan made for ``aim``: its long-run use, and the quantile in periods."""
        self._steps += 1
        if is_kept:
            self._kept, self._kept_quantile = self.aim, quantile
        elif self._broken is None or use < self._broken:
            self._broken, self._broken_quantile = use, max(quantile, self.promised)
            if self._kept >= use:  # other commitments' targets made the difference
                self._kept = self.fixed + _TIGHTER * (use - self.fixed)
                self._kept_quantile = self.promised
        self.aim = self._next()

    def _next(self) -> float:
        if self._broken is None:
            return self.promised
        if self.is_settled:
            return self._kept if self._kept > self.fixed else self._broken * (1.0 - _FROM_ABOVE)
        rise = self._broken_quantile - self._kept_quantile
        share = 0.5
        if rise > 0.0 and (self._steps <= 2 or self._steps % 2):
            share = (self.promised - self._kept_quantile) / rise
        share = min(max(share, _LEAST_STEP), _LARGEST_STEP)
        return self._kept + share * (self._broken - self._kept)

"""The lifetime distributions that can be fitted: their laws, and the figures users know them by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_paths import (
    LogitFraction,
    LogMean,
    LogQuantile,
    LogQuantileOfAll,
    LogShape,
    Path,
)
from partsplan.demand.standard_laws import ExtremeValueLaw, NormalLaw, StandardLaw

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """How a figure is written: as it is, or as its exponential, say."""

    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    """Absolute derivative of the value."""
    falls: bool = False
    """Whether the value falls where the figure rises."""
    is_bounded: bool = False
    """Whether the value has a limit where the figure is endless."""


@dataclass(frozen=True)
class Figure:
    """A figure of a lifetime, with the path that holds it fixed."""

    name: str
    path: Path
    scale: Scale
    per_hours: int = 0
    """1 where the path's figure is a log time, to be moved by the center; 0 otherwise."""


def _exp(psi: Floats) -> Floats:
    """Exponential; NaN where no number can hold it."""
    within = ~(np.abs(psi) > 700.0)
    return np.where(within, np.exp(np.where(within, psi, 0.0)), np.nan)


PLAIN = Scale(lambda psi: psi, np.ones_like)
EXPONENTIAL = Scale(_exp, _exp)
RECIPROCAL = Scale(lambda psi: _exp(-psi), lambda psi: _exp(-psi), falls=True)
COMPLEMENT = Scale(
    lambda q: 0.5 * (1.0 - np.tanh(0.5 * q)),
    lambda q: 0.25 / np.cosh(0.5 * np.clip(q, -300.0, 300.0)) ** 2,
    falls=True,
    is_bounded=True,
)
"""Fraction that never fails, from the logit of the fraction that does."""


@dataclass(frozen=True)
class Family:
    """A distribution of lifetimes."""

    name: str
    law: StandardLaw
    figures: tuple[Figure, ...]
    """The parameters, in the order in which they are told."""
    has_fixed_shape: bool = False
    has_fraction: bool = False

    @property
    def n_parameters(self) -> int:
        """Number of parameters that are estimated."""
        return len(self.figures)

    @property
    def free_beside_time(self) -> tuple[int, ...]:
        """Parameters that stay free where a time is held fixed."""
        return (() if self.has_fixed_shape else (1,)) + ((2,) if self.has_fraction else ())

    def quantile(self, share: float) -> Figure:
        """Give the time by which ``share`` of the units have failed."""
        if self.has_fraction:
            return Figure("quantile", LogQuantileOfAll(self.law, share), EXPONENTIAL, 1)
        w = float(self.law.quantile(share))
        return Figure("quantile", LogQuantile(w, self.free_beside_time), EXPONENTIAL, 1)

    def mean(self) -> Figure:
        """Give the mean life of the units that ever fail."""
        return Figure("mean", LogMean(self.law, self.free_beside_time), EXPONENTIAL, 1)


_EXTREME, _NORMAL = ExtremeValueLaw(), NormalLaw()

FAMILIES = {
    family.name: family
    for family in (
        Family(
            "exponential",
            _EXTREME,
            (Figure("rate", LogQuantile(0.0, ()), RECIPROCAL, 1),),
            has_fixed_shape=True,
        ),
        Family(
            "weibull",
            _EXTREME,
            (
                Figure("shape", LogShape((0,)), EXPONENTIAL),
                Figure("scale", LogQuantile(0.0, (1,)), EXPONENTIAL, 1),
            ),
        ),
        Family(
            "lognormal",
            _NORMAL,
            (
                Figure("mu", LogQuantile(0.0, (1,)), PLAIN, 1),
                Figure("sigma", LogShape((0,)), RECIPROCAL),
            ),
        ),
        Family(
            "weibull_never_fails",
            _EXTREME,
            (
                Figure("shape", LogShape((0, 2)), EXPONENTIAL),
                Figure("scale", LogQuantile(0.0, (1, 2)), EXPONENTIAL, 1),
                Figure("never_fails", LogitFraction(), COMPLEMENT),
            ),
            has_fraction=True,
        ),
    )
}
"""Every distribution by name."""

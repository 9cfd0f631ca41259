"""What an uncertain rate becomes in the demand: kept as it is, its mean, or a quantile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand.rates import DemandRates

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RateUncertainty:
    """How a rate that is only known roughly enters the demand."""

    word: str
    quantile: float

    @classmethod
    def of(cls, uncertainty: str | float) -> RateUncertainty:
        """Read the option."""
        if uncertainty in ("predictive", "mean"):
            return cls(str(uncertainty), np.nan)
        is_number = isinstance(uncertainty, int | float) and not isinstance(uncertainty, bool)
        if is_number and 0.0 < float(uncertainty) < 1.0:
            return cls("quantile", float(uncertainty))
        raise ValueError(
            "uncertainty must be 'predictive', 'mean' or a quantile strictly between 0 and 1, "
            f"got {uncertainty!r}"
        )

    def applied(self, shape: Floats) -> tuple[Floats, Floats]:
        """Give the factor on each mean rate, and the shape that is left."""
        if self.word == "predictive":
            return np.ones_like(shape), shape
        known = np.full_like(shape, np.inf)
        if self.word == "mean":
            return np.ones_like(shape), known
        factor = np.ones_like(shape)
        rough = np.isfinite(shape)
        factor[rough] = scipy.special.gammaincinv(shape[rough], self.quantile) / shape[rough]
        return factor, known

    def applied_to(self, demand: DemandRates) -> DemandRates:
        """Give demand of a network the rates that are wanted; the same where all is kept."""
        if self.word == "predictive" or demand.network is None:
            return demand
        factor, left = self.applied(demand.rate_shape)
        installed = None
        if demand.streams is not None and demand.n_installed is not None:
            streams = demand.streams.select(slice(demand.n_installed))
            installed = replace(streams, per_year=streams.per_year * factor[streams.part])
        return DemandRates.on_network(
            demand.network,
            demand.given.scaled(factor, left),
            installed,
            demand.on,
            demand.frame_backend,
            evidence=demand.evidence,
            usage=demand.usage,
        )

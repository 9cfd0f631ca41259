"""How long a resupply from outside takes: the same every time, or drawn for every order.

Replenishment and local repair take the time of their tables. Draws are independent between
orders; the units of one clustered order come back together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]

LeadTimeLaw = Literal["deterministic", "exponential", "gamma", "lognormal"]
LAWS: tuple[LeadTimeLaw, ...] = get_args(LeadTimeLaw)

_SETTLING = 8.0
"""Standard deviations of a resupply time beyond its mean that a warm-up waits for."""


@dataclass(frozen=True, eq=False)
class LeadTimes:
    """Law of the resupply times and the coefficient of variation of every part."""

    law: LeadTimeLaw
    cv: Floats
    """Shape (n_parts,); 0 where the time is always the same [-]."""
    transit_cv: float = 0.0
    """Coefficient of variation of the replenishment between locations [-]."""

    def of_parts(self, parts: NDArray[np.int64]) -> LeadTimes:
        """The same for some parts."""
        return LeadTimes(self.law, self.cv[parts], self.transit_cv)

    def cv_of(self, part: NDArray[np.int64], is_outside: NDArray[np.bool_]) -> Floats:
        """Coefficient of variation of orders of parts, from outside or between locations."""
        return np.where(is_outside, self.cv[part], self.transit_cv)

    @property
    def varies(self) -> bool:
        """Whether any time is drawn."""
        return self.transit_cv > 0 or bool((self.cv > 0).any())

    def settling(self, mean_days: Floats) -> Floats:
        """Days after which orders of the past no longer matter; ``mean_days`` per part first."""
        return mean_days * (1.0 + _SETTLING * self.cv[:, np.newaxis])

    def drawn(self, mean_days: Floats, cv: Floats, rng: np.random.Generator) -> Floats:
        """One resupply time for every mean and coefficient of variation [days]."""
        days = mean_days.copy()
        varies = (cv > 0) & (mean_days > 0)
        mean, spread = mean_days[varies], cv[varies]
        if self.law == "exponential":
            days[varies] = mean * rng.standard_exponential(len(mean))
        elif self.law == "gamma":
            days[varies] = mean * spread**2 * rng.standard_gamma(1.0 / spread**2)
        elif self.law == "lognormal":
            sigma2 = np.log1p(spread**2)
            normal = rng.standard_normal(len(mean))
            days[varies] = mean * np.exp(np.sqrt(sigma2) * normal - sigma2 / 2.0)
        return days


def lead_times_of(network: ServiceNetwork, law: str, resupply_cv: float | None) -> LeadTimes:
    """Resupply times of a network's parts.

    Parameters
    ----------
    network
        With ``resupply_cv`` of its parts.
    law : {"deterministic", "exponential", "gamma", "lognormal"}
        Law of the time from an order outside the network until the unit is on the shelf.
    resupply_cv
        Coefficient of variation of every part in place of the table's; an exponential has 1.

    Raises
    ------
    ValueError
        If the law is unknown or the coefficient of variation does not go with it.
    """
    if law not in LAWS:
        raise ValueError(f"lead_times must be one of {', '.join(LAWS)}, got {law!r}")
    if resupply_cv is not None and not 0.0 < resupply_cv < np.inf:
        raise ValueError(f"resupply_cv must be above 0, got {resupply_cv!r}")
    if law in ("deterministic", "exponential") and resupply_cv is not None:
        fixed = 0 if law == "deterministic" else 1
        raise ValueError(
            f"resupply_cv must be left out with lead_times={law!r}, whose coefficient of "
            f"variation is {fixed}, got {resupply_cv!r}"
        )
    cv = np.array(network.parts["resupply_cv"], dtype=np.float64)
    if law == "deterministic":
        return LeadTimes(law, np.zeros_like(cv))
    if law == "exponential":
        return LeadTimes(law, np.ones_like(cv))
    if resupply_cv is not None:
        cv = np.full_like(cv, resupply_cv)
    if not (cv > 0).any():
        raise ValueError(
            f"resupply_cv must be above 0 for lead_times={law!r}, in the parts table or as an "
            "argument, got 0 for every part"
        )
    return LeadTimes("lognormal" if law == "lognormal" else "gamma", cv)

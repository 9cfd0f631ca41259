"""Lives to fit, and their likelihood written out anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from partsplan.demand import LifetimeFits

# NIST/SEMATECH e-Handbook of Statistical Methods, 8.4.1.3
NIST = ([54, 187, 216, 240, 244, 335, 361, 373, 375, 386], [500] * 10)


def lives_of(
    failures: list[float], censored: list[float], counts: list[int] | None = None
) -> dict[str, list[Any]]:
    """Lives of one part: failures, and units still running."""
    return {
        "part_id": ["P"] * (len(failures) + len(censored)),
        "hours": [*failures, *censored],
        "outcome": ["failed"] * len(failures) + ["censored"] * len(censored),
        "weight": [1] * len(failures) + (counts or [1] * len(censored)),
    }


def figures(fits: LifetimeFits, group: int = 0) -> list[float]:
    return [float(fits.parameter(name)[group]) for name in fits.parameter_names]


def random_lives(seed: int, kinds: tuple[str, ...], n: int = 60) -> list[dict[str, Any]]:
    """Lives of every kind asked for, of one part."""
    rng = np.random.default_rng(seed)
    lives: list[dict[str, Any]] = []
    for _ in range(n):
        t = float(1000 * rng.weibull(1.8))
        kind = str(rng.choice(kinds))
        life: dict[str, Any] = {"part_id": "P", "weight": float(rng.integers(1, 4))}
        if kind == "failed":
            life |= {"hours": t, "outcome": "failed"}
        elif kind == "censored":
            life |= {"hours": 0.7 * t, "outcome": "censored"}
        elif kind == "left":
            life |= {"hours": 1.3 * t, "outcome": "left"}
        elif kind == "looked":
            look = float(rng.uniform(300, 1500))
            life |= {"hours": look, "outcome": "left" if t < look else "censored"}
        elif kind == "interval":
            life |= {"hours": 0.8 * t, "hours_upper": 1.4 * t, "outcome": "interval"}
        else:
            life |= {"entry_hours": 0.4 * t, "hours": t, "outcome": "failed"}
        lives.append(life)
    return lives


KINDS = {
    "failed and censored": ("failed", "censored"),
    "late entry": ("failed", "censored", "entered"),
    "current status": ("looked",),
    "between looks": ("interval", "censored"),
    "everything": ("failed", "censored", "left", "interval", "entered"),
}


def plain_log_likelihood(law: Any, never: float, lives: list[dict[str, Any]]) -> float:
    """Sum over the lives with the distribution functions of ``law``, written out anew."""
    kind = np.array([life["outcome"] for life in lives])
    hours = np.array([life["hours"] for life in lives])
    entry = np.array([life.get("entry_hours", 0.0) for life in lives])
    upper = np.array([life.get("hours_upper", np.inf) for life in lives])
    weight = np.array([life["weight"] for life in lives])
    at_hours, at_entry, at_upper = (
        never + (1 - never) * law.sf(times) for times in (hours, entry, upper)
    )
    at_upper = np.where(np.isinf(upper), never, at_upper)
    chance = np.select(
        [kind == "failed", kind == "censored", kind == "left"],
        [(1 - never) * law.pdf(hours), at_hours, at_entry - at_hours],
        at_hours - at_upper,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        total = float((weight * (np.log(chance) - np.log(at_entry))).sum())
    return total if np.isfinite(total) else -1e9


def scipy_law(distribution: str, parameters: list[float]) -> tuple[Any, float]:
    if distribution == "exponential":
        return stats.expon(scale=1 / parameters[0]), 0.0
    if distribution == "lognormal":
        return stats.lognorm(parameters[1], scale=np.exp(parameters[0])), 0.0
    never = parameters[2] if distribution == "weibull_never_fails" else 0.0
    return stats.weibull_min(parameters[0], scale=parameters[1]), never

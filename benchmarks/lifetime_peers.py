"""Our lifetime fits beside those of lifelines and reliability, on the same seeded lives.

The peers are no dependency of the project; run this in an environment of its own::

    python -m venv peers && peers/bin/pip install lifelines reliability . && \\
        PYTHONPATH=src peers/bin/python -m benchmarks.lifetime_peers

It prints parameters and log-likelihood of each; its status is non-zero where a peer's likelihood is
higher than ours by more than 1e-6.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from partsplan.demand import fit_lifetimes

SEED = 3
N = 200
Row = tuple[str, str, list[float], float]
"""Case, package, parameters as ours, log-likelihood."""


def lives_of(**columns: Any) -> dict[str, Any]:
    """Columns of one part."""
    return {"part_id": ["P"] * len(columns["hours"])} | columns


def ours(case: str, distribution: str, lives: dict[str, Any]) -> Row:
    """Our fit."""
    fits = fit_lifetimes(lives, distribution=distribution)
    values = [float(fits.parameter(name)[0]) for name in fits.parameter_names]
    return case, "partsplan", values, float(fits.log_likelihood[0])


def right_censored(hours: np.ndarray, failed: np.ndarray) -> Iterator[Row]:
    """Failures and running units, three distributions."""
    from lifelines import ExponentialFitter, LogNormalFitter, WeibullFitter
    from reliability.Fitters import Fit_Lognormal_2P, Fit_Weibull_2P

    lives = lives_of(hours=hours, outcome=np.where(failed, "failed", "censored"))
    done, running = hours[failed].tolist(), hours[~failed].tolist()
    quiet = {"show_probability_plot": False, "print_results": False}
    yield ours("weibull", "weibull", lives)
    one = WeibullFitter().fit(hours, failed)
    yield "weibull", "lifelines", [one.rho_, one.lambda_], one.log_likelihood_
    two = Fit_Weibull_2P(done, right_censored=running, **quiet)
    yield "weibull", "reliability", [two.beta, two.alpha], two.loglik
    yield ours("lognormal", "lognormal", lives)
    one = LogNormalFitter().fit(hours, failed)
    yield "lognormal", "lifelines", [one.mu_, one.sigma_], one.log_likelihood_
    two = Fit_Lognormal_2P(done, right_censored=running, **quiet)
    yield "lognormal", "reliability", [two.mu, two.sigma], two.loglik
    yield ours("exponential", "exponential", lives)
    one = ExponentialFitter().fit(hours, failed)
    yield "exponential", "lifelines", [1 / one.lambda_], one.log_likelihood_


def never_fails(hours: np.ndarray, failed: np.ndarray) -> Iterator[Row]:
    """Three quarters of the units ever fail."""
    from reliability.Fitters import Fit_Weibull_DS

    done, running = hours[failed].tolist(), hours[~failed].tolist()
    lives = lives_of(hours=hours, outcome=np.where(failed, "failed", "censored"))
    yield ours("never fails", "weibull_never_fails", lives)
    quiet = {"show_probability_plot": False, "print_results": False}
    two = Fit_Weibull_DS(done, right_censored=running, **quiet)
    yield "never fails", "reliability", [two.beta, two.alpha, 1 - two.DS], two.loglik


def late_entry(hours: np.ndarray, failed: np.ndarray, entry: np.ndarray) -> Iterator[Row]:
    """Units that came under observation late."""
    from lifelines import WeibullFitter

    outcome = np.where(failed, "failed", "censored")
    yield ours("late entry", "weibull", lives_of(hours=hours, entry_hours=entry, outcome=outcome))
    one = WeibullFitter().fit(hours, failed, entry=entry)
    yield "late entry", "lifelines", [one.rho_, one.lambda_], one.log_likelihood_


def between_looks(life: np.ndarray) -> Iterator[Row]:
    """Units looked at every 400 h, up to 2,000 h."""
    from lifelines import WeibullFitter

    low = np.minimum(np.floor(life / 400) * 400, 2000)
    high = np.where(low < 2000, low + 400, np.inf)
    is_interval = np.isfinite(high)
    upper = np.where(is_interval, high, np.nan)
    outcome = np.where(is_interval, "interval", "censored")
    lives = lives_of(hours=low, hours_upper=upper, outcome=outcome)
    yield ours("between looks", "weibull", lives)
    one = WeibullFitter().fit_interval_censoring(low, high)
    yield "between looks", "lifelines", [one.rho_, one.lambda_], one.log_likelihood_


def kaplan_meier(hours: np.ndarray, failed: np.ndarray, entry: np.ndarray) -> float:
    """Largest difference of the survival curves and their bounds, with late entry."""
    from lifelines import KaplanMeierFitter

    outcome = np.where(failed, "failed", "censored")
    lives = lives_of(hours=hours, entry_hours=entry, outcome=outcome)
    curve = fit_lifetimes(lives).kaplan_meier("P")
    peer = KaplanMeierFitter().fit(hours, failed, entry=entry)
    own = np.column_stack([curve.survival, curve.lower, curve.upper])
    theirs = np.column_stack(
        [
            peer.survival_function_.loc[curve.hours].to_numpy(),
            peer.confidence_interval_survival_function_.loc[curve.hours].to_numpy(),
        ]
    )
    return float(np.nanmax(np.abs(own - theirs)))


def main() -> None:
    """Print the comparison."""
    for package in ("partsplan", "lifelines", "reliability"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            print(package, importlib.metadata.version(package))
    rng = np.random.default_rng(SEED)
    life, until = 1000 * rng.weibull(1.8, N), rng.uniform(200, 1800, N)
    hours, failed = np.minimum(life, until), life < until
    entry = np.where(rng.random(N) < 0.5, 0.3 * hours, 0.0)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        rows = [*right_censored(hours, failed), *late_entry(hours, failed, entry)]
        rows += between_looks(life)
        lasting = np.where(rng.random(N) < 0.75, life, np.inf)
        rows += never_fails(np.minimum(lasting, 2500.0), lasting < 2500.0)
        apart = kaplan_meier(hours, failed, entry)
    best: dict[str, float] = {}
    for case, package, values, value in rows:
        best.setdefault(case, value)
        told = "  ".join(f"{number:12.6g}" for number in values)
        print(f"{case:14s} {package:12s} {value:16.8f}  {told}")
    print(f"Kaplan-Meier with late entry: largest difference of curve and bounds {apart:.2g}")
    behind = [case for case, _, _, value in rows if value > best[case] + 1e-6]
    sys.exit(f"a peer is likelier: {behind}" if behind else 0)


if __name__ == "__main__":
    main()

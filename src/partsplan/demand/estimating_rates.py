"""Failure rates from counts or lives alone, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.field_evidence import read_evidence
from partsplan.demand.given import numbered
from partsplan.demand.part_priors import Prior, PriorOptions
from partsplan.demand.rate_estimates import RateEstimates
from partsplan.demand.rate_fitting import CatalogueRates, fitted_rates, rate_estimates
from partsplan.demand.reading import read_alone
from partsplan.errors import InputError
from partsplan.network import backend_of

Floats = NDArray[np.float64]


def estimate_rates(
    failures: Any,
    *,
    failure_mode: str | Sequence[str] | None = None,
    catalogue_per_hour: Mapping[str, float] | None = None,
    family: Mapping[str, str] | None = None,
    prior: Prior = "catalogue",
    prior_failures: float | None = None,
    false_discoveries: float = 0.05,
    level: float = 0.95,
) -> RateEstimates:
    r"""Estimate failure rates per part and segment from counts or lives.

    Parameters
    ----------
    failures : table
        Counts: ``part_id``, ``failures``, ``operating_hours`` [h] and, where wanted, ``segment``;
        or lives: ``part_id``, ``hours`` [h], ``outcome`` and the like, which count as the failures
        and hours that they are worth for a constant rate.
    failure_mode : str or sequence of str, optional
        The mode (or modes) that count as failures: a life that ended by another one, such as a
        preventive swap, is censored there. By default every failure counts.
    catalogue_per_hour : mapping of str to float, optional
        Rate of a part by the catalogue [failures per operating hour of one unit].
    family : mapping of str to str, optional
        Family of a part: parts with similar failure behaviour.
    prior : {"catalogue", "family"}, default "catalogue"
        "family" draws each part toward its family by empirical Bayes, see Notes.
    prior_failures : float, optional
        Failures [-] that a catalogue rate is worth as evidence; 1 where not given.
    false_discoveries : float, default 0.05
        Share of false findings accepted among the segments that are said to differ.
    level : float, default 0.95
        Probability of the intervals.

    Returns
    -------
    RateEstimates
        Parts in order of first appearance, then the segments.

    Raises
    ------
    InputError
        With every finding of the table, and for failures without operating hours.
    ValueError
        When an option is outside its range.

    Notes
    -----
    :math:`n` failures in :math:`H` hours of a part with catalogue rate :math:`r_0`: its factor
    :math:`\theta` on the catalogue has the prior Gamma(k, k), k = ``prior_failures``, and the
    posterior Gamma(:math:`k + n`, :math:`k + r_0 H`). Without a catalogue rate Jeffreys' prior
    gives Gamma(:math:`n + 1/2`, :math:`H`) failures per hour.

    With ``prior="family"`` the prior is the gamma law of the factors in the part's family (of
    hourly rates, for parts without a catalogue rate), fitted by :func:`fit_gamma_prior` and widened
    by the uncertainty of its mean. Where the counts of a family spread no more than by chance, its
    parts share one factor. Families with fewer than 3 parts that were counted are not fitted, and a
    warning says so.

    Segments have factors around their part's, gamma of mean 1, whose spread is fitted per family
    (over all parts where a family has fewer than 10 comparisons; segments are taken as alike where
    these are too few as well and none differs beyond chance, p <= 0.01) by the negative binomial
    likelihood with the parts' rates integrated out; see :func:`shrunk_rates` for the figures.
    Whether a segment differs is tested against the rest of its part by the exact conditional
    binomial test, over all segments by Benjamini and Hochberg.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., sections 2.6 and 5.1. Przyborowski and Wilenski,
    Biometrika 31 (1940). Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995).

    Examples
    --------
    >>> counts = [{"part_id": "FAN", "failures": 9, "operating_hours": 700_800}]
    >>> rates = estimate_rates(counts, catalogue_per_hour={"FAN": 4 / 700_800})
    >>> record = rates.to_records()[0]
    >>> record["shape"], round(record["per_hour"] * 700_800, 3)
    (10.0, 8.0)
    """
    options = PriorOptions(prior, prior_failures)
    check_share("false_discoveries", false_discoveries)
    check_share("level", level)
    table = read_alone("failures", failures)
    part_ids, part = numbered(table["part_id"])
    read = read_evidence(table, part, part_ids, is_segmented=True, failure_mode=failure_mode)
    if read.findings:
        raise InputError(read.findings)
    evidence = read.evidence
    listed = _catalogue(part_ids, catalogue_per_hour or {})
    of_part = np.where(np.isnan(listed), 1.0, listed)
    catalogue = CatalogueRates(of_part, of_part[evidence.part], ~np.isnan(listed))
    names = np.array([(family or {}).get(name, "") for name in part_ids], dtype=object)
    fit = fitted_rates(evidence, catalogue, numbered(names), options)
    estimates = rate_estimates(
        fit,
        level=level,
        false_discoveries=false_discoveries,
        frame_backend=backend_of(failures),
    )
    return replace(estimates, warnings=(*read.doubts, *estimates.warnings))


def check_share(name: str, value: float) -> None:
    """Refuse what is no share strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must be strictly between 0 and 1, got {value!r}")


def _catalogue(part_ids: tuple[str, ...], per_hour: Mapping[str, float]) -> Floats:
    """Catalogue rate of each part; NaN where it has none."""
    rates = np.array([per_hour.get(name, np.nan) for name in part_ids], dtype=np.float64)
    for name, rate in zip(part_ids, rates.tolist(), strict=True):
        if rate <= 0.0 or rate == np.inf:
            raise ValueError(
                f"catalogue_per_hour must be above 0 and finite, got {rate:g} of part {name!r}"
            )
    return rates

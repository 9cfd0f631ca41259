"""Rates of demand from a history of usage, how well they are known, and how clustered it is.

A part at a location is one series; the locations of a part share its clustering and, as
everywhere, one factor for what is not known about its rate.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.counts import JEFFREYS_SHAPE, GammaPosterior
from partsplan.demand.differences import false_discovery_p_values
from partsplan.demand.given import GivenDemand, sparse_sum
from partsplan.demand.rates import DemandRates
from partsplan.demand.sharing import GivenAt
from partsplan.demand.smoothing import MONTHS_PER_YEAR
from partsplan.demand.usage_dispersion import UsageDispersion, dispersion_of, history_totals
from partsplan.demand.usage_history import Missing, UsageHistory, history_of, in_words
from partsplan.errors import Finding
from partsplan.network.figure_table import FigureTable
from partsplan.network.values import MOST_ROWS

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, repr=False, eq=False)
class UsageRates:
    """Rates of demand by usage alone; made by :func:`rates_from_usage`."""

    history: UsageHistory
    """The usage, its span and the rule about months without a row."""
    dispersion: UsageDispersion
    """Clustering and change of level, one entry per part of the history."""
    variance_to_mean: Floats
    """Shape (n_parts,): variance over mean that is taken, at least 1 [-]; 1 where clustering is
    not significant."""
    posterior: GammaPosterior
    """Gamma laws of the rates, one per series [units/year]."""
    level: float
    """Probability of the intervals."""
    clustering: bool
    """Whether ``demand`` is clustered, or taken as Poisson."""
    warnings: tuple[Finding, ...]
    """What is doubtful about the history and the rates."""

    @property
    def is_observed(self) -> Booleans:
        """Shape (n_series,): whether any month of the series was observed."""
        return self.history.observed_months > 0

    @cached_property
    def per_year(self) -> Floats:
        """Shape (n_series,): mean rate [units/year]; NaN where nothing was observed."""
        mean = np.full(self.history.n_series, np.nan)
        seen = self.is_observed
        mean[seen] = self.posterior.shape[seen] / self.posterior.exposure[seen]
        return mean

    @cached_property
    def interval_per_year(self) -> tuple[Floats, Floats]:
        """Lower and upper end of the credible interval of each rate [units/year]."""
        lower, upper = np.full((2, self.history.n_series), np.nan)
        seen = self.is_observed
        law = GammaPosterior(self.posterior.shape[seen], self.posterior.exposure[seen])
        lower[seen], upper[seen] = law.interval(self.level)
        return lower, upper

    @cached_property
    def rate_shape(self) -> Floats:
        """Shape (n_parts,): gamma shape of the factor that the locations of a part share."""
        seen = self.is_observed
        part, n_parts = self.history.part[seen], len(self.history.part_ids)
        law = GammaPosterior(self.posterior.shape[seen], self.posterior.exposure[seen])
        mean = np.bincount(part, law.mean, n_parts)
        variance = np.bincount(part, law.mean / law.exposure, n_parts)
        shape = np.full(n_parts, np.inf)
        np.divide(mean**2, variance, out=shape, where=variance > 0.0)
        return shape

    @cached_property
    def demand(self) -> DemandRates:
        """The rates as demand: ``per_year``, ``rate_shape`` and ``variance_to_mean``.

        Of the parts and locations of the history; ``.aligned(network)`` puts it on a network.
        """
        history, seen = self.history, self.is_observed
        part, location = history.part[seen], history.location[seen]
        shape = (len(history.part_ids), len(history.location_ids))
        per_year = self.per_year[seen]
        excess = per_year * (self.variance_to_mean[part] - 1.0) * self.clustering
        nobody = np.empty(0, dtype=np.int64)
        given = GivenDemand(
            part_ids=history.part_ids,
            location_ids=history.location_ids,
            site_ids=(),
            at_locations=sparse_sum(part, location, per_year, shape),
            at_sites=GivenAt(nobody, nobody, np.empty(0)),
            location_clustering=sparse_sum(part, location, excess, shape) if excess.any() else None,
            site_clustering=np.empty(0),
            rate_shape=self.rate_shape,
        )
        return DemandRates.without_network(given, history.frame_backend)

    @property
    def table(self) -> FigureTable:
        """The rows of :meth:`to_records`."""
        history, part = self.history, self.history.part
        lower, upper = self.interval_per_year
        return FigureTable(
            {
                **history.ids(),
                "observed_months": history.observed_months,
                "units": history.total_units,
                "per_year": self.per_year,
                "lower_per_year": lower,
                "upper_per_year": upper,
                "rate_shape": np.where(self.is_observed, self.rate_shape[part], np.nan),
                "dispersion": self.dispersion.ratio[part],
                "clustering_p_value": self.dispersion.clustering_p_value[part],
                "variance_to_mean": self.variance_to_mean[part],
                "drift_p_value": self.dispersion.drift_p_value[part],
            },
            history.frame_backend,
        )

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part and location, in the order of the table.

        Returns
        -------
        list of dict
            ``part_id``, ``location_id``, ``observed_months``, ``units`` [units]; ``per_year``
            with ``lower_per_year`` and ``upper_per_year`` [units/year], None where nothing was
            observed; and of the part ``rate_shape``, ``dispersion`` (variance over mean within
            years as estimated), ``clustering_p_value``, ``variance_to_mean`` (as taken),
            ``drift_p_value``; None where unknown.
        """
        return self.table.to_records()

    def to_frame(self) -> Any:
        """The same as a frame of the library that the table came in."""
        return self.table.to_frame()

    def summary(self) -> str:
        """Say what was observed, how clustered it is, and the rate in total."""
        lines = [
            self.history.summary(),
            f"  demand    {np.nansum(self.per_year):,.6g} units per year",
            f"  clustered {clustered_words(self.variance_to_mean)}",
        ]
        own = self.warnings[len(self.history.warnings) :]
        return "\n".join(lines + [f"  {warning}" for warning in own])

    def __repr__(self) -> str:
        return (
            f"UsageRates(n_series={self.history.n_series}, "
            f"total={np.nansum(self.per_year):.6g} per year)"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>{self.table._repr_html_()}"


def rates_from_usage(
    usage: Any,
    *,
    first: datetime.date | str | None = None,
    last: datetime.date | str | None = None,
    missing: Missing = "zero",
    prior_units: float = JEFFREYS_SHAPE,
    prior_years: float = 0.0,
    clustering: bool = True,
    false_discoveries: float = 0.05,
    level: float = 0.95,
) -> UsageRates:
    r"""Estimate rates of demand from a history of usage, without an installed base.

    Parameters
    ----------
    usage
        A ``usage`` table in any form, ``network.usage``, or a `UsageHistory`.
    first, last
        The observed span, both months included; by default from the first to the last month
        that any row names.
    missing : {"zero", "zero_after_first", "unknown"}, default "zero"
        What a month of the span without a row means, as in `UsageHistory.from_table`.
    prior_units, prior_years : float, default 0.5 and 0
        Units in years that the prior of each part's total rate is worth: Jeffreys' prior. In
        equal parts for its locations.
    clustering : bool, default True
        Whether ``.demand`` has the variance to mean that was found. Below the top of a network
        clustered demand has no exact law; False takes it as Poisson, and only the discount of the
        history stays.
    false_discoveries : float, default 0.05
        Share of false findings that is accepted among parts said to be clustered, and among
        parts said to have changed their level.
    level : float, default 0.95
        Probability of the intervals.

    Returns
    -------
    UsageRates
        ``.demand`` has them as `DemandRates`.

    Raises
    ------
    InputError
        With every finding of the table.
    ValueError
        When an argument is out of range.

    Notes
    -----
    :math:`N` units in :math:`T` years with variance to mean :math:`v` tell as much as
    :math:`N / v` separate demands in :math:`T / v` years: the rate is Gamma(:math:`a_0 + N / v`,
    :math:`b_0 + T / v`). So a pair without any usage has a small rate, and not 0. :math:`v` is
    estimated per part within years, where a trend does not look like clustering
    (:func:`usage_dispersion`), and taken as 1 unless significantly above.
    ``rate_shape`` is that of a part's rates summed over its locations, since demand has one factor
    per part; what is not known about a location's share is left to ``interval_per_year``. A change
    of level is told in ``warnings``; it is not in the law of the rate, which is of the span's mean.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6; McCullagh and Nelder, Generalized
    Linear Models, 2nd ed., section 6.2.3 (discount of overdispersed counts).

    Examples
    --------
    >>> rows = [{"part_id": "FAN", "location_id": "BERN", "month": "2025-03", "units": 1},
    ...         {"part_id": "FAN", "location_id": "BERN", "month": "2025-09", "units": 2}]
    >>> rates = rates_from_usage(rows, first="2024-01", last="2025-12")
    >>> rates.demand.per_year, rates.demand.rate_shape
    (array([[1.75]]), array([3.5]))
    >>> print(rates.summary())
    Usage: 1 part at 1 location, 1 pair with a row, 3 units
      observed  2024-01 to 2025-12, 24 months; no row means no usage
      no usage  0 pairs
      demand    1.75 units per year
      clustered 0 of 1 part
    """
    for name, value in (("prior_units", prior_units), ("prior_years", prior_years)):
        if not 0.0 <= value < np.inf:
            raise ValueError(f"{name} must be 0 or more and finite, got {value!r}")
    for name, value in (("false_discoveries", false_discoveries), ("level", level)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} must be strictly between 0 and 1, got {value!r}")
    if prior_units == 0.0:
        raise ValueError("prior_units must be above 0, or parts without usage have no rate, got 0")
    history = history_of(usage, first=first, last=last, missing=missing)
    n_parts = len(history.part_ids)
    dispersion = dispersion_of(history_totals(history), history.part, n_parts)
    ratio = significant_ratio(dispersion, false_discoveries)
    years = history.observed_months / MONTHS_PER_YEAR
    own, spread = np.bincount(history.part, minlength=n_parts)[history.part], ratio[history.part]
    posterior = GammaPosterior(
        shape=prior_units / own + history.total_units / spread,
        exposure=prior_years + years / spread,
    )
    rates = UsageRates(history, dispersion, ratio, posterior, level, clustering, history.warnings)
    found = [*_unobserved(rates), *_changed_levels(history, dispersion, false_discoveries)]
    return replace(rates, warnings=(*history.warnings, *found))


def significant_ratio(dispersion: UsageDispersion, false_discoveries: float) -> Floats:
    """Variance over mean where usage is clustered beyond chance; else 1."""
    adjusted = false_discovery_p_values(dispersion.clustering_p_value)
    clustered = np.nan_to_num(adjusted, nan=1.0) <= false_discoveries
    return np.where(clustered, np.maximum(np.nan_to_num(dispersion.ratio, nan=1.0), 1.0), 1.0)


def clustered_words(variance_to_mean: Floats) -> str:
    """Say how many parts are clustered, and how much."""
    ratio = variance_to_mean[variance_to_mean > 1.0]
    words = f"{len(ratio):,} of {in_words(len(variance_to_mean), 'part')}"
    if len(ratio):
        words += f", variance to mean {ratio.min():.3g} to {ratio.max():.3g}"
    return words


def _unobserved(rates: UsageRates) -> list[Finding]:
    history = rates.history
    return [
        Finding(
            "usage",
            None,
            "month",
            None,
            f"part {history.part_ids[history.part[series]]!r} at location "
            f"{history.location_ids[history.location[series]]!r} was not observed from "
            f"{history.first} to {history.last}: it has no rate.",
            "Give another span, or rows of 0 units where nothing was used.",
        )
        for series in np.flatnonzero(~rates.is_observed)[:MOST_ROWS]
    ]


def _changed_levels(
    history: UsageHistory, dispersion: UsageDispersion, false_discoveries: float
) -> list[Finding]:
    adjusted = false_discovery_p_values(dispersion.drift_p_value)
    changed = np.flatnonzero(np.nan_to_num(adjusted, nan=1.0) <= false_discoveries)
    return [
        Finding(
            "usage",
            None,
            "units",
            None,
            f"usage of part {history.part_ids[part]!r} changed its level from year to year (p = "
            f"{dispersion.drift_p_value[part]:.2g}): the mean of {history.first} to "
            f"{history.last} may not be that of the time to come.",
            "Give a later first, or look at forecast_usage(method='tsb').",
        )
        for part in changed[:MOST_ROWS]
    ]

r"""History of usage and installed base combined: both are evidence on the same rates.

The installed base is a gamma prior of each part's rate; usage over its exposure are counts. What
a location departs from its part is drawn toward the part as far as chance explains it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.aligning import positions
from partsplan.demand.combined_usage import CombinedUsage
from partsplan.demand.overdispersion import GroupedCounts, GroupPriors
from partsplan.demand.rates import DemandRates
from partsplan.demand.rescaling import PartLaw, rescaled_demand
from partsplan.demand.shrinkage import (
    ShrunkRates,
    segment_spread,
    shrunk_rates,
)
from partsplan.demand.usage_exposure import ObservedPairs, observed_pairs
from partsplan.demand.usage_history import LATE_START, Missing, UsageHistory, in_words
from partsplan.demand.usage_rates import UsageRates, rates_from_usage
from partsplan.errors import Finding, InputError, PartsplanError
from partsplan.network import ServiceNetwork

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def combine_usage(
    network: ServiceNetwork,
    demand: DemandRates,
    usage: Any = None,
    *,
    prior_failures: float = 1.0,
    first: datetime.date | str | None = None,
    last: datetime.date | str | None = None,
    missing: Missing = "zero",
    clustering: bool = True,
    false_discoveries: float = 0.05,
) -> CombinedUsage:
    r"""Combine demand by the installed base with a history of usage, and say where they disagree.

    Parameters
    ----------
    network
        The network.
    demand
        Demand before the history, such as ``estimate_demand(network)``, with ``rate_shape`` kept.
    usage : table, optional
        Usage in any form or a `UsageHistory`, in place of ``network.usage``.
    prior_failures : float, default 1
        Failures [-] that a rate of ``demand`` is worth as evidence where it is taken as known;
        where it has a ``rate_shape``, that is what it is worth.
    first, last, missing
        The observed span, and what a month without a row means, as in
        `UsageHistory.from_table`. With "zero", a part without any row at a location that the
        table names was not used there; a location that it does not name was not observed.
    clustering : bool, default True
        Whether ``.demand`` takes over the clustering of the usage. Below the top of a network
        clustered demand has no exact law; False leaves the demand's own, and only the discount of
        the history stays.
    false_discoveries : float, default 0.05
        Share of false findings that is accepted among the disagreements, and among the parts
        said to be clustered.

    Returns
    -------
    CombinedUsage
        ``.demand`` is the combined `DemandRates`, ``.disagreements`` the table of where history
        and installed base differ beyond chance.

    Raises
    ------
    InputError
        With findings for ids that the network does not know.
    PartsplanError
        When there is no usage.
    ValueError
        When an argument is out of range.

    Notes
    -----
    Usage :math:`N_j` of a part at location j is set against :math:`E_j = \lambda_j T_j`, its
    demand over the years observed, scaled by the machines in service in the span where the
    installed base has dates. The part's factor has the prior Gamma(k, k); clustering of variance
    to mean v discounts the history to :math:`N_j / v` and :math:`E_j / v`. With one location the
    posterior is Gamma(:math:`k + N / v`, :math:`k + E / v`). Locations have factors of their own
    around their part's, gamma of mean 1, whose spread is fitted over all parts (none with fewer
    than 10 comparisons, unless locations differ beyond chance); ``rate_shape`` is that of the
    part's demand in total. A part that the demand does not have takes its rates from the history
    alone, as by :func:`rates_from_usage`; so does a pair without demand that was used, unless its
    machines have gone since.

    The test of a pair is exact and two-sided, twice the smaller tail: Poisson of mean
    :math:`E_j`, negative binomial of variance :math:`v E_j + E_j^2 / a` under clustering and a
    ``rate_shape`` a of the demand; Benjamini and Hochberg over all pairs, and over all parts.

    Give usage and ``failures`` of the same events to one of the two only: evidence counts once.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6. Benjamini and Hochberg, J. R.
    Stat. Soc. B 57 (1995), 289-300.

    Examples
    --------
    >>> network = ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "FAN", "unit_cost": 90, "resupply_days": 30}],
    ...     locations=[{"location_id": "BERN", "kind": "forward"}])
    >>> demand = DemandRates.from_arrays(["FAN"], ["BERN"], [[2.0]])
    >>> rows = [{"part_id": "FAN", "location_id": "BERN", "month": f"2025-0{m}", "units": 1}
    ...         for m in range(1, 10)]
    >>> combined = combine_usage(network, demand, rows, first="2024-01", last="2025-12")
    >>> combined.demand.per_year, combined.demand.rate_shape  # 9 units where 4 were expected
    (array([[4.]]), array([10.]))
    """
    if not isinstance(network, ServiceNetwork):
        raise ValueError(f"network must be a ServiceNetwork, got {type(network).__name__}")
    if not isinstance(demand, DemandRates):
        raise ValueError(f"demand must be DemandRates, got {type(demand).__name__}")
    if not 0.0 < prior_failures < np.inf:
        raise ValueError(f"prior_failures must be above 0 and finite, got {prior_failures!r}")
    if usage is None and len(network.usage) == 0:
        raise PartsplanError("The network has no usage: give it a usage table, or pass usage=.")
    rates = rates_from_usage(
        network.usage if usage is None else usage,
        first=first,
        last=last,
        missing=missing,
        clustering=clustering,
        false_discoveries=false_discoveries,
    )
    nothing_kept = np.zeros(network.n_parts, dtype=np.bool_)
    return combined_rates(
        demand.aligned(network),
        rates,
        prior_failures=prior_failures,
        false_discoveries=false_discoveries,
        kept=nothing_kept,
    )


def combined_rates(
    demand: DemandRates,
    rates: UsageRates,
    *,
    prior_failures: float,
    false_discoveries: float,
    kept: Booleans,
) -> CombinedUsage:
    """Combine demand of a network with rates from usage; see :func:`combine_usage`.

    Parameters
    ----------
    demand
        Demand of a network, in its positions.
    rates
        Rates from usage.
    prior_failures, false_discoveries
        As in :func:`combine_usage`.
    kept
        Shape (n_parts,): parts whose demand stays as it is; they are only compared.
    """
    network = demand.network
    if network is None:
        raise ValueError("demand must be of a network, got demand without one")
    part, location = _positions(network, rates.history)
    pairs = observed_pairs(network, demand, rates.history, part, location)
    spread = np.ones(network.n_parts)
    spread[part] = rates.variance_to_mean
    prior = np.where(np.isfinite(demand.rate_shape), demand.rate_shape, prior_failures)
    fit = _fit(pairs, prior, spread, kept)
    per_year, shape = _combined(pairs, fit, demand.rate_shape, spread, kept)
    by_usage = _lone_parts(pairs, network.n_parts)[part] & ~kept[part]
    series = np.flatnonzero(by_usage[rates.history.part] & rates.is_observed)
    own, place = part[rates.history.part[series]], location[rates.history.location[series]]
    per_year[pairs.at(own * network.n_locations + place)] = rates.per_year[series]
    shape[part[by_usage]] = rates.rate_shape[by_usage]
    law = PartLaw(shape, np.where(kept | (not rates.clustering), 1.0, spread))
    return CombinedUsage(
        network=network,
        before=demand,
        demand=rescaled_demand(network, demand, pairs, per_year, law),
        history=rates.history,
        pairs=pairs,
        per_year=per_year,
        variance_to_mean=spread,
        location_spread=fit.location_spread,
        false_discoveries=false_discoveries,
        warnings=(
            *rates.warnings,
            *_gone(demand, pairs),
            *_without_rows(demand, pairs, part, kept),
        ),
    )


def _positions(network: ServiceNetwork, history: UsageHistory) -> tuple[Integers, Integers]:
    """Positions, in the network, of the parts and locations of a history."""
    part, findings = positions("part_id", history.part_ids, network.part_index, "usage")
    location, more = positions("location_id", history.location_ids, network.location_index, "usage")
    if findings or more:
        raise InputError([replace(finding, row=None) for finding in (*findings, *more)])
    return part, location


@dataclass(frozen=True, eq=False)
class _Fit:
    """Factors on the demand before."""

    factor: Floats
    """Shape (n_pairs,): factor of every pair; 1 for parts without evidence."""
    shape: Floats
    """Shape (n_parts,): gamma shape of the part's factor; NaN without evidence."""
    location_spread: float | None
    """Standard deviation of locations' factors around their part's; None where not fitted."""


def _fit(pairs: ObservedPairs, prior: Floats, spread: Floats, kept: Booleans) -> _Fit:
    """Set usage against what was expected, part by part and location by location."""
    factor, shape = np.ones(len(pairs.keys)), np.full(len(prior), np.nan)
    entries = np.flatnonzero((pairs.expected > 0.0) & ~kept[pairs.part])
    if len(entries) == 0:
        return _Fit(factor, shape, None)
    discount = spread[pairs.part[entries]]
    parts, group = np.unique(pairs.part[entries], return_inverse=True)
    counts = GroupedCounts(
        pairs.units[entries] / discount,
        pairs.expected[entries] / discount,
        group.reshape(-1),
        len(parts),
    )
    shrunk, location_spread = _shrunk(counts, GroupPriors(prior[parts], prior[parts]))
    of_part = np.ones(len(prior))
    of_part[parts], shape[parts] = shrunk.groups.mean, shrunk.groups.shape
    factor = of_part[pairs.part]
    factor[entries] = shrunk.rate
    if location_spread:
        shape[parts] = _total_shapes(pairs, entries, parts, shrunk, pairs.per_year * factor)
    return _Fit(factor, shape, location_spread)


def _shrunk(counts: GroupedCounts, priors: GroupPriors) -> tuple[ShrunkRates, float | None]:
    """Factors of parts and locations, and the spread of locations around their part."""
    named = np.ones(len(counts.group), dtype=np.bool_)
    found = segment_spread(counts, priors, named, np.zeros(counts.n_groups, dtype=np.int64))
    spread = float(np.sqrt(found.dispersion.max())) if found.is_fitted else None
    return shrunk_rates(counts, priors, found.dispersion, named), spread


def _total_shapes(
    pairs: ObservedPairs, entries: Integers, parts: Integers, shrunk: ShrunkRates, weight: Floats
) -> Floats:
    r"""Gamma shape of each part's demand over all locations, :math:`E[D]^2 / Var[D]`.

    Locations have an uncertainty of their own, and lean on their part's as far as their own counts
    do not decide; those that were not observed have the spread of locations and lean on it fully.
    """
    position = np.searchsorted(parts, pairs.part).clip(max=len(parts) - 1)
    of_these = parts[position] == pairs.part
    known = shrunk.groups.shape[position]
    own, loading = shrunk.dispersion[position] * (1.0 + 1.0 / known), np.ones(len(pairs.part))
    own[entries], loading[entries] = shrunk.own_variance, shrunk.loading
    weight = np.where(of_these, weight, 0.0)

    def by_part(amounts: Floats) -> Floats:
        return np.bincount(position, amounts, len(parts)).astype(np.float64)

    variance = by_part(weight**2 * own) + by_part(weight * loading) ** 2 / shrunk.groups.shape
    return by_part(weight) ** 2 / variance


def _combined(
    pairs: ObservedPairs, fit: _Fit, before: Floats, spread: Floats, kept: Booleans
) -> tuple[Floats, Floats]:
    """Rate of every pair [units/year] and gamma shape of every part.

    Where a part was used and no machine ever accounts for it, the history gives the rate alone.
    """
    alone = (pairs.per_year == 0.0) & (pairs.units > 0.0) & (pairs.years > 0.0)
    alone &= ~pairs.is_gone & ~kept[pairs.part]
    per_year = pairs.per_year * fit.factor
    per_year[alone] = pairs.units[alone] / pairs.years[alone]
    part = pairs.part[alone]
    units = np.bincount(part, pairs.units[alone] / spread[part], len(before))
    shape = np.where(np.isnan(fit.shape), before, fit.shape)
    by_usage = np.isnan(fit.shape) & (units > 0.0)
    shape[by_usage] = units[by_usage]
    return per_year, shape


def _lone_parts(pairs: ObservedPairs, n_parts: int) -> Booleans:
    """Parts that only the history has."""
    others = np.bincount(pairs.part, pairs.has_demand | pairs.is_gone, n_parts)
    return np.asarray(others == 0.0)


def _without_rows(
    demand: DemandRates, pairs: ObservedPairs, part: Integers, kept: Booleans
) -> list[Finding]:
    """Doubt that parts without any row were recorded, where much was expected of them."""
    expected = np.bincount(pairs.part, pairs.expected, demand.n_parts)
    has_row = np.zeros(demand.n_parts, dtype=np.bool_)
    has_row[part] = True
    rows = np.flatnonzero(~has_row & ~kept & (np.exp(-expected) < LATE_START))
    if len(rows) == 0:
        return []
    first, more = int(rows[0]), len(rows) - 1
    rule = (
        f"part {demand.part_ids[first]!r} has no row, where {expected[first]:,.3g} units were "
        "expected at the locations of the table: it counts as not used."
    )
    if more:
        rule += f" {in_words(more, 'more part')} like it."
    fix = (
        "If its usage was not recorded, give UsageHistory.from_table(usage, "
        "missing='zero_after_first')."
    )
    return [Finding("usage", None, "part_id", demand.part_ids[first], rule, fix)]


def _gone(demand: DemandRates, pairs: ObservedPairs) -> list[Finding]:
    """Say where the machines that used a part are there no more."""
    rows = np.flatnonzero(pairs.is_gone & (pairs.units > 0.0))
    if len(rows) == 0:
        return []
    part, location = pairs.part[rows[0]], pairs.location[rows[0]]
    more = f" (and {in_words(len(rows) - 1, 'pair')} more)" if len(rows) > 1 else ""
    return [
        Finding(
            "usage",
            None,
            "units",
            None,
            f"{pairs.units[rows[0]]:,.0f} units of part {demand.part_ids[part]!r} at location "
            f"{demand.location_ids[location]!r}{more} were used by machines that are gone on "
            f"{demand.on}: there is no demand now.",
            "Mend end_date of the installed base where they are not.",
        )
    ]

"""Demand of a network: given directly, or from machines, their parts and field failures.

The ``demand`` table replaces the installed base part by part; elsewhere machines x quantity x
rate, and counted failures correct the catalogue's rate by one factor per part.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.combined_usage import CombinedUsage
from partsplan.demand.combining import combined_rates
from partsplan.demand.estimating_rates import check_share
from partsplan.demand.field_evidence import ReadEvidence
from partsplan.demand.given import DemandRows, GivenDemand, numbered
from partsplan.demand.installed_base import (
    day_of,
    installed_units,
    machines_on,
    missing_rates,
    reference_rates,
)
from partsplan.demand.network_evidence import contradictions, network_evidence
from partsplan.demand.part_priors import Prior, PriorOptions
from partsplan.demand.rate_estimates import RateEstimates, Segments
from partsplan.demand.rate_fitting import FittedRates, fitted_rates, rate_estimates
from partsplan.demand.rate_uncertainty import RateUncertainty
from partsplan.demand.rates import DemandRates
from partsplan.demand.segment_rates import (
    catalogue_rates,
    check_segments,
    unit_factors,
    unit_segments,
)
from partsplan.demand.usage_history import in_words
from partsplan.demand.usage_rates import rates_from_usage
from partsplan.errors import Finding, InputError, PartsplanError
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Probability of the intervals in ``DemandRates.evidence``."""


def estimate_demand(
    network: ServiceNetwork,
    failures: Any = None,
    *,
    usage: Any = None,
    failure_mode: str | Sequence[str] | None = None,
    uncertainty: str | float = "predictive",
    prior: Prior = "catalogue",
    prior_failures: float | None = None,
    segments: Segments | None = "segment",
    false_discoveries: float = 0.05,
    clustering: bool = True,
    on: datetime.date | str | None = None,
) -> DemandRates:
    r"""Estimate how often each part is asked for, where, and by which machines.

    Parameters
    ----------
    network
        The network. A part with rows in its ``demand`` table has that demand; the demand of all
        others comes from ``installed_base`` and ``bill_of_materials``.
    failures : table, optional
        Evidence in place of ``network.failures``: counts (``part_id``, ``failures``,
        ``operating_hours`` [h]) or lives (``part_id``, ``hours`` [h], ``outcome``, ...), where
        wanted with ``segment``. ``network.replace(failures=..., rename=...)`` maps own names.
    usage : table or UsageHistory, optional
        History of usage as evidence, in place of ``network.usage``: see :func:`combine_usage`. A
        `UsageHistory` says which months were observed; of a table all from the first to the last.
    failure_mode : str or sequence of str, optional
        The mode (or modes) that count as failures: a life that ended by another one, such as a
        preventive swap, is censored there. By default every failure counts.
    uncertainty : {"predictive", "mean"} or float, default "predictive"
        "predictive" keeps what is not known about a rate as ``rate_shape``; "mean" takes the mean
        rate as if known; a number strictly between 0 and 1 takes that quantile as if known.
    prior : {"catalogue", "family"}, default "catalogue"
        What is believed of a part before its counts: its catalogue rate, or the rates of its
        ``family``, as factors on the catalogue, by empirical Bayes.
    prior_failures : float, optional
        Failures [-] that a catalogue rate is worth as evidence: the prior's gamma shape. Not given,
        a catalogue rate is worth 1 failure beside counts, and is taken as known without any.
    segments : {"segment", "customer", "region", "site"} or None, default "segment"
        What the ``segment`` column of ``failures`` names: that column of ``sites``, whose machines
        then fail at the rate of their segment. None puts all counts of a part together.
    false_discoveries : float, default 0.05
        Share of false findings accepted among the segments that ``evidence`` says to differ.
    clustering : bool, default True
        Whether the demand takes over the clustering of its ``usage``; False takes it as Poisson.
    on : datetime.date or str, optional
        Day on which machines count (start_date <= on < end_date); needed where the installed base
        has dates.

    Returns
    -------
    DemandRates
        In the order of the network's parts and locations, with streams wherever machines or
        sites are known. ``evidence`` has, per part and segment, catalogue rate, counts, prior,
        estimate, interval and source, and what is doubtful about them; ``usage`` where history
        and installed base disagree.

    Raises
    ------
    InputError
        With findings for parts without any rate, and for evidence that contradicts itself.
    PartsplanError
        When dates need ``on``, or the network has nothing that makes demand.
    ValueError
        When an option is outside its range.

    Notes
    -----
    Failures per year of part p in one row of the installed base: machines x quantity x rate, the
    rate being ``failures_per_year``, or ``hours_per_year / mtbf_hours``.

    Counts of a part are :math:`n` failures in :math:`H` operating hours. One factor
    :math:`\theta` scales all catalogue rates of the part. With :math:`r_0` the catalogue rate per
    operating hour, weighted by the operating hours of the installed units (``failures_per_year``
    relates to hours through ``hours_per_year``), and the prior :math:`\theta \sim` Gamma(k, k),
    k = ``prior_failures``, the posterior is Gamma(:math:`k + n`, :math:`k + r_0 H`). A part without
    any catalogue rate has Jeffreys' prior: its rate per hour is Gamma(:math:`n + 1/2`, :math:`H`).
    Rows without a rate, of a part that has one elsewhere, take :math:`r_0`.

    Counts by segment: each segment's factor is drawn toward its part's, as far as chance explains
    the difference, and reaches the machines at the sites of that segment; other sites have the
    part's. ``rate_shape`` is that of the part's demand in total. A segment's :math:`r_0` is that of
    the machine types installed in it. :func:`estimate_rates` says how priors and segments are
    fitted. Lives count as the failures and hours that they are worth for a constant rate
    (`LifeData.failures`, `LifeData.exposure_hours`); a part that wears out has another rate at
    another age, which :func:`fit_lifetimes` shows. ``uncertainty`` holds for the ``rate_shape``
    of the ``demand`` table as well.

    Usage then corrects the rates of parts and locations, except where the ``demand`` table gives
    them; a part that no machine and no row of it has, takes its demand from usage alone.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., sections 2.6 and 5.1.

    Examples
    --------
    >>> from partsplan.network import ServiceNetwork
    >>> network = ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "FAN", "unit_cost": 90, "resupply_days": 30}],
    ...     locations=[{"location_id": "BERN", "kind": "forward"}],
    ...     sites=[{"site_id": "BANK", "served_by": "BERN"}],
    ...     equipment=[{"equipment_id": "RACK"}],
    ...     bill_of_materials=[{"equipment_id": "RACK", "part_id": "FAN", "quantity": 4,
    ...                         "failures_per_year": 0.05}],
    ...     installed_base=[{"site_id": "BANK", "equipment_id": "RACK", "machines": 10}])
    >>> estimate_demand(network).per_year
    array([[2.]])
    >>> counts = [{"part_id": "FAN", "failures": 9, "operating_hours": 40 * 2 * 8760}]
    >>> demand = estimate_demand(network, counts)  # 9 failures where 4 were to be expected
    >>> demand.per_year, demand.rate_shape
    (array([[4.]]), array([10.]))
    """
    option = RateUncertainty.of(uncertainty)
    options = PriorOptions(prior, prior_failures)
    check_segments(segments)
    check_share("false_discoveries", false_discoveries)
    day = day_of(on)
    _check_has_source(network, usage is not None or len(network.usage) > 0)
    machines = machines_on(network, day)
    given = _table_demand(network)
    field = network_evidence(network, failures, segments, failure_mode)
    units = installed_units(network, machines, ~given.parts)
    reference = reference_rates(units, network.n_parts)
    places = unit_segments(network, units, field.evidence, segments)
    catalogue = catalogue_rates(field.evidence, units, reference, places)
    fit = fitted_rates(field.evidence, catalogue, numbered(network.parts["family"]), options)
    findings = [
        *field.findings,
        *missing_rates(network, units, reference, field.evidence.has_evidence | fit.is_known),
        *contradictions(network, field.evidence, reference),
    ]
    if findings:
        raise InputError(findings)
    factors = unit_factors(fit, places, reference.per_year)
    demand = DemandRates.on_network(
        network,
        replace(given, rate_shape=np.where(given.parts, given.rate_shape, factors.rate_shape)),
        units.streams(network, reference.per_year * factors.factor)
        if len(network.installed_base) > 0
        else None,
        day,
        network.frame_backend,
        evidence=_estimates(
            network, fit, given, field, segments=segments, false_discoveries=false_discoveries
        ),
    )
    if usage is not None or len(network.usage) > 0:
        demand = _with_usage(
            demand,
            network.usage if usage is None else usage,
            prior_failures=1.0 if prior_failures is None else prior_failures,
            false_discoveries=false_discoveries,
            clustering=clustering,
        )
    return option.applied_to(demand)


def _with_usage(
    demand: DemandRates,
    usage: Any,
    *,
    prior_failures: float,
    false_discoveries: float,
    clustering: bool,
) -> DemandRates:
    """Combine with usage all demand that is not given by the table."""
    combined = combined_rates(
        demand,
        rates_from_usage(usage, clustering=clustering, false_discoveries=false_discoveries),
        prior_failures=prior_failures,
        false_discoveries=false_discoveries,
        kept=demand.given.parts,
    )
    doubts = _counted_twice(demand, combined)
    combined = replace(combined, warnings=(*combined.warnings, *doubts))
    found = combined.demand
    return replace(found, usage=combined)


def _counted_twice(demand: DemandRates, combined: CombinedUsage) -> list[Finding]:
    """Doubt where failures and usage may be the same events."""
    if demand.evidence is None:
        return []
    counted = demand.evidence.failures[: demand.n_parts] > 0.0
    used = np.zeros(demand.n_parts, dtype=np.bool_)
    used[combined.pairs.part[combined.pairs.units > 0.0]] = True
    both = np.flatnonzero(counted & used & ~demand.given.parts)
    if len(both) == 0:
        return []
    told = ", ".join(repr(demand.part_ids[part]) for part in both[:3].tolist())
    return [
        Finding(
            "usage",
            None,
            "part_id",
            None,
            f"failures and usage both have {in_words(len(both), 'part')} "
            f"({told}{', ...' * (len(both) > 3)}): where they are the same events, the evidence "
            "counts twice.",
            "Give such a part to one of the two tables.",
        )
    ]


def _estimates(
    network: ServiceNetwork,
    fit: FittedRates,
    given: GivenDemand,
    field: ReadEvidence,
    *,
    segments: Segments | None,
    false_discoveries: float,
) -> RateEstimates:
    """Lay out what the rates come from."""
    estimates = rate_estimates(
        fit,
        level=LEVEL,
        false_discoveries=false_discoveries,
        frame_backend=network.frame_backend,
    )
    return replace(
        estimates,
        source=np.where(given.parts[estimates.part], "demand", estimates.source),
        segments=segments if estimates.segment_ids else None,
        warnings=(*field.doubts, *estimates.warnings),
    )


def _check_has_source(network: ServiceNetwork, has_usage: bool) -> None:
    """Demand of nothing would be 0, and every commitment would count as kept."""
    if len(network.demand) > 0 or has_usage:
        return
    needed = ("installed_base", "bill_of_materials")
    lacking = [name for name in needed if len(getattr(network, name)) == 0]
    if lacking:
        raise PartsplanError(
            f"There is nothing to estimate demand from: the network has no demand and no "
            f"{' and no '.join(lacking)}. Give installed_base with bill_of_materials, demand, or "
            "usage; or make the demand by DemandRates.from_table."
        )


def _table_demand(network: ServiceNetwork) -> GivenDemand:
    """Read the ``demand`` table of a network in the network's positions."""
    table = network.demand
    rows = DemandRows(
        table=table,
        part=table.index("part_id"),
        location=table.index("location_id"),
        site=table.index("site_id"),
        part_ids=network.part_ids,
        location_ids=network.location_ids,
        site_ids=network.site_ids,
    )
    return rows.given()

"""Rates of parts and segments from what the catalogue expects and the field counted.

A part's rates are one factor on its catalogue; segments have factors of their own around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.counts import garwood_interval
from partsplan.demand.differences import rate_difference_p_values
from partsplan.demand.field_evidence import FieldEvidence
from partsplan.demand.overdispersion import GroupedCounts, GroupPriors
from partsplan.demand.part_priors import PartCounts, PartPriors, PriorOptions, part_priors
from partsplan.demand.rate_estimates import RateEstimates
from partsplan.demand.shrinkage import (
    LEAST_COMPARISONS,
    SegmentSpread,
    ShrunkRates,
    segment_spread,
    shrunk_rates,
)
from partsplan.errors import Finding

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

DOUBTFUL_RATIO = 10.0
"""Times above or below the catalogue at which units of measurement are doubted."""

DOUBTFUL_LEVEL = 0.99
"""Confidence that counts are that far from it."""


@dataclass(frozen=True, eq=False)
class CatalogueRates:
    """Rates before field evidence [failures per operating hour]."""

    of_part: Floats
    """Shape (n_parts,): NaN where nothing is known, so that evidence cannot be scaled."""
    of_entry: Floats
    """Shape of the evidence: rate where the entry was counted, such as in its segment."""
    has_catalogue: Booleans
    """Shape (n_parts,): whether the rate is the catalogue's; else it is 1 and stands for none."""


@dataclass(frozen=True, eq=False)
class FittedRates:
    """Factors on the catalogue's rates: of parts, and of the entries of the evidence."""

    evidence: FieldEvidence
    catalogue: CatalogueRates
    priors: PartPriors
    factor: Floats
    """Shape (n_parts,): mean factor of the part; NaN where nothing is known of it."""
    shape: Floats
    """Shape (n_parts,): gamma shape of the part's factor; inf where it is taken as known."""
    entries: Integers
    """Entries of the evidence that count, by position."""
    shrunk: ShrunkRates
    """Factors of these entries."""
    spread: SegmentSpread | None
    """How much segments differ, in the order of the parts with counts; None: put together."""
    counted: Integers
    """Positions of the parts with counts."""

    @property
    def is_known(self) -> Booleans:
        """Shape (n_parts,): whether anything is known of the part's rate."""
        return ~np.isnan(self.factor)

    @property
    def dispersion(self) -> Floats:
        """Shape (n_parts,): variance of segments' factors; 0 for parts without counts."""
        of_part = np.zeros(len(self.factor))
        of_part[self.counted] = self.shrunk.dispersion
        return of_part


def fitted_rates(
    evidence: FieldEvidence,
    catalogue: CatalogueRates,
    families: tuple[tuple[str, ...], Integers],
    options: PriorOptions,
) -> FittedRates:
    """Estimate the factors of all parts and segments.

    Parameters
    ----------
    evidence
        Failures and hours.
    catalogue
        Rates to start from.
    families
        Names of the families, and each part's (-1 = none), of shape (n_parts,).
    options
        The prior.
    """
    expected = np.nan_to_num(catalogue.of_entry) * evidence.operating_hours
    entries = np.flatnonzero(expected > 0.0)
    part = evidence.part[entries]
    names, family = families
    counts = PartCounts(
        failures=np.bincount(part, evidence.failures[entries], evidence.n_parts).astype(np.float64),
        expected=np.bincount(part, expected[entries], evidence.n_parts).astype(np.float64),
        has_catalogue=catalogue.has_catalogue,
    )
    priors = part_priors(counts, names, family, options)
    counted = np.flatnonzero(counts.expected > 0.0)
    position = np.cumsum(counts.expected > 0.0) - 1
    members = GroupedCounts(
        evidence.failures[entries], expected[entries], position[part], len(counted)
    )
    own = GroupPriors(priors.shape[counted], priors.exposure[counted])
    is_named = evidence.segment[entries] >= 0
    spread = None
    dispersion = np.zeros(len(counted))
    if is_named.any():
        spread = segment_spread(members, own, is_named, family[counted] + 1)
        dispersion = spread.dispersion
    shrunk = shrunk_rates(members, own, dispersion, is_named)
    factor, shape = priors.mean.copy(), priors.shape.copy()
    factor[counted], shape[counted] = shrunk.groups.mean, shrunk.groups.shape
    return FittedRates(evidence, catalogue, priors, factor, shape, entries, shrunk, spread, counted)


def rate_estimates(
    fit: FittedRates, *, level: float, false_discoveries: float, frame_backend: str | None
) -> RateEstimates:
    """Lay fitted rates out as rows: all parts, then the segments that were counted."""
    evidence, priors, catalogue = fit.evidence, fit.priors, fit.catalogue
    named = evidence.segment[fit.entries] >= 0
    entries = fit.entries[named]
    part = evidence.part[entries]
    whole = np.arange(evidence.n_parts)
    listed = np.where(catalogue.has_catalogue, catalogue.of_part, np.nan)
    entry_listed = np.where(catalogue.has_catalogue[part], catalogue.of_entry[entries], np.nan)
    of_part = np.where(priors.kind == "jeffreys", "", priors.kind)
    of_part[fit.counted] = evidence.source
    spread = np.full(evidence.n_parts, np.nan)
    if fit.spread is not None and fit.spread.is_fitted:
        spread[fit.counted] = np.sqrt(fit.spread.dispersion)
    of_whole = _inverse(fit.shape[part])
    segment_prior = _inverse(of_whole + fit.dispersion[part] * (1.0 + of_whole))
    return RateEstimates(
        part_ids=evidence.part_ids,
        segment_ids=evidence.segment_ids,
        part=np.concatenate([whole, part]),
        segment=np.concatenate([np.full(len(whole), -1), evidence.segment[entries]]),
        catalogue_per_hour=np.concatenate([listed, entry_listed]),
        failures=np.concatenate([evidence.by_part(evidence.failures), evidence.failures[entries]]),
        operating_hours=np.concatenate(
            [evidence.by_part(evidence.operating_hours), evidence.operating_hours[entries]]
        ),
        prior=np.concatenate([priors.kind, np.full(len(entries), "part", dtype=object)]),
        prior_failures=np.concatenate([priors.shape, segment_prior]),
        prior_per_hour=np.concatenate(
            [priors.mean * catalogue.of_part, (fit.factor[part] * catalogue.of_entry[entries])]
        ),
        per_hour=np.concatenate(
            [fit.factor * catalogue.of_part, fit.shrunk.rate[named] * catalogue.of_entry[entries]]
        ),
        shape=np.concatenate([fit.shape, fit.shrunk.posterior.shape[named]]),
        own_variance=np.concatenate([np.zeros(len(whole)), fit.shrunk.own_variance[named]]),
        shared_variance=np.concatenate([_inverse(fit.shape), fit.shrunk.shared_variance[named]]),
        source=np.concatenate([of_part, np.full(len(entries), evidence.source, dtype=object)]),
        p_value=np.concatenate([np.full(len(whole), np.nan), _segment_p_values(fit)[named]]),
        segment_spread=spread,
        false_discoveries=false_discoveries,
        level=level,
        warnings=(*priors.warnings, *_spread_warnings(fit), *_doubtful_counts(fit)),
        frame_backend=frame_backend,
    )


def _inverse(figures: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return 1.0 / figures


def _segment_p_values(fit: FittedRates) -> Floats:
    """Test each counted entry against all other entries of its part that name a segment."""
    evidence, entries = fit.evidence, fit.entries
    part = evidence.part[entries]
    named = evidence.segment[entries] >= 0
    failures = np.where(named, evidence.failures[entries], 0.0)
    expected = fit.catalogue.of_entry[entries] * evidence.operating_hours[entries]
    expected = np.where(named, expected, 0.0)
    n_parts = evidence.n_parts
    total = np.bincount(part, failures, n_parts)[part]
    return rate_difference_p_values(
        failures, expected, total, np.bincount(part, expected, n_parts)[part]
    )


def _spread_warnings(fit: FittedRates) -> list[Finding]:
    if fit.spread is None:
        return []
    few = fit.spread.comparisons < LEAST_COMPARISONS
    if fit.spread.dispersion.any():
        return [_few_comparisons(fit.spread)] if few else []
    if few and not fit.spread.is_fitted:
        return [_too_few_comparisons(fit.spread)]
    return [
        Finding(
            "failures",
            None,
            "segment",
            None,
            "the counts of segments differ no more than by chance (fitted spread 0), so every "
            "segment has the rate of its part.",
        )
    ]


def _too_few_comparisons(spread: SegmentSpread) -> Finding:
    rule = (
        f"of the {LEAST_COMPARISONS} comparisons between segments of a part that it takes to "
        f"estimate how much segments differ, {spread.comparisons} can be made, and none differs "
        "beyond chance, so every segment has the rate of its part."
    )
    fix = "Give counts of more parts, or the same parts in more segments."
    return Finding("failures", None, "segment", None, rule, fix)


def _few_comparisons(spread: SegmentSpread) -> Finding:
    many = f"{spread.comparisons} comparison{'s' * (spread.comparisons != 1)}"
    rule = (
        f"segments differ beyond chance, but by how much is estimated from {many} of them alone: "
        "rates of segments are more uncertain than their intervals say."
    )
    fix = "Give counts of more parts, or the same parts in more segments."
    return Finding("failures", None, "segment", None, rule, fix)


def _doubtful_counts(fit: FittedRates) -> list[Finding]:
    """Doubt the unit of hours where counts are far from the catalogue beyond chance."""
    evidence = fit.evidence
    counted = fit.counted[fit.catalogue.has_catalogue[fit.counted]]
    expected = evidence.by_part(np.nan_to_num(fit.catalogue.of_entry) * evidence.operating_hours)
    failures, expected = evidence.by_part(evidence.failures)[counted], expected[counted]
    lower, upper = garwood_interval(failures, expected, DOUBTFUL_LEVEL)
    far = np.flatnonzero((lower > DOUBTFUL_RATIO) | (upper < 1.0 / DOUBTFUL_RATIO))
    if not len(far):
        return []
    first, more = int(far[0]), len(far) - 1
    rule = (
        f"part {evidence.part_ids[counted[first]]!r} failed {failures[first]:,.6g} times where the "
        f"catalogue expects {expected[first]:,.3g}."
    )
    if more:
        rule += f" {more} more part{'s' * (more > 1)} as far from it."
    fix = (
        "Check the units: operating_hours are hours of all units together (not days or years), "
        "failures_per_year is of one unit."
    )
    return [Finding("failures", None, "operating_hours", None, rule, fix)]

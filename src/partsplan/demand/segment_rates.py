"""Rates of parts and segments brought to the machines of a network.

Sites belong to segments (or are segments themselves), and each group of machines fails at the rate
of its part in the segment of its site.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.field_evidence import FieldEvidence, distinct
from partsplan.demand.installed_base import InstalledUnits, ReferenceRates
from partsplan.demand.rate_estimates import Segments
from partsplan.demand.rate_fitting import CatalogueRates, FittedRates
from partsplan.errors import Finding
from partsplan.network import ServiceNetwork, Table
from partsplan.network.values import nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SITE_COLUMNS = {
    "segment": "segment",
    "customer": "customer_id",
    "region": "region",
    "site": "site_id",
}
"""Column of ``sites`` that the ``segment`` column of ``failures`` names."""

SHOWN = 3
"""Segments that a warning names."""


def check_segments(segments: Segments | None) -> None:
    """Refuse a word that is no column of sites."""
    if segments is not None and segments not in SITE_COLUMNS:
        words = ", ".join(repr(word) for word in SITE_COLUMNS)
        raise ValueError(f"segments must be {words} or None, got {segments!r}")


def unknown_segments(
    network: ServiceNetwork, failures: Table, segments: Segments
) -> Iterator[Finding]:
    """Doubt segments of the field that no site has."""
    column = SITE_COLUMNS[segments]
    known = set(network.sites[column].tolist()) - {""}
    counted = failures["segment"]
    lacking = [name for name in dict.fromkeys(counted.tolist()) if name and name not in known]
    if not lacking:
        return
    told = ", ".join(repr(name) for name in lacking[:SHOWN])
    if len(lacking) > SHOWN:
        told += f" and {len(lacking) - SHOWN} more"
    effect = "so the rate there reaches no demand"
    if not has_segments_in_common(network, failures, segments):
        effect = "so the counts of all segments are put together"
    rule = f"no site has the {column} {told}, {effect}."
    fix = f"Fill in {column} of sites, or pass segments= the column of sites that is meant."
    first = int(np.flatnonzero(counted == lacking[0])[0])
    near = nearest(lacking[0], tuple(known)) if known else ""
    yield Finding(
        failures.name, first + 1, "segment", lacking[0], rule, near or fix, failures.line(first)
    )


def has_segments_in_common(
    network: ServiceNetwork, failures: Table, segments: Segments | None
) -> bool:
    """Whether any segment of the field is one of the sites'."""
    if segments is None or len(network.sites) == 0:
        return False
    known = set(network.sites[SITE_COLUMNS[segments]].tolist()) - {""}
    return not known.isdisjoint(failures["segment"].tolist())


def segment_of_sites(
    network: ServiceNetwork, segment_ids: tuple[str, ...], segments: Segments | None
) -> tuple[Integers, int]:
    """Segment of each site, and how many there are.

    Positions are those of ``segment_ids``, then of segments that only sites have; -1 where a site
    names none, and in one more entry for demand without a site.
    """
    of_site = np.full(len(network.sites) + 1, -1, dtype=np.int64)
    position = {name: i for i, name in enumerate(segment_ids)}
    if segments is not None and segment_ids:
        names = network.sites[SITE_COLUMNS[segments]].tolist()
        for name in names:
            if name:
                position.setdefault(name, len(position))
        of_site[:-1] = [position[name] if name else -1 for name in names]
    return of_site, len(position)


@dataclass(frozen=True, eq=False)
class UnitSegments:
    """Pairs of part and segment in which units of a network are installed."""

    keys: Integers
    """Shape (n_pairs,): distinct keys, ascending."""
    pair: Integers
    """Shape of the units: each one's pair."""
    part: Integers
    """Shape (n_pairs,): position of the part."""
    segment: Integers
    """Shape (n_pairs,): position of the segment; -1 where the site names none."""
    n_segments: int
    """Segments of the field and of the sites."""

    def find(self, part: Integers, segment: Integers) -> Integers:
        """Position of pairs; -1 where no unit is installed in them."""
        wanted = part * (self.n_segments + 1) + segment + 1
        place = np.minimum(np.searchsorted(self.keys, wanted), max(len(self.keys) - 1, 0))
        if not len(self.keys):
            return np.full(len(wanted), -1)
        return np.where(self.keys[place] == wanted, place, -1)


def unit_segments(
    network: ServiceNetwork,
    units: InstalledUnits,
    evidence: FieldEvidence,
    segments: Segments | None,
) -> UnitSegments:
    """Find the segment of every installed unit's site."""
    of_site, n_segments = segment_of_sites(network, evidence.segment_ids, segments)
    segment = of_site[network.installed_base.index("site_id")[units.installed_row]]
    keys, pair = distinct(units.part * (n_segments + 1) + segment + 1)
    return UnitSegments(
        keys, pair, keys // (n_segments + 1), keys % (n_segments + 1) - 1, n_segments
    )


def catalogue_rates(
    evidence: FieldEvidence,
    units: InstalledUnits,
    reference: ReferenceRates,
    places: UnitSegments,
) -> CatalogueRates:
    """Rates before evidence; a segment's is that of the machine types installed in it."""
    n_pairs = len(places.keys)
    failures = np.bincount(places.pair, reference.per_year, n_pairs)
    hours = np.bincount(places.pair, units.hours_per_year, n_pairs)
    own = np.zeros(n_pairs)
    np.divide(failures, hours, out=own, where=hours > 0.0)
    of_entry = reference.per_hour[evidence.part]
    place = places.find(evidence.part, evidence.segment)
    is_own = (evidence.segment >= 0) & (place >= 0)
    is_own[is_own] = own[place[is_own]] > 0.0
    of_entry[is_own] = own[place[is_own]]
    return CatalogueRates(reference.per_hour, of_entry, reference.has_catalogue)


@dataclass(frozen=True, eq=False)
class UnitFactors:
    """What evidence makes of the reference rates of a network's units."""

    factor: Floats
    """Shape of the units: mean factor on the reference rate; NaN where nothing is known."""
    rate_shape: Floats
    """Shape (n_parts,): gamma shape of the one factor that is common to all rates of a part."""


def unit_factors(fit: FittedRates, places: UnitSegments, per_year: Floats) -> UnitFactors:
    r"""Bring fitted rates to installed units.

    Parameters
    ----------
    fit
        Rates of parts and segments.
    places
        Segment of each unit.
    per_year
        Shape of the units: reference failures [1/year].

    Notes
    -----
    Demand of a part over its segments is :math:`D = \sum_s w_s \theta_s`. Its factor, common to
    all locations, has the relative variance of :math:`D`, shape :math:`E[D]^2 / Var[D]`: the
    segments' own uncertainty, and the part's, shared by all segments as far as they lean on it.
    Segments of sites that were never counted have the mean of the part, and the spread of
    segments beside its uncertainty.
    """
    part = places.part
    factor = fit.factor[part]
    own = np.where(places.segment >= 0, fit.dispersion[part], 0.0) * (1.0 + 1.0 / fit.shape[part])
    loading = np.ones(len(part))
    place = places.find(fit.evidence.part[fit.entries], fit.evidence.segment[fit.entries])
    named = (place >= 0) & (fit.evidence.segment[fit.entries] >= 0)
    at = place[named]
    factor[at] = fit.shrunk.rate[named]
    own[at] = fit.shrunk.own_variance[named]
    loading[at] = fit.shrunk.loading[named]
    weight = np.bincount(places.pair, per_year, len(places.keys)) * factor
    shape = _common_shapes(fit, part, weight, own, loading)
    return UnitFactors(factor[places.pair], shape)


def _common_shapes(
    fit: FittedRates, part: Integers, weight: Floats, own: Floats, loading: Floats
) -> Floats:
    """Shape of each part's demand; the part's own where its segments are alike."""
    n_parts = len(fit.factor)
    total = np.bincount(part, weight, n_parts)
    alone = np.bincount(part, weight**2 * own, n_parts)
    together = np.bincount(part, weight * loading, n_parts) ** 2
    shape = np.where(total > 0.0, fit.shape, np.inf)
    mixed = (total > 0.0) & (fit.dispersion > 0.0)
    variance = alone[mixed] + together[mixed] / fit.shape[mixed]
    shape[mixed] = total[mixed] ** 2 / variance
    return shape

"""Demand with other rates per part and location: streams and given demand keep their shares."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.given import GivenDemand, SparseRates, pairs_of, read_only, sparse_sum
from partsplan.demand.installed_base import serving_locations
from partsplan.demand.rates import DemandRates
from partsplan.demand.usage_exposure import ObservedPairs
from partsplan.network import ServiceNetwork

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PartLaw:
    """What is known of each part's demand besides its mean; arrays of shape (n_parts,)."""

    rate_shape: Floats
    """Gamma shape of the factor that scales all rates of the part; inf where it is known."""
    variance_to_mean: Floats
    """Clustering; 1 keeps what the demand had."""


def rescaled_demand(
    network: ServiceNetwork,
    demand: DemandRates,
    pairs: ObservedPairs,
    per_year: Floats,
    law: PartLaw,
) -> DemandRates:
    """Give a demand of a network other rates.

    Parameters
    ----------
    network, demand
        The network, and demand aligned to it.
    pairs
        Every pair with demand, and others.
    per_year
        Shape (n_pairs,): new rates [units/year]. What stood at a pair is scaled to it; where
        nothing did, the rate is given for the location.
    law
        Uncertainty and clustering per part.
    """
    factor = np.divide(
        per_year, pairs.per_year, out=np.ones_like(per_year), where=pairs.per_year > 0.0
    )
    scaling = _Scaling(network, pairs, factor, law)
    installed = None
    if demand.streams is not None and demand.n_installed is not None:
        streams = demand.streams.select(slice(demand.n_installed))
        at = scaling.at(streams.part, streams.location)
        installed = replace(streams, per_year=streams.per_year * factor[at])
    given = scaling.given(demand.given)
    new = (pairs.per_year == 0.0) & (per_year > 0.0)
    if new.any():
        added = sparse_sum(pairs.part[new], pairs.location[new], per_year[new], scaling.shape)
        given = replace(given, at_locations=read_only(given.at_locations + added))
    given = replace(given, location_clustering=scaling.clustering(given, per_year))
    return DemandRates.on_network(
        network, given, installed, demand.on, demand.frame_backend, evidence=demand.evidence
    )


@dataclass(frozen=True, eq=False)
class _Scaling:
    """Factors of pairs, applied to demand that was given."""

    network: ServiceNetwork
    pairs: ObservedPairs
    factor: Floats
    law: PartLaw

    @property
    def shape(self) -> tuple[int, int]:
        return (self.network.n_parts, self.network.n_locations)

    def at(self, part: Integers, location: Integers) -> Integers:
        """Position of the pair of each part and location."""
        return self.pairs.at(part * self.network.n_locations + location)

    def given(self, given: GivenDemand) -> GivenDemand:
        """Scale given demand and its clustering by the pairs it stands at."""
        sites = given.at_sites
        serving = serving_locations(self.network, sites.place, sites.part)
        of_site = self.factor[self.at(sites.part, serving)]
        clustering = given.location_clustering
        return replace(
            given,
            at_locations=self._scaled(given.at_locations),
            at_sites=replace(sites, per_year=sites.per_year * of_site),
            location_clustering=None if clustering is None else self._scaled(clustering),
            site_clustering=np.where(
                self.law.variance_to_mean[sites.part] > 1.0, 0.0, given.site_clustering * of_site
            ),
            rate_shape=self.law.rate_shape,
        )

    def _scaled(self, matrix: SparseRates) -> SparseRates:
        pairs = pairs_of(matrix)
        values = pairs.per_year * self.factor[self.at(pairs.part, pairs.place)]
        return sparse_sum(pairs.part, pairs.place, values, self.shape)

    def clustering(self, given: GivenDemand, per_year: Floats) -> SparseRates | None:
        """Clustering at locations: of clustered parts as found, of others as it was."""
        ratio, own = self.law.variance_to_mean, given.location_clustering
        if not (ratio > 1.0).any():
            return own
        part, place = self.pairs.part, self.pairs.location
        total = sparse_sum(part, place, per_year * (ratio[part] - 1.0), self.shape)
        if own is None:
            return total
        kept = pairs_of(own)
        left = np.where(ratio[kept.part] > 1.0, 0.0, kept.per_year)
        return read_only(total + sparse_sum(kept.part, kept.place, left, self.shape))

"""How uncertain rates of parts and segments make sums over demand streams uncertain.

Streams of the same part and segment share one rate; segments of a part share the uncertainty of
their part as far as they lean on it; parts are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.field_evidence import distinct
from partsplan.demand.rate_estimates import RateEstimates
from partsplan.demand.rates import DemandRates
from partsplan.demand.segment_rates import segment_of_sites
from partsplan.demand.streams import DemandStreams
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StreamUncertainty:
    """Relative variances of streams' rates; arrays of shape (n_streams,)."""

    part: Integers
    """Position of the part."""
    segment: Integers
    """Position of the segment; -1 where the rate is the part's."""
    own: Floats
    """Relative variance that streams of the same part and segment share, and no others."""
    shared: Floats
    """Relative variance that comes with the part's rate."""

    @classmethod
    def of(
        cls, network: ServiceNetwork, demand: DemandRates, streams: DemandStreams
    ) -> StreamUncertainty:
        """Take segments from the evidence where the demand has them, else each part's shape."""
        whole = np.full(len(streams), -1, dtype=np.int64)
        of_part = 1.0 / demand.rate_shape[streams.part]
        by_part = cls(streams.part, whole, np.zeros(len(streams)), of_part)
        evidence = demand.evidence
        if evidence is None or evidence.segments is None or demand.usage is not None:
            return by_part
        if evidence.part_ids != network.part_ids:  # the demand was made for another network
            return by_part
        return by_part._with_segments(network, evidence, streams)

    def _with_segments(
        self, network: ServiceNetwork, evidence: RateEstimates, streams: DemandStreams
    ) -> StreamUncertainty:
        of_site, n_segments = segment_of_sites(network, evidence.segment_ids, evidence.segments)
        # rates that are taken as known, or given by the demand table, have no segments
        is_segmented = (
            (self.shared > 0.0)
            & (streams.installed_row >= 0)
            & (evidence.source[streams.part] != "demand")
        )
        segment = np.where(is_segmented, of_site[streams.site], -1)
        rows = np.arange(evidence.n_parts, len(evidence))
        keys = evidence.part[rows] * n_segments + evidence.segment[rows]
        order = np.argsort(keys)
        wanted = streams.part * n_segments + segment
        place = np.minimum(np.searchsorted(keys[order], wanted), len(rows) - 1)
        row = rows[order[place]]
        is_counted = (segment >= 0) & (keys[order[place]] == wanted)
        row = np.where(is_counted, row, streams.part)
        shared = np.where(is_segmented, evidence.shared_variance[row], self.shared)
        spread = np.nan_to_num(evidence.segment_spread[streams.part]) ** 2 * (1.0 + shared)
        own = np.where(is_counted, evidence.own_variance[row], np.where(segment >= 0, spread, 0.0))
        return StreamUncertainty(self.part, segment, own, shared)

    def variances(self, group: Integers, n_groups: int, amount: Floats) -> Floats:
        """Variance of each group's sum of the streams' amounts, shape (n_groups,)."""
        n_segments = int(self.segment.max(initial=-1)) + 2
        n_parts = int(self.part.max(initial=-1)) + 1
        key = (group * n_parts + self.part) * n_segments + self.segment + 1
        pairs, pair = distinct(key)
        alone = np.bincount(pair, amount * np.sqrt(self.own), len(pairs)) ** 2
        parts, part = distinct(pairs // n_segments)
        together = np.bincount(pair, amount * np.sqrt(self.shared), len(pairs))
        together = np.bincount(part, together, len(parts)) ** 2
        variance = np.bincount(pairs // n_segments // n_parts, alone, n_groups)
        return np.asarray(variance + np.bincount(parts // n_parts, together, n_groups))

"""Evidence from the field brought onto a network: its parts, and the segments of its sites."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from partsplan.demand.aligning import positions
from partsplan.demand.field_evidence import (
    FailureMode,
    FieldEvidence,
    ReadEvidence,
    read_evidence,
)
from partsplan.demand.installed_base import ReferenceRates
from partsplan.demand.rate_estimates import Segments
from partsplan.demand.reading import read_alone
from partsplan.demand.segment_rates import has_segments_in_common, unknown_segments
from partsplan.errors import Finding
from partsplan.network import ServiceNetwork


def network_evidence(
    network: ServiceNetwork,
    failures: Any,
    segments: Segments | None,
    failure_mode: FailureMode = None,
) -> ReadEvidence:
    """Evidence per part of the network and segment, from the argument or from its table."""
    table = network.failures if failures is None else read_alone("failures", failures)
    part, findings = positions("part_id", table["part_id"].tolist(), network.part_index, table.name)
    if findings:
        nothing, nowhere = np.zeros(0), np.zeros(0, dtype=np.int64)
        none = FieldEvidence.summed(network.part_ids, nowhere, None, nothing, nothing)
        return ReadEvidence(none, tuple(findings))
    is_segmented = has_segments_in_common(network, table, segments)
    read = read_evidence(
        table, part, network.part_ids, is_segmented=is_segmented, failure_mode=failure_mode
    )
    if segments is None:
        return read
    unknown = tuple(unknown_segments(network, table, segments))
    return replace(read, doubts=(*read.doubts, *unknown))


def contradictions(
    network: ServiceNetwork, evidence: FieldEvidence, reference: ReferenceRates
) -> list[Finding]:
    """Findings where parts failed in the field that never fail by the catalogue."""
    failures = evidence.by_part(evidence.failures)
    impossible = evidence.has_evidence & (failures > 0.0) & (reference.per_hour == 0.0)
    return [
        Finding(
            "failures",
            None,
            "failures",
            float(failures[p]),
            f"{failures[p]:g} failures of part {network.part_ids[p]!r}, whose "
            "failures_per_year is 0.",
            "Leave failures_per_year empty where the rate is not known.",
        )
        for p in np.flatnonzero(impossible)
    ]

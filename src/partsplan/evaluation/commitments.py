"""Commitments as linear rows: which demand each promise covers, and how much it may use.

A commitment row (and each value of its ``each`` column) becomes one ``Promise``: a selection of
demand streams, a weight for every stream and the share or hours it may use. Uptime is linear in
the expected stops per machine, rho, whose machines-weighted mean may be at most (1 - a) / a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates, DemandStreams
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOURS_PER_DAY = 24.0
HOURS_PER_YEAR = 8760.0
DAYS_PER_YEAR = 365.0

_SITE_COLUMNS = {"customer": "customer_id", "region": "region", "site": "site_id"}


@dataclass(frozen=True, eq=False)
class Promise:
    """One commitment over one scope, as weights on the demand streams it covers."""

    commitment_id: str
    """Id of the commitment; ``id:value`` where ``each`` makes one per value."""
    metric: str
    """``uptime``, ``response``, ``fill_rate`` or ``mean_wait``."""
    target: float
    """Promised share, or hours for ``mean_wait``."""
    within_hours: float
    """Response window [hours]; NaN for the other metrics."""
    streams: Integers
    """Positions of the demand streams covered."""
    weights: Floats
    """Weight of each stream: its share of the demand, or its stops per machine-hour for uptime."""

    @property
    def unit(self) -> str:
        """Unit of target and achieved value: ``hours`` or ``share``."""
        return "hours" if self.metric == "mean_wait" else "share"

    @property
    def has_demand(self) -> bool:
        """Whether any demand is covered; without it the promise is kept by itself."""
        return bool((self.weights > 0).any())

    @property
    def allowed(self) -> float:
        """Largest use that keeps the promise, constant hours included [the row's own unit]."""
        if self.metric == "mean_wait":
            return self.target
        if self.metric == "uptime":
            return (1.0 - self.target) / self.target
        return 1.0 - self.target

    def achieved(self, used: float) -> float:
        """The figure in the words of the contract (share or hours) for a given use."""
        if self.metric == "mean_wait":
            return used
        if self.metric == "uptime":
            return 1.0 / (1.0 + used)
        return 1.0 - used

    @property
    def use_per_target_step(self) -> float:
        """Use lost when the target is tightened by 0.01 (shares) or by 1 hour (mean wait)."""
        if self.metric == "mean_wait":
            return 1.0
        return 0.01 / self.target**2 if self.metric == "uptime" else 0.01


def streams_of(demand: DemandRates) -> DemandStreams:
    """Demand streams; one per (part, location) with demand where only locations are known."""
    if demand.streams is not None:
        return demand.streams
    part, location = np.nonzero(demand.per_year)
    unknown = np.full(len(part), -1, dtype=np.int64)
    zeros = np.zeros(len(part))
    return DemandStreams(
        part=part.astype(np.int64),
        location=location.astype(np.int64),
        site=unknown,
        equipment=unknown,
        installed_row=unknown,
        per_year=demand.per_year[part, location],
        stopping_fraction=np.ones(len(part)),
        diagnosis_hours=zeros,
        repair_hours=zeros,
    )


def promises_of(network: ServiceNetwork, streams: DemandStreams) -> tuple[Promise, ...]:
    """All commitments of the network, ``each`` expanded, in the order of their table."""
    labels = _StreamLabels(network, streams)
    promises: list[Promise] = []
    for row in network.commitments.to_records():
        covered = labels.covered_by(row)
        each = row.get("each") or ""
        if not each:
            promises.append(_promise(network, streams, row, covered, ""))
            continue
        values = labels.of(each)[covered]
        for value in labels.ordered(each, values):
            promises.append(_promise(network, streams, row, covered[values == value], str(value)))
    return tuple(promises)


class _StreamLabels:
    """What each stream is called in the columns that commitments and groups speak of."""

    def __init__(self, network: ServiceNetwork, streams: DemandStreams) -> None:
        self.network = network
        self.streams = streams

    def of(self, group: str) -> NDArray[Any]:
        """Label of every stream for a group word; '' where it has none."""
        network, streams = self.network, self.streams
        if group in _SITE_COLUMNS:
            return _picked(network.sites[_SITE_COLUMNS[group]], streams.site)
        if group == "equipment":
            return _picked(network.equipment["equipment_id"], streams.equipment)
        if group == "location":
            return _picked(network.locations["location_id"], streams.location)
        column = "part_group" if group == "part_group" else "part_id"
        return _picked(network.parts[column], streams.part)

    def ordered(self, group: str, labels: NDArray[Any]) -> list[str]:
        """Distinct labels, empty ones left out, in the order of the table they come from."""
        network = self.network
        if group in _SITE_COLUMNS:
            source = network.sites[_SITE_COLUMNS[group]]
        elif group == "equipment":
            source = network.equipment["equipment_id"]
        elif group == "location":
            source = network.locations["location_id"]
        else:
            source = network.parts["part_group" if group == "part_group" else "part_id"]
        present = set(labels.tolist())
        return [value for value in dict.fromkeys(source.tolist()) if value and value in present]

    def covered_by(self, row: dict[str, Any]) -> Integers:
        """Positions of the streams inside a commitment's scope."""
        inside = np.ones(len(self.streams.part), dtype=bool)
        for column, group in (
            ("customer_id", "customer"),
            ("region", "region"),
            ("site_id", "site"),
            ("equipment_id", "equipment"),
            ("location_id", "location"),
            ("part_id", "part"),
            ("part_group", "part_group"),
        ):
            if row.get(column):
                inside &= self.of(group) == row[column]
        return np.flatnonzero(inside)


def group_labels(network: ServiceNetwork, streams: DemandStreams, group: str) -> NDArray[Any]:
    """Label of every stream for a group word such as ``customer``; '' where it has none."""
    return _StreamLabels(network, streams).of(group)


def ordered_labels(
    network: ServiceNetwork, streams: DemandStreams, group: str
) -> list[str]:
    """Distinct labels of a group among the streams, in the order of their own table."""
    labels = _StreamLabels(network, streams)
    return labels.ordered(group, labels.of(group))


def _picked(values: NDArray[Any], positions: Integers) -> NDArray[Any]:
    """``values[positions]``, with '' where the position is -1."""
    return np.append(values.astype(object), "")[positions]


def _promise(
    network: ServiceNetwork,
    streams: DemandStreams,
    row: dict[str, Any],
    covered: Integers,
    value: str,
) -> Promise:
    metric = str(row["metric"])
    within = row.get("within_hours")
    return Promise(
        commitment_id=f"{row['commitment_id']}:{value}" if value else str(row["commitment_id"]),
        metric=metric,
        target=float(row["target"]),
        within_hours=float("nan") if within is None else float(within),
        streams=covered,
        weights=promise_weights(network, streams, metric, covered),
    )


def promise_weights(
    network: ServiceNetwork, streams: DemandStreams, metric: str, covered: Integers
) -> Floats:
    """Weight of each covered stream: per day of down time (uptime) or share of the demand."""
    per_year = streams.per_year[covered]
    if metric == "uptime":
        rows = np.unique(streams.installed_row[covered])
        machines = float(network.installed_base["machines"][rows[rows >= 0]].sum())
        stops = per_year * streams.stopping_fraction[covered]
        return stops * HOURS_PER_DAY / HOURS_PER_YEAR / machines if machines else 0.0 * stops
    total = float(per_year.sum())
    return per_year / total if total > 0 else 0.0 * per_year

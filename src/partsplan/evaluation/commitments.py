"""Commitments as linear rows: which demand each promise covers, and how much it may use.

A commitment row (and each value of its ``each`` column) becomes one ``Promise``: a selection of
demand streams, a weight for every stream and the share or hours it may use. Uptime is linear in
the expected stops per machine, rho, whose machines-weighted mean may be at most (1 - a) / a.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """Weight of each stream: its share of the demand; for uptime, of a machine's year lost per day
    down."""
    has_demand: bool
    """Whether any demand is covered (for uptime: of any machine); else the promise is kept."""

    @property
    def unit(self) -> str:
        """Unit of target and achieved value: ``hours`` or ``share``."""
        return "hours" if self.metric == "mean_wait" else "share"

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


def promises_of(network: ServiceNetwork, demand: DemandRates) -> tuple[Promise, ...]:
    """All commitments of the network, ``each`` expanded, in the order of their table."""
    scopes = _Scopes(network, demand)
    promises: list[Promise] = []
    for row in network.commitments.to_records():
        scope = {group: row[column] for column, group in _SCOPE.items() if row.get(column)}
        each = row.get("each")
        if not each:
            promises.append(scopes.promise(row, scope, str(row["commitment_id"])))
            continue
        for value in scopes.values_of(str(each), scope):
            name = f"{row['commitment_id']}:{value}"
            promises.append(scopes.promise(row, {**scope, str(each): value}, name))
    return tuple(promises)


def group_promises(
    network: ServiceNetwork, demand: DemandRates, group: str, metrics: Mapping[str, dict[str, Any]]
) -> tuple[Promise, ...]:
    """For every value of a group and every metric (name: row of figures), the promise over it.

    The promises measure only: their ids are the group's values.
    """
    scopes = _Scopes(network, demand)
    return tuple(
        scopes.promise(row, {group: value}, value)
        for value in scopes.values_of(group, {})
        for row in metrics.values()
    )


_SCOPE = {
    "customer_id": "customer",
    "region": "region",
    "site_id": "site",
    "equipment_id": "equipment",
    "location_id": "location",
    "part_id": "part",
    "part_group": "part_group",
}
"""Scope columns of a commitment and the group word of each."""


class _Scopes:
    """What each stream and each row of machines is called in the words of a scope."""

    def __init__(self, network: ServiceNetwork, demand: DemandRates) -> None:
        self.network = network
        self.streams = streams_of(demand)
        self.machines = demand.machines

    def values_of(self, group: str, scope: Mapping[str, str]) -> list[str]:
        """Distinct values of a group among the streams in a scope, in their own table's order."""
        present = set(self._stream_labels(group)[self._covered(scope)].tolist())
        return [value for value in dict.fromkeys(self._names(group)) if value in present - {""}]

    def promise(self, row: Mapping[str, Any], scope: Mapping[str, str], name: str) -> Promise:
        """The promise of a commitment row over a scope."""
        covered = self._covered(scope)
        metric, within = str(row["metric"]), row.get("within_hours")
        per_year = self.streams.per_year[covered]
        total = float(per_year.sum())
        if metric == "uptime":
            stops = per_year * self.streams.stopping_fraction[covered]
            machines = self._machines_in(scope, covered)
            has_demand = total > 0.0 and machines > 0.0
            amounts, share = stops * HOURS_PER_DAY / HOURS_PER_YEAR, machines
        else:
            has_demand = total > 0.0
            amounts, share = per_year, total
        return Promise(
            commitment_id=name,
            metric=metric,
            target=float(row["target"]),
            within_hours=float("nan") if within is None else float(within),
            streams=covered,
            weights=amounts / share if has_demand else np.zeros(len(covered)),
            has_demand=has_demand,
        )

    def _machines_in(self, scope: Mapping[str, str], covered: Integers) -> float:
        """Machines in a scope; by the demand they make where the scope names parts or locations."""
        if self.machines is None:
            return 0.0
        inside = np.ones(len(self.machines), dtype=bool)
        for group, value in scope.items():
            if group in ("location", "part", "part_group"):
                rows = self.streams.installed_row[covered]
                inside &= np.isin(np.arange(len(inside)), rows)
            else:
                inside &= self._machine_labels(group) == value
        return float(self.machines[inside].sum())

    def _covered(self, scope: Mapping[str, str]) -> Integers:
        inside = np.ones(len(self.streams.part), dtype=bool)
        for group, value in scope.items():
            inside &= self._stream_labels(group) == value
        return np.flatnonzero(inside)

    def _names(self, group: str) -> list[str]:
        network = self.network
        if group in _SITE_COLUMNS:
            return list(network.sites[_SITE_COLUMNS[group]].tolist())
        if group == "equipment":
            return list(network.equipment["equipment_id"].tolist())
        if group == "location":
            return list(network.locations["location_id"].tolist())
        return list(network.parts["part_group" if group == "part_group" else "part_id"].tolist())

    def _stream_labels(self, group: str) -> NDArray[Any]:
        streams = self.streams
        positions = {
            "equipment": streams.equipment,
            "location": streams.location,
            "part": streams.part,
            "part_group": streams.part,
        }.get(group, streams.site)
        return _picked(self._names(group), positions)

    def _machine_labels(self, group: str) -> NDArray[Any]:
        column = "equipment_id" if group == "equipment" else "site_id"
        return _picked(self._names(group), self.network.installed_base.index(column))


def _picked(values: list[str], positions: Integers) -> NDArray[Any]:
    """``values[positions]``, with '' where the position is -1."""
    return np.array([*values, ""], dtype=object)[positions]

"""Commitments as linear rows: which demand each promise covers, and how much it may use.

A commitment row (and each value of its ``each`` column) becomes one ``Promise``: a selection of
demand streams, a weight for every stream and the share or hours it may use. Uptime is linear in
the expected stops per machine, rho, whose machines-weighted mean may be at most (1 - a) / a.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates
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
    period_months: float | None = None
    """Months over which the customer measures; None where the contract names none."""
    volume: float = 1.0
    """What the weights are shares of: demand covered [units/year]; for uptime, machines."""

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
        return max(1.0 - used, 0.0)

    def use_of(self, achieved: float) -> float:
        """The use behind a figure in the words of the contract."""
        if self.metric == "mean_wait":
            return achieved
        return 1.0 / achieved - 1.0 if self.metric == "uptime" else 1.0 - achieved

    @property
    def use_per_target_step(self) -> float:
        """Use lost when the target is tightened by 0.01 (shares) or by 1 hour (mean wait)."""
        if self.metric == "mean_wait":
            return 1.0
        return 0.01 / self.target**2 if self.metric == "uptime" else 0.01


def promises_of(network: ServiceNetwork, demand: DemandRates) -> tuple[Promise, ...]:
    """All commitments of the network, ``each`` expanded, in the order of their table."""
    scopes = Scopes(network, demand)
    promises: list[Promise] = []
    for row in network.commitments.to_records():
        scope = {group: row[column] for column, group in _SCOPE.items() if row.get(column)}
        promises += scopes.promises(row, scope)
    return tuple(promises)


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

_PART_OR_PLACE = ("location", "part", "part_group")
"""Groups that divide the demand of a machine, not the machines."""


class Scopes:
    """What each stream and each row of machines is called in the words of a scope.

    Values of a group are coded by their place in ``values_of``; -1 where there is none.
    """

    def __init__(self, network: ServiceNetwork, demand: DemandRates) -> None:
        self.network = network
        self.streams = demand.all_streams
        self.machines = demand.machines
        self._values: dict[str, dict[str, int]] = {}
        self._codes: dict[str, Integers] = {}
        self._sorted: dict[str, tuple[Integers, Integers]] = {}

    def values_of(self, group: str) -> list[str]:
        """Distinct values of a group, in the order of their own table."""
        return list(self._coded(group))

    def stream_codes(self, group: str) -> Integers:
        """Value of every stream."""
        if group not in self._codes:
            streams = self.streams
            position = {
                "equipment": streams.equipment,
                "location": streams.location,
                "part": streams.part,
                "part_group": streams.part,
            }.get(group, streams.site)
            self._codes[group] = self._picked(group, position)
        return self._codes[group]

    def machines_of(self, group: str) -> Floats:
        """Machines of every value; of parts and places those that ask for them."""
        n_values = len(self.values_of(group))
        if self.machines is None:
            return np.zeros(n_values)
        if group in _PART_OR_PLACE:
            known = (self.stream_codes(group) >= 0) & (self.streams.installed_row >= 0)
            codes, row = self.stream_codes(group)[known], self.streams.installed_row[known]
            pair = np.unique(codes * len(self.machines) + row)
            code, row = np.divmod(pair, len(self.machines))
        else:
            row = np.flatnonzero(self._machine_codes(group) >= 0)
            code = self._machine_codes(group)[row]
        machines = np.bincount(code, self.machines[row], minlength=n_values)
        return machines.astype(np.float64)

    def promises(self, row: Mapping[str, Any], scope: Mapping[str, str]) -> Iterator[Promise]:
        """The promises of a commitment row over a scope, one per value of its ``each``."""
        each, name = row.get("each"), str(row["commitment_id"])
        if not each:
            yield self._promise(row, scope, name, self._covered(scope))
            return
        group = str(each)
        for value, streams in self._divided(group, scope):
            if len(streams):
                inside = {**scope, group: value}
                yield self._promise(row, inside, f"{name}:{value}", streams)

    def _promise(
        self, row: Mapping[str, Any], scope: Mapping[str, str], name: str, covered: Integers
    ) -> Promise:
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
            period_months=row.get("period_months"),
            volume=share if has_demand else 1.0,
        )

    def _machines_in(self, scope: Mapping[str, str], covered: Integers) -> float:
        """Machines in a scope; by the demand they make where the scope names parts or locations."""
        if self.machines is None:
            return 0.0
        inside = np.ones(len(self.machines), dtype=bool)
        for group, value in scope.items():
            if group in _PART_OR_PLACE:
                rows = self.streams.installed_row[covered]
                asks = np.zeros(len(inside), dtype=bool)
                asks[rows[rows >= 0]] = True
                inside &= asks
            else:
                inside &= self._machine_codes(group) == self._coded(group)[value]
        return float(self.machines[inside].sum())

    def _covered(self, scope: Mapping[str, str]) -> Integers:
        """Streams in a scope, ascending."""
        if not scope:
            return np.arange(len(self.streams))
        (group, value), *more = scope.items()
        order, starts = self._by_value(group)
        code = self._coded(group)[value]
        covered = order[starts[code] : starts[code + 1]]
        for other, name in more:
            covered = covered[self.stream_codes(other)[covered] == self._coded(other)[name]]
        return covered

    def _divided(self, group: str, scope: Mapping[str, str]) -> Iterator[tuple[str, Integers]]:
        """The streams in a scope with each value of a group, ascending."""
        values = self.values_of(group)
        if scope:
            covered = self._covered(scope)
            order, starts = sorted_codes(self.stream_codes(group)[covered], len(values))
            order = covered[order]
        else:
            order, starts = self._by_value(group)
        for code, value in enumerate(values):
            yield value, order[starts[code] : starts[code + 1]]

    def _by_value(self, group: str) -> tuple[Integers, Integers]:
        """All streams sorted by value of a group, and where each value starts."""
        if group not in self._sorted:
            codes = self.stream_codes(group)
            self._sorted[group] = sorted_codes(codes, len(self.values_of(group)))
        return self._sorted[group]

    def _machine_codes(self, group: str) -> Integers:
        column = "equipment_id" if group == "equipment" else "site_id"
        return self._picked(group, self.network.installed_base.index(column))

    def _picked(self, group: str, position: Integers) -> Integers:
        """Codes of the rows at ``position`` in the group's table."""
        coded = self._coded(group)
        codes = np.array([*(coded.get(name, -1) for name in self._names(group)), -1])
        if np.array_equal(codes[:-1], np.arange(len(codes) - 1)):
            return position
        return codes[position].astype(np.int64)

    def _coded(self, group: str) -> dict[str, int]:
        if group not in self._values:
            values = [name for name in dict.fromkeys(self._names(group)) if name]
            self._values[group] = {name: code for code, name in enumerate(values)}
        return self._values[group]

    def _names(self, group: str) -> list[str]:
        network = self.network
        if group in _SITE_COLUMNS:
            return list(network.sites[_SITE_COLUMNS[group]].tolist())
        if group == "equipment":
            return list(network.equipment["equipment_id"].tolist())
        if group == "location":
            return list(network.locations["location_id"].tolist())
        return list(network.parts["part_group" if group == "part_group" else "part_id"].tolist())


def sorted_codes(codes: Integers, n_codes: int) -> tuple[Integers, Integers]:
    """Places of codes 0, 1, ... in order of their code, and where each code starts; no place of -1.

    Codes that fit 16 bits are sorted by counting, ten times faster.
    """
    short = np.int16 if n_codes < 2**15 else np.int64
    order = np.argsort(codes.astype(short, copy=False), kind="stable")
    counts = np.bincount(codes + 1, minlength=n_codes + 1)
    return order, np.cumsum(counts)

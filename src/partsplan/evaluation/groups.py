"""Service of every value of a group (site, customer, part, ...), committed or not.

Figures are first made for each demand stream, at the location that ships to it, and then averaged
by group: the work grows with the demand streams, not with the number of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandStreams
from partsplan.evaluation.commitments import (
    DAYS_PER_YEAR,
    HOURS_PER_DAY,
    HOURS_PER_YEAR,
    Scopes,
)
from partsplan.evaluation.figures import supply_availability
from partsplan.evaluation.measuring import block_late_shares, supply_figures
from partsplan.evaluation.model import PartBlock, ServiceModel
from partsplan.evaluation.promise_terms import window_days

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BLOCK_SIZE = 500


@dataclass(frozen=True, eq=False)
class StreamService:
    """What a stock delivers to every demand stream; arrays of shape (n_streams,)."""

    streams: DemandStreams
    wait_days: Floats
    """Mean wait for a part to leave the location that ships it [days]."""
    lane_hours: Floats
    """Lane of the location that ships [hours]."""
    stockout: Floats
    """Chance that the serving location has no unit on the shelf."""
    late: dict[float, Floats]
    """Chance that the part takes longer, by window [hours]."""

    @property
    def backorders(self) -> Floats:
        """Mean units that each stream waits for [units]."""
        return self.streams.per_year / DAYS_PER_YEAR * self.wait_days

    @property
    def hours_down(self) -> Floats:
        """Hours that all machines of a stream are down in a year [hours/year]."""
        streams = self.streams
        hands = streams.diagnosis_hours + streams.repair_hours
        down = hands + self.wait_days * HOURS_PER_DAY + self.lane_hours
        amounts: Floats = streams.per_year * streams.stopping_fraction * down
        return amounts


def stream_service(
    model: ServiceModel, stock: Integers, mean_wait_days: Floats, within_hours: list[float]
) -> StreamService:
    """Service of every demand stream.

    Parameters
    ----------
    model
        Network and demand.
    stock, mean_wait_days
        Shape (n_parts, n_locations): base stock [units] and the mean wait there [days]; NaN
        where there is no demand.
    within_hours
        Response windows [hours].
    """
    streams = model.streams
    shipper, hours = model.shippers(stock)
    stockout = np.zeros(len(streams))
    late = {within: np.ones(len(streams)) for within in within_hours}
    order = np.argsort(streams.part, kind="stable")
    starts = np.searchsorted(streams.part[order], np.arange(model.network.n_parts + 1))
    for block in model.blocks(_BLOCK_SIZE):
        pieces = [order[starts[part] : starts[part + 1]] for part in block.parts]
        chosen = np.concatenate(pieces)
        row = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
        held = stock[block.parts]
        exact = supply_figures(block, held, "exact")
        stockout[chosen] = exact.stockout[row, streams.location[chosen]]
        for within, share in late.items():
            days = window_days(np.full(len(chosen), within), hours[chosen])
            share[chosen] = _late(block, held, row, shipper[chosen], days)
    waits = np.nan_to_num(mean_wait_days)[streams.part, shipper]
    return StreamService(streams, waits, hours, stockout, late)


def _late(
    block: PartBlock, stock: Integers, row: Integers, shipper: Integers, days: Floats
) -> Floats:
    """Chance that each demand (row of the block, shipper) waits longer than its days."""
    late = np.ones(len(row))
    inside = days >= 0
    pairs = np.stack([shipper[inside], days[inside]], axis=1)
    windows, window = np.unique(pairs, axis=0, return_inverse=True)
    shares = block_late_shares(block, stock, [(int(place), float(u)) for place, u in windows])
    late[inside] = shares[row[inside], window.reshape(-1)]
    return late


def service_by(group: str, model: ServiceModel, service: StreamService) -> list[dict[str, Any]]:
    """Rows of a group's figures: one per value that some stream has, in its table's order."""
    scopes = Scopes(model.network, model.demand)
    values, codes = scopes.values_of(group), scopes.stream_codes(group)
    known = codes >= 0

    def total(amounts: Floats) -> Floats:
        sums = np.bincount(codes[known], amounts[known], minlength=len(values))
        return sums.astype(np.float64)

    per_year = service.streams.per_year
    demand, machines = total(per_year), scopes.machines_of(group)

    def mean(figures: Floats) -> Floats:
        empty = np.full(len(values), np.nan)
        means: Floats = np.divide(total(per_year * figures), demand, out=empty, where=demand > 0)
        return means

    up = (machines > 0) & (demand > 0)
    stops = np.divide(
        total(service.hours_down) / HOURS_PER_YEAR,
        machines,
        out=np.full(len(values), np.nan),
        where=up,
    )
    columns = {
        "demand_per_year": demand,
        "fill_rate": 1.0 - mean(service.stockout),
        "mean_wait_hours": HOURS_PER_DAY * mean(service.wait_days),
        "uptime": 1.0 / (1.0 + stops),
    }
    for within, late in service.late.items():
        columns[f"response_within_{within:.12g}_hours"] = 1.0 - mean(late)
    present = np.flatnonzero(np.bincount(codes[known], minlength=len(values)) > 0).tolist()
    figures = {name: column.tolist() for name, column in columns.items()}
    return [
        {group: values[v]}
        | {name: None if np.isnan(column[v]) else column[v] for name, column in figures.items()}
        for v in present
    ]


def availability_by_equipment(model: ServiceModel, service: StreamService) -> dict[str, float]:
    """Sherbrooke's supply availability of every equipment with machines and parts."""
    streams, bill = service.streams, model.network.bill_of_materials
    scopes, n_parts = Scopes(model.network, model.demand), model.network.n_parts
    machines = scopes.machines_of("equipment")
    result: dict[str, float] = {}
    for equipment, name in enumerate(scopes.values_of("equipment")):
        in_machine = (bill.index("equipment_id") == equipment) & (bill["parent_part_id"] == "")
        parts = bill.index("part_id")[in_machine]
        if machines[equipment] <= 0 or len(parts) == 0:
            continue
        own = streams.equipment == equipment
        late = np.bincount(streams.part[own], service.backorders[own], minlength=n_parts)
        quantity = np.bincount(parts, bill["quantity"][in_machine], minlength=n_parts)
        named = np.unique(parts)
        result[name] = float(supply_availability(late[named], quantity[named], machines[equipment]))
    return result

"""The extra stock that would have carried a scenario: the least multiple of what it takes.

What the parts named by a scenario need more is a fact (extra demand, longer pipelines); which
share of it keeps the commitments is found by halving intervals of simulated runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.blocks import path_days
from partsplan.simulation.running import Experiment
from partsplan.simulation.scenarios import Effects
from partsplan.simulation.stressed_runs import StepSums, StressedRuns, class_units

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MOST_TIMES = 2.0
"""Extra stock is sought up to this multiple of what a scenario takes."""
_STEPS = 256


@dataclass(frozen=True, slots=True)
class ExtraStock:
    """Units that would have carried a scenario, beside the stock that was there."""

    scenario: str
    """Name of the scenario."""
    part_id: str
    """The part."""
    location_id: str
    """Where to hold them."""
    units: int
    """Extra base stock [units]."""
    cost: float
    """Their value [currency]."""


def least_extra_stock(
    experiment: Experiment,
    runs: StressedRuns,
    effects: Effects,
    spared: StepSums,
    *,
    bar: tuple[Floats, int],
    name: str,
) -> list[ExtraStock]:
    """Extra stock that keeps what is kept without the scenario; empty where none does.

    ``spared`` is what happens to parts that it does not touch; ``bar`` the most use of every
    promise, and the number of steps that count.
    """
    need = _need(experiment, effects)
    if not (need > 0).any():
        return []
    most, n_steps = bar

    def carries(extra: Integers) -> bool:
        more = Experiment.by_stream(
            experiment.model,
            experiment.stock + extra,
            experiment.lead_times,
            experiment.window_days,
        )
        sums = spared.plus(runs.touched(more, effects))
        uses = sums.first(n_steps).uses(more.weights)
        return bool((np.nan_to_num(uses) <= most).all())

    top, serving = _at_top(experiment), _where_served(experiment)
    most_units = int(np.ceil(need.max()))
    found = [
        _least(carries, need, shares, most_units)
        for shares in (top, serving, (top + serving) / 2.0)
    ]
    prices = experiment.model.network.parts["unit_cost"][:, np.newaxis]
    enough = [extra for extra in found if extra is not None]
    if not enough:
        return []
    return _records(experiment, name, min(enough, key=lambda extra: float((extra * prices).sum())))


def _need(experiment: Experiment, effects: Effects) -> Floats:
    """Shape (n_parts,): mean units that a scenario takes more than usual [units]."""
    n_parts = len(experiment.stock)
    customers = experiment.customers
    per_day = np.bincount(customers.part, customers.per_day, minlength=n_parts)
    days = np.zeros(n_parts)
    for block in experiment.blocks:
        days[block.parts] = path_days(block.tree, block.lead_times)
    longer = np.maximum(effects.rate_factor, 1.0) * np.maximum(effects.lead_factor, 1.0) - 1.0
    need = per_day * np.minimum(days * (1.0 + longer), effects.days + days) * longer
    units = np.bincount(customers.part, class_units(experiment), minlength=n_parts)
    for part, share, *_ in effects.events:
        need[part] += share * units[part]
    return need


def _at_top(experiment: Experiment) -> Floats:
    """Shape (n_parts, n_locations): share of the demand that comes from below each root."""
    customers, network = experiment.customers, experiment.model.network
    shares = np.zeros(experiment.stock.shape)
    for forest in network.forests:
        root = np.arange(network.n_locations)
        while (forest.parents[root] >= 0).any():
            root = np.where(forest.parents[root] >= 0, forest.parents[root], root)
        inside = np.isin(customers.part, forest.parts)
        place = (customers.part[inside], root[customers.location[inside]])
        np.add.at(shares, place, customers.per_day[inside])
    return _normed(shares)


def _where_served(experiment: Experiment) -> Floats:
    """Shape (n_parts, n_locations): share of the demand that each location serves."""
    shares = np.zeros(experiment.stock.shape)
    customers = experiment.customers
    np.add.at(shares, (customers.part, customers.location), customers.per_day)
    return _normed(shares)


def _normed(shares: Floats) -> Floats:
    total = shares.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(shares, total, out=np.zeros_like(shares), where=total > 0))


def _least(
    carries: Callable[[Integers], bool], need: Floats, shares: Floats, most_units: int
) -> Integers | None:
    """Least multiple of the need that carries the scenario, by halving; None if too little."""
    steps = max(1, min(_STEPS, most_units)) * int(_MOST_TIMES)

    def extra(step: int) -> Integers:
        units = np.ceil(need * step * _MOST_TIMES / steps - 1e-9)
        return _apportioned(units.astype(np.int64), shares)

    def is_enough(step: int) -> bool:
        return carries(extra(step))

    if not is_enough(steps):
        return None
    low, high = 0, steps
    while high - low > 1:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle
    return extra(high)


def _apportioned(units: Integers, shares: Floats) -> Integers:
    """Whole units by part and location in proportion to shares (largest remainders)."""
    exact = units[:, np.newaxis] * shares
    whole = np.floor(exact)
    left = (units - whole.sum(axis=1)).round().astype(np.int64)
    rank = np.argsort(np.argsort(-(exact - whole), axis=1, kind="stable"), axis=1)
    given = whole + ((rank < left[:, np.newaxis]) & (shares > 0))
    return np.asarray(given, dtype=np.int64)


def _records(experiment: Experiment, name: str, extra: Integers) -> list[ExtraStock]:
    network = experiment.model.network
    return [
        ExtraStock(
            scenario=name,
            part_id=network.part_ids[part],
            location_id=network.location_ids[place],
            units=int(extra[part, place]),
            cost=float(extra[part, place] * network.parts["unit_cost"][part]),
        )
        for part, place in np.argwhere(extra > 0).tolist()
    ]

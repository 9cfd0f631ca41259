"""Demands in time: Poisson streams, gamma-mixed where a rate is uncertain, clustered where asked.

One unit-rate Poisson process is drawn for a whole block and cut into its parts and replications;
each demand then draws the class of customers it comes from. So all demands of a part come out in
order of time without being sorted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.opening import Opening

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Units asked for, in order of row and time; a row is one part in one replication."""

    n_rows: int
    row: Integers
    """Shape (n_units,): part * n_replications + replication."""
    days: Floats
    """Time of the demand, from the start of the run [days]."""
    customers: Integers
    """Class of the block that asks."""
    order: Integers | None
    """Which units were asked for together; None where each is alone."""
    opening_at: Integers | None = None
    """Location whose order of the first day each is, -1 for customers; None: all customers."""


def draw_arrivals(block: SimulatedBlock, n_replications: int, rng: np.random.Generator) -> Arrivals:
    """Demands of all parts of a block in some replications, as Poisson streams."""
    factor = rate_factors(block.tree.rate_shape, n_replications, rng)
    return poisson_arrivals(block, block.per_day, factor, rng)


def poisson_arrivals(
    block: SimulatedBlock, per_day: Floats, factor: Floats, rng: np.random.Generator
) -> Arrivals:
    """Demands at a rate per class, times a factor of shape (n_parts, n_replications)."""
    orders_per_day = per_day / mean_order_size(block.variance_to_mean)
    of_part = np.bincount(block.class_part, orders_per_day, minlength=block.n_parts)
    expected = factor * (of_part * block.horizon_days)[:, np.newaxis]
    row, days = _poisson_times(expected.ravel(), rng)
    part = row // factor.shape[1]
    days *= block.horizon_days[part]
    share = orders_per_day / np.where(of_part > 0, of_part, 1.0)[block.class_part]
    customers = _drawn_classes(block, share, part, rng)
    if (block.variance_to_mean <= 1.0).all():
        return Arrivals(expected.size, row, days, customers, None)
    units = _drawn_sizes(block.variance_to_mean[customers], rng)
    order = np.repeat(np.arange(len(row)), units)
    return Arrivals(expected.size, row[order], days[order], customers[order], order)


def merged_arrivals(first: Arrivals, second: Arrivals) -> Arrivals:
    """Demands of two kinds in order of row and time; orders of several units stay together."""
    row = np.concatenate([first.row, second.row])
    days = np.concatenate([first.days, second.days])
    sorted_by = np.lexsort((days, row))
    order = None
    if first.order is not None or second.order is not None:
        own = [
            np.arange(len(arrivals.row)) if arrivals.order is None else arrivals.order
            for arrivals in (first, second)
        ]
        start = int(own[0].max(initial=-1)) + 1
        order = np.concatenate([own[0], own[1] + start])[sorted_by]
    customers = np.concatenate([first.customers, second.customers])
    return Arrivals(first.n_rows, row[sorted_by], days[sorted_by], customers[sorted_by], order)


def mean_order_size(variance_to_mean: Floats) -> Floats:
    """Mean of the logarithmic order size that makes a compound Poisson of this clustering.

    With :math:`q = 1 - 1/c` the mean is :math:`-q / ((1 - q) ln(1 - q)) = (c - 1) / ln c`.
    """
    ratio = np.maximum(variance_to_mean, 1.0)
    clustered = ratio > 1.0
    safe = np.where(clustered, ratio, 2.0)
    return np.where(clustered, (safe - 1.0) / np.log(safe), 1.0)


def rate_factors(shape: Floats, n_replications: int, rng: np.random.Generator) -> Floats:
    """One factor of mean 1 per part and replication."""
    factor = np.ones((len(shape), n_replications))
    for part in np.flatnonzero(np.isfinite(shape)):
        factor[part] = rng.standard_gamma(shape[part], n_replications) / shape[part]
    return factor


def _poisson_times(expected: Floats, rng: np.random.Generator) -> tuple[Integers, Floats]:
    """Row and time, as a share of the horizon, of independent Poisson processes."""
    ends = np.cumsum(expected)
    total = float(ends[-1]) if len(ends) else 0.0
    n_events = int(rng.poisson(total))
    place = np.cumsum(rng.standard_exponential(n_events + 1))
    place = place[:-1] * (total / place[-1])
    counts = np.diff(np.searchsorted(place, ends), prepend=0)
    row = np.repeat(np.arange(len(expected)), counts)
    place = place[: len(row)]
    starts = ends - expected
    return row, np.clip((place - starts[row]) / expected[row], 0.0, 1.0)


def _drawn_classes(
    block: SimulatedBlock, share: Floats, part: Integers, rng: np.random.Generator
) -> Integers:
    """Class of each order, by the share of the part's orders that the class places."""
    if len(block.classes) == block.n_parts:
        return part  # every part has one class
    before = np.cumsum(share)
    starts = np.searchsorted(block.class_part, np.arange(block.n_parts))
    within = before - (before - share)[starts][block.class_part]
    last = np.append(starts[1:], len(share)) - 1
    within[last] = 1.0
    uniform = rng.random(len(part))
    drawn = np.searchsorted(block.class_part + within, part + uniform, side="right")
    return np.asarray(np.minimum(drawn, last[part]), dtype=np.int64)


def _drawn_sizes(variance_to_mean: Floats, rng: np.random.Generator) -> Integers:
    sizes = np.ones(len(variance_to_mean), dtype=np.int64)
    clustered = variance_to_mean > 1.0
    sizes[clustered] = rng.logseries(1.0 - 1.0 / variance_to_mean[clustered])
    return sizes


def with_opening_orders(
    arrivals: Arrivals, opening: Opening, parents: Integers, class_part: Integers
) -> Arrivals:
    """The demands with the orders of the first day put before those of their row."""
    n_replications = arrivals.n_rows // len(opening.lacking)
    lacking = np.where(parents >= 0, opening.lacking, 0)
    part, location = np.nonzero(lacking)
    part, location = (np.repeat(axis, lacking[part, location]) for axis in (part, location))
    n_orders = len(part)
    row = (part[:, np.newaxis] * n_replications + np.arange(n_replications)).ravel()
    any_class = np.searchsorted(class_part, part).repeat(n_replications)
    all_rows = np.concatenate([row, arrivals.row])
    sorted_by = np.argsort(all_rows, kind="stable")
    count = n_orders * n_replications
    orders = None
    if arrivals.order is not None:
        start = int(arrivals.order.max(initial=-1)) + 1
        orders = np.concatenate([start + np.arange(count), arrivals.order])[sorted_by]
    at = np.concatenate([location.repeat(n_replications), np.full(len(arrivals.row), -1)])
    return replace(
        arrivals,
        row=all_rows[sorted_by],
        days=np.concatenate([np.zeros(count), arrivals.days])[sorted_by],
        customers=np.concatenate([any_class, arrivals.customers])[sorted_by],
        order=orders,
        opening_at=at[sorted_by],
    )

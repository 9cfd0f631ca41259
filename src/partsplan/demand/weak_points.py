"""Weak points of a fleet: what costs the most downtime and the most money, with intervals.

The first thing to read in a review of reliability. Figures are expectations per year of the demand
as estimated; intervals come from how well the rates are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.counts import GammaPosterior
from partsplan.demand.estimating_rates import check_share
from partsplan.demand.field_evidence import distinct
from partsplan.demand.given import numbered
from partsplan.demand.rates import DemandRates
from partsplan.demand.stream_uncertainty import StreamUncertainty
from partsplan.demand.streams import DemandStreams
from partsplan.demand.weak_point_table import RankBy, WeakPoints, YearlyFigure
from partsplan.errors import PartsplanError
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

By = Literal[
    "part", "part_group", "family", "equipment", "site", "customer", "region", "segment", "location"
]


def weak_points(
    network: ServiceNetwork,
    demand: DemandRates,
    *,
    by: By | Sequence[By] = "part",
    rank_by: RankBy = "downtime",
    wait_hours: ArrayLike | None = None,
    downtime_cost_per_hour: float = 0.0,
    level: float = 0.95,
) -> WeakPoints:
    r"""Rank what fails by expected downtime, or by cost.

    Parameters
    ----------
    network : ServiceNetwork
        The network.
    demand : DemandRates
        Of :func:`estimate_demand`, with its machines.
    by : str or sequence of str, default "part"
        What a row is: "part", "part_group", "family", "equipment", "site", "customer", "region",
        "segment" or "location", or several of them, such as ("part", "segment").
    rank_by : {"downtime", "cost"}, default "downtime"
        What the order follows.
    wait_hours : array_like of float, shape (n_parts, n_locations), optional
        Mean wait for the part at the serving location [hours], such as
        ``24 * performance.mean_wait_days``; NaN counts 0. Not given, the part is on the shelf.
    downtime_cost_per_hour : float, default 0
        Cost of one hour of one machine standing still [currency/hour], part of the cost.
    level : float, default 0.95
        Probability of the intervals.

    Returns
    -------
    WeakPoints

    Raises
    ------
    PartsplanError
        When the demand has no machines behind it.
    ValueError
        When an argument is not of its kind.

    Notes
    -----
    Downtime of a stream of failures: failures x ``stopping_fraction`` x (``diagnosis_hours`` + wait
    + lane hours + ``repair_hours``), with the emergency shipment in place of a lane to a site that
    no lane reaches. Cost: failures x (``unit_cost`` of units that are not repaired
    + shipment on the lane) + downtime x ``downtime_cost_per_hour``; a part with ``repair_days`` is
    bought anew in the share ``condemnation_fraction``, others always; what a repair itself costs is
    in no table. An interval is that of the expectation, from how well the rates are known: of each
    part, and of its segments where the demand has them; parts are independent. A row has the gamma
    law of its mean and variance. Where rates are taken as known, both ends are the mean.

    Examples
    --------
    >>> network = ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "FAN", "unit_cost": 90, "resupply_days": 30},
    ...            {"part_id": "DISK", "unit_cost": 200, "resupply_days": 30}],
    ...     locations=[{"location_id": "BERN", "kind": "forward"}],
    ...     sites=[{"site_id": "BANK", "served_by": "BERN"}],
    ...     equipment=[{"equipment_id": "RACK"}],
    ...     bill_of_materials=[{"equipment_id": "RACK", "part_id": "FAN", "failures_per_year": 0.2,
    ...                         "repair_hours": 2},
    ...                        {"equipment_id": "RACK", "part_id": "DISK",
    ...                         "failures_per_year": 0.1, "repair_hours": 8}],
    ...     installed_base=[{"site_id": "BANK", "equipment_id": "RACK", "machines": 10}])
    >>> from partsplan.demand import estimate_demand
    >>> points = weak_points(network, estimate_demand(network))
    >>> [(row["part"], row["downtime_hours"], row["cost"]) for row in points.to_records()]
    [('DISK', 8.0, 200.0), ('FAN', 4.0, 180.0)]
    """
    if not isinstance(network, ServiceNetwork):
        raise ValueError(f"network must be a ServiceNetwork, got {type(network).__name__}")
    if not isinstance(demand, DemandRates):
        raise ValueError(f"demand must be DemandRates, got {type(demand).__name__}")
    words = (by,) if isinstance(by, str) else tuple(by)
    _check_options(words, rank_by, downtime_cost_per_hour)
    check_share("level", level)
    aligned = demand.aligned(network)
    streams = aligned.streams
    if streams is None or not (streams.installed_row >= 0).any():
        raise PartsplanError(
            "Weak points need machines: the demand has no streams of an installed base. "
            "Use estimate_demand(network) on a network with installed_base."
        )
    codes, names = _groups(network, streams, words)
    down = _downtime(network, streams, wait_hours)
    cost = _replacement_cost(network, streams) + down * downtime_cost_per_hour
    uncertainty = StreamUncertainty.of(network, aligned, streams)
    figures = {
        name: _figure(uncertainty, codes, len(names[0]), amount, level=level)
        for name, amount in (("downtime", down), ("cost", cost))
    }
    order = np.argsort(-figures[rank_by].mean, kind="stable")
    ordered = {
        name: YearlyFigure(f.mean[order], f.lower[order], f.upper[order])
        for name, f in figures.items()
    }
    return WeakPoints(
        by=words,
        names=tuple(name[order] for name in names),
        failures_per_year=_total(codes, streams.per_year, len(order))[order],
        downtime_hours=ordered["downtime"],
        cost=ordered["cost"],
        cost_means=_cost_means(downtime_cost_per_hour),
        downtime_means=_downtime_means(wait_hours is not None),
        rank_by=rank_by,
        level=level,
        frame_backend=network.frame_backend,
    )


def _check_options(words: tuple[str, ...], rank_by: str, downtime_cost: float) -> None:
    known = get_args(By)
    wrong = [word for word in words if word not in known]
    if wrong or not words or len(set(words)) < len(words):
        raise ValueError(f"by must be one or several of {', '.join(known)}, got {words!r}")
    if rank_by not in ("downtime", "cost"):
        raise ValueError(f"rank_by must be 'downtime' or 'cost', got {rank_by!r}")
    if not (isinstance(downtime_cost, Real) and 0.0 <= downtime_cost < np.inf):
        raise ValueError(
            f"downtime_cost_per_hour must be 0 or more and finite, got {downtime_cost!r}"
        )


def _groups(
    network: ServiceNetwork, streams: DemandStreams, words: tuple[str, ...]
) -> tuple[Integers, tuple[NDArray[np.object_], ...]]:
    """Group of each stream, and the names of the groups for each word."""
    key = np.zeros(len(streams), dtype=np.int64)
    columns = [_values(network, streams, word) for word in words]
    for column in columns:
        ids, code = numbered(column)
        _, key = distinct(key * (len(ids) + 1) + code + 1)
    n_groups = int(key.max(initial=-1)) + 1
    first = np.zeros(n_groups, dtype=np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return key, tuple(np.array([v or None for v in c[first]], dtype=object) for c in columns)


def _values(network: ServiceNetwork, streams: DemandStreams, word: str) -> NDArray[np.object_]:
    """Name of each stream's part, site or whatever is asked for; '' where there is none."""
    sites, parts = network.sites, network.parts
    column, position = {
        "part": (parts["part_id"], streams.part),
        "part_group": (parts["part_group"], streams.part),
        "family": (parts["family"], streams.part),
        "equipment": (network.equipment["equipment_id"], streams.equipment),
        "site": (sites["site_id"], streams.site),
        "customer": (sites["customer_id"], streams.site),
        "region": (sites["region"], streams.site),
        "segment": (sites["segment"], streams.site),
        "location": (network.locations["location_id"], streams.location),
    }[word]
    return np.append(column, "")[position]


def _downtime(
    network: ServiceNetwork, streams: DemandStreams, wait_hours: ArrayLike | None
) -> Floats:
    """Machine hours per year that each stream costs."""
    at_site = streams.site >= 0
    hours = streams.diagnosis_hours + streams.repair_hours
    lane = network.lane_hours(streams.location[at_site], streams.site[at_site])
    outside = network.parts["emergency_hours"][streams.part[at_site]]
    hours[at_site] += np.where(np.isnan(lane), outside, lane)
    if wait_hours is not None:
        wait = np.asarray(wait_hours, dtype=np.float64)
        shape = (network.n_parts, network.n_locations)
        if wait.shape != shape:
            raise ValueError(
                f"wait_hours must be of shape (n_parts, n_locations) = {shape}, got {wait.shape}"
            )
        hours = hours + np.nan_to_num(wait)[streams.part, streams.location]
    return streams.per_year * streams.stopping_fraction * hours


def _replacement_cost(network: ServiceNetwork, streams: DemandStreams) -> Floats:
    """Units that are not repaired, and shipments [currency/year]."""
    parts = network.parts
    bought = np.where(np.isnan(parts["repair_days"]), 1.0, parts["condemnation_fraction"])
    each = (parts["unit_cost"] * bought)[streams.part]
    at_site = streams.site >= 0
    lane = network.lane_costs(streams.location[at_site], streams.site[at_site])
    outside = np.nan_to_num(network.parts["emergency_cost"][streams.part[at_site]])
    each[at_site] += np.where(np.isnan(lane), outside, lane)
    return np.asarray(streams.per_year * each)


def _figure(
    uncertainty: StreamUncertainty, group: Integers, n_groups: int, amount: Floats, *, level: float
) -> YearlyFigure:
    """Mean and interval of each group's sum of the streams' amounts."""
    mean = _total(group, amount, n_groups)
    variance = uncertainty.variances(group, n_groups, amount)
    lower, upper = mean.copy(), mean.copy()
    rough = variance > 0.0
    shape = mean[rough] ** 2 / variance[rough]
    lower[rough], upper[rough] = GammaPosterior(shape, shape / mean[rough]).interval(level)
    return YearlyFigure(mean, lower, upper)


def _total(place: Integers, amounts: Floats, length: int) -> Floats:
    return np.bincount(place, amounts, length).astype(np.float64)


def _cost_means(downtime_cost: float) -> str:
    words = "units that are not repaired at unit_cost, and shipments on their lanes"
    return words + (f", and downtime at {downtime_cost:,.6g} per hour" if downtime_cost else "")


def _downtime_means(has_waits: bool) -> str:
    wait = "the wait for the part" if has_waits else "the part on the shelf"
    return f"diagnosis, {wait}, lane and repair hours of the failures that stop a machine"

"""Failures by position: every installed unit has lives of its own, one after the other.

For what the Poisson streams of the formulas leave out: parts that age (Weibull lives with the
same mean) and fleets that are finite (a unit that waits to be replaced cannot fail again).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand import DemandStreams
from partsplan.errors import PartsplanError
from partsplan.evaluation.model import ServiceModel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Positions:
    """Installed units behind every class of customers, and how their lives vary."""

    count: Integers
    """Shape (n_classes,): installed units; 0 where demand is a Poisson stream."""
    shape: Floats
    """Weibull shape of their lives; 1 = they do not age."""
    down_days: Floats
    """Days from the arrival of the part at its shipper's door until the unit works again."""
    wait_for_parts: bool
    """Whether a failed unit's next life begins when it is replaced, not at once."""

    def of_classes(self, classes: Integers) -> Positions:
        """The same for some classes."""
        return Positions(
            self.count[classes], self.shape[classes], self.down_days[classes], self.wait_for_parts
        )


@dataclass(frozen=True, eq=False)
class Lives:
    """Lives of all units of a block, those of one unit after the other."""

    row: Integers
    """Shape (n_lives,): part * n_replications + replication."""
    customers: Integers
    """Class that the unit belongs to."""
    unit: Integers
    """Number of the unit, ascending."""
    days: Floats
    """Length of each life; of a unit's first, what is left of it at the start [days]."""

    def failures(self, down_days: Floats) -> Floats:
        """Time of each failure when a unit is down for so long before its next life [days]."""
        starts = np.diff(self.unit, prepend=-1) > 0
        before = np.concatenate([np.zeros(1), down_days[:-1]])
        total = np.cumsum(self.days + np.where(starts, 0.0, before))
        first = np.flatnonzero(starts)
        offset = total[first] - self.days[first]
        return np.asarray(total - offset[np.cumsum(starts) - 1])


def draw_lives(
    positions: Positions, rate: Floats, row: Integers, horizon: Floats, rng: np.random.Generator
) -> Lives:
    r"""Lives that begin in equilibrium, until each unit has passed the horizon.

    Parameters
    ----------
    positions
        Units of some classes.
    rate
        Shape (n_classes, n_replications): failures of one unit [1/day].
    row
        Shape (n_classes, n_replications): row of each class and replication.
    horizon
        Shape (n_classes,) [days].
    rng
        Draws.

    Notes
    -----
    A life found running at a random moment is drawn by its length: for a Weibull life of scale
    :math:`\eta` and shape k it is :math:`\eta G^{1/k}`, G gamma with shape :math:`1 + 1/k`; a
    uniform share of it is left.
    """
    n_classes, n_replications = rate.shape
    count = positions.count
    klass = np.repeat(np.arange(n_classes), count * n_replications)
    replication = np.concatenate(
        [np.tile(np.arange(n_replications), c) for c in count] or [np.zeros(0, np.int64)]
    )
    shape = positions.shape[klass]
    scale = 1.0 / rate[klass, replication] / scipy.special.gamma(1.0 + 1.0 / shape)
    end = horizon[klass]
    left = scale * rng.standard_gamma(1.0 + 1.0 / shape) ** (1.0 / shape)
    life = left * rng.random(len(left))
    unit, passed = np.arange(len(klass)), life.copy()
    lives, units = [life], [unit]
    while True:
        unit = unit[passed < end[unit]]
        if len(unit) == 0:
            break
        life = scale[unit] * rng.standard_exponential(len(unit)) ** (1.0 / shape[unit])
        passed = passed[passed < end[units[-1]]] + life
        lives.append(life)
        units.append(unit)
    every = np.concatenate(units)
    order = np.argsort(every, kind="stable")
    every = every[order]
    return Lives(
        row=row[klass, replication][every],
        customers=klass[every],
        unit=every,
        days=np.concatenate(lives)[order],
    )


def positions_of(
    model: ServiceModel,
    of_stream: Integers,
    lane_hours: Floats,
    *,
    life_shapes: Mapping[str, float] | None,
    finite_fleet: bool,
) -> Positions:
    """Installed units of every class, for the parts whose lives are followed.

    Parameters
    ----------
    model, of_stream, lane_hours
        Network and demand, the class of every stream and its lane [hours].
    life_shapes
        Weibull shape of parts; others keep exponential lives.
    finite_fleet
        Whether failed units cannot fail again, for all parts.

    Raises
    ------
    PartsplanError
        If a part is unknown or no machine explains its demand.
    ValueError
        If a shape is not above 0.
    """
    network, streams = model.network, model.streams
    shape = np.ones(network.n_parts)
    followed = np.full(network.n_parts, finite_fleet)
    for part, value in (life_shapes or {}).items():
        if part not in network.part_index:
            raise PartsplanError(f"life_shapes: {part!r} is not a part of the network.")
        if not 0.0 < value < np.inf:
            raise ValueError(f"life_shapes must be above 0, got {value!r} for part {part!r}")
        shape[network.part_index[part]] = value
        followed[network.part_index[part]] = True
    units = installed_units(model)
    _check_machines(model, streams, followed)
    n_classes = int(of_stream.max(initial=-1)) + 1
    installed = followed[streams.part] & (units > 0)
    count = np.bincount(of_stream, np.where(installed, units, 0), minlength=n_classes)
    class_shape = np.ones(n_classes)
    class_shape[of_stream] = shape[streams.part]
    hours = lane_hours + streams.diagnosis_hours + streams.repair_hours
    weight = np.bincount(of_stream, streams.per_year, minlength=n_classes)
    down = np.bincount(of_stream, streams.per_year * hours / 24.0, minlength=n_classes)
    return Positions(
        count=count.astype(np.int64),
        shape=class_shape,
        down_days=np.divide(down, weight, out=np.zeros(n_classes), where=weight > 0),
        wait_for_parts=finite_fleet,
    )


def installed_units(model: ServiceModel) -> Integers:
    """Installed units behind every demand stream; 0 where no machine explains it."""
    streams, bill = model.streams, model.network.bill_of_materials
    machines = model.demand.machines
    if machines is None or len(bill) == 0:
        return np.zeros(len(streams), dtype=np.int64)
    at_site = bill["parent_part_id"] == ""
    key = bill.index("equipment_id")[at_site] * model.network.n_parts
    key = key + bill.index("part_id")[at_site]
    order = np.argsort(key)
    wanted = streams.equipment * model.network.n_parts + streams.part
    place = np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)
    known = (streams.equipment >= 0) & (key[order][place] == wanted)
    quantity = np.where(known, bill["quantity"][at_site][order][place], 0)
    on_row = np.where(streams.installed_row >= 0, machines[streams.installed_row], 0)
    return np.asarray(quantity * on_row, dtype=np.int64)


def _check_machines(
    model: ServiceModel, streams: DemandStreams, followed: NDArray[np.bool_]
) -> None:
    """Raise `PartsplanError` where a part's lives cannot be followed."""
    alone = followed[streams.part] & (streams.per_year > 0) & (streams.installed_row < 0)
    if alone.any():
        part = model.network.part_ids[int(streams.part[alone][0])]
        raise PartsplanError(
            f"part {part!r} has demand that no machine of the installed base explains, so its "
            "units cannot be followed. Name only parts in life_shapes whose demand comes from "
            "the installed base, and leave finite_fleet out."
        )

"""First come, first served at many locations at once: the kernels of the waiting rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def served(
    days: Floats, came: Floats, counts: Integers, stock: Integers, *, sort: bool
) -> tuple[Booleans, Floats]:
    """First come, first served at many locations at once.

    Parameters
    ----------
    days : ndarray, shape (n_demands,)
        Time of each demand, ascending within its group; groups one after the other [days].
    came : ndarray, shape (n_demands,)
        Time at which the unit that the demand ordered is on the shelf [days].
    counts, stock : ndarray of int, shape (n_groups,)
        Demands and base stock of each group.
    sort
        Whether units may come in another order than they were ordered in.

    Returns
    -------
    stocked_out : ndarray of bool
        Whether no unit was on the shelf; always where the base stock is 0.
    released : ndarray of float
        Time at which a unit leaves for each demand [days].

    Examples
    --------
    >>> out, released = served(np.array([0.0, 1.0, 2.0]), np.array([5.0, 6.0, 7.0]),
    ...                        np.array([3]), np.array([1]), sort=False)
    >>> out.tolist(), released.tolist()
    ([False, True, True], [0.0, 5.0, 6.0])
    """
    if sort:
        came = _sorted_within(came, counts)
    start = np.repeat(np.cumsum(counts) - counts, counts)
    held = np.repeat(stock, counts)
    source = np.arange(len(days)) - held
    has_source = source >= start
    unit = came[np.where(has_source, source, 0)]
    late = has_source & (unit > days)
    return late | (held == 0), np.where(late, unit, days)


def served_from(
    days: Floats, counts: Integers, unit_group: Integers, unit_days: Floats
) -> tuple[Booleans, Floats]:
    """First come, first served with units that come in at given times, in any order.

    Parameters
    ----------
    days, counts
        As in `served`.
    unit_group, unit_days : ndarray, shape (n_units,)
        Group and time of every unit; -inf where it is on the shelf at the start [days].

    Returns
    -------
    stocked_out, released
        As in `served`; never released where units run out, at the time of the last demand.

    Examples
    --------
    >>> out, released = served_from(np.array([1.0, 2.0]), np.array([2]), np.array([0, 0]),
    ...                             np.array([7.0, -np.inf]))
    >>> out.tolist(), released.tolist()
    ([False, True], [1.0, 7.0])
    """
    sorted_by = np.lexsort((unit_days, unit_group))
    n_units = np.bincount(unit_group, minlength=len(counts))
    group = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(days)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.cumsum(n_units) - n_units
    known = place < n_units[group]
    units = np.append(unit_days[sorted_by], days.max(initial=0.0))
    unit = units[np.where(known, first[group] + place, len(units) - 1)]
    late = unit > days
    return late, np.where(late, unit, days)


@dataclass(frozen=True, eq=False)
class Lots:
    """Orders of several units; arrays of shape (n_groups,)."""

    size: Integers
    """Units of an order Q."""
    phase: Integers
    """Units by which the inventory position is below its highest level at the start."""


def served_in_lots(
    days: Floats, came: Floats, counts: Integers, stock: Integers, lots: Lots, *, sort: bool
) -> tuple[Booleans, Floats, Floats]:
    r"""First come, first served, where each order is for a lot: an (R, Q) rule.

    Parameters
    ----------
    days, came, counts, stock, sort
        As in `served`; :math:`S = R + Q` is the highest inventory position. Only what the demands
        that complete a lot would order comes.
    lots : Lots
        Their sizes and phases.

    Returns
    -------
    stocked_out : ndarray of bool
    released : ndarray of float
        As in `served` [days].
    lead_days : ndarray of float
        Time from each demand until the lot that makes up for it is there [days].

    Examples
    --------
    >>> lots = Lots(np.array([2]), np.array([0]))
    >>> out, released, lead = served_in_lots(
    ...     np.array([0.0, 1.0, 2.0, 3.0]), np.array([9.0, 11.0, 12.0, 13.0]), np.array([4]),
    ...     np.array([2]), lots, sort=False)
    >>> out.tolist(), released.tolist(), lead.tolist()
    ([False, False, True, True], [0.0, 1.0, 11.0, 11.0], [11.0, 10.0, 11.0, 10.0])
    """
    group = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(days)) - np.repeat(np.cumsum(counts) - counts, counts)
    size, phase = lots.size[group], lots.phase[group]
    completes = (place + phase + 1) % size == 0
    n_lots = np.bincount(group[completes], minlength=len(counts))
    first = (np.cumsum(n_lots) - n_lots)[group]
    ordered = np.append(came[completes], np.inf)
    arrives = np.append(_sorted_within(came[completes], n_lots), np.inf) if sort else ordered

    def lot(number: Integers, times: Floats) -> Floats:
        known = (number >= 0) & (number < n_lots[group])
        return np.asarray(times[np.where(known, first + number, len(times) - 1)])

    wanted = place - stock[group] + phase
    unit = np.where(wanted < 0, -np.inf, lot(wanted // size, arrives))
    unit = np.where(np.isinf(unit) & (unit > 0), days[-1:].max(initial=0.0), unit)
    late = unit > days
    lead = lot((place + phase) // size, ordered) - days
    lead = np.where(np.isfinite(lead), lead, 0.0)
    return late | (stock[group] == 0), np.where(late, unit, days), lead


def _sorted_within(values: Floats, counts: Integers) -> Floats:
    """Values in ascending order within each group."""
    group = np.repeat(np.arange(len(counts)), counts)
    return values[np.lexsort((values, group))]

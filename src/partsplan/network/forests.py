"""Replenishment forests: which location each part comes from, for every location.

Most parts follow the `locations` table; parts whose `part_locations` rows name another source
get a forest of their own. A forest has one parent per location and no cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Forest:
    """Parts that share one replenishment forest.

    Parameters
    ----------
    parents : ndarray of int, shape (n_locations,)
        Position of the location that replenishes each location, -1 at a root.
    parts : ndarray of int
        Positions of the parts, ascending.
    """

    parents: Integers
    parts: Integers


def forests_of(
    parents: Integers, n_parts: int, parts: Integers, locations: Integers, sources: Integers
) -> tuple[Forest, ...]:
    """Group parts by their forest.

    Parameters
    ----------
    parents : ndarray of int, shape (n_locations,)
        Parents by the `locations` table.
    n_parts : int
        Number of parts.
    parts, locations, sources : ndarray of int
        For each own source of a part: the part, the location and the location it comes from.

    Returns
    -------
    tuple of Forest
        The common forest first (where a part follows it), then the others in order of their
        first part.
    """
    differs = sources != parents[locations]
    parts, locations, sources = parts[differs], locations[differs], sources[differs]
    order = np.lexsort((locations, parts))
    parts, locations, sources = parts[order], locations[order], sources[order]
    own, starts = np.unique(parts, return_index=True)
    ends = np.append(starts, len(parts))[1:]
    groups: dict[bytes, list[int]] = {}
    for part, start, end in zip(own.tolist(), starts.tolist(), ends.tolist(), strict=True):
        changes = np.concatenate([locations[start:end], sources[start:end]])
        groups.setdefault(changes.tobytes(), []).append(part)
    common = np.setdiff1d(np.arange(n_parts, dtype=np.int64), own)
    forests = [Forest(_frozen(parents), _frozen(common))] if len(common) else []
    for signature, members in groups.items():
        changes = np.frombuffer(signature, dtype=np.int64)
        half = len(changes) // 2
        changed = parents.copy()
        changed[changes[:half]] = changes[half:]
        forests.append(Forest(_frozen(changed), _frozen(np.array(members, dtype=np.int64))))
    return tuple(forests)


def cycle_in(parents: Integers) -> list[int]:
    """Find one cycle of a parent array, as positions in order; empty when there is none."""
    step = parents.copy()
    for _ in range(len(parents)):
        if not (step >= 0).any():
            return []
        step = np.where(step >= 0, parents[step], -1)
    if not (step >= 0).any():
        return []
    start = int(step[step >= 0][0])
    cycle = [start]
    while (following := int(parents[cycle[-1]])) != start:
        cycle.append(following)
    return cycle


def _frozen(array: Integers) -> Integers:
    copy = np.array(array, dtype=np.int64)
    copy.flags.writeable = False
    return copy

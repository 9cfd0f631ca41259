"""All stock vectors whose cost and penalties come near their part's least.

The excess of a stock vector over the best one is the sum, over locations, of what its choice
there adds given the choices above. So the vectors within a slack are listed by walking down the
tree and keeping every choice that the slack still left allows; none is missed in the tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.choices import FamilyChoice
from partsplan.optimization.grids import Grids


class TooManyStocksError(Exception):
    """More stock vectors lie within the slack than the caller can take."""


def stocks_within(
    choice: FamilyChoice, grids: Grids, slack: Floats, limit: int, changes: int
) -> tuple[Integers, Integers]:
    """Every tabulated stock vector within a slack of its part's best.

    Parameters
    ----------
    choice
        Values of a block at some prices.
    grids
        The tabulated stocks.
    slack
        Shape (n_parts,): largest excess; a part with negative slack gets no vector.
    limit
        Most vectors to return.
    changes
        Most locations whose choice is not the best given the choices above.

    Returns
    -------
    tuple
        Place in the block, shape (n_rows,), and stock, shape (n_rows, n_locations).

    Raises
    ------
    TooManyStocksError
        If there are more than ``limit``.
    """
    part = np.flatnonzero(slack >= 0.0)
    place = np.zeros((len(part), grids.lowest.shape[1]), dtype=np.int64)
    left = slack[part]
    changes_left = np.full(len(part), changes)
    for location, path, values in _locations(choice, ()):
        at = (part, *(place[:, above] for above in path))
        here = values[at]
        excess = here - here.min(axis=-1, keepdims=True)
        may = excess <= left[:, None]
        may &= (excess <= 0.0) | (changes_left > 0)[:, None]
        row, chosen = np.nonzero(may)
        if len(row) > limit:
            raise TooManyStocksError
        left = left[row] - excess[row, chosen]
        changes_left = changes_left[row] - (excess[row, chosen] > 0.0)
        part, place = part[row], place[row]
        place[:, location] = chosen
    return part, grids.lowest[part] + place


def _locations(
    choice: FamilyChoice, path: tuple[int, ...]
) -> Iterator[tuple[int, tuple[int, ...], Floats]]:
    """Locations, each after those above it, with the path above and the values there."""
    for here, location in enumerate(choice.leaves.leaves.locations):
        yield location, path, choice.leaves.values[..., here, :]
    for branch in choice.branches:
        yield branch.branch.location, path, branch.values
        yield from _locations(branch.below, (*path, branch.branch.location))

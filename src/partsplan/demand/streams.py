"""Who demands: one entry per machine group and part, in coordinate form.

Commitments weigh with these streams. Positions refer to the tables of the network that the
demand was made for; -1 stands where a stream has no such thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False, eq=False)
class DemandStreams:
    """Customer demand by who causes it; all arrays have shape (n_streams,) and are read-only.

    One stream is one ``installed_base`` row meeting one ``bill_of_materials`` row, or demand
    given directly for a site or location that no machine accounts for.

    Examples
    --------
    >>> streams = unexplained_streams(
    ...     part=np.array([0]), location=np.array([2]), site=np.array([-1]),
    ...     per_year=np.array([1.5]))
    >>> streams
    DemandStreams(n_streams=1, total=1.5 per year)
    """

    part: Integers
    """Position of the part."""
    location: Integers
    """Position of the location that serves the stream."""
    site: Integers
    """Position of the site; -1 where demand was given for a location that no machine explains."""
    equipment: Integers
    """Position of the equipment; -1 where no machine explains the demand."""
    installed_row: Integers
    """Row of ``installed_base``, counted from 0; -1 where no machine explains the demand."""
    per_year: Floats
    """Failures of all machines of the stream together [1/year]."""
    stopping_fraction: Floats
    """Share of the failures that stop the machine; 0 where no machine explains the demand."""
    diagnosis_hours: Floats
    """Hours before the part is asked for [h]."""
    repair_hours: Floats
    """Hours after the part has arrived [h]."""

    def __post_init__(self) -> None:
        length = len(self.part)
        for field in fields(self):
            array = getattr(self, field.name)
            if array.shape != (length,):
                raise ValueError(f"{field.name} must be of shape ({length},), got {array.shape}")
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, field.name, view)

    def __len__(self) -> int:
        return len(self.part)

    def __repr__(self) -> str:
        total = float(self.per_year.sum())
        return f"DemandStreams(n_streams={len(self)}, total={total:.6g} per year)"

    def select(self, chosen: slice | NDArray[np.bool_]) -> DemandStreams:
        """Give the chosen streams, in the same order."""
        return DemandStreams(*(getattr(self, field.name)[chosen] for field in fields(self)))


def located_streams(part: Integers, location: Integers, per_year: Floats) -> DemandStreams:
    """Make streams of demand known by location only; what is the same for all takes no memory."""
    size = len(part)
    unknown = np.broadcast_to(np.int64(-1), (size,))
    zeros = np.broadcast_to(np.float64(0.0), (size,))
    return DemandStreams(
        part=part,
        location=location,
        site=unknown,
        equipment=unknown,
        installed_row=unknown,
        per_year=per_year,
        stopping_fraction=np.broadcast_to(np.float64(1.0), (size,)),
        diagnosis_hours=zeros,
        repair_hours=zeros,
    )


def unexplained_streams(
    part: Integers, location: Integers, site: Integers, per_year: Floats
) -> DemandStreams:
    """Make streams that no machine accounts for: they stop nothing and need no repair."""
    unknown = np.full(len(part), -1, dtype=np.int64)
    zeros = np.zeros(len(part))
    return DemandStreams(
        part=part,
        location=location,
        site=site,
        equipment=unknown,
        installed_row=unknown,
        per_year=per_year,
        stopping_fraction=zeros,
        diagnosis_hours=zeros,
        repair_hours=zeros,
    )


def joined_streams(pieces: Sequence[DemandStreams]) -> DemandStreams:
    """Put streams behind each other, in the order of ``pieces``."""
    filled = [piece for piece in pieces if len(piece)]
    if len(filled) == 1:
        return filled[0]
    return DemandStreams(
        *(
            np.concatenate([getattr(piece, field.name) for piece in filled or pieces])
            for field in fields(DemandStreams)
        )
    )

"""What workers hand back: sums per promise and replication, and moments per part and location."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.intervals import RatioSums

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PlaceSums:
    """Figures of each replication; arrays have the shape (n_parts, n_locations, n_replications)."""

    demands: Floats
    """Units asked for, by customers and other locations."""
    out: Floats
    """Those of them that found none on the shelf."""
    waiters: Floats
    """Units whose wait is counted."""
    wait_days: Floats
    """Their waits together [days]."""
    late: Floats
    """Mean units late [units]."""
    on_hand: Floats
    """Mean units on the shelf [units]."""


@dataclass(frozen=True, eq=False)
class PlaceMoments:
    """Sums over replications; arrays have the shape (n_parts, n_locations)."""

    demands: Floats
    demands2: Floats
    out: Floats
    out2: Floats
    out_cross: Floats
    waiters: Floats
    waiters2: Floats
    wait: Floats
    wait2: Floats
    wait_cross: Floats
    late: Floats
    late2: Floats
    on_hand: Floats
    on_hand2: Floats

    @classmethod
    def of(cls, sums: PlaceSums) -> PlaceMoments:
        """Moments of the figures of some replications."""
        n, out, asked, wait = sums.demands, sums.out, sums.waiters, sums.wait_days
        late, shelf = sums.late, sums.on_hand
        pairs = (
            *((n, None), (n, n), (out, None), (out, out), (n, out)),
            *((asked, None), (asked, asked), (wait, None), (wait, wait), (asked, wait)),
            *((late, None), (late, late), (shelf, None), (shelf, shelf)),
        )
        return cls(*((a if b is None else a * b).sum(axis=2) for a, b in pairs))

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> PlaceMoments:
        """Nothing counted yet."""
        return cls(*(np.zeros(shape) for _ in fields(cls)))

    def add(self, parts: Integers, other: PlaceMoments) -> None:
        """Add the moments of some parts, in place."""
        for item in fields(self):
            getattr(self, item.name)[parts] += getattr(other, item.name)

    def plus(self, other: PlaceMoments) -> PlaceMoments:
        """These and further replications."""
        return PlaceMoments(
            *(getattr(self, item.name) + getattr(other, item.name) for item in fields(self))
        )

    def stockouts(self, n: int) -> RatioSums:
        """Share of demand that finds no unit on the shelf, from n replications."""
        return RatioSums(n, self.demands, self.demands2, self.out, self.out2, self.out_cross)

    def waits(self, n: int) -> RatioSums:
        """Mean wait [days]."""
        return RatioSums(n, self.waiters, self.waiters2, self.wait, self.wait2, self.wait_cross)

    def late_units(self, n: int) -> RatioSums:
        """Mean units late."""
        one = np.full(self.late.shape, float(n))
        return RatioSums(n, one, one, self.late, self.late2, self.late)


@dataclass(frozen=True, eq=False)
class PieceSums:
    """What a piece hands back."""

    base: Floats
    """Shape (n_promises, n_replications): weight of the demands."""
    amount: Floats
    """Weight of what was bad among them."""
    units: Floats
    """Shape (n_promises,): units counted behind each promise."""
    places: PlaceMoments
    n_units: int
    """Units asked for, warm-up included."""
    shipped: Floats | None = None
    """Shape (n_classes, n_sources, n_replications): units shipped; None where shortages wait."""


@dataclass(eq=False)
class Sums:
    """Sums of all pieces so far."""

    base: Floats
    """Shape (n_promises, n_replications)."""
    amount: Floats
    units: Floats
    places: PlaceMoments
    shipped: Floats
    """Shape (n_classes, n_sources): units shipped; no sources under the waiting rules."""
    shipped2: Floats
    """Sums of squares over replications."""
    shipped_cross: Floats
    """Sums over replications of units shipped times units asked for."""
    n_units: int = 0
    drawn: tuple[tuple[int, int], ...] = ()
    """Batches of replications in order: the batch's number and its replications."""

    @classmethod
    def zeros(
        cls, n_promises: int, n_replications: int, shape: tuple[int, int], sources: tuple[int, int]
    ) -> Sums:
        """Nothing counted yet; ``shape`` is (part, location), ``sources`` (class, source)."""
        counts = (n_promises, n_replications)
        return cls(
            base=np.zeros(counts),
            amount=np.zeros(counts),
            units=np.zeros(n_promises),
            places=PlaceMoments.zeros(shape),
            shipped=np.zeros(sources),
            shipped2=np.zeros(sources),
            shipped_cross=np.zeros(sources),
        )

    @property
    def n_replications(self) -> int:
        """Replications counted."""
        return int(self.base.shape[1])

    def add(self, first: int, parts: Integers, classes: Integers, piece: PieceSums) -> None:
        """Add a piece that starts with a replication, in place."""
        columns = slice(first, first + piece.base.shape[1])
        self.base[:, columns] += piece.base
        self.amount[:, columns] += piece.amount
        self.units += piece.units
        self.places.add(parts, piece.places)
        self.n_units += piece.n_units
        if piece.shipped is not None:
            asked = piece.shipped.sum(axis=1, keepdims=True)
            self.shipped[classes] += piece.shipped.sum(axis=2)
            self.shipped2[classes] += (piece.shipped**2).sum(axis=2)
            self.shipped_cross[classes] += (piece.shipped * asked).sum(axis=2)

    def extended(self, other: Sums) -> Sums:
        """These and further replications."""
        return Sums(
            np.concatenate([self.base, other.base], axis=1),
            np.concatenate([self.amount, other.amount], axis=1),
            self.units + other.units,
            self.places.plus(other.places),
            self.shipped + other.shipped,
            self.shipped2 + other.shipped2,
            self.shipped_cross + other.shipped_cross,
            self.n_units + other.n_units,
            self.drawn + other.drawn,
        )

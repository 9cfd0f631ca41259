"""What every promise weighs of every demand, sorted by part: made once, read block by block.

Positions are kept in 32 bits, since a large network has tens of millions of entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand import DemandStreams
from partsplan.evaluation.commitments import Promise

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Short = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Entries:
    """What promises weigh of the streams of a block of parts."""

    part: Integers
    stream: Integers
    promise: Integers
    weight: Floats

    def of(self, chosen: NDArray[np.bool_]) -> Entries:
        """The chosen entries."""
        if chosen.all():
            return self
        return Entries(
            self.part[chosen], self.stream[chosen], self.promise[chosen], self.weight[chosen]
        )


@dataclass(frozen=True, eq=False)
class EntryTable:
    """Entries of all parts; those of a part are neighbors, in the order of the promises."""

    stream: Short
    promise: Short
    weight: Floats
    starts: Integers
    """Shape (n_parts + 1,): where each part starts."""

    @classmethod
    def of(cls, promises: Sequence[Promise], streams: DemandStreams, n_parts: int) -> EntryTable:
        """All entries of the promises."""
        order, promise, starts = _sorted_by_part(promises, streams, n_parts)
        stream = _streams_of(promises)[order]
        weight = np.concatenate([np.zeros(0), *(p.weights for p in promises)])[order]
        return cls(stream, promise, weight, starts)

    def of_parts(self, parts: Integers) -> Entries:
        """Entries of some parts, in their order."""
        counts = self.starts[parts + 1] - self.starts[parts]
        picked = np.repeat(self.starts[parts] - np.cumsum(counts) + counts, counts)
        picked += np.arange(len(picked))
        return Entries(
            part=np.repeat(np.arange(len(parts)), counts),
            stream=self.stream[picked].astype(np.int64),
            promise=self.promise[picked].astype(np.int64),
            weight=self.weight[picked],
        )


def _sorted_by_part(
    promises: Sequence[Promise], streams: DemandStreams, n_parts: int
) -> tuple[Short, Short, Integers]:
    """Order of the entries by part, the promise of each in that order, and where parts start.

    Sparse rows of promises become sparse columns of parts: sorted by counting, and the promises of
    a part stay in their order.
    """
    part = streams.part[_streams_of(promises)].astype(np.int32)
    ends = np.cumsum([0, *(len(p.streams) for p in promises)])
    entry = np.arange(len(part), dtype=np.int32)
    rows = scipy.sparse.csr_array((entry, part, ends), shape=(len(promises), n_parts))
    columns = rows.tocsc()
    return columns.data, columns.indices, columns.indptr.astype(np.int64)


def _streams_of(promises: Sequence[Promise]) -> Short:
    """Streams of all promises, one promise after the other."""
    return np.concatenate([np.zeros(0, np.int32), *(_short(p.streams) for p in promises)])


def _short(positions: Integers) -> Short:
    if positions.size and int(positions[-1]) >= 2**31:
        raise ValueError(f"at most {2**31 - 1:,} demand streams are possible")
    return positions.astype(np.int32)

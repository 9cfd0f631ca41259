"""What became of the commitments: frozen records, and tables of them in the user's library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

from partsplan.network import frame_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class CommitmentResult:
    """One commitment (or one value of its ``each``) under a plan or an evaluation."""

    commitment_id: str
    """Id of the commitment; ``id:value`` where ``each`` makes one per value."""
    metric: str
    """uptime, response, fill_rate or mean_wait."""
    target: float
    """Promised share, or hours for mean_wait."""
    achieved: float | None
    """Share, or hours for mean_wait; None where the scope has no demand."""
    unit: str
    """``share`` or ``hours``, of target and achieved."""
    is_met: bool
    """Whether the promise is kept, to 1e-9 relative."""
    price: float | None = None
    """Cost per 0.01 (shares) or per hour (mean_wait) of tightening, in the objective's unit; None
    where nothing is proven, or the gap is above a tenth."""


@dataclass(frozen=True, slots=True)
class ImpossibleCommitment:
    """A commitment that no allowed stock can keep."""

    commitment_id: str
    metric: str
    target: float
    best_attainable: float
    """Best share, or hours for mean_wait, that any allowed stock reaches."""
    unit: str
    """``share`` or ``hours``, of target and best_attainable."""
    reason: str
    """Why it cannot be kept."""


_MOST_SHOWN = 50

Row = TypeVar("Row", bound="DataclassInstance")


class Rows(Sequence[Row], Generic[Row]):
    """A sequence of frozen records that also comes as plain dicts and as a frame."""

    def __init__(self, rows: Sequence[Row], kind: type[Row], backend: str | None) -> None:
        self._rows: tuple[Row, ...] = tuple(rows)
        self._kind: type[Row] = kind
        self._backend = backend

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"{list(self._rows)!r}"

    def _repr_html_(self) -> str:
        names = [field.name for field in fields(self._kind)]
        rows = (
            "".join(f"<td>{escape(str(value))}</td>" for value in record.values())
            for record in self.to_records()[:_MOST_SHOWN]
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        head = "".join(f"<th>{name}</th>" for name in names)
        left = len(self) - _MOST_SHOWN
        more = f"<p>... and {left} more</p>" if left > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def to_records(self) -> list[dict[str, Any]]:
        """Plain dicts, one per row."""
        return [asdict(row) for row in self._rows]

    def to_frame(self) -> Any:
        """A frame in the library of the network's tables (pandas where they had none)."""
        names = [field.name for field in fields(self._kind)]
        records = self.to_records()
        columns = {name: _column([record[name] for record in records]) for name in names}
        return frame_of(columns, self._backend)


def _column(values: list[Any]) -> np.ndarray[Any, Any]:
    """Numbers as floats with NaN for None; everything else as objects."""
    if values and all(v is None or (isinstance(v, float)) for v in values):
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    if values and all(isinstance(v, bool) for v in values):
        return np.array(values, dtype=bool)
    return np.array(values, dtype=object)

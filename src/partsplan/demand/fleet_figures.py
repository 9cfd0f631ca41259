"""Expected failures with their spread, one row per part, location or month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.count_quantiles import count_quantile
from partsplan.network import frame_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHOWN = 50
"""Rows that a notebook shows."""


@dataclass(frozen=True, eq=False)
class FleetFigures:
    """Failures of each row: mean, variance and quantiles of the count."""

    keys: Mapping[str, NDArray[Any]]
    """What each row is: ``part_id``, ``location_id``, ``month``, as far as it is split."""
    mean: Floats
    """Shape (n_rows,): expected failures."""
    variance: Floats
    """Shape (n_rows,): variance, that of an uncertain rate included."""
    frame_backend: str | None = None
    """Frame library of the user's tables."""

    def __len__(self) -> int:
        return len(self.mean)

    def __repr__(self) -> str:
        split = f" by {', '.join(self.keys)}" if self.keys else ""
        return f"FleetFigures({len(self)} rows{split}, {self.mean.sum():,.6g} failures expected)"

    def quantile(self, share: float) -> Integers:
        """Smallest count of each row that is enough with probability ``share``.

        By the law of `count_quantile` with the row's mean and variance.
        """
        return count_quantile(self.mean, share, variance=self.variance)

    def to_records(self, *, level: float = 0.9) -> list[dict[str, Any]]:
        """One dict per row: keys, ``expected``, ``standard_deviation``, ``lower``, ``upper``.

        ``lower`` and ``upper`` are the quantiles that hold a central share ``level``.
        """
        columns = self._columns(level)
        if "month" in columns:
            columns["month"] = np.array([str(month) for month in columns["month"]], dtype=object)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def to_frame(self, *, level: float = 0.9) -> Any:
        """The same as a frame in the library of the user's tables; months as their first day."""
        columns = self._columns(level)
        if "month" in columns:
            columns["month"] = columns["month"].astype("datetime64[s]")
        return frame_of(columns, self.frame_backend)

    def _columns(self, level: float) -> dict[str, NDArray[Any]]:
        if not 0.0 < level < 1.0:
            raise ValueError(f"level must be strictly between 0 and 1, got {level!r}")
        return {
            **self.keys,
            "expected": self.mean,
            "standard_deviation": np.sqrt(self.variance),
            "lower": self.quantile((1.0 - level) / 2.0),
            "upper": self.quantile((1.0 + level) / 2.0),
        }

    def _repr_html_(self) -> str:
        some = FleetFigures(
            {name: column[:SHOWN] for name, column in self.keys.items()},
            self.mean[:SHOWN],
            self.variance[:SHOWN],
        )
        records = some.to_records()
        head = "".join(f"<th>{escape(name)}</th>" for name in [*self.keys, *_FIGURES])
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_told(v))}</td>" for v in record.values()) + "</tr>"
            for record in records
        )
        more = f"<p>... and {len(self) - SHOWN:,} more</p>" if len(self) > SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


_FIGURES = ("expected", "standard_deviation", "lower", "upper")


def _told(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)

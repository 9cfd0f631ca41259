"""Estimated failure rates as records to look into: what was believed, counted and concluded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.counts import GammaPosterior
from partsplan.demand.describing_rates import summary_lines
from partsplan.demand.differences import false_discovery_p_values
from partsplan.errors import Finding
from partsplan.network.figure_table import FigureTable

Segments = Literal["segment", "customer", "region", "site"]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class RateEstimates:
    """Failure rates per part, and per part and segment; made by :func:`estimate_rates`.

    All arrays have shape (n_rows,). First come all parts, in their order, each as a whole; then the
    segments that were counted. Reachable from a demand as ``demand.evidence``. Where segments are
    kept apart, the rate of a part as a whole is the one that its segments lie around and that
    segments never counted are expected to have; it is known less well than the part's failures
    alone would suggest.
    """

    part_ids: tuple[str, ...]
    segment_ids: tuple[str, ...]
    part: Integers
    """Position of the part."""
    segment: Integers
    """Position of the segment; -1 for the part as a whole."""
    catalogue_per_hour: Floats
    """Rate by the catalogue [failures per operating hour]; NaN where it has none."""
    failures: Floats
    """Failures counted."""
    operating_hours: Floats
    """Hours of all units in which they were counted [h]."""
    prior: NDArray[np.object_]
    """Where the prior comes from: catalogue, family, jeffreys, or the part (for a segment)."""
    prior_failures: Floats
    """Failures that the prior is worth (gamma shape); inf where it is taken as known."""
    prior_per_hour: Floats
    """Mean rate before the counts [1/h]; NaN where the prior has none."""
    per_hour: Floats
    """Mean rate after the counts [1/h]; NaN where nothing is known of it."""
    shape: Floats
    """Gamma shape of the rate after the counts; inf where it is taken as known."""
    own_variance: Floats
    """Relative variance of the rate that is a segment's own; 0 for a part as a whole."""
    shared_variance: Floats
    """Relative variance that comes with the part's rate; with the own one it is 1 / shape."""
    source: NDArray[np.object_]
    """What the demand of the part comes from: counts, lives, catalogue, family, or demand (the
    table)."""
    p_value: Floats
    """Exact test of a segment against the rest of its part; NaN where nothing was tested."""
    segment_spread: Floats
    """Shape (n_parts,): standard deviation of the segments' factors around their part's rate, as
    fitted; NaN where segments are put together."""
    segments: Segments | None = None
    """What the segments are of sites: segment, customer, region or site; None without a network."""
    false_discoveries: float = 0.05
    """Share of false findings that is accepted among segments said to differ."""
    level: float = 0.95
    """Probability of the intervals."""
    warnings: tuple[Finding, ...] = ()
    """What is doubtful."""
    frame_backend: str | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.part)

    @property
    def n_parts(self) -> int:
        """Number of parts; the first rows are theirs."""
        return len(self.part_ids)

    @property
    def posterior(self) -> GammaPosterior:
        """Gamma laws of the rates [failures per operating hour]."""
        return GammaPosterior(self.shape, self.shape / self.per_hour)

    @cached_property
    def interval_per_hour(self) -> tuple[Floats, Floats]:
        """Lower and upper end of the credible interval of each rate [1/h]."""
        lower, upper = self.per_hour.copy(), self.per_hour.copy()
        rough = np.isfinite(self.shape) & (self.shape > 0.0) & (self.per_hour > 0.0)
        law = GammaPosterior(self.shape[rough], self.shape[rough] / self.per_hour[rough])
        lower[rough], upper[rough] = law.interval(self.level)
        return lower, upper

    @cached_property
    def adjusted_p_value(self) -> Floats:
        """P-values of the segments adjusted after Benjamini and Hochberg."""
        return false_discovery_p_values(self.p_value)

    @property
    def is_different(self) -> Booleans:
        """Whether a segment differs from the rest of its part, false discoveries controlled."""
        return np.nan_to_num(self.adjusted_p_value, nan=1.0) <= self.false_discoveries

    @property
    def differing_segments(self) -> FigureTable:
        """The segments that truly differ, the surest first.

        ``part_id``, ``segment``, ``failures``, ``operating_hours``, ``per_hour``,
        ``times_rest`` (counted rate over that of the part's other segments) and
        ``adjusted_p_value``.
        """
        rows = np.flatnonzero(self.is_different)
        rows = rows[np.argsort(self.p_value[rows], kind="stable")]
        return FigureTable(
            {
                "part_id": self._part_id(rows),
                "segment": self._segment_id(rows),
                "failures": self.failures[rows],
                "operating_hours": self.operating_hours[rows],
                "per_hour": self.per_hour[rows],
                "times_rest": self._times_rest(rows),
                "adjusted_p_value": self.adjusted_p_value[rows],
            },
            self.frame_backend,
        )

    def _times_rest(self, rows: Integers) -> Floats:
        whole = self.part[rows]
        rest = self.failures[whole] - self.failures[rows]
        rest_hours = self.operating_hours[whole] - self.operating_hours[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            times = (self.failures[rows] / self.operating_hours[rows]) / (rest / rest_hours)
        return np.where(np.isfinite(times), times, np.nan)

    def _part_id(self, rows: Integers | slice) -> NDArray[np.object_]:
        return np.array([*self.part_ids, ""], dtype=object)[self.part[rows]]

    def _segment_id(self, rows: Integers | slice) -> NDArray[np.object_]:
        return np.array([*self.segment_ids, None], dtype=object)[self.segment[rows]]

    def replaced(self, **changes: Any) -> RateEstimates:
        """The same with some fields changed."""
        return replace(self, **changes)

    @property
    def table(self) -> FigureTable:
        """The rows with what a reader needs; see :meth:`to_records`."""
        every = slice(None)
        lower, upper = self.interval_per_hour
        differs = self.is_different.astype(object)
        differs[np.isnan(self.p_value)] = None
        return FigureTable(
            {
                "part_id": self._part_id(every),
                "segment": self._segment_id(every),
                "catalogue_per_hour": self.catalogue_per_hour,
                "failures": self.failures,
                "operating_hours": self.operating_hours,
                "prior": _named(self.prior),
                "prior_failures": _finite(self.prior_failures),
                "prior_per_hour": self.prior_per_hour,
                "per_hour": self.per_hour,
                "lower_per_hour": lower,
                "upper_per_hour": upper,
                "shape": _finite(self.shape),
                "source": _named(self.source),
                "p_value": self.p_value,
                "adjusted_p_value": self.adjusted_p_value,
                "differs": differs,
            },
            self.frame_backend,
        )

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part, and per part and segment.

        ``part_id``, ``segment`` (None = the part as a whole), ``catalogue_per_hour``, ``failures``,
        ``operating_hours``, ``prior``, ``prior_failures``, ``prior_per_hour``, ``per_hour`` with
        ``lower_per_hour`` and ``upper_per_hour``, ``shape`` (None = taken as known), ``source``,
        ``p_value``, ``adjusted_p_value`` and ``differs`` of segments. Rates are per operating hour
        of one unit.
        """
        return self.table.to_records()

    def to_frame(self) -> Any:
        """The same as a frame in the library of the user's tables."""
        return self.table.to_frame()

    def summary(self) -> str:
        """Say in a few lines what the counts changed."""
        return "\n".join(summary_lines(self))

    def __repr__(self) -> str:
        return (
            f"RateEstimates({self.n_parts:,} parts, {len(self) - self.n_parts:,} part-segments, "
            f"{self.failures[: self.n_parts].sum():,.6g} failures)"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>{self.table._repr_html_()}"


def _finite(figures: Floats) -> Floats:
    return np.where(np.isfinite(figures), figures, np.nan)


def _named(words: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.array([word or None for word in words.tolist()], dtype=object)

"""Reads demand from arrays with axes (part, location), dense or sparse.

Shapes that do not fit are the caller's mistake (``ValueError``); figures and ids that cannot be
are findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.given import GivenDemand, SparseRates, pairs_of, read_only, sparse_sum
from partsplan.demand.sharing import GivenAt
from partsplan.errors import Finding, InputError
from partsplan.network.values import MOST_ROWS, Text

Floats = NDArray[np.float64]


def array_demand(
    part_ids: tuple[str, ...],
    location_ids: tuple[str, ...],
    per_year: Any,
    rate_shape: ArrayLike | None,
    variance_to_mean: ArrayLike,
) -> GivenDemand:
    """Read demand from arrays with axes (part, location).

    Raises
    ------
    ValueError
        When shapes do not fit the ids.
    InputError
        With findings for rates and shapes outside their range.
    """
    shape = (len(part_ids), len(location_ids))
    rates = _sparse_rates(per_year, shape)
    shapes = _part_figures("rate_shape", np.inf if rate_shape is None else rate_shape, shape[0])
    shapes = np.where(np.isnan(shapes), np.inf, shapes)
    pairs = pairs_of(rates)
    ratio = _ratio_at(variance_to_mean, pairs, shape)

    def at(entry: int) -> str:
        part, location = part_ids[pairs.part[entry]], location_ids[pairs.place[entry]]
        return f"of part {part!r} at location {location!r}"

    findings = [
        *_outside("per_year", pairs.per_year, 0.0, "a finite number, 0 or above", at),
        *_outside("variance_to_mean", ratio, 1.0, "a finite number, 1 or above", at),
        *(
            _finding("rate_shape", float(shapes[i]), f"of part {part_ids[i]!r}", "above 0")
            for i in np.flatnonzero(~(shapes > 0.0))
        ),
    ]
    if findings:
        raise InputError(findings)
    excess = pairs.per_year * (ratio - 1.0)
    nobody = np.empty(0, dtype=np.int64)
    return GivenDemand(
        part_ids=part_ids,
        location_ids=location_ids,
        site_ids=(),
        at_locations=rates,
        at_sites=GivenAt(nobody, nobody, np.empty(0)),
        location_clustering=sparse_sum(pairs.part, pairs.place, excess, shape)
        if excess.any()
        else None,
        site_clustering=np.empty(0),
        rate_shape=shapes,
    )


def _sparse_rates(per_year: Any, shape: tuple[int, int]) -> SparseRates:
    given: Any = (
        per_year if scipy.sparse.issparse(per_year) else np.asarray(per_year, dtype=np.float64)
    )
    if given.shape != shape:
        raise ValueError(
            f"per_year must be of shape (n_parts, n_locations) = {shape}, got {given.shape}"
        )
    rates: SparseRates = scipy.sparse.csr_array(given, copy=True).astype(np.float64)
    rates.sum_duplicates()
    rates.eliminate_zeros()
    return read_only(rates)


def _part_figures(name: str, values: ArrayLike, n_parts: int) -> Floats:
    figures = np.asarray(values, dtype=np.float64)
    if figures.shape not in ((), (n_parts,)):
        raise ValueError(f"{name} must be of shape (n_parts,) = ({n_parts},), got {figures.shape}")
    return np.broadcast_to(figures, (n_parts,)).copy()


def _ratio_at(values: ArrayLike, pairs: GivenAt, shape: tuple[int, int]) -> Floats:
    """Variance-to-mean ratio at each pair, given for all, per part or per (part, location)."""
    ratio = np.asarray(values, dtype=np.float64)
    if ratio.ndim == 0:
        return np.full(len(pairs), float(ratio))
    if ratio.shape == shape[:1]:
        return ratio[pairs.part]
    if ratio.shape == shape:
        return np.asarray(ratio[pairs.part, pairs.place])
    raise ValueError(
        f"variance_to_mean must be one number or of shape ({shape[0]},) or {shape}, "
        f"got {ratio.shape}"
    )


def _outside(
    column: str, values: Floats, least: float, allowed: str, at: Callable[[int], str]
) -> Iterator[Finding]:
    wrong = np.flatnonzero(~((values >= least) & np.isfinite(values)))
    for entry in wrong[:MOST_ROWS]:
        yield _finding(column, float(values[entry]), at(int(entry)), allowed)
    if len(wrong) > MOST_ROWS:
        more = f"{len(wrong) - MOST_ROWS} more values are not {allowed}."
        yield Finding("demand", None, column, None, more)


def _finding(column: str, value: float, of: str, allowed: str) -> Finding:
    return Finding(
        "demand", None, column, value, f"{column} {of} is {value:g}; it must be {allowed}."
    )


def id_tuple(name: str, ids: Sequence[object] | ArrayLike) -> tuple[str, ...]:
    """Read the ids of an axis as text, each once.

    Raises
    ------
    InputError
        With findings for ids that are empty, repeated or neither text nor whole number.
    """
    values = np.asarray(ids, dtype=object)
    if values.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got {values.ndim} dimensions")
    reading = Text().column(values)
    findings = [
        Finding("demand", None, name, values[i], misread.rule, misread.fix)
        for i, misread in reading.misreads.items()
    ]
    empty = np.flatnonzero(reading.empty)
    findings += [
        Finding(
            "demand", None, name, None, f"the id at place {i} is empty.", "Give each one an id."
        )
        for i in empty[:MOST_ROWS]
    ]
    texts = reading.values.tolist()
    if not findings and len(set(texts)) < len(texts):
        findings = [
            Finding(
                "demand", None, name, text, f"{text!r} stands there {count} times.", "Name it once."
            )
            for text, count in Counter(texts).items()
            if count > 1
        ]
    if findings:
        raise InputError(findings)
    return tuple(texts)

"""Reads demand from arrays with axes (part, location), dense or sparse.

Shapes that do not fit are the caller's mistake (``ValueError``); figures and ids that cannot be
are findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.given import GivenDemand, SparseRates, pairs_of, read_only
from partsplan.demand.sharing import GivenAt
from partsplan.errors import Finding, InputError
from partsplan.network.values import MOST_ROWS, Text

Floats = NDArray[np.float64]

_NO_NUMBERS = (
    str,
    bytes,
    bool,
    complex,
    np.bool_,
    np.complexfloating,
    np.datetime64,
    np.timedelta64,
)
"""What Python would make a number of, though none was given."""


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
    ids = part_ids, location_ids
    shape = (len(part_ids), len(location_ids))
    _check_labels(per_year, ids)
    rates = _sparse_rates(per_year, shape)
    shapes = _part_figures("rate_shape", np.inf if rate_shape is None else rate_shape, shape[0])
    shapes = np.where(np.isnan(shapes), np.inf, shapes)
    findings = list(_outside("per_year", rates, rates.data, ids, 0))
    findings += [
        _finding("rate_shape", float(shapes[i]), f"of part {part_ids[i]!r}", "above 0")
        for i in np.flatnonzero(~(shapes > 0.0))
    ]
    ratio = _ratio_at(variance_to_mean, rates)
    findings += _outside("variance_to_mean", rates, ratio, ids, 1)
    if findings:
        raise InputError(findings)
    nobody = np.empty(0, dtype=np.int64)
    return GivenDemand(
        part_ids=part_ids,
        location_ids=location_ids,
        site_ids=(),
        at_locations=rates,
        at_sites=GivenAt(nobody, nobody, np.empty(0)),
        location_clustering=_clustering(rates, ratio),
        site_clustering=np.empty(0),
        rate_shape=shapes,
    )


def _check_labels(per_year: Any, ids: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    """Refuse a table whose labels are not the ids in their order: figures are read by place.

    An index that only counts the rows has no labels.
    """
    if getattr(per_year, "columns", None) is None:
        return
    labels = {"location_ids": [str(label).strip() for label in per_year.columns]}
    index = getattr(per_year, "index", None)
    if index is not None and list(index) != list(range(len(index))):
        labels["part_ids"] = [str(label).strip() for label in index]
    for name, own in (("part_ids", ids[0]), ("location_ids", ids[1])):
        found = labels.get(name, list(own))
        if len(found) != len(own):
            raise ValueError(
                f"per_year is a table with {len(found)} labels where {name} has {len(own)}; "
                "give it a row for each part and a column for each location, or a table of "
                "part_id, location_id and per_year to DemandRates.from_table"
            )
        for place, (label, asked) in enumerate(zip(found, own, strict=True), start=1):
            if label != asked:
                raise ValueError(
                    f"per_year is a table whose label {place} is {label!r} where {name} has "
                    f"{asked!r}; give both the same order, as per_year.loc[part_ids, "
                    "location_ids] does in pandas"
                )


def _figures(name: str, values: Any) -> Floats:
    """Figures of an array; nothing becomes one that is none.

    Raises
    ------
    ValueError
        For masked cells, texts, dates, complex and logical values.
    """
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked cells; say what they are, as by .filled(0.0)")
    given = np.asarray(values)
    if given.dtype.kind in "fiu":
        return np.asarray(given, dtype=np.float64)
    figures = np.zeros(given.shape)
    for place in np.ndindex(given.shape):
        value = given[place]
        try:
            if isinstance(value, _NO_NUMBERS):
                raise TypeError
            figures[place] = np.nan if value is None else float(value)
        except (TypeError, ValueError):
            at = f"[{', '.join(map(str, place))}]" if place else ""
            kind = type(value).__name__
            raise ValueError(f"{name}{at} is {value!s} ({kind}); give numbers") from None
    return figures


def _sparse_rates(per_year: Any, shape: tuple[int, int]) -> SparseRates:
    is_sparse = scipy.sparse.issparse(per_year)
    given: Any = per_year if is_sparse else _figures("per_year", per_year)
    if given.shape != shape:
        raise ValueError(
            f"per_year must be of shape (n_parts, n_locations) = {shape}, got {given.shape}"
        )
    if not is_sparse:
        return read_only(_sparse_rows(given))
    some = scipy.sparse.csr_array(given, copy=True)
    some.data = _figures("per_year.data", some.data)
    rates: SparseRates = some
    rates.sum_duplicates()
    rates.eliminate_zeros()
    return read_only(rates)


def _sparse_rows(given: Floats) -> SparseRates:
    """Sparse rows of a dense array, without the coordinates of every figure on the way."""
    is_some = given != 0.0
    starts = np.concatenate([[0], np.cumsum(np.count_nonzero(is_some, axis=1))])
    columns = np.broadcast_to(np.arange(given.shape[1], dtype=np.int32), given.shape)
    shape = (given.shape[0], given.shape[1])
    return scipy.sparse.csr_array((given[is_some], columns[is_some], starts), shape=shape)


def _clustering(rates: SparseRates, ratio: Floats) -> SparseRates | None:
    """Rate x (ratio - 1), where it is above 0; None where it is nowhere."""
    if not (ratio > 1.0).any():
        return None
    excess = rates.data * (ratio - 1.0)
    return read_only(
        scipy.sparse.csr_array((excess, rates.indices, rates.indptr), shape=rates.shape)
    )


def _part_figures(name: str, values: ArrayLike, n_parts: int) -> Floats:
    figures = _figures(name, values)
    if figures.shape not in ((), (n_parts,)):
        raise ValueError(f"{name} must be of shape (n_parts,) = ({n_parts},), got {figures.shape}")
    return np.broadcast_to(figures, (n_parts,)).copy()


def _ratio_at(values: ArrayLike, rates: SparseRates) -> Floats:
    """Variance-to-mean ratio at each rate, given for all, per part or per (part, location)."""
    shape = rates.shape
    ratio = _figures("variance_to_mean", values)
    if ratio.ndim == 0:
        return np.broadcast_to(ratio, rates.data.shape)
    if ratio.shape == shape[:1]:
        return np.repeat(ratio, np.diff(rates.indptr))
    if ratio.shape == shape:
        pairs = pairs_of(rates)
        return np.asarray(ratio[pairs.part, pairs.place])
    raise ValueError(
        f"variance_to_mean must be one number or of shape ({shape[0]},) or {shape}, "
        f"got {ratio.shape}"
    )


def _outside(
    column: str,
    rates: SparseRates,
    values: Floats,
    ids: tuple[tuple[str, ...], tuple[str, ...]],
    least: int,
) -> Iterator[Finding]:
    """Findings for values at the given rates that are too low, or no numbers."""
    allowed = f"a finite number, {least} or above"
    wrong = np.flatnonzero(~((values >= least) & np.isfinite(values)))
    for entry in wrong[:MOST_ROWS].tolist():
        part = int(np.searchsorted(rates.indptr, entry, side="right")) - 1
        of = f"of part {ids[0][part]!r} at location {ids[1][rates.indices[entry]]!r}"
        yield _finding(column, float(values[entry]), of, allowed)
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
        what = repr(ids) if isinstance(ids, str) else f"{values.ndim} dimensions"
        raise ValueError(f"{name} must be a list of ids, one-dimensional, got {what}")
    reading = Text().column(values)
    findings = [
        Finding("demand", None, name, values[i], misread.rule, misread.fix)
        for i, misread in reading.misreads.items()
    ]
    empty = np.flatnonzero(reading.empty)
    findings += [
        Finding(
            "demand", None, name, None, f"the id at place {i + 1} is empty.", "Give each one an id."
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

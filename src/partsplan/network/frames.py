"""Frames in and out: pandas, polars and Arrow, whichever the user has.

Reading and writing go through narwhals, so no frame library is ever imported here unless the
user came with it or asks for a frame.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.errors import PartsplanError

_BACKENDS = ("pandas", "polars", "pyarrow")
_NUMBERS = "biuf"
"""Kinds of arrays, bool among them, that frames take with their type."""


def backend_of(source: object) -> str | None:
    """Name the frame library that a frame belongs to.

    Parameters
    ----------
    source : object
        Anything that may be a frame.

    Returns
    -------
    str or None
        ``"pandas"``, ``"polars"`` or ``"pyarrow"``; ``None`` for what is not a frame.

    Examples
    --------
    >>> backend_of({"part_id": ["P1"]}) is None
    True
    """
    module = type(source).__module__.partition(".")[0]
    if module == "narwhals":
        return backend_of(source.to_native())  # type: ignore[attr-defined]
    is_frame = type(source).__name__ in {"DataFrame", "LazyFrame", "Table"}
    return module if module in _BACKENDS and is_frame else None


def columns_of(source: Any) -> dict[str, NDArray[Any]]:
    """Take the columns out of a frame.

    Parameters
    ----------
    source : frame
        A pandas or polars ``DataFrame``, a polars ``LazyFrame`` or a pyarrow ``Table``.

    Returns
    -------
    dict of str to ndarray
        One array per column, in the order of the frame; nulls are ``NaN``, ``NaT`` or ``None``.
    """
    import narwhals as nw  # noqa: PLC0415 - only where there is a frame

    frame = nw.from_native(source)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return {str(name): _array_of(frame[name]) for name in frame.columns}


def _array_of(series: Any) -> NDArray[Any]:
    import narwhals as nw  # noqa: PLC0415 - only where there is a frame

    dtype = series.dtype
    if dtype.is_numeric() and not dtype.is_decimal() and not series.null_count():
        return np.asarray(series.to_numpy())
    if dtype == nw.Boolean and not series.null_count():
        return np.asarray(series.to_numpy())
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is None:
        return np.asarray(series.to_numpy()).astype("datetime64[us]")
    values = np.empty(len(series), dtype=object)
    values[:] = series.to_list()
    return values


def frame_of(columns: Mapping[str, ArrayLike], backend: str | None = None) -> Any:
    """Make a frame of columns, in the library that the user came with.

    Parameters
    ----------
    columns : mapping of str to array_like
        Columns of equal length; ``NaN`` and ``None`` stay empty. Also a column without any value
        keeps its type; one of objects is text.
    backend : {"pandas", "polars", "pyarrow"}, optional
        The library; pandas where there is no other sign.

    Returns
    -------
    frame
        A ``DataFrame`` (pandas, polars) or a ``Table`` (pyarrow).

    Raises
    ------
    PartsplanError
        If the library is not installed.

    Examples
    --------
    >>> frame_of({"part_id": ["P1"], "base_stock": [2]}, "polars").rows()
    [('P1', 2)]
    """
    name = backend or "pandas"
    if name not in _BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(_BACKENDS)}, got {backend!r}")
    try:
        library = importlib.import_module(name)
    except ImportError as error:
        raise PartsplanError(
            f"A frame needs {name}, which is not installed. "
            f"Run: pip install 'partsplan[{name}]', or use to_records()."
        ) from error
    if name == "pandas":
        return library.DataFrame({key: np.asarray(values) for key, values in columns.items()})
    arrays = {key: np.asarray(values) for key, values in columns.items()}
    if name == "polars":
        return library.DataFrame([_polars_series(library, *column) for column in arrays.items()])
    return library.table({key: _arrow_array(library, values) for key, values in arrays.items()})


def _polars_series(pl: Any, name: str, values: NDArray[Any]) -> Any:
    if values.dtype.kind in _NUMBERS:
        return pl.Series(name, values, nan_to_null=True)
    blank = pl.Date if values.dtype.kind == "M" else pl.String
    items = values.tolist()
    return pl.Series(name, items, dtype=blank if _is_blank(items) else None, strict=False)


def _arrow_array(pa: Any, values: NDArray[Any]) -> Any:
    if values.dtype.kind in _NUMBERS:
        return pa.array(values, from_pandas=True)
    blank = pa.date32() if values.dtype.kind == "M" else pa.string()
    items = values.tolist()
    return pa.array(items, type=blank if _is_blank(items) else None)


def _is_blank(items: list[Any]) -> bool:
    """Whether no value tells the type of a column."""
    return all(item is None for item in items)

"""Frames in and out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from partsplan.network import backend_of, columns_of, frame_of

COLUMNS = {"part_id": np.array(["a", "b"], dtype=object), "cost": np.array([1.0, np.nan])}


@pytest.mark.parametrize(
    ("backend", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)]
)
def test_frames_go_out_and_come_in(backend: str, kind: type) -> None:
    frame = frame_of(COLUMNS, backend)
    assert isinstance(frame, kind)
    assert backend_of(frame) == backend
    columns = columns_of(frame)
    assert columns["part_id"].tolist() == ["a", "b"]
    assert [v if v == v else None for v in columns["cost"].tolist()] == [1.0, None]


def test_pandas_is_the_default() -> None:
    assert isinstance(frame_of(COLUMNS, None), pd.DataFrame)


def test_what_is_no_frame_has_no_backend() -> None:
    assert backend_of([{"part_id": 1}]) is None
    assert backend_of(pd.Series([1])) is None
    assert backend_of(None) is None


def test_unknown_backends_are_refused() -> None:
    with pytest.raises(ValueError, match="backend must be one of pandas, polars, pyarrow, got 'x'"):
        frame_of(COLUMNS, "x")


@pytest.mark.parametrize("length", [0, 2])
def test_empty_columns_keep_their_type(length: int) -> None:
    columns = {
        "part_id": np.full(length, None, dtype=object),
        "cost": np.full(length, np.nan),
        "units": np.zeros(length, dtype=np.int64),
        "is_met": np.zeros(length, dtype=bool),
        "day": np.full(length, "NaT", dtype="datetime64[D]"),
    }
    in_polars, in_arrow = frame_of(columns, "polars"), frame_of(columns, "pyarrow")
    assert in_polars.dtypes == [pl.String, pl.Float64, pl.Int64, pl.Boolean, pl.Date]
    assert in_arrow.schema.types == [
        pa.string(),
        pa.float64(),
        pa.int64(),
        pa.bool_(),
        pa.date32(),
    ]
    assert in_polars["cost"].null_count() == in_arrow["cost"].null_count == length

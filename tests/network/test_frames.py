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

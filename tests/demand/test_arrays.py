"""What `DemandRates.from_arrays` takes, and what it refuses to guess."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy

from partsplan import DemandRates

PARTS, PLACES = ["A", "B", "C"], ["X", "Y"]
RATES = np.array([[1.0, 0.0], [2.0, 3.0], [0.0, 4.0]])


def rates_of(given):
    rows = DemandRates.from_arrays(PARTS, PLACES, given).to_records()
    return {(row["part_id"], row["location_id"]): row["per_year"] for row in rows}


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame(RATES, columns=PLACES),
        pd.DataFrame(RATES, columns=PLACES, index=PARTS),
        pl.DataFrame(RATES, schema=PLACES),
        scipy.sparse.coo_array(RATES),
        scipy.sparse.lil_array(RATES.astype(int)),
        RATES.astype(np.float32),
        np.ma.masked_equal(RATES, -1.0),
        [[Decimal(int(rate)) for rate in row] for row in RATES],
    ],
)
def test_numbers_in_the_order_of_the_ids(given):
    assert rates_of(given) == {
        (part, place): rate
        for part, row in zip(PARTS, RATES.tolist(), strict=True)
        for place, rate in zip(PLACES, row, strict=True)
        if rate
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (pd.DataFrame(RATES, columns=["Y", "X"]), "label 1 is 'Y' where location_ids has 'X'"),
        (pl.DataFrame(RATES, schema=["Y", "X"]), "label 1 is 'Y' where location_ids has 'X'"),
        (
            pd.DataFrame(RATES, columns=PLACES, index=["A", "C", "B"]),
            "label 2 is 'C' where part_ids has 'B'",
        ),
        (
            pd.DataFrame({"part_id": PARTS, "location_id": "X", "per_year": 1.0}),
            "3 labels where location_ids has 2.*DemandRates.from_table",
        ),
    ],
)
def test_other_labels_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        DemandRates.from_arrays(PARTS, PLACES, given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (np.ma.masked_equal(RATES, 4.0), "masked cells"),
        (RATES.astype("datetime64[D]"), r"per_year\[0, 0\] is 1970-01-02 \(datetime64\)"),
        (RATES + 1j, r"per_year\[0, 0\] is \(1\+1j\) \(complex128\)"),
        (scipy.sparse.csr_array(RATES + 1j), r"per_year.data\[0\] is \(1\+1j\)"),
        (RATES > 1.0, r"per_year\[0, 0\] is False \(bool\)"),
        ([[1, "5,5"], [1, 1], [1, 1]], r"per_year\[0, 0\] is 1 \(str_\)"),
        ([[1, pd.NA], [1, 1], [1, 1]], r"per_year\[0, 1\] is <NA> \(NAType\)"),
    ],
)
def test_what_is_no_number_is_refused(given, told):
    with pytest.raises(ValueError, match=told):
        DemandRates.from_arrays(PARTS, PLACES, given)


def test_one_text_is_no_list_of_ids():
    with pytest.raises(ValueError, match=r"part_ids must be a list of ids.* got 'ABC'"):
        DemandRates.from_arrays("ABC", PLACES, RATES)

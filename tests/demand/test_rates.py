"""Demand given as figures: arrays, tables, frames, and what is wrong with them."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from partsplan.demand import DemandRates
from partsplan.errors import InputError, PartsplanError

ROWS = [
    {"part_id": "TUBE", "location_id": "BERN", "per_year": 4.0, "rate_shape": 3.0},
    {"part_id": "BOARD", "location_id": "BASEL", "per_year": 0.5, "variance_to_mean": 1.25},
    {"part_id": "BOARD", "location_id": "BERN", "per_year": 1.5},
]


class TestFromArrays:
    PARTS = ("P1", "P2")
    LOCATIONS = ("X", "Y", "Z")
    RATES = ((1.0, 0.0, 2.5), (0.0, 0.0, 0.0))

    @pytest.mark.parametrize(
        "make", [np.ndarray.tolist, np.array, sparse.csr_array, sparse.coo_matrix]
    )
    def test_dense_and_sparse_are_the_same(self, make):
        demand = DemandRates.from_arrays(self.PARTS, self.LOCATIONS, make(np.array(self.RATES)))
        np.testing.assert_array_equal(demand.per_year, self.RATES)
        np.testing.assert_array_equal(demand.block(np.array([1, 0])), self.RATES[::-1])
        assert demand.streams is None
        assert np.isinf(demand.rate_shape).all()

    @given(
        st.lists(st.lists(st.sampled_from([0.0, 0.25, 3.0]), min_size=3, max_size=3), max_size=4)
    )
    @settings(max_examples=30, deadline=None)
    def test_dense_rows_become_the_same_sparse_rows(self, rows):
        per_year = np.array(rows).reshape(-1, 3)
        names = [f"P{i}" for i in range(len(per_year))]
        dense = DemandRates.from_arrays(names, self.LOCATIONS, per_year)
        thin = DemandRates.from_arrays(names, self.LOCATIONS, sparse.csr_array(per_year))
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(dense.rates, name), getattr(thin.rates, name))

    def test_streams_of_locations_leave_out_what_is_0(self):
        table = {"part_id": ["A", "B"], "location_id": ["X", "X"], "per_year": [0.0, 2.0]}
        streams = DemandRates.from_table(table).all_streams
        assert (streams.part.tolist(), streams.location.tolist()) == ([1], [0])
        assert (streams.per_year.tolist(), streams.site.tolist()) == ([2.0], [-1])
        assert streams.stopping_fraction.tolist() == [1.0]

    def test_later_changes_to_the_source_do_not_arrive(self):
        rates, shape = np.array(self.RATES), np.array([2.0, 3.0])
        kept = sparse.csr_array(rates)
        dense = DemandRates.from_arrays(self.PARTS, self.LOCATIONS, rates, shape)
        thin = DemandRates.from_arrays(self.PARTS, self.LOCATIONS, kept, shape)
        rates[:] = kept.data[:] = shape[:] = 99.0
        for demand in (dense, thin):
            np.testing.assert_array_equal(demand.per_year, self.RATES)
            assert demand.rate_shape.tolist() == [2.0, 3.0]

    def test_nothing_can_be_written(self):
        demand = DemandRates.from_arrays(self.PARTS, self.LOCATIONS, self.RATES, 2.0)
        for array in (demand.per_year, demand.rate_shape, demand.variance_to_mean):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0
        with pytest.raises(FrozenInstanceError):
            demand.rates = None

    def test_clustering_per_part_or_pair(self):
        by_part = DemandRates.from_arrays(
            self.PARTS, self.LOCATIONS, self.RATES, variance_to_mean=[1.5, 1.0]
        )
        assert by_part.variance_to_mean.tolist() == [[1.5, 1.0, 1.5], [1.0, 1.0, 1.0]]
        by_pair = DemandRates.from_arrays(
            self.PARTS, self.LOCATIONS, self.RATES, variance_to_mean=[[1, 1, 2], [1, 1, 1]]
        )
        assert by_pair.variance_to_mean_block([0]).tolist() == [[1, 1, 2]]

    def test_ids_are_text(self):
        demand = DemandRates.from_arrays([7, 8], np.array(["X", "Y", "Z"]), self.RATES)
        assert demand.part_ids == ("7", "8")
        assert demand.location_ids == ("X", "Y", "Z")

    @pytest.mark.parametrize(
        ("value", "shown"), [(-1.0, "-1"), (np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")]
    )
    @pytest.mark.parametrize("make", [np.array, sparse.csr_array])
    def test_rates_out_of_range_are_findings(self, make, value, shown):
        rates = np.array(self.RATES)
        rates[0, 2] = rates[1, 1] = value
        with pytest.raises(InputError) as caught:
            DemandRates.from_arrays(self.PARTS, self.LOCATIONS, make(rates))
        first, second = caught.value.findings
        expected = f"per_year of part 'P1' at location 'Z' is {shown}; it must be a finite number"
        assert expected in first.rule
        assert "part 'P2' at location 'Y'" in second.rule

    def test_many_findings_are_counted(self):
        with pytest.raises(InputError) as caught:
            DemandRates.from_arrays(range(100), range(50), np.full((100, 50), -1.0))
        assert len(caught.value.findings) == 1001
        assert "4000 more values" in str(caught.value.findings[-1])

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            ({"rate_shape": [0.0, 1.0]}, "rate_shape of part 'P1' is 0; it must be above 0"),
            ({"rate_shape": [2.0, -1.0]}, "rate_shape of part 'P2' is -1; it must be above 0"),
            ({"variance_to_mean": 0.5}, "variance_to_mean of part 'P1' at location 'X' is 0.5"),
            ({"part_ids": ["P1", "P1"]}, "part_ids: 'P1' stands there 2 times"),
            ({"part_ids": ["P1", 1.5]}, "1.5 is a fractional number, not an id"),
            ({"location_ids": ["X", "", None]}, "the id at place 2 is empty"),
        ],
    )
    def test_wrong_figures_are_findings(self, inputs, message):
        arguments = {
            "part_ids": self.PARTS,
            "location_ids": self.LOCATIONS,
            "per_year": self.RATES,
        }
        with pytest.raises(InputError, match=message):
            DemandRates.from_arrays(**(arguments | inputs))

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            ({"per_year": [[1.0, 2.0, 3.0]]}, r"per_year must be of shape .* \(2, 3\), got \(1, 3"),
            ({"per_year": [1.0, 2.0]}, r"per_year must be of shape"),
            ({"per_year": sparse.csr_array((3, 2))}, r"per_year must be of shape"),
            ({"rate_shape": [1.0]}, r"rate_shape must be of shape \(n_parts,\) = \(2,\), got \(1,"),
            ({"variance_to_mean": [1.0] * 3}, r"variance_to_mean must be one number or of shape"),
            ({"part_ids": "P1"}, "part_ids must be a list of ids"),
        ],
    )
    def test_wrong_shapes_are_value_errors(self, inputs, message):
        arguments = {
            "part_ids": self.PARTS,
            "location_ids": self.LOCATIONS,
            "per_year": self.RATES,
        }
        with pytest.raises(ValueError, match=message):
            DemandRates.from_arrays(**(arguments | inputs))


class TestFromTable:
    @pytest.mark.parametrize(
        "make",
        [
            list,
            pd.DataFrame,
            lambda rows: pl.DataFrame(rows, strict=False, infer_schema_length=None),
            lambda rows: pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False),
            lambda rows: pd.DataFrame(rows).to_dict("list"),
        ],
        ids=["records", "pandas", "polars", "arrow", "columns"],
    )
    def test_every_kind_of_table(self, make):
        demand = DemandRates.from_table(make(ROWS))
        assert demand.part_ids == ("TUBE", "BOARD")
        assert demand.location_ids == ("BERN", "BASEL")
        assert demand.per_year.tolist() == [[4.0, 0.0], [1.5, 0.5]]
        assert demand.rate_shape.tolist() == [3.0, np.inf]
        assert demand.variance_to_mean.tolist() == [[1.0, 1.0], [1.0, 1.25]]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"per_year": -1}, "per_year: -1 is below 0"),
            ({"per_year": None}, "per_year"),
            ({"location_id": ""}, "both empty"),
            ({"site_id": "S"}, "both given"),
            ({"rate_shape": 0}, "rate_shape"),
            ({"variance_to_mean": 0.9}, "variance_to_mean"),
            ({"per_yer": 1}, "per_yer"),
            ({"part_id": "BOARD"}, "row 3"),
        ],
    )
    def test_wrong_rows_are_findings(self, row, message):
        with pytest.raises(InputError, match=message):
            DemandRates.from_table([ROWS[0] | row, *ROWS[1:]])

    def test_rename_and_extra_columns(self):
        rows = [{"MATNR": "A", "location_id": "X", "per_year": 1, "note": "new"}]
        demand = DemandRates.from_table(rows, rename={"MATNR": "part_id"}, extra_columns="ignore")
        assert demand.part_ids == ("A",)

    def test_site_rows_wait_for_a_network(self, clinics):
        rows = [
            {"part_id": "BOARD", "site_id": "C", "per_year": 2.0},
            {"part_id": "TUBE", "location_id": "BASEL", "per_year": 1.0},
        ]
        demand = DemandRates.from_table(rows)
        assert demand.total_per_year == 3.0
        assert "align to a network" in demand.summary()
        with pytest.raises(PartsplanError, match=r"call \.aligned\(network\) first"):
            _ = demand.per_year
        again = DemandRates.from_table(demand.to_records())
        for one in (demand, again):
            assert one.aligned(clinics).per_year.tolist() == [[0, 0, 1], [2, 0, 0]]


class TestOutput:
    def test_records_are_rows_of_the_demand_table(self):
        assert DemandRates.from_table(ROWS).to_records() == [
            {
                "part_id": "TUBE",
                "location_id": "BERN",
                "per_year": 4.0,
                "rate_shape": 3.0,
                "variance_to_mean": 1.0,
            },
            {
                "part_id": "BOARD",
                "location_id": "BERN",
                "per_year": 1.5,
                "rate_shape": None,
                "variance_to_mean": 1.0,
            },
            {
                "part_id": "BOARD",
                "location_id": "BASEL",
                "per_year": 0.5,
                "rate_shape": None,
                "variance_to_mean": 1.25,
            },
        ]

    @pytest.mark.parametrize("library", [pd, pl])
    def test_frames_come_back_in_the_users_library(self, library):
        demand = DemandRates.from_table(library.DataFrame(ROWS[:1]))
        frame = demand.to_frame()
        assert isinstance(frame, library.DataFrame)
        assert DemandRates.from_table(frame).to_records() == demand.to_records()

    def test_pandas_without_another_sign(self):
        demand = DemandRates.from_arrays(["A"], ["X"], [[2.0]])
        assert isinstance(demand.to_frame(), pd.DataFrame)

    @settings(max_examples=30, deadline=None)
    @given(
        rates=st.lists(
            st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=3, max_size=3),
            min_size=1,
            max_size=4,
        ),
        shape=st.floats(0.1, 100),
    )
    def test_records_round_trip(self, rates, shape):
        parts = [f"P{i}" for i in range(len(rates))]
        demand = DemandRates.from_arrays(parts, ["X", "Y", "Z"], rates, shape)
        again = DemandRates.from_table(demand.to_records())
        rows = sorted(again.to_records(), key=lambda row: (row["part_id"], row["location_id"]))
        assert rows == demand.to_records()  # a table's ids come in order of first appearance
        assert again.total_per_year == pytest.approx(demand.total_per_year)

    def test_summary(self, clinics):
        demand = DemandRates.from_table(ROWS).aligned(clinics)
        assert demand.summary() == (
            "Demand\n"
            "  parts x locations                    2 x 3\n"
            "  customer demand                      6 units per year\n"
            "  parts with demand                    2\n"
            "  parts with an uncertain rate         1 (rate_shape 3)\n"
            "  clustered demand                     variance_to_mean above 1 for some parts\n"
            "  streams (machines x part)            5\n"
            "  demand that no machine accounts for  0.5 units per year"
        )
        assert "<td>6 units per year</td>" in demand._repr_html_()
        assert repr(demand) == (
            "DemandRates(n_parts=2, n_locations=3, total=6 per year, n_streams=6)"
        )

    def test_pickle_keeps_it(self, clinics):
        demand = DemandRates.from_table(ROWS).aligned(clinics)
        again = pickle.loads(pickle.dumps(demand))
        assert again.to_records() == demand.to_records()

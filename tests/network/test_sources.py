"""The same tables from every kind of source give the same network."""

from __future__ import annotations

import builtins
import datetime as dt
import logging
from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel

from partsplan.errors import InputError
from partsplan.network import Part, Record, ServiceNetwork
from partsplan.network.schema import FORMS, SCHEMA
from small_networks import FACTORIES, Tables

KINDS = ("csv", "parquet", "pandas", "polars", "pyarrow", "columns", "arrays", "pydantic", "own")


def as_columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def read(kind: str, tables: Tables, folder: Path) -> ServiceNetwork:
    columns = {name: as_columns(rows) for name, rows in tables.items()}
    if kind in ("csv", "parquet"):
        for name, table in columns.items():
            frame = pl.DataFrame(table)
            getattr(frame, f"write_{kind}")(folder / f"{name}.{kind}")
        return ServiceNetwork.from_folder(folder)
    makers = {
        "pandas": pd.DataFrame,
        "polars": pl.DataFrame,
        "pyarrow": pa.table,
        "columns": dict,
        "arrays": lambda table: {name: np.array(values) for name, values in table.items()},
    }
    if kind in makers:
        return ServiceNetwork.from_tables(**{n: makers[kind](t) for n, t in columns.items()})
    if kind == "own":
        records = {
            name: [record_of(name, rows)(**row) for row in rows] for name, rows in tables.items()
        }
        return ServiceNetwork.from_tables(**records)
    models = {name: as_models(rows) for name, rows in tables.items()}
    return ServiceNetwork.from_tables(**models)


def record_of(name: str, rows: list[dict[str, Any]]) -> type[Record]:
    """Our record class for rows of a table."""
    return next(form.record for form in FORMS[name] if set(as_columns(rows)) <= set(form.columns))


def as_models(rows: list[dict[str, Any]]) -> list[BaseModel]:
    """Rows as objects of a pydantic model that is not ours."""
    from pydantic import create_model

    fields: dict[str, Any] = dict.fromkeys(as_columns(rows), (Any, None))
    model = create_model("Row", **fields)
    return [model(**row) for row in rows]


def figures(network: ServiceNetwork) -> dict[str, Any]:
    return {name: getattr(network, name).to_records() for name in SCHEMA}


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_every_source_gives_the_same_network(kind: str, factory: Any, tmp_path: Path) -> None:
    tables = factory()
    expected = ServiceNetwork.from_tables(**tables)
    network = read(kind, tables, tmp_path)
    assert figures(network) == figures(expected)
    np.testing.assert_array_equal(network.transit_days(), expected.transit_days())
    assert network.frame_backend == (kind if kind in ("pandas", "polars", "pyarrow") else None)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_frames_come_back_and_can_be_fed_back(kind: str, tmp_path: Path) -> None:
    for factory in FACTORIES:
        network = read(kind, factory(), tmp_path)
        frames = {name: getattr(network, name).to_frame() for name in SCHEMA}
        assert type(frames["parts"]).__module__.startswith(kind)
        assert figures(ServiceNetwork.from_tables(**frames)) == figures(network)


def test_records_can_be_fed_back() -> None:
    for factory in FACTORIES:
        network = ServiceNetwork.from_tables(**factory())
        again = ServiceNetwork.from_tables(**figures(network))
        assert figures(again) == figures(network)


def test_frames_are_pandas_where_there_is_no_other_sign(two_level_tables: Tables) -> None:
    assert isinstance(ServiceNetwork.from_tables(**two_level_tables).lanes.to_frame(), pd.DataFrame)


@pytest.mark.parametrize(
    "empty", [None, "", np.nan, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT", "D")]
)
def test_everything_empty_is_empty(empty: Any, two_level_tables: Tables) -> None:
    tables = two_level_tables
    tables["parts"][0] |= {"holding_rate": empty, "description": empty, "repair_days": empty}
    tables["sites"][0]["region"] = empty
    tables["installed_base"][0]["end_date"] = empty
    network = ServiceNetwork.from_tables(**tables)
    assert network.parts["holding_rate"][0] == 0.2
    assert network.parts["description"][0] == ""
    assert network.sites["region"][0] == ""
    assert np.isnat(network.installed_base["end_date"][0])


@pytest.mark.parametrize(
    "ids",
    [
        [7, 8],
        np.array([7, 8], dtype=np.int32),
        np.array([7.0, 8.0]),
        ["7", "8"],
        pd.Series([7, 8]),
        pd.Series(["7", "8"], dtype="category"),
        pl.Series([7, 8]),
        (np.int64(7), 8.0),
        [np.str_("7"), "8"],
    ],
    ids=lambda ids: type(ids).__name__,
)
def test_whole_numbers_are_ids(ids: Any) -> None:
    network = ServiceNetwork.from_tables(
        parts={"part_id": ids, "unit_cost": [1, 2], "resupply_days": [1, 2]},
        locations={"location_id": ["DC"], "kind": ["central"]},
    )
    assert network.part_ids == ("7", "8")
    assert all(type(name) is str for name in network.part_ids)


def test_numbers_may_come_in_many_guises(one_location_tables: Tables) -> None:
    costs = [1, 1.0, "1", " 1 ", "1e0", Decimal("1.0"), np.float32(1), np.int8(1), "+1.00"]
    network = ServiceNetwork.from_tables(
        parts=[
            {"part_id": number, "unit_cost": cost, "resupply_days": 1}
            for number, cost in enumerate(costs)
        ],
        locations=one_location_tables["locations"],
    )
    assert network.parts["unit_cost"].tolist() == [1.0] * len(costs)


def test_flags_and_days_may_come_in_many_guises(two_level_tables: Tables) -> None:
    tables = two_level_tables
    for place, flag in enumerate((0, "No", np.False_)):
        tables["locations"][place]["stocks_parts"] = flag
    days = ("2024-02-03", dt.datetime(2024, 2, 3))
    for place, day in enumerate(days):
        tables["installed_base"][place]["start_date"] = day
    network = ServiceNetwork.from_tables(**tables)
    assert not network.locations["stocks_parts"].any()
    assert network.installed_base["start_date"].tolist() == [dt.date(2024, 2, 3)] * 2


def test_days_come_from_frames(two_level_tables: Tables) -> None:
    day = dt.date(2024, 2, 3)
    rows = [row | {"start_date": day} for row in two_level_tables["installed_base"]]
    rows[1]["start_date"] = None
    for frame in (
        pd.DataFrame(rows).assign(start_date=lambda t: pd.to_datetime(t["start_date"])),
        pl.DataFrame(rows),
        pl.DataFrame(rows).with_columns(pl.col("start_date").cast(pl.Datetime)),
        pa.Table.from_pylist(rows),
        pl.DataFrame(rows).lazy(),
    ):
        network = ServiceNetwork.from_tables(**two_level_tables | {"installed_base": frame})
        assert network.installed_base["start_date"].tolist() == [day, None]


@dataclass
class Place:
    location_id: str
    kind: str = "central"


def test_dataclasses_named_tuples_and_generators_are_records() -> None:
    row = namedtuple("row", ["part_id", "unit_cost", "resupply_days"])
    network = ServiceNetwork.from_tables(
        parts=(row(name, 1, 2) for name in "ab"), locations=[Place("DC")]
    )
    assert network.part_ids == ("a", "b")


def test_structured_and_masked_arrays_are_tables() -> None:
    parts = np.array(
        [("a", 1.0, 2.0)], dtype=[("part_id", "U5"), ("unit_cost", float), ("r", "f8")]
    )
    costs = np.ma.array([1.0, 2.0], mask=[False, True])
    network = ServiceNetwork.from_tables(
        parts=parts,
        locations={"location_id": ["x", "y"], "kind": ["central"] * 2, "holding_rate": costs},
        rename={"r": "resupply_days"},
    )
    assert network.parts["resupply_days"].tolist() == [2.0]
    np.testing.assert_array_equal(network.locations["holding_rate"], [1.0, np.nan])


def test_rename_maps_names_in_every_table(two_level_tables: Tables) -> None:
    tables = {
        name: [{("MATNR" if k == "part_id" else k): v for k, v in row.items()} for row in rows]
        for name, rows in two_level_tables.items()
    }
    network = ServiceNetwork.from_tables(**tables, rename={"MATNR": "part_id", "WERKS": "x"})
    assert network.bill_of_materials["part_id"].tolist() == ["P1", "P2"]
    with pytest.raises(InputError, match="'part_id' is there twice after rename"):
        ServiceNetwork.from_tables(parts=[{"MATNR": 1, "part_id": 2}], rename={"MATNR": "part_id"})


def test_extra_columns_are_dropped_and_logged(
    two_level_tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    two_level_tables["parts"][0]["planner"] = "Ann"
    with caplog.at_level(logging.INFO, logger="partsplan"):
        network = ServiceNetwork.from_tables(**two_level_tables, extra_columns="ignore")
    assert "planner" not in network.parts
    assert caplog.messages == ["parts: ignored columns planner"]


def test_records_may_omit_optional_keys() -> None:
    parts = [
        {"part_id": "a", "unit_cost": 1, "resupply_days": 3},
        {"part_id": "b", "unit_cost": 1, "repair_days": 4, "holding_rate": 0.1},
        Part(part_id="c", unit_cost=2, resupply_days=1),
    ]
    network = ServiceNetwork.from_tables(
        parts=parts, locations=[{"location_id": "DC", "kind": "central"}]
    )
    assert network.parts["resupply_days"].tolist() == [3.0, 4.0, 1.0]
    assert network.parts["holding_rate"].tolist() == [0.2, 0.1, 0.2]


def test_without_pandas_the_way_out_is_named(
    monkeypatch: pytest.MonkeyPatch, two_level_tables: Tables
) -> None:
    real = builtins.__import__

    def blocked(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in ("pandas", "polars", "pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    def no_module(name: str) -> Any:
        raise ImportError(name)

    network = ServiceNetwork.from_tables(**two_level_tables)
    monkeypatch.setattr("importlib.import_module", no_module)
    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(Exception, match=r"pip install 'partsplan\[pandas\]'"):
        network.parts.to_frame()
    assert network.parts.to_records()[0]["part_id"] == "P1"


def test_parquet_without_a_reader_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pl.DataFrame({"part_id": ["a"]}).write_parquet(tmp_path / "parts.parquet")
    real = builtins.__import__

    def blocked(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in ("polars", "pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(InputError, match=r"pip install 'partsplan\[pyarrow\]'"):
        ServiceNetwork.from_folder(tmp_path)


def test_frames_with_two_columns_of_one_name_are_refused(two_level_tables: Tables) -> None:
    parts = pd.DataFrame([["P1", 1, 2]], columns=["part_id", "unit_cost", "unit_cost"])
    with pytest.raises(InputError, match="parts: the frame cannot be read: "):
        ServiceNetwork.from_tables(**two_level_tables | {"parts": parts})


def test_nullable_and_unsigned_columns_of_frames(one_location_tables: Tables) -> None:
    parts = pd.DataFrame(
        {
            "part_id": pd.array([1, 2, 3], dtype="Int64"),
            "unit_cost": pd.array([1, 2, 3], dtype="UInt8"),
            "resupply_days": pd.array([1, pd.NA, 3], dtype="Int64"),
            "repair_days": [np.nan, 2.0, np.nan],
            "description": pd.array(["x", None, "z"], dtype="string"),
        }
    )
    locations = one_location_tables["locations"]
    network = ServiceNetwork.from_tables(parts=parts, locations=locations)
    assert network.part_ids == ("1", "2", "3")
    assert network.parts["resupply_days"].tolist() == [1.0, 2.0, 3.0]
    assert network.parts["description"].tolist() == ["x", "", "z"]

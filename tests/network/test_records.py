"""Single records: strict, frozen, with the same words as the tables."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from pydantic import ValidationError

from partsplan.errors import InputError
from partsplan.network import Commitment, InstalledBaseRow, Lane, Part, ServiceNetwork, StockLevel
from partsplan.network.records import OTHER_FORMS, RECORDS, Record
from partsplan.network.schema import FORMS, SCHEMA

GOOD: dict[str, Any] = {"part_id": "P1", "unit_cost": 10, "resupply_days": 5}


def test_a_record_reads_plain_values() -> None:
    part = Part(part_id=7, unit_cost="3.5", repair_days=2, holding_rate=math.nan)
    assert (part.part_id, part.unit_cost, part.holding_rate) == ("7", 3.5, 0.2)
    assert part.order_quantity is None
    assert type(Part(**GOOD, order_quantity=3.0).order_quantity) is int
    assert part.resupply_days is None


def test_a_record_is_frozen_and_strict() -> None:
    part = Part(**GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        part.unit_cost = 3
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Part(**GOOD, cost=3)
    with pytest.raises(ValidationError, match="Field required"):
        Part(part_id="P1", unit_cost=None)


@pytest.mark.parametrize(
    "values",
    [
        {"unit_cost": -1},
        {"unit_cost": "3,5"},
        {"unit_cost": math.inf},
        {"part_id": 1.5},
        {"part_id": " P1"},
        {"condemnation_fraction": 95},
        {"order_quantity": 1.5},
        {"repair_days": 5},
        {"description": "x", "unit_cost": "{cost}"},
    ],
    ids=str,
)
def test_records_and_tables_say_the_same(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as alone:
        Part(**GOOD | values)
    with pytest.raises(InputError) as in_a_table:
        ServiceNetwork.from_tables(
            parts=[GOOD | values], locations=[{"location_id": "DC", "kind": "central"}]
        )
    (finding,) = in_a_table.value.findings
    assert f"{finding.rule} {finding.fix}" in str(alone.value)


def test_rules_within_a_record() -> None:
    with pytest.raises(ValidationError, match=r"Write 0.95 for 95 %"):
        Commitment(commitment_id="c", metric="uptime", target=95)
    with pytest.raises(ValidationError, match="is not after start_date 2024-02-01"):
        InstalledBaseRow(
            site_id="A",
            equipment_id="M",
            machines=1,
            start_date="2024-02-01",
            end_date=dt.date(2024, 1, 1),
        )
    with pytest.raises(ValidationError, match="minimum 3 is above maximum 2"):
        StockLevel(part_id="P", location_id="L", minimum=3, maximum=2)
    assert Commitment(commitment_id="c", metric="mean_wait", target=12).target == 12.0


@pytest.mark.parametrize("record", [*RECORDS, *OTHER_FORMS], ids=lambda record: record.__name__)
def test_every_field_says_what_it_is(record: type[Record]) -> None:
    properties = record.model_json_schema()["properties"]
    assert list(properties) in [list(form.columns) for form in FORMS[record.table]]
    assert all(field["description"].endswith(".") for field in properties.values())


def test_the_json_schema_has_bounds_and_choices() -> None:
    schema = Part.model_json_schema()
    assert schema["properties"]["unit_cost"]["minimum"] == 0.0
    assert schema["properties"]["order_quantity"]["anyOf"][0]["type"] == "integer"
    assert set(schema["required"]) == {"part_id", "unit_cost"}
    assert "uptime" in Commitment.model_json_schema()["properties"]["metric"]["enum"]
    assert Lane.model_json_schema()["properties"]["hours"]["description"] == (
        "Door-to-door time [hours]."
    )


def test_the_schema_is_derived_from_the_records() -> None:
    part = SCHEMA["parts"].columns
    assert part["unit_cost"].required
    assert part["holding_rate"].default == 0.2
    assert part["resupply_days"].default is None
    assert SCHEMA["lanes"].columns["site_id"].refers_to == "sites"
    assert SCHEMA["lanes"].key == ("location_id", "site_id")

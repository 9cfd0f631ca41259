"""Tiny networks whose demand is counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from partsplan.network import ServiceNetwork

Tables = dict[str, Any]


@pytest.fixture
def clinic_tables() -> Tables:
    """Two scanner types at three clinics; one centre, two forward locations.

    A CT has 2 tubes (0.5 per year each) and 1 board (mtbf 4380 h); an MR has 1 board (1 per
    year). Clinic A (BERN) has 3 CT round the clock; clinic B (BERN) has 2 CT at 4380 h/year and
    1 MR; clinic C (BASEL) has 4 MR, but gets boards from the centre.

    Tubes: A 3 x 2 x 0.5 = 3, B 2 x 2 x 0.5 = 2, so BERN 5.
    Boards: A 3 x 8760/4380 = 6, B 2 x 4380/4380 = 2 of CT and 1 of MR, so BERN 9; C 4 at CENTRE.
    """
    return {
        "parts": [
            {"part_id": "TUBE", "unit_cost": 50_000, "resupply_days": 60},
            {"part_id": "BOARD", "unit_cost": 2_000, "resupply_days": 30},
        ],
        "locations": [
            {"location_id": "CENTRE", "kind": "central"},
            {
                "location_id": "BERN",
                "kind": "forward",
                "replenished_from": "CENTRE",
                "replenishment_days": 2,
            },
            {
                "location_id": "BASEL",
                "kind": "forward",
                "replenished_from": "CENTRE",
                "replenishment_days": 3,
            },
        ],
        "sites": [
            {"site_id": "A", "served_by": "BERN"},
            {"site_id": "B", "served_by": "BERN"},
            {"site_id": "C", "served_by": "BASEL"},
        ],
        "sourcing": [{"site_id": "C", "part_id": "BOARD", "served_by": "CENTRE"}],
        "equipment": [{"equipment_id": "CT"}, {"equipment_id": "MR"}],
        "bill_of_materials": [
            {
                "equipment_id": "CT",
                "part_id": "TUBE",
                "quantity": 2,
                "failures_per_year": 0.5,
                "repair_hours": 6,
            },
            {
                "equipment_id": "MR",
                "part_id": "BOARD",
                "failures_per_year": 1.0,
                "stopping_fraction": 0.5,
            },
            {
                "equipment_id": "CT",
                "part_id": "BOARD",
                "mtbf_hours": 4380,
                "diagnosis_hours": 1.5,
            },
        ],
        "installed_base": [
            {"site_id": "A", "equipment_id": "CT", "machines": 3},
            {"site_id": "B", "equipment_id": "CT", "machines": 2, "hours_per_year": 4380},
            {"site_id": "B", "equipment_id": "MR", "machines": 1},
            {"site_id": "C", "equipment_id": "MR", "machines": 4},
        ],
    }


@pytest.fixture
def clinics(clinic_tables: Tables) -> ServiceNetwork:
    return ServiceNetwork.from_tables(**clinic_tables)


@pytest.fixture
def depots(clinic_tables: Tables) -> ServiceNetwork:
    """The same parts and locations without sites or machines."""
    return ServiceNetwork.from_tables(
        parts=clinic_tables["parts"], locations=clinic_tables["locations"]
    )

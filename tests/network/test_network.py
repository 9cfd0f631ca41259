"""The network: tables, ids, dense blocks, lookups, replacement."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from partsplan.errors import InputError
from partsplan.network import ServiceNetwork
from small_networks import Tables, changed

NAN = np.nan


@pytest.fixture
def two_levels(two_level_tables: Tables) -> ServiceNetwork:
    return ServiceNetwork.from_tables(**two_level_tables)


@pytest.fixture
def three_levels(three_level_tables: Tables) -> ServiceNetwork:
    return ServiceNetwork.from_tables(**three_level_tables)


def test_ids_keep_table_order(two_levels: ServiceNetwork) -> None:
    assert two_levels.part_ids == ("P1", "P2")
    assert two_levels.location_ids == ("DC", "F1", "F2")
    assert two_levels.site_ids == ("A", "B")
    assert two_levels.equipment_ids == ("M",)
    assert dict(two_levels.location_index) == {"DC": 0, "F1": 1, "F2": 2}
    assert two_levels.part_index["P2"] == 1
    assert two_levels.site_index["B"] == 1


def test_columns_have_their_types_and_defaults(two_levels: ServiceNetwork) -> None:
    bill = two_levels.bill_of_materials
    assert bill["quantity"].dtype == np.int64
    assert bill["parent_part_id"].tolist() == ["", ""]
    assert_array_equal(bill["mtbf_hours"], [NAN, 8760.0])
    assert_array_equal(bill["stopping_fraction"], [1.0, 1.0])
    assert two_levels.locations["stocks_parts"].dtype == bool
    assert two_levels.installed_base["start_date"].dtype == "datetime64[D]"
    assert two_levels.parts["holding_rate"].tolist() == [0.2, 0.2]
    assert two_levels.stock["base_stock"].shape == (0,)


def test_columns_are_read_only(two_levels: ServiceNetwork) -> None:
    with pytest.raises(ValueError, match="read-only"):
        two_levels.parts["unit_cost"][0] = 1.0


def test_a_network_never_changes(two_levels: ServiceNetwork) -> None:
    with pytest.raises(AttributeError, match=r"never changes; use replace\(\)"):
        two_levels.shortages = "expedite"


def test_unknown_columns_are_named(two_levels: ServiceNetwork) -> None:
    with pytest.raises(KeyError, match="parts has no column 'cost'"):
        two_levels.parts["cost"]
    with pytest.raises(KeyError, match="does not hold ids"):
        two_levels.parts.index("unit_cost")


def test_reference_columns_have_positions(two_levels: ServiceNetwork) -> None:
    assert two_levels.locations.index("replenished_from").tolist() == [-1, 0, 0]
    assert two_levels.lanes.index("site_id").tolist() == [0, 1, 0, 1]
    assert two_levels.parts.index("part_id").tolist() == [0, 1]
    assert two_levels.commitments.index("site_id").tolist() == [-1, -1]


def test_repair_figures_give_the_resupply_time(two_levels: ServiceNetwork) -> None:
    assert_array_equal(two_levels.parts["resupply_days"], [30.0, 0.9 * 20 + 0.1 * 60])


def test_a_consumable_needs_no_repair_time(two_level_tables: Tables) -> None:
    tables = changed(two_level_tables, "parts", 1, condemnation_fraction=1, repair_days=None)
    network = ServiceNetwork.from_tables(**tables)
    assert network.parts["resupply_days"][1] == 60.0


def test_transit_is_resupply_at_the_root_and_replenishment_below(
    two_levels: ServiceNetwork,
) -> None:
    assert_array_equal(two_levels.transit_days(), [[30.0, 3.0, 2.0], [24.0, 3.0, 2.0]])
    assert_array_equal(two_levels.transit_days([1]), [[24.0, 3.0, 2.0]])
    assert_array_equal(two_levels.transit_days([1, 1, 0])[:, 0], [24.0, 24.0, 30.0])


def test_what_differs_for_a_part_stands_over_the_location(three_levels: ServiceNetwork) -> None:
    # locations: DC1, DC2, R1, F1, F2, F3
    expected = [[20.0, 25.0, 4.0, 1.0, 1.0, 1.0], [40.0, 40.0, 4.0, 1.0, 1.0, 5.0]]
    assert_array_equal(three_levels.transit_days([0, 1]), expected)
    assert three_levels.holding_rates([1])[0].tolist() == [0.2, 0.2, 0.2, 0.2, 0.2, 0.3]
    assert three_levels.local_repair_fractions()[0, 3] == 0.25
    assert three_levels.local_repair_days()[0, 3] == 6.0
    assert three_levels.local_repair_fractions().sum() == 0.25
    assert np.argwhere(~three_levels.may_stock()).tolist() == [[1, 4]]


def test_location_holding_rate_stands_over_the_part(three_level_tables: Tables) -> None:
    tables = changed(three_level_tables, "locations", 5, holding_rate=0.25)
    rates = ServiceNetwork.from_tables(**tables).holding_rates()
    assert rates[:, 5].tolist() == [0.25, 0.3]
    assert rates[0, 0] == 0.2


def test_a_part_may_be_stocked_where_the_location_stocks_nothing(
    three_level_tables: Tables,
) -> None:
    tables = changed(three_level_tables, "locations", 5, stocks_parts=False)
    tables["part_locations"][0]["stocks_part"] = True
    network = ServiceNetwork.from_tables(**tables)
    assert network.may_stock()[:, 5].tolist() == [False, True]
    assert network.part_locations["stocks_part"].tolist() == [True, True, True, False]


def test_parts_with_their_own_source_have_their_own_forest(three_levels: ServiceNetwork) -> None:
    first, second = three_levels.forests
    assert first.parents.tolist() == [-1, -1, 0, 2, 2, 0]
    assert first.parts.tolist() == [0]
    assert second.parents.tolist() == [-1, -1, 0, 2, 2, 1]
    assert second.parts.tolist() == [1]
    assert_array_equal(three_levels.parents([1, 0]), [second.parents, first.parents])


def test_one_forest_where_no_part_differs(two_levels: ServiceNetwork) -> None:
    (forest,) = two_levels.forests
    assert forest.parts.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        forest.parents[0] = 1


def test_lanes_are_looked_up_elementwise(two_levels: ServiceNetwork) -> None:
    hours = two_levels.lane_hours([[0], [1], [2]], [0, 1])
    assert_array_equal(hours, [[24.0, 24.0], [2.0, NAN], [NAN, 4.0]])
    assert_array_equal(two_levels.lane_costs([1, 0, 2], [0, 0, 0]), [10.0, 0.0, NAN])


def test_without_lanes_all_hours_are_0(three_levels: ServiceNetwork) -> None:
    assert not three_levels.has_lanes
    assert_array_equal(three_levels.lane_hours([0, 5], [3, 0]), [0.0, 0.0])
    assert any("0 hours" in warning.rule for warning in three_levels.warnings)
    assert "Lanes: none" in three_levels.summary()


def test_a_site_without_served_by_takes_the_nearest_lane(two_level_tables: Tables) -> None:
    tables = changed(two_level_tables, "sites", 1, served_by="")
    network = ServiceNetwork.from_tables(**tables)
    assert network.serving_locations([0, 1], [0, 0]).tolist() == [1, 2]
    tables["lanes"][3]["hours"] = 4.0  # as far as F2, but DC comes first in locations
    network = ServiceNetwork.from_tables(**tables)
    assert network.serving_locations([0, 1], [0, 0]).tolist() == [1, 0]


def test_sourcing_stands_over_served_by(two_level_tables: Tables) -> None:
    tables = two_level_tables
    tables["sourcing"] = [{"site_id": "A", "part_id": "P2", "served_by": "DC"}]
    network = ServiceNetwork.from_tables(**tables)
    serving = network.serving_locations([[0], [1]], [0, 1])
    assert_array_equal(serving, [[1, 0], [2, 2]])


def test_failures_stand_in_for_catalogue_rates(two_level_tables: Tables) -> None:
    tables = changed(two_level_tables, "bill_of_materials", 0, failures_per_year=None)
    tables["failures"] = [{"part_id": "P1", "failures": 3, "operating_hours": 1e5}] * 2
    network = ServiceNetwork.from_tables(**tables)
    assert network.failures["failures"].tolist() == [3, 3]


def test_replace_gives_a_new_validated_network(two_levels: ServiceNetwork) -> None:
    other = two_levels.replace(commitments=None, lanes=[])
    assert len(two_levels.commitments) == 2
    assert len(other.commitments) == 0
    assert not other.has_lanes
    assert_array_equal(other.parts["resupply_days"], two_levels.parts["resupply_days"])
    with pytest.raises(InputError, match="lanes row 1, column location_id: 'F9' is not"):
        two_levels.replace(lanes=[{"location_id": "F9", "site_id": "A", "hours": 1}])
    with pytest.raises(TypeError, match="tables must be among"):
        two_levels.replace(lane=[])


def test_tables_of_a_network_can_be_given_to_another(two_levels: ServiceNetwork) -> None:
    network = ServiceNetwork.from_tables(
        parts=two_levels.parts, locations=two_levels.locations, demand=[]
    )
    assert network.part_ids == two_levels.part_ids


def test_options_are_checked(two_level_tables: Tables) -> None:
    with pytest.raises(ValueError, match="shortages must be 'wait' or 'expedite', got 'lost'"):
        ServiceNetwork.from_tables(**two_level_tables, shortages="lost")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="extra_columns must be 'error' or 'ignore'"):
        ServiceNetwork.from_tables(extra_columns="drop")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rename must map your column names to ours"):
        ServiceNetwork.from_tables(rename={"a": 1})  # type: ignore[dict-item]


def test_a_network_says_what_it_holds(two_levels: ServiceNetwork) -> None:
    assert repr(two_levels) == (
        "ServiceNetwork(2 parts, 3 locations, 2 sites, 1 machine type, 4 lanes, 2 commitments)"
    )
    assert two_levels.summary().splitlines() == [
        "Service network: 2 parts, 3 locations, 2 sites, 1 machine type, 4 lanes, 2 commitments",
        "Lanes: 4, hours from the table",
        "Shortages: wait",
        "Warnings: none",
    ]
    assert two_levels._repr_html_().startswith("<pre>Service network: 2 parts")
    assert repr(two_levels.parts) == "Table('parts', 2 rows)"


def test_a_network_can_be_sent_to_another_process(three_levels: ServiceNetwork) -> None:
    copied = pickle.loads(pickle.dumps(three_levels))
    assert_array_equal(copied.transit_days(), three_levels.transit_days())
    assert copied.part_index == three_levels.part_index
    assert repr(copied) == repr(three_levels)


def test_large_blocks_agree_with_single_rows() -> None:
    rng = np.random.default_rng(5)
    n_parts, n_locations = 40, 7
    pairs = [(p, j) for p in range(n_parts) for j in range(n_locations) if rng.random() < 0.3]
    rates = rng.random(len(pairs))
    order = rng.permutation(len(pairs))
    network = ServiceNetwork.from_tables(
        parts={
            "part_id": np.arange(n_parts),
            "unit_cost": np.ones(n_parts),
            "resupply_days": np.ones(n_parts),
        },
        locations={"location_id": np.arange(n_locations), "kind": ["central"] * n_locations},
        part_locations={
            "part_id": [pairs[k][0] for k in order],
            "location_id": [pairs[k][1] for k in order],
            "holding_rate": rates[order],
        },
    )
    expected = np.full((n_parts, n_locations), 0.2)
    for (part, location), rate in zip(pairs, rates, strict=True):
        expected[part, location] = rate
    assert_array_equal(network.holding_rates(), expected)
    chosen = rng.integers(0, n_parts, 60)
    assert_array_equal(network.holding_rates(chosen), expected[chosen])


def test_supersessions_are_read_and_kept(two_level_tables: Tables) -> None:
    two_level_tables["supersessions"] = [
        {"part_id": "P1", "superseded_by": "P2", "from_date": "2026-07-01"}
    ]
    network = ServiceNetwork.from_tables(**two_level_tables)
    assert network.supersessions.index("superseded_by").tolist() == [1]
    assert str(network.supersessions["from_date"][0]) == "2026-07-01"
    assert len(network.replace(supersessions=None).supersessions) == 0

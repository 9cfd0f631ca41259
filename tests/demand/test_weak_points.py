"""Weak points of the two clinics, by hand, and their intervals by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from partsplan.demand import DemandRates, estimate_demand, weak_points
from partsplan.errors import PartsplanError
from partsplan.network import ServiceNetwork


@pytest.fixture
def network(clinic_tables):
    """The clinics with lanes: 1 h from BERN, 2 h from BASEL and CENTRE; 40 a shipment."""
    clinic_tables["lanes"] = [
        {"location_id": location, "site_id": site, "hours": hours, "cost": 40}
        for location, site, hours in (
            ("BERN", "A", 1),
            ("BERN", "B", 1),
            ("BASEL", "C", 2),
            ("CENTRE", "C", 2),
        )
    ]
    clinic_tables["sites"][0] |= {"segment": "night", "customer_id": "X"}
    clinic_tables["sites"][1] |= {"customer_id": "X"}
    return ServiceNetwork.from_tables(**clinic_tables)


def row_of(points, **names):
    (row,) = [r for r in points.to_records() if all(r[k] == v for k, v in names.items())]
    return row


def test_downtime_and_cost_by_hand(network):
    """Tubes: 5 failures x (6 + 1) h, 5 x (50,000 + 40).

    Boards: of CT 8 x (1.5 + 1) h, of MR at B half of 1 x 1 h, at C half of 4 x 2 h: 24.5 h;
    13 x (2,000 + 40).
    """
    points = weak_points(network, estimate_demand(network))
    tube, board = points.to_records()
    assert tube["part"] == "TUBE"
    assert tube["rank"] == 1
    assert tube["failures_per_year"] == pytest.approx(5)
    assert tube["downtime_hours"] == pytest.approx(35)
    assert tube["cost"] == pytest.approx(5 * 50_040)
    assert tube["downtime_hours_share"] == pytest.approx(35 / 59.5)
    assert tube["downtime_hours_lower"] == tube["downtime_hours_upper"] == tube["downtime_hours"]
    assert board["downtime_hours"] == pytest.approx(24.5)
    assert board["cost"] == pytest.approx(13 * 2_040)


def test_waits_and_the_cost_of_downtime_count(network):
    demand = estimate_demand(network)
    waits = np.array([[np.nan, 3.0, np.nan], [10.0, 1.0, np.nan]])
    points = weak_points(network, demand, wait_hours=waits, downtime_cost_per_hour=100)
    assert row_of(points, part="TUBE")["downtime_hours"] == pytest.approx(35 + 15)
    board = row_of(points, part="BOARD")
    assert board["downtime_hours"] == pytest.approx(24.5 + 8 * 1 + 0.5 * 1 + 2 * 10)
    assert board["cost"] == pytest.approx(13 * 2_040 + 100 * board["downtime_hours"])
    assert "downtime at 100 per hour" in points.cost_means
    assert "the wait for the part" in points.downtime_means


def test_repaired_units_cost_their_condemned_share(network, clinic_tables):
    parts = clinic_tables["parts"]
    parts[0] = {
        "part_id": "TUBE",
        "unit_cost": 50_000,
        "repair_days": 30,
        "condemnation_fraction": 0.1,
        "procurement_days": 60,
    }
    changed = network.replace(parts=parts)
    points = weak_points(changed, estimate_demand(changed))
    assert row_of(points, part="TUBE")["cost"] == pytest.approx(5 * (5_000 + 40))


def test_rows_of_every_kind_sum_to_the_same(network):
    demand = estimate_demand(network)
    for by in (
        "part_group",
        "family",
        "equipment",
        "site",
        "customer",
        "region",
        "segment",
        "location",
        ("part", "site"),
        ("equipment", "customer", "part"),
    ):
        points = weak_points(network, demand, by=by)
        assert points.downtime_hours.mean.sum() == pytest.approx(59.5)
        assert points.cost.mean.sum() == pytest.approx(5 * 50_040 + 13 * 2_040)


def test_rows_name_what_they_are(network):
    points = weak_points(network, estimate_demand(network), by=("part", "site"))
    assert row_of(points, part="BOARD", site="C")["downtime_hours"] == pytest.approx(4)
    by_customer = weak_points(network, estimate_demand(network), by="customer")
    assert [row["customer"] for row in by_customer.to_records()] == ["X", None]


def test_order_by_cost(network):
    cheap_first = weak_points(network, estimate_demand(network), by="site", rank_by="cost")
    costs = [row["cost"] for row in cheap_first.to_records()]
    assert costs == sorted(costs, reverse=True)


class TestIntervals:
    COUNTS = pd.DataFrame(
        [
            {"part_id": "TUBE", "failures": 9, "operating_hours": 175_200},
            {"part_id": "BOARD", "failures": 4, "operating_hours": 20_000},
        ]
    )

    def test_of_one_part_it_is_that_of_its_rate(self, network):
        demand = estimate_demand(network, self.COUNTS)
        tube = row_of(weak_points(network, demand, level=0.9), part="TUBE")
        law = stats.gamma(10, scale=1 / 13.5)
        assert tube["downtime_hours"] == pytest.approx(35 * law.mean())
        assert tube["downtime_hours_lower"] == pytest.approx(35 * law.ppf(0.05))
        assert tube["downtime_hours_upper"] == pytest.approx(35 * law.ppf(0.95))

    def test_of_several_parts_it_holds_nearly_its_level(self, network):
        demand = estimate_demand(network, self.COUNTS)
        site = row_of(weak_points(network, demand, by="site", level=0.9), site="A")
        parts = weak_points(network, demand, by=("part", "site"))
        rng = np.random.default_rng(2)
        draws = np.zeros(100_000)
        for name, shape in zip(("TUBE", "BOARD"), demand.rate_shape, strict=True):
            mean = row_of(parts, part=name, site="A")["downtime_hours"]
            draws += mean * rng.gamma(shape, 1 / shape, len(draws))
        inside = (site["downtime_hours_lower"] <= draws) & (draws <= site["downtime_hours_upper"])
        assert inside.mean() == pytest.approx(0.9, abs=0.01)


def test_summary_says_what_is_counted(network):
    text = weak_points(network, estimate_demand(network)).summary()
    assert "Weak points by part, in order of downtime: 18 failures, 59.5 hours" in text
    assert "units that are not repaired at unit_cost" in text
    assert "the part on the shelf" in text
    assert text.index("TUBE") < text.index("BOARD")


def test_machines_are_needed(depots):
    demand = DemandRates.from_table([{"part_id": "TUBE", "location_id": "BERN", "per_year": 1.0}])
    with pytest.raises(PartsplanError, match="Weak points need machines"):
        weak_points(depots, demand)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "country"}, r"by must be one or several of part, .*, got \('country',\)"),
        ({"by": ("part", "part")}, "by must be one or several"),
        ({"rank_by": "money"}, "rank_by must be 'downtime' or 'cost', got 'money'"),
        ({"downtime_cost_per_hour": -1}, "downtime_cost_per_hour must be 0 or more"),
        ({"downtime_cost_per_hour": "9"}, "downtime_cost_per_hour must be .*, got '9'"),
        ({"level": 95}, "level must be strictly between 0 and 1, got 95"),
        ({"wait_hours": [[1.0]]}, r"wait_hours must be of shape .* = \(2, 3\), got \(1, 1\)"),
    ],
)
def test_options_are_checked(network, options, message):
    with pytest.raises(ValueError, match=message):
        weak_points(network, estimate_demand(network), **options)
    with pytest.raises(ValueError, match="network must be a ServiceNetwork, got DemandRates"):
        weak_points(estimate_demand(network), network)
    with pytest.raises(ValueError, match="demand must be DemandRates, got ServiceNetwork"):
        weak_points(network, network)

"""Expedited shortages: exact chains, the fixed point's error, figures by hand, uncertain rates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from cases_expedited import ERLANG, LATERAL, TWO_ECHELON
from expedited_networks import pooled_demand, pooled_network, shares

import partsplan as pp
from partsplan.evaluation import ExpeditedPerformance
from small_networks import two_level_tables


def stock_of(levels: list[int]) -> dict[tuple[str, str], int]:
    return {("P", f"L{j}"): units for j, units in enumerate(levels)}


def evaluated(case: dict[str, Any], evaluation: Any = "exact") -> Any:
    network = pooled_network(case["days"], case["orders"])
    demand = pooled_demand(network, case["rates"])
    return pp.evaluate(network, demand, stock_of(case["stock"]), evaluation=evaluation)


def fractions(found: Any, orders: list[list[int]]) -> tuple[list[float], list[float], list[float]]:
    by_site = shares(found)
    local = [share.get(f"L{order[0]}", 0.0) for share, order in zip(by_site, orders, strict=True)]
    outside = [share.get("outside", 0.0) for share in by_site]
    lateral = [1.0 - a - b for a, b in zip(local, outside, strict=True)]
    return local, lateral, outside


def fully_pooled(case: dict[str, Any]) -> bool:
    """Whether everyone asks everyone, and resupply takes equally long everywhere."""
    asks_all = all(len(order) == len(case["days"]) for order in case["orders"])
    return asks_all and len(set(case["days"])) == 1


@pytest.mark.parametrize("case", LATERAL)
def test_small_groups_are_exact(case: dict[str, Any]) -> None:
    found = evaluated(case)
    local, lateral, outside = fractions(found, case["orders"])
    assert local == pytest.approx(case["local"], abs=1e-9)
    assert lateral == pytest.approx(case["lateral"], abs=1e-9)
    assert outside == pytest.approx(case["emergency"], abs=1e-9)
    assert found.on_hand[0].tolist() == pytest.approx(case["on_hand"], abs=1e-9)
    assert not found.is_exact


@pytest.mark.parametrize("case", LATERAL)
def test_fixed_point_of_overflow(case: dict[str, Any]) -> None:
    """Loads of 0.2 to 4 units, far above a spare part's: errors of up to 0.14 (see benchmarks)."""
    found = fractions(evaluated(case, "metric"), case["orders"])
    for mine, name in zip(found, ("local", "lateral", "emergency"), strict=True):
        assert np.abs(np.array(mine) - case[name]).max() < 0.14


@pytest.mark.parametrize("case", LATERAL)
def test_fixed_point_at_low_rates(case: dict[str, Any]) -> None:
    """At a tenth of the rates the fixed point is within 0.02 of the chain."""
    low = case | {"rates": [0.1 * rate for rate in case["rates"]]}
    exact = fractions(evaluated(low), case["orders"])
    fixed = fractions(evaluated(low, "metric"), case["orders"])
    assert np.abs(np.array(exact) - np.array(fixed)).max() < 0.02


@pytest.mark.parametrize("place", ["L0", "L1"])
def test_local_repair_at_one_of_a_group_is_not_exact(place: str) -> None:
    """The same mean resupply of 5 days everywhere, but half of one location's takes 3, half 7."""
    network = pooled_network([5.0, 5.0], [[0, 1], [1, 0]])
    rows = [row for row in network.part_locations.to_records() if row["location_id"] != place]
    mends = {"resupply_days": 7.0, "local_repair_fraction": 0.5, "local_repair_days": 3.0}
    network = network.replace(
        part_locations=[*rows, {"part_id": "P", "location_id": place} | mends]
    )
    demand = pooled_demand(network, [0.1, 0.2])
    found: Any = pp.evaluate(network, demand, stock_of([2, 2]))
    assert not found.emergency_is_exact
    alone: Any = pp.evaluate(network, demand, {("P", place): 2})
    assert alone.is_exact


FULL_POOLING = [case for case in LATERAL if fully_pooled(case)]


@pytest.mark.parametrize("case", FULL_POOLING)
def test_large_groups_that_pool_fully(case: dict[str, Any], monkeypatch: Any) -> None:
    """As if these groups were too large for a chain: who ships within 0.015, outside exactly."""
    monkeypatch.setattr("partsplan.evaluation.pooling.MOST_STATES", 0)
    found = evaluated(case)
    local, lateral, outside = fractions(found, case["orders"])
    assert outside == pytest.approx(case["emergency"], abs=1e-9)
    assert local == pytest.approx(case["local"], abs=0.015)
    assert lateral == pytest.approx(case["lateral"], abs=0.015)
    assert found.on_hand.sum() == pytest.approx(sum(case["on_hand"]), abs=1e-6)
    assert found.emergency_is_exact
    assert not found.is_exact
    assert "the share from outside exactly" in found.summary()


@pytest.mark.parametrize("limit", [0, 400])
def test_all_customers_ask_in_one_order(limit: int, monkeypatch: Any) -> None:
    """Nested Erlang losses: L0 alone misses B(1, 2), both miss B(3, 2), whatever the law."""
    monkeypatch.setattr("partsplan.evaluation.pooling.MOST_STATES", limit)
    network = pooled_network([10.0, 10.0, 10.0], [[0, 1, 2], [0, 1]])
    demand = pooled_demand(network, [0.15, 0.05])
    found: Any = pp.evaluate(network, demand, stock_of([1, 2, 0]))
    first, both = 2 / 3, (8 / 6) / (1 + 2 + 2 + 8 / 6)
    wanted = {"L0": 1 - first, "L1": first - both, "outside": both}
    assert shares(found) == [pytest.approx(wanted, rel=1e-9)] * 2
    assert found.is_exact
    assert found.on_hand.sum() == pytest.approx(3 - 2 * (1 - both))
    seen: Any = pp.simulate(
        network, demand, stock_of([1, 2, 0]), years=10, replications=100, rng=5, confidence=0.999
    )
    for row in seen.sources():
        assert row["lower"] <= wanted.get(row["source"], 0.0) <= row["upper"]


@pytest.mark.parametrize(
    ("days", "orders", "parents", "exact"),
    [
        ([5.0, 5.0], [[0, 1], [1, 0]], None, True),
        ([5.0, 6.0], [[0, 1], [1, 0]], None, False),
        ([5.0, 5.0], [[0, 1], [1]], None, False),
        ([5.0, 2.0, 2.0], [[1, 2], [2, 1]], [-1, 0, 0], False),
    ],
)
def test_where_the_share_from_outside_is_exact(
    days: list[float], orders: list[list[int]], parents: list[int] | None, exact: bool
) -> None:
    network = pooled_network(days, orders, parents=parents)
    demand = pooled_demand(network, [0.1, 0.2])
    found: Any = pp.evaluate(network, demand, stock_of([2] * len(days)))
    assert (found.is_exact, found.emergency_is_exact) == (False, exact)


@pytest.mark.parametrize(("load", "stock", "emergency", "on_hand"), ERLANG[1::3])
def test_one_location_is_exact(load: float, stock: int, emergency: float, on_hand: float) -> None:
    network = pooled_network([load], [[0]])
    found = pp.evaluate(network, pooled_demand(network, [1.0]), stock_of([stock]))
    assert isinstance(found, ExpeditedPerformance)
    assert found.is_exact
    assert found.emergency_share == pytest.approx(emergency, abs=1e-12)
    assert found.local_share == pytest.approx(1 - emergency)
    assert found.on_hand[0, 0] == pytest.approx(on_hand, abs=1e-10 * max(1.0, load))


def two_echelon(case: dict[str, Any], factor: float = 1.0, **options: Any) -> Any:
    n = len(case["rates"])
    network = pooled_network(
        [case["resupply"], *case["transit"]],
        [[j + 1, 0] for j in range(n)],
        parents=[-1] + [0] * n,
    )
    demand = pooled_demand(network, [factor * rate for rate in case["rates"]])
    return pp.evaluate(network, demand, stock_of([case["centre"], *case["stock"]]), **options)


@pytest.mark.parametrize("case", TWO_ECHELON)
@pytest.mark.parametrize(("solve_centres", "error"), [(False, 0.12), (True, 2e-4)])
def test_centre_with_finite_stock(case: dict[str, Any], solve_centres: bool, error: float) -> None:
    """The fixed point takes shelf and centre as independent: errors of up to 0.12 here.

    The joint chain fills waiting orders in random turn, the reference first come, first served.
    """
    orders = [[j + 1, 0] for j in range(len(case["rates"]))]
    performance = two_echelon(case, solve_centres=solve_centres)
    found = fractions(performance, orders)
    for mine, name in zip(found, ("local", "from_centre", "outside"), strict=True):
        assert np.abs(np.array(mine) - case[name]).max() < error
    assert not performance.is_exact
    assert ("with or without a centre" in performance.summary()) is solve_centres


@pytest.mark.parametrize("case", TWO_ECHELON)
def test_centre_at_low_rates(case: dict[str, Any]) -> None:
    """At a tenth of the rates the fixed point is within 0.02 of the joint chain."""
    orders = [[j + 1, 0] for j in range(len(case["rates"]))]
    fixed = fractions(two_echelon(case, 0.1), orders)
    joint = fractions(two_echelon(case, 0.1, solve_centres=True), orders)
    assert np.abs(np.array(fixed) - np.array(joint)).max() < 0.02


def test_one_shelf_that_waits_for_its_centre() -> None:
    """Centre and shelf of one unit each, no lane from the centre: five states, written out here.

    Demand, transit and repair at a rate of 1 a day each.
    """
    network = pooled_network([1.0, 1.0], [[1]], parents=[-1, 0])
    found: Any = pp.evaluate(
        network, pooled_demand(network, [1.0]), stock_of([1, 1]), solve_centres=True
    )
    # states (centre on hand, on the way, waiting): balance equations in the order of `states`
    states = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 0), (0, 0, 1)]
    flows = {(0, 1): 1, (1, 2): 1, (1, 3): 1, (2, 0): 1, (3, 0): 1, (3, 4): 1, (4, 1): 2}
    generator = np.zeros((5, 5))
    for (start, end), rate in flows.items():
        generator[end, start] += rate
        generator[start, start] -= rate
    generator[-1] = 1.0
    law = np.linalg.solve(generator, [0, 0, 0, 0, 1])
    on_shelf = law[[1 - way - wait > 0 for _, way, wait in states]].sum()
    assert found.fill_rate[0, 1] == pytest.approx(on_shelf, abs=1e-12)
    assert found.emergency_share == pytest.approx(1 - on_shelf, abs=1e-12)
    assert found.expected_backorders[0, 0] == pytest.approx(law[4], abs=1e-12)
    assert found.ready_rate[0, 0] == pytest.approx(1 - law[4], abs=1e-12)
    centre_empty = law[[centre == 0 for centre, _, _ in states]].sum()
    assert found.fill_rate[0, 0] == pytest.approx(1 - centre_empty, abs=1e-12)
    assert found.on_hand[0].tolist() == pytest.approx([1 - centre_empty, on_shelf], abs=1e-9)


@pytest.mark.parametrize(
    ("parents", "stock"),
    [([-1, 0, 1], [1, 1, 1]), ([-1, 0, 1], [1, 0, 1]), ([-1, 0, 0], [40, 9, 9])],
)
def test_deeper_and_larger_groups_keep_the_fixed_point(
    parents: list[int], stock: list[int]
) -> None:
    network = pooled_network([20.0, 2.0, 2.0], [[1, 2], [2, 1, 0]], parents=parents)
    demand = pooled_demand(network, [0.02, 0.03])
    fixed = pp.evaluate(network, demand, stock_of(stock))
    solved = pp.evaluate(network, demand, stock_of(stock), solve_centres=True)
    assert (fixed.fill_rate[0] == solved.fill_rate[0]).all()


def test_two_centres_that_help_each_other_and_local_repair_at_one() -> None:
    """Figures are shares and add up; a location below that repairs keeps the fixed point."""
    network = pooled_network([20.0, 25.0, 2.0, 3.0], [[2, 0, 1], [3, 1, 0]], parents=[-1, -1, 0, 1])
    demand = pooled_demand(network, [0.05, 0.06])
    found: Any = pp.evaluate(network, demand, stock_of([1, 1, 1, 1]), solve_centres=True)
    for share in shares(found):
        assert math.fsum(share.values()) == pytest.approx(1.0, abs=1e-12)
    assert found.on_hand.sum() < 4
    repair = {"local_repair_fraction": 0.5, "local_repair_days": 1.0}
    rows = network.part_locations.to_records()
    mends = network.replace(part_locations=[*rows, {"part_id": "P", "location_id": "L2"} | repair])
    fixed: Any = pp.evaluate(mends, demand, stock_of([1, 1, 1, 1]))
    solved: Any = pp.evaluate(mends, demand, stock_of([1, 1, 1, 1]), solve_centres=True)
    assert shares(fixed) == shares(solved)


def test_centres_are_only_solved_where_shortages_are_expedited() -> None:
    network = pooled_network([20.0, 2.0], [[1, 0]], parents=[-1, 0])
    demand = pooled_demand(network, [0.05])
    with pytest.raises(ValueError, match="solve_centres must be False unless shortages are"):
        pp.evaluate(network.replace(shortages="wait"), demand, {}, solve_centres=True)
    with pytest.raises(ValueError, match=r"solve_centres must be False unless .* got True"):
        pp.evaluate(network, demand, {}, evaluation="metric", solve_centres=True)


def test_everything_waits_at_a_centre_that_customers_cannot_reach() -> None:
    """Without a lane from the centre, its orders are those of a waiting network (Palm, Poisson)."""
    network = pooled_network([10.0, 1.0], [[1]], parents=[-1, 0])
    found = pp.evaluate(network, pooled_demand(network, [0.05]), stock_of([1, 50]))
    load = 0.05 * 10.0
    late = load - 1.0 + math.exp(-load)
    assert found.expected_backorders[0, 0] == pytest.approx(late, rel=1e-9)
    assert found.fill_rate[0, 0] == pytest.approx(math.exp(-load), rel=1e-9)
    assert found.mean_wait_days[0, 0] == pytest.approx(late / 0.05, rel=1e-9)
    assert found.ready_rate[0, 0] == pytest.approx(math.exp(-load) * (1 + load), rel=1e-9)


def test_metrics_and_cost_by_hand() -> None:
    """One part, two locations that help each other out, stock 1 each: the first case by hand.

    Of every site's demand 0.4 is local (0 hours), 0.2 lateral (1 hour, cost 10) and 0.4 from
    outside (48 hours, cost 1000).
    """
    tables: dict[str, Any] = {
        "equipment": [{"equipment_id": "M"}],
        "bill_of_materials": [
            {
                "equipment_id": "M",
                "part_id": "P",
                "failures_per_year": 36.5,
                "diagnosis_hours": 2.0,
                "repair_hours": 1.0,
            }
        ],
        "installed_base": [
            {"site_id": f"S{k}", "equipment_id": "M", "machines": 1} for k in range(2)
        ],
        "commitments": [
            {"commitment_id": "up", "metric": "uptime", "target": 0.5},
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.5, "site_id": "S0"},
            {"commitment_id": "fast", "metric": "response", "target": 0.5, "within_hours": 0.5},
            {"commitment_id": "day", "metric": "response", "target": 0.5, "within_hours": 1.0},
            {"commitment_id": "late", "metric": "response", "target": 0.5, "within_hours": 48.0},
            {"commitment_id": "wait", "metric": "mean_wait", "target": 20.0},
        ],
    }
    network = pooled_network([10.0, 10.0], [[0, 1], [1, 0]], **tables)
    found = pp.evaluate(network, pp.estimate_demand(network), stock_of([1, 1]))
    hours = 0.2 * 1.0 + 0.4 * 48.0
    expected = {
        "up": 1.0 / (1.0 + 36.5 * (3.0 + hours) / 8760.0),
        "fill": 0.4,
        "fast": 0.4,
        "day": 0.6,
        "late": 1.0,
        "wait": hours,
    }
    achieved = {row.commitment_id: row.achieved for row in found.commitments}
    assert achieved == pytest.approx(expected, rel=1e-9)
    assert found.shipment_cost == pytest.approx(73.0 * (0.2 * 10.0 + 0.4 * 1000.0), rel=1e-9)
    shared = [found.local_share, found.lateral_share, found.emergency_share]
    assert shared == pytest.approx([0.4, 0.2, 0.4], rel=1e-9)
    assert found.mean_wait_days[0].tolist() == pytest.approx([hours / 24] * 2, rel=1e-9)
    for name in expected:
        amounts = math.fsum(row["amount"] for row in found.contributions(name))
        share = achieved[name] if name == "wait" else 1.0 - achieved[name]
        assert amounts == pytest.approx(share, abs=1e-12)
    sites = found.by("site")
    assert sites[0]["uptime"] == pytest.approx(expected["up"], rel=1e-9)
    assert sites[0]["mean_wait_hours"] == pytest.approx(hours, rel=1e-9)
    assert sites[1]["fill_rate"] == pytest.approx(0.4, rel=1e-9)
    assert sites[1]["response_within_1_hours"] == pytest.approx(0.6, rel=1e-9)
    assert [row["source"] for row in found.sources("part")] == ["L0", "L1", "outside"]
    assert "by another one 20.000 %" in found.summary()


def test_uncertain_rate_mixes_shares_by_demand() -> None:
    """One location, gamma rate of shape 2: Simpson's rule over the size-biased factor."""
    network = pooled_network([8.0], [[0]])
    demand = pooled_demand(network, [0.25], rate_shape=2.0)
    found = pp.evaluate(network, demand, stock_of([3]))
    theta = np.linspace(0.0, 40.0, 40001)
    load = 2.0 * theta
    loss = (load**3 / 6) / (1 + load + load**2 / 2 + load**3 / 6)
    density = 2.0**3 * theta**2 * np.exp(-2.0 * theta) / 2.0  # shape 3, rate 2: size-biased
    weight = np.where(np.arange(40001) % 2 == 1, 4.0, 2.0)
    weight[[0, -1]] = 1.0
    exact = float((weight * density * loss).sum() * (theta[1] / 3.0))
    assert found.emergency_share == pytest.approx(exact, rel=1e-7)


def test_source_order_is_the_serving_location_then_by_hours() -> None:
    tables = two_level_tables()
    for part in tables["parts"]:
        part["emergency_hours"] = 24.0
    tables["lanes"].append({"location_id": "F2", "site_id": "A", "hours": 1.0})
    tables["sourcing"] = [{"site_id": "A", "part_id": "P2", "served_by": "DC"}]
    network = pp.ServiceNetwork.from_tables(**tables, shortages="expedite")
    demand = pp.estimate_demand(network)
    every = {(part, place): 1 for part in ("P1", "P2") for place in ("DC", "F1", "F2")}

    def share_at_a(part: str, *empty: str) -> dict[str, float]:
        stock = {place: units for place, units in every.items() if place[1] not in empty}
        found: Any = pp.evaluate(network, demand, {k: v for k, v in stock.items() if k[0] == part})
        rows = found.sources("part")
        return {row["source"]: row["share"] for row in rows if row["part"] == part}

    assert set(share_at_a("P1", "F1", "F2")) == {"DC", "outside"}
    network_a = network.replace(
        commitments=None, installed_base=network.installed_base.to_records()[:1]
    )
    demand = pp.estimate_demand(network_a)
    network = network_a
    assert max(share_at_a("P1").items(), key=lambda item: item[1])[0] == "F1"
    assert max(share_at_a("P1", "F1").items(), key=lambda item: item[1])[0] == "F2"
    assert max(share_at_a("P2").items(), key=lambda item: item[1])[0] == "DC"
    assert max(share_at_a("P2", "DC").items(), key=lambda item: item[1])[0] == "F2"


def test_shelf_of_a_customer_and_a_van_with_their_own_replenishment() -> None:
    """The customer's shelf is asked first, then the van, then the centre."""
    network = pooled_network([20.0, 2.0, 3.0], [[2, 1, 0]], parents=[-1, 0, 0])
    rows = network.locations.to_records()
    rows[1]["kind"], rows[2]["kind"] = "van", "customer"
    network = network.replace(locations=rows)
    found: Any = pp.evaluate(network, pooled_demand(network, [0.02]), stock_of([2, 1, 1]))
    share = shares(found)[0]
    assert list(share) == ["L0", "L1", "L2", "outside"]
    assert share["L2"] > 0.9 > share["L1"] > share["L0"]
    assert math.fsum(share.values()) == pytest.approx(1.0, abs=1e-12)


def test_demand_by_location_knows_no_other_source() -> None:
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1.0, "resupply_days": 10.0, "emergency_hours": 5.0}],
        locations=[{"location_id": "L0", "kind": "central"}, {"location_id": "L1", "kind": "van"}],
        shortages="expedite",
    )
    rows = [{"part_id": "P", "location_id": "L0", "per_year": 36.5}]
    found: Any = pp.evaluate(network, pp.DemandRates.from_table(rows), stock_of([1, 1]))
    assert found.emergency_share == pytest.approx(0.5)
    assert found.is_exact


def test_what_cannot_be_expedited() -> None:
    network = pooled_network([1.0], [[0]])
    clustered = pooled_demand(network, [1.0], variance_to_mean=2.0)
    with pytest.raises(pp.PartsplanError, match="no law for clustered demand"):
        pp.evaluate(network, clustered, stock_of([1]))
    inside = network.replace(
        parts=[
            {"part_id": "P", "unit_cost": 1, "resupply_days": 1, "emergency_hours": 1},
            {"part_id": "Q", "unit_cost": 1, "resupply_days": 1},
        ],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[
            {"equipment_id": "M", "part_id": "P", "failures_per_year": 1.0},
            {"equipment_id": "M", "part_id": "Q", "parent_part_id": "P", "cause_fraction": 0.5},
        ],
    )
    demand = pp.DemandRates.from_table([{"part_id": "Q", "site_id": "S0", "per_year": 1.0}])
    with pytest.raises(pp.PartsplanError, match="part 'Q' has demand but no emergency_hours"):
        pp.evaluate(inside, demand, {})
    found: Any = pp.evaluate(network, pooled_demand(network, [1.0]), stock_of([1]))
    with pytest.raises(ValueError, match=r"group must be one of site, .* got 'sites'"):
        found.sources("sites")


def unreached_network(**tables: Any) -> pp.ServiceNetwork:
    """Site S0 is served by L0 (Erlang: stock 1, load 1), no lane goes to S1, which counts at L0."""
    network = pooled_network([10.0], [[0], [0]], **tables)
    lanes = [lane for lane in network.lanes.to_records() if lane["site_id"] == "S0"]
    return network.replace(lanes=lanes)


PROMISES: list[dict[str, Any]] = [
    {"commitment_id": "fill", "metric": "fill_rate", "target": 0.1},
    {"commitment_id": "wait", "metric": "mean_wait", "target": 40.0},
    {"commitment_id": "day", "metric": "response", "target": 0.1, "within_hours": 24.0},
    {"commitment_id": "far", "metric": "mean_wait", "target": 50.0, "site_id": "S1"},
]


def test_site_without_a_lane_is_served_from_outside() -> None:
    """Of S0 one half is local, the rest comes from outside in 48 hours; of S1 everything does."""
    network = unreached_network(commitments=PROMISES)
    demand = pooled_demand(network, [0.1, 0.3])
    found: Any = pp.evaluate(network, demand, stock_of([1]))
    assert shares(found) == [pytest.approx({"L0": 0.5, "outside": 0.5}), {"outside": 1.0}]
    achieved = {row.commitment_id: row.achieved for row in found.commitments}
    expected = {"fill": 0.125, "wait": 48.0 * 0.875, "day": 0.125, "far": 48.0}
    assert achieved == pytest.approx(expected)
    assert found.local_share == pytest.approx(0.125)
    assert found.emergency_share == pytest.approx(0.875)
    assert found.fill_rate[0, 0] == pytest.approx(0.5)
    assert found.mean_wait_days[0, 0] == pytest.approx(1.0)
    assert found.shipment_cost == pytest.approx(365 * 0.35 * 1000.0)
    assert found.is_exact
    by_site = found.by("site")
    assert [row["fill_rate"] for row in by_site] == pytest.approx([0.5, 0.0])
    assert [row["mean_wait_hours"] for row in by_site] == pytest.approx([24.0, 48.0])
    for row in found.commitments:
        amounts = math.fsum(part["amount"] for part in found.contributions(row.commitment_id))
        used = row.achieved if row.unit == "hours" else 1.0 - row.achieved
        assert amounts == pytest.approx(used)
    seen = pp.simulate(network, demand, stock_of([1]), years=5, replications=200, rng=3)
    assert sorted((row["source"], row["share"]) for row in seen.sources()) == [
        ("L0", pytest.approx(0.5, abs=0.01)),
        ("outside", pytest.approx(0.5, abs=0.01)),
        ("outside", 1.0),
    ]
    assert seen.fill_rate[0, 0] == pytest.approx(0.5, abs=0.01)
    assert seen.mean_wait_days[0, 0] == pytest.approx(1.0, abs=0.02)
    for row in seen.commitments:
        assert row.achieved == pytest.approx(expected[row.commitment_id], rel=0.02)


def test_plan_where_a_site_has_no_lane() -> None:
    """What comes from outside anyway is paid, and no unit is held for it."""
    network = unreached_network(
        commitments=[
            {"commitment_id": "day", "metric": "response", "target": 0.9, "within_hours": 24.0}
            | {"site_id": "S0"},
            {"commitment_id": "far", "metric": "mean_wait", "target": 40.0, "site_id": "S1"},
        ]
    )
    demand = pooled_demand(network, [0.1, 0.3])
    plan = pp.optimize(network, demand, gap=0.0)
    assert plan.status.value == "infeasible"
    assert [row.commitment_id for row in plan.impossible] == ["far"]
    assert plan.impossible[0].best_attainable == pytest.approx(48.0)
    kept = network.replace(commitments=network.commitments.to_records()[:1])
    plan = pp.optimize(kept, demand, gap=0.0, objective="investment")
    found: Any = plan.performance
    assert plan.status.value == "optimal"
    assert plan.stock.to_records()[0]["base_stock"] == 3
    assert found.emergency_share == pytest.approx((0.1 / 16 + 0.3) / 0.4)


def test_network_whose_lanes_reach_no_customer() -> None:
    network = unreached_network()
    demand = pooled_demand(network, [0.0, 0.3])
    found: Any = pp.evaluate(network, demand, stock_of([1]))
    assert found.emergency_share == pytest.approx(1.0)
    assert found.on_hand[0, 0] == pytest.approx(1.0)
    seen: Any = pp.simulate(network, demand, stock_of([1]), years=1, replications=5, rng=3)
    assert [(row["source"], row["share"]) for row in seen.sources()] == [("outside", 1.0)]

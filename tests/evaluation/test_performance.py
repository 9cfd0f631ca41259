"""The front door ``evaluate``: arrays, groups, contributions, frames, extremes and messages."""

import itertools
import pickle

import numpy as np
import pytest
from awkward_networks import all_commitments, awkward_tables
from cases_levels_and_windows import AVAILABILITY
from cases_two_levels import TOLERANCE, TWO_LEVELS
from numpy.testing import assert_allclose
from plain_service import PlainService
from plain_simulation import two_level_waits
from scipy.special import pdtr, pdtrc
from test_model import CHAIN, chain_tables

import partsplan as pp

GROUPS = ("site", "customer", "region", "location", "equipment", "part", "part_group")


def evaluated(tables, stock, **options):
    network = pp.ServiceNetwork.from_tables(**tables)
    return pp.evaluate(network, pp.estimate_demand(network), stock, **options)


@pytest.fixture(scope="module")
def awkward():
    """A network where everything happens, with its recomputation."""
    tables, stock = awkward_tables(2, local_repair=True)
    tables["demand"] = [
        {"part_id": "P0", "site_id": "S1", "per_year": 9.0, "rate_shape": 2.0},
        {"part_id": "P0", "site_id": "S6", "per_year": 4.0, "rate_shape": 2.0},
    ]
    tables["commitments"] = all_commitments(tables)
    return evaluated(tables, stock), PlainService(tables, stock)


@pytest.mark.parametrize("name", ["expected_backorders", "ready_rate", "on_hand", "fill_rate"])
def test_arrays_against_plain_python(awkward, name):
    performance, plain = awkward
    figures = getattr(performance, name)
    assert figures.shape == (4, 6)
    for p, part in enumerate(plain.parts):
        for j, location in enumerate(plain.locations):
            expected = getattr(plain, name)(part, location)
            if name == "fill_rate" and plain.rate(part, location) == 0:
                expected = np.nan
            assert_allclose(figures[p, j], expected, rtol=1e-9, atol=1e-12)


def test_wait_is_backorders_over_demand(awkward):
    performance, plain = awkward
    for p, part in enumerate(plain.parts):
        for j, location in enumerate(plain.locations):
            rate = plain.rate(part, location)
            expected = plain.wait_hours(part, location) / 24.0 if rate else np.nan
            assert_allclose(performance.mean_wait_days[p, j], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_against_plain_python(awkward, group):
    performance, plain = awkward
    rows = performance.by(group)
    assert [row[group] for row in rows] == plain.values(group, {})
    for row in rows:
        scope = {group: row[group]}
        demand = sum(stream["per_year"] for stream in plain.covered(scope))
        assert_allclose(row["demand_per_year"], demand)
        expected = {
            "fill_rate": plain.achieved("fill_rate", scope),
            "mean_wait_hours": plain.achieved("mean_wait", scope),
            "uptime": plain.achieved("uptime", scope),
        }
        for hours in (0, 4, 24, 30, 200):
            share = plain.achieved("response", scope, float(hours))
            expected[f"response_within_{hours}_hours"] = share
        assert set(row) == {group, "demand_per_year", *expected}
        for name, value in expected.items():
            if value is None:
                assert row[name] is None
            else:
                assert_allclose(row[name], value, rtol=1e-9, atol=1e-12)


def test_contributions_sum_to_the_figure(awkward):
    performance, _ = awkward
    for result in list(performance.commitments)[::23]:
        rows = performance.contributions(result.commitment_id)
        amounts = [row["amount"] for row in rows]
        if result.achieved is None:
            assert rows == []
            continue
        figure = result.achieved if result.unit == "hours" else 1.0 - result.achieved
        assert_allclose(sum(amounts), figure, rtol=1e-9, atol=1e-14)
        assert amounts == sorted(amounts, reverse=True)
        assert len({(row["part_id"], row["location_id"]) for row in rows}) == len(rows)


def test_contributions_are_those_of_the_demand(awkward):
    performance, plain = awkward
    rows = performance.contributions("C0")
    rho = {}
    machines = sum(group["machines"] for group in plain.tables["installed_base"])
    for stream in plain.streams:
        place, lane_hours = plain.shipper(stream)
        down = stream["hands"] + lane_hours + plain.wait_hours(stream["part"], place)
        key = stream["part"], stream["location"]
        amount = stream["per_year"] * stream["stopping"] * down / 8760.0 / machines
        rho[key] = rho.get(key, 0.0) + amount
    share = 1.0 + sum(rho.values())
    expected = {key: amount / share for key, amount in rho.items() if amount}
    found = {(row["part_id"], row["location_id"]): row["amount"] for row in rows}
    assert found == pytest.approx(expected, rel=1e-9)


def test_groups_without_machines_have_no_uptime():
    tables = {
        "parts": [{"part_id": "A", "unit_cost": 1.0, "resupply_days": 20.0}],
        "locations": [{"location_id": "DC", "kind": "central"}],
        "demand": [{"part_id": "A", "location_id": "DC", "per_year": 5.0}],
    }
    performance = evaluated(tables, {})
    assert performance.by("part")[0]["uptime"] is None
    assert performance.by("customer") == []
    assert performance.supply_availability == {}


@pytest.mark.parametrize(("systems", "items", "backorders", "availability"), AVAILABILITY)
def test_supply_availability(systems, items, backorders, availability):
    """Pipelines over 36.5 days; the rate of one unit follows from machines and units in each."""
    parts = [
        {"part_id": f"P{i}", "unit_cost": 1.0, "resupply_days": 36.5} for i in range(len(items))
    ]
    bill = [
        {
            "equipment_id": "JET",
            "part_id": f"P{i}",
            "quantity": per_system,
            "failures_per_year": 10.0 * pipeline / systems / per_system,
        }
        for i, (pipeline, _, per_system) in enumerate(items)
    ]
    part_of_part = {
        "equipment_id": "JET",
        "part_id": "P2",
        "quantity": 7,
        "parent_part_id": "P0",
        "cause_fraction": 0.0,
    }
    tables = {
        "parts": parts,
        "locations": [{"location_id": "BASE", "kind": "central"}],
        "sites": [{"site_id": "BASE", "served_by": "BASE"}],
        "equipment": [{"equipment_id": "JET"}],
        "bill_of_materials": [*bill, part_of_part],
        "installed_base": [{"site_id": "BASE", "equipment_id": "JET", "machines": systems}],
    }
    performance = evaluated(tables, {(f"P{i}", "BASE"): s for i, (_, s, _) in enumerate(items)})
    assert_allclose(performance.expected_backorders[:, 0], backorders, rtol=1e-10)
    assert_allclose(performance.supply_availability["JET"], availability, atol=1e-10)


# --- published and exactly computed cases through the front door


def two_level_tables(rates, transit_days, resupply_days):
    names = [f"B{j}" for j in range(len(rates))]
    bases = [
        {
            "location_id": name,
            "kind": "forward",
            "replenished_from": "DEPOT",
            "replenishment_days": days,
        }
        for name, days in zip(names, transit_days, strict=True)
    ]
    return {
        "parts": [{"part_id": "A", "unit_cost": 1.0, "resupply_days": resupply_days}],
        "locations": [{"location_id": "DEPOT", "kind": "central"}, *bases],
        "demand": [
            {"part_id": "A", "location_id": name, "per_year": 365.0 * rate}
            for name, rate in zip(names, rates, strict=True)
        ],
    }


def two_level_stock(depot, bases):
    return {("A", "DEPOT"): depot} | {("A", f"B{j}"): s for j, s in enumerate(bases)}


@pytest.mark.parametrize("case", TWO_LEVELS[::6])
def test_two_levels(case):
    (rates, transit, resupply, depot, bases), depot_figures, per_base, *approximate = case
    tables, stock = two_level_tables(rates, transit, resupply), two_level_stock(depot, bases)
    exact = evaluated(tables, stock)
    ebo = [figures[2] for figures in per_base]
    assert_allclose(exact.expected_backorders[0, 1:], ebo, rtol=TOLERANCE)
    assert_allclose(exact.expected_backorders[0, 0], depot_figures[0], rtol=TOLERANCE)
    assert_allclose(exact.fill_rate[0, 1:], [f[3] for f in per_base], rtol=TOLERANCE)
    assert_allclose(exact.ready_rate[0, 1:], [f[4] for f in per_base], rtol=TOLERANCE)
    assert_allclose(exact.mean_wait_days[0, 1:], [f[5] for f in per_base], rtol=TOLERANCE)
    assert exact.is_exact
    for place, evaluation in enumerate(("metric", "vari_metric")):
        performance = evaluated(tables, stock, evaluation=evaluation)
        expected, fill = approximate[place], approximate[2 + place]
        assert_allclose(performance.expected_backorders[0, 1:], expected, rtol=TOLERANCE)
        assert_allclose(performance.fill_rate[0, 1:], fill, rtol=TOLERANCE, atol=1e-14)
        assert not performance.is_exact


def test_a_simulation_of_two_levels_agrees():
    """Response within a day and a lane of 6 hours, and the mean wait, at 99.9 %."""
    rates, transit, resupply, levels = [0.15, 0.08], [2.0, 3.0], 12.0, [1, 1, 0]
    tables = two_level_tables(rates, transit, resupply)
    names = ["B0", "B1"]
    tables["sites"] = [{"site_id": f"S{j}", "served_by": name} for j, name in enumerate(names)]
    tables["demand"] = [
        {"part_id": "A", "site_id": f"S{j}", "per_year": 365.0 * rate}
        for j, rate in enumerate(rates)
    ]
    tables["lanes"] = [
        {"location_id": "B0", "site_id": "S0", "hours": 6.0},
        {"location_id": "B1", "site_id": "S1", "hours": 6.0},
        {"location_id": "DEPOT", "site_id": "S1", "hours": 18.0},
    ]
    tables["commitments"] = [
        {"commitment_id": "IN30", "metric": "response", "target": 0.9, "within_hours": 30.0},
        {"commitment_id": "WAIT", "metric": "mean_wait", "target": 9.0},
        {"commitment_id": "FILL", "metric": "fill_rate", "target": 0.9},
    ]
    performance = evaluated(tables, two_level_stock(levels[0], levels[1:]))
    rng = np.random.default_rng(20)
    runs = np.array([_simulated(rates, transit, resupply, levels, rng) for _ in range(60)])
    half_width = 3.46 * runs.std(axis=0, ddof=1) / np.sqrt(len(runs))  # t, 59 degrees, 99.9 %
    achieved = np.array([c.achieved for c in performance.commitments])
    assert (np.abs(runs.mean(axis=0) - achieved) <= half_width).all()
    assert (half_width <= 0.02 * achieved).all()


def _simulated(rates, transit, resupply, levels, rng):
    """Share within 30 hours, mean wait [hours] and fill rate of one run, warm-up left out.

    The second base holds nothing, so its customers wait at the depot and get its longer lane.
    """
    days, warm_up = 30_000.0, 300.0
    (t0, w0, _), (t1, _, w1) = two_level_waits(rates, transit, resupply, levels, rng, days=days)
    w0, w1 = w0[t0 > warm_up], w1[t1 > warm_up]
    in_time = (w0 <= 1.0).sum() + (w1 <= 0.5).sum()
    n = len(w0) + len(w1)
    return in_time / n, 24.0 * (w0.sum() + w1.sum()) / n, (w0 == 0.0).sum() / n


# --- extreme but valid figures


def one_place(per_year, resupply_days, unit_cost=1.0):
    return {
        "parts": [{"part_id": "A", "unit_cost": unit_cost, "resupply_days": resupply_days}],
        "locations": [{"location_id": "DC", "kind": "central"}],
        "demand": [{"part_id": "A", "location_id": "DC", "per_year": per_year}],
        "commitments": [
            {"commitment_id": "X", "metric": "mean_wait", "target": 1.0},
            {"commitment_id": "Y", "metric": "fill_rate", "target": 0.5},
        ],
    }


@pytest.mark.parametrize("pipeline", [1e-12, 1e-6, 1e-3])
def test_tiny_pipelines(pipeline):
    """EBO = mu^2 / 2 - mu^3 / 6 + ... with one unit."""
    performance = evaluated(one_place(pipeline, 365.0), {("A", "DC"): 1})
    series = pipeline**2 / 2 - pipeline**3 / 6 + pipeline**4 / 24
    assert_allclose(performance.expected_backorders[0, 0], series, rtol=1e-9)
    assert_allclose(performance.fill_rate[0, 0], np.exp(-pipeline), rtol=1e-14)
    assert_allclose(performance.commitments[0].achieved, 8760.0 * series / pipeline, rtol=1e-9)


@pytest.mark.parametrize("pipeline", [10.0, 1e3, 1e5])
@pytest.mark.parametrize("safety", [-2.0, 0.0, 2.0, 6.0])
def test_huge_pipelines(pipeline, safety):
    s = int(pipeline + safety * np.sqrt(pipeline))
    performance = evaluated(one_place(pipeline, 365.0, unit_cost=0.01), {("A", "DC"): s})
    ebo = pipeline * pdtrc(s - 2, pipeline) - s * pdtrc(s - 1, pipeline)
    fill = pdtr(s - 1, pipeline)
    assert_allclose(performance.fill_rate[0, 0], fill, rtol=1e-8, atol=1e-14)
    assert_allclose(performance.expected_backorders[0, 0], ebo, rtol=1e-6, atol=1e-9 * pipeline)
    surplus = performance.on_hand[0, 0] - performance.expected_backorders[0, 0]
    assert_allclose(surplus, s - pipeline, rtol=1e-9, atol=1e-9 * pipeline)


def test_no_demand_at_all():
    performance = evaluated(one_place(0.0, 30.0, unit_cost=1e7), {("A", "DC"): 2})
    assert performance.expected_backorders[0, 0] == 0.0
    assert performance.ready_rate[0, 0] == 1.0
    assert performance.on_hand[0, 0] == 2.0
    assert np.isnan(performance.fill_rate[0, 0])
    assert np.isnan(performance.mean_wait_days[0, 0])
    assert [c.achieved for c in performance.commitments] == [None, None]
    assert performance.to_records()[0]["base_stock"] == 2


def test_resupply_in_no_time():
    performance = evaluated(one_place(10.0, 0.0), {("A", "DC"): 1})
    assert performance.fill_rate[0, 0] == 1.0
    assert performance.expected_backorders[0, 0] == 0.0


@pytest.mark.parametrize("held", [0, 1, 3])
def test_eight_levels(held):
    names = [f"L{i}" for i in range(8)]
    locations = [{"location_id": "L0", "kind": "central"}] + [
        {
            "location_id": name,
            "kind": "regional",
            "replenished_from": above,
            "replenishment_days": 2.0,
        }
        for above, name in itertools.pairwise(names)
    ]
    tables = {
        "parts": [{"part_id": "A", "unit_cost": 1.0, "resupply_days": 20.0}],
        "locations": locations,
        "demand": [
            {"part_id": "A", "location_id": "L7", "per_year": 18.25},
            {"part_id": "A", "location_id": "L3", "per_year": 7.3},
        ],
        "commitments": [
            {"commitment_id": "X", "metric": "mean_wait", "target": 1.0, "location_id": "L7"},
            {"commitment_id": "Y", "metric": "response", "target": 0.5, "within_hours": 120.0},
        ],
    }
    stock = {("A", name): held for name in names}
    performance, plain = evaluated(tables, stock), PlainService(tables, stock)
    if not held:
        assert_allclose(performance.mean_wait_days[0, 7], 34.0, rtol=1e-12)
    for j, name in enumerate(names):
        ebo = plain.expected_backorders("A", name)
        assert_allclose(performance.expected_backorders[0, j], ebo, rtol=1e-9, atol=1e-13)
    for result, (_, achieved) in zip(performance.commitments, plain.commitments(), strict=True):
        assert_allclose(result.achieved, achieved, rtol=1e-9, atol=1e-12)


# --- what a user holds in hand


@pytest.fixture
def small():
    return evaluated(chain_tables(CHAIN), {("FAN", "F"): 1})


def test_records_are_places_with_demand_or_stock(small):
    records = small.to_records()
    assert [row["location_id"] for row in records] == ["HUB", "REG", "F"]
    assert [row["base_stock"] for row in records] == [0, 0, 1]
    assert all(type(value) in (str, int, float) for row in records for value in row.values())


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_come_in_the_library_of_the_tables(library):
    module = pytest.importorskip(library)
    make = module.Table.from_pylist if library == "pyarrow" else module.DataFrame
    tables = chain_tables(CHAIN)
    tables["parts"] = make(tables["parts"])
    performance = evaluated(tables, make([{"part_id": "FAN", "location_id": "F", "base_stock": 1}]))
    frame, commitments = performance.to_frame(), performance.commitments.to_frame()
    assert type(frame) is type(commitments) is type(tables["parts"])
    assert len(frame) == 3
    achieved = [result.achieved for result in performance.commitments]
    assert_allclose(np.asarray(commitments["achieved"]), achieved)


def test_results_travel_between_processes(small):
    again = pickle.loads(pickle.dumps(small))
    assert again.commitments.to_records() == small.commitments.to_records()
    assert again.by("site") == small.by("site")
    assert (again.stock == small.stock).all()


def test_figures_cannot_be_changed(small):
    for name in ("fill_rate", "expected_backorders", "on_hand", "mean_wait_days", "stock"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(small, name)[0, 0] = 7
    with pytest.raises(AttributeError):
        small.is_exact = False


def test_short_texts(small):
    assert repr(small) == (
        "Performance(n_parts=1, n_locations=3, units=1, commitments_kept=1 of 5, "
        "evaluation='exact', is_exact=True)"
    )
    lines = small.summary().splitlines()
    assert lines[0] == "Performance, exact: 1 of 5 commitments kept"
    assert [line.split()[0] for line in lines[3:]] == ["MISSED"] * 4 + ["kept"]
    page = small._repr_html_()
    assert "1 of 5 commitments kept" in page
    assert page.count("<tr>") == 6


def test_pages_escape_ids_and_stay_short():
    tables = chain_tables(CHAIN)
    row = tables["commitments"][2]
    tables["commitments"] = [row | {"commitment_id": f"<b>{i}"} for i in range(200)]
    performance = evaluated(tables, {})
    page = performance._repr_html_()
    assert "<b>0" not in page
    assert "&lt;b&gt;0" in page
    assert page.count("<tr>") == 51
    assert "150 more" in page
    assert "150 more" in performance.commitments._repr_html_()
    assert "188 more" in performance.summary()


# --- wrong calls


@pytest.fixture(scope="module")
def call():
    network = pp.ServiceNetwork.from_tables(**chain_tables(CHAIN))
    demand = pp.estimate_demand(network)

    def evaluate(**changes):
        options = {"network": network, "demand": demand, "stock": {("FAN", "F"): 1}} | changes
        return pp.evaluate(**options)

    return evaluate


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation": "Exact"}, "evaluation must be one of exact, .* got 'Exact'"),
        ({"evaluation": None}, "evaluation must be one of"),
        ({"network": {}}, "network must be a ServiceNetwork, .* got dict"),
        ({"demand": None}, "demand must be DemandRates, from estimate_demand .* got NoneType"),
        ({"demand": 3.0}, "demand must be DemandRates, .* got float"),
    ],
)
def test_wrong_arguments_are_named(call, changes, message):
    with pytest.raises(ValueError, match=message):
        call(**changes)


def test_swapped_arguments_are_named():
    network = pp.ServiceNetwork.from_tables(**chain_tables(CHAIN))
    with pytest.raises(ValueError, match="network comes first, then demand"):
        pp.evaluate(pp.estimate_demand(network), network, {})


@pytest.mark.parametrize(
    ("stock", "message"),
    [
        (None, "there is no base_stock.*on_hand . on_order"),
        ([{"part_id": "FAN", "location_id": "F", "on_hand": 4}], "there is no base_stock"),
        ({("FAN", "G"): 1}, "'G' is not a location"),
        ({("FAN", "F"): 1.5}, "1.5 is not a whole number"),
        ({("FAN", "F"): -1}, "-1 is below 0"),
        ({"FAN": 1}, "stock"),
        (np.full((1, 3), -1), "base_stock of part .* is -1"),
        ("stock.csv", "is a text, not a table"),
    ],
)
def test_wrong_stock_is_named(call, stock, message):
    with pytest.raises(pp.InputError, match=message):
        call(stock=stock)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"part_id": "FEN", "location_id": "F"}, "'FEN' is not a part .* Did you mean 'FAN'"),
        ({"part_id": "FAN", "site_id": "SIDE"}, "'SIDE' is not a site .* Did you mean 'SITE'"),
    ],
)
def test_demand_of_another_network(call, row, message):
    with pytest.raises(pp.InputError, match=message):
        call(demand=pp.DemandRates.from_table([row | {"per_year": 1.0}]))


def test_unknown_groups_and_commitments(small):
    with pytest.raises(ValueError, match=r"group must be one of site, .* got 'sites'"):
        small.by("sites")
    with pytest.raises(ValueError, match=r"must be one of 'UP', 'WAIT', .* got 'up'"):
        small.contributions("up")


def test_few_of_many_commitments_are_named():
    tables = chain_tables(CHAIN)
    row = tables["commitments"][2]
    tables["commitments"] = [row | {"commitment_id": f"C{i}"} for i in range(2000)]
    with pytest.raises(ValueError, match="'C9' and 1990 more, got 'D'"):
        evaluated(tables, {}).contributions("D")
    tables["commitments"] = []
    with pytest.raises(ValueError, match="the network has none"):
        evaluated(tables, {}).contributions("D")


def test_very_long_ids():
    name = "P" * 3000
    tables = one_place(1.0, 10.0)
    tables["parts"][0]["part_id"] = tables["demand"][0]["part_id"] = name
    assert evaluated(tables, {(name, "DC"): 1}).to_records()[0]["part_id"] == name

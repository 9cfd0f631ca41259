"""Fleet forecasts against closed forms, the renewal kernels, brute force and event simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from partsplan.demand import (
    LifeLaws,
    fit_lifetimes,
    forecast_fleet,
    last_time_buy,
    renewal_function,
)
from partsplan.errors import InputError, PartsplanError
from partsplan.network import ServiceNetwork

Tables = dict[str, Any]


def press_tables() -> Tables:
    """One press type with a pump (by life), a valve (mtbf) and a board (per year); two sites."""
    return {
        "parts": [
            {"part_id": name, "unit_cost": cost, "resupply_days": 30}
            for name, cost in (("PUMP", 900), ("VALVE", 50), ("BOARD", 400), ("PUMP2", 800))
        ],
        "locations": [
            {"location_id": "BERN", "kind": "forward"},
            {"location_id": "BASEL", "kind": "forward"},
        ],
        "sites": [
            {"site_id": "A", "served_by": "BERN", "segment": "mild"},
            {"site_id": "B", "served_by": "BASEL", "segment": "harsh"},
        ],
        "equipment": [{"equipment_id": "PRESS"}],
        "bill_of_materials": [
            {"equipment_id": "PRESS", "part_id": "PUMP", "quantity": 2, "mtbf_hours": 20_000},
            {"equipment_id": "PRESS", "part_id": "VALVE", "mtbf_hours": 5_000},
            {"equipment_id": "PRESS", "part_id": "BOARD", "failures_per_year": 0.3},
        ],
        "installed_base": [
            {"site_id": "A", "equipment_id": "PRESS", "machines": 10, "hours_per_year": 4_000},
            {
                "site_id": "B",
                "equipment_id": "PRESS",
                "machines": 5,
                "hours_per_year": 6_000,
                "age_hours": 9_000,
            },
        ],
    }


def press(**changes: Any) -> ServiceNetwork:
    return ServiceNetwork.from_tables(**(press_tables() | changes))


PUMP = {"part_id": "PUMP", "distribution": "weibull", "shape": 2.5, "scale": 12_000.0}


def expected(forecast: Any, part: str, location: str) -> np.ndarray:
    """Expected failures of a part at a location, month by month."""
    rows = forecast.by("part", "location", "month").to_records()
    return np.array(
        [
            row["expected"]
            for row in rows
            if row["part_id"] == part and row["location_id"] == location
        ]
    )


def test_without_lives_the_catalogue_makes_poisson_counts_by_days():
    forecast = forecast_fleet(press(), start="2026-01", months=3)
    days = np.array([31, 28, 31])
    assert expected(forecast, "VALVE", "BERN") == pytest.approx(10 * 4_000 / 5_000 * days / 365)
    assert expected(forecast, "PUMP", "BASEL") == pytest.approx(2 * 5 * 0.3 * days / 365)
    assert expected(forecast, "BOARD", "BASEL") == pytest.approx(5 * 0.3 * days / 365)
    assert forecast.variance == pytest.approx(forecast.mean)
    total = forecast.by("part")
    assert total.variance == pytest.approx(total.mean)
    assert "parts by catalogue   3" in forecast.summary()


def test_an_exponential_life_collapses_to_poisson():
    lives = [{"part_id": "PUMP", "distribution": "exponential", "rate": 1e-4}]
    plain = forecast_fleet(press(), lives, start="2026-01", months=12)
    assert expected(plain, "PUMP", "BERN").sum() == pytest.approx(2 * 10 * 0.4)
    weibull = [{"part_id": "PUMP", "distribution": "weibull", "shape": 1.0, "scale": 1e4}]
    same = forecast_fleet(press(), weibull, start="2026-01", months=12)
    assert same.mean == pytest.approx(plain.mean)
    almost = [{"part_id": "PUMP", "distribution": "weibull", "shape": 1 + 1e-9, "scale": 1e4}]
    renewed = forecast_fleet(press(), almost, start="2026-01", months=12)
    assert renewed.mean == pytest.approx(plain.mean, rel=1e-5)
    assert renewed.counts.total_variance == pytest.approx(plain.counts.total_variance, rel=1e-5)


def test_replacement_on_failure_is_the_renewal_function_of_the_age():
    forecast = forecast_fleet(press(), [PUMP], start="2026-01", months=24)
    life = LifeLaws.of("weibull", shape=2.5, scale=12_000.0)
    days = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    fleets = (("BERN", 20, 4_000, 0.0), ("BASEL", 10, 6_000, 9_000.0))
    for location, units, per_year, age in fleets:
        renewals = renewal_function(life, days * per_year / 365, age=age)
        found = expected(forecast, "PUMP", location)[:12]
        assert found == pytest.approx(units * np.diff(renewals), rel=1e-3, abs=1e-5)


def test_minimal_repair_is_the_cumulative_hazard():
    forecast = forecast_fleet(press(), [PUMP], start="2026-01", months=12, repair="minimal")
    age = np.array([9_000.0, 15_000.0])
    hazard = (age / 12_000.0) ** 2.5
    assert expected(forecast, "PUMP", "BASEL").sum() == pytest.approx(10 * np.diff(hazard)[0])
    assert forecast.counts.total_variance == pytest.approx(forecast.counts.total_mean)
    assert "parts as old" in forecast.summary()
    mixed = forecast_fleet(press(), [PUMP], start="2026-01", months=12, repair={"PUMP": "minimal"})
    assert mixed.mean == pytest.approx(forecast.mean)


def test_machines_roll_out_and_retire():
    base = press_tables()["installed_base"]
    base[0] |= {"start_date": "2026-02-15", "end_date": "2026-04-11", "age_hours": 500}
    forecast = forecast_fleet(press(installed_base=base), start="2026-01", months=6)
    found = expected(forecast, "VALVE", "BERN")
    assert found == pytest.approx(8 / 365 * np.array([0, 14, 31, 10, 0, 0]))
    lives = forecast_fleet(press(installed_base=base), [PUMP], start="2026-01", months=6)
    life = LifeLaws.of("weibull", shape=2.5, scale=12_000.0)
    hours = np.array([0, 14, 45, 55]) * 4_000 / 365
    renewals = 20 * np.diff(renewal_function(life, hours, age=500.0))
    assert expected(lives, "PUMP", "BERN")[1:4] == pytest.approx(renewals, rel=1e-3)
    gone = [row | {"end_date": "2025-12-31"} for row in press_tables()["installed_base"]]
    nothing = forecast_fleet(press(installed_base=gone), start="2026-01", months=6)
    assert (nothing.total, nothing.n_units) == (0.0, 0)
    assert nothing.by().to_records()[0]["upper"] == 0
    assert nothing.by("part").to_records() == []
    assert "0 installed units" in nothing.summary()


def test_a_table_of_hours_stands_over_the_yearly_ones():
    hours = [{"site_id": "A", "equipment_id": "PRESS", "month": "2026-02", "hours": 100.0}]
    forecast = forecast_fleet(press(), start="2026-01", months=3, hours=hours)
    days = np.array([31, 0, 31])
    usual, own = 4_000 / 365 * days, np.array([0, 100.0, 0])
    assert expected(forecast, "VALVE", "BERN") == pytest.approx(10 / 5_000 * (usual + own))
    board = 10 * 0.3 * (usual + own) / 4_000
    assert expected(forecast, "BOARD", "BERN") == pytest.approx(board)
    plain = forecast_fleet(press(), start="2026-01", months=3)
    assert expected(forecast, "VALVE", "BASEL") == pytest.approx(expected(plain, "VALVE", "BASEL"))


def test_lives_may_differ_by_segment():
    lives = [PUMP, PUMP | {"segment": "harsh", "scale": 6_000.0}]
    forecast = forecast_fleet(press(), lives, start="2026-01", months=12)
    plain = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    assert expected(forecast, "PUMP", "BERN") == pytest.approx(expected(plain, "PUMP", "BERN"))
    assert expected(forecast, "PUMP", "BASEL").sum() > 1.5 * expected(plain, "PUMP", "BASEL").sum()


class Fit:
    """A result with more columns than are read, as a fit of lives has."""

    def to_records(self) -> list[dict[str, Any]]:
        never = {"part_id": "VALVE", "distribution": "weibull", "shape": None, "scale": None}
        return [PUMP | {"segment": None, "failures": 12, "shape_lower": 2.0}, never]


def test_fits_are_taken_and_what_they_could_not_fit_is_told():
    forecast = forecast_fleet(press(), Fit(), start="2026-01", months=12)
    plain = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    assert forecast.mean == pytest.approx(plain.mean)
    assert len(forecast.warnings) == 1
    assert "the life of part 'VALVE' has no parameters, so it is not used" in forecast.summary()


def test_a_segment_that_no_site_has_is_told():
    lives = [PUMP, PUMP | {"segment": "harhs", "scale": 6_000.0}]
    forecast = forecast_fleet(press(), lives, start="2026-01", months=12)
    plain = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    assert forecast.mean == pytest.approx(plain.mean)
    assert (
        "lives row 2, column segment: 'harhs' is the segment of no site, so this life is not used. "
        "Did you mean 'harsh'?"
    ) in forecast.summary()
    many = forecast_fleet(
        press(), [*lives, lives[1] | {"part_id": "VALVE"}], start="2026-01", months=12
    )
    assert [warning.rule for warning in many.warnings] == [
        "'harhs' is the segment of no site, so its 2 lives are not used."
    ]


def test_an_uncertain_rate_is_one_factor_for_all_places_of_a_part():
    lives = [PUMP | {"rate_shape": 4.0}]
    known = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    unsure = forecast_fleet(press(), lives, start="2026-01", months=12)
    pump = unsure.by("part").keys["part_id"].tolist().index("PUMP")
    mean, spread = known.by("part").mean[pump], known.by("part").variance[pump]
    assert unsure.by("part").variance[pump] == pytest.approx(spread + mean**2 / 4.0)
    by_place = unsure.by("part", "location")
    assert by_place.variance[:2].sum() < unsure.by("part").variance[pump]
    assert unsure.by().variance[0] == pytest.approx(known.by().variance[0] + mean**2 / 4.0)
    month = unsure.by("month").variance - known.by("month").variance
    pumps = expected(known, "PUMP", "BERN") + expected(known, "PUMP", "BASEL")
    assert month == pytest.approx(pumps**2 / 4.0)


def test_sums_over_axes_agree():
    forecast = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    total = forecast.by().mean[0]
    for axes in (("part",), ("location",), ("month",), ("part", "month"), ("location", "month")):
        assert forecast.by(*axes).mean.sum() == pytest.approx(total)
    assert forecast.total == pytest.approx(total)
    frame = forecast.to_frame()
    assert frame["expected"].sum() == pytest.approx(total)
    assert len(forecast.to_records()) == 3 * 2 * 12
    assert "<table>" in forecast._repr_html_()
    demand = forecast.demand()
    assert demand.per_year.sum() == pytest.approx(total)
    assert forecast.demand(0, 1).per_year[1, 0] == pytest.approx(
        8.0
    )  # of a year, whatever the month


def simulate(lives, dates, horizon, age, n, seed) -> tuple[np.ndarray, np.ndarray]:
    """Counts of each part number in each of the stages, unit by unit, failure by failure."""
    rng = np.random.default_rng(seed)
    shape, scale = lives[0]
    clock = scale * ((age / scale) ** shape + rng.exponential(size=n)) ** (1 / shape) - age
    counts = np.zeros((len(lives), n))
    while (open_ := np.flatnonzero(clock < horizon)).size:
        number = np.searchsorted(dates, clock[open_], side="right")
        counts[number, open_] += 1
        for i, (shape, scale) in enumerate(lives):
            own = open_[number == i]
            clock[own] += scale * rng.weibull(shape, len(own))
    return counts.mean(axis=1), counts.var(axis=1)


def test_supersession_agrees_with_an_event_simulation():
    tables = press_tables()
    tables["parts"].append({"part_id": "PUMP3", "unit_cost": 700, "resupply_days": 30})
    tables["bill_of_materials"] = [{"equipment_id": "PRESS", "part_id": "PUMP"}]
    tables["installed_base"] = [
        {"site_id": "A", "equipment_id": "PRESS", "machines": 1, "age_hours": 5_000}
    ]
    tables["supersessions"] = [
        {"part_id": "PUMP", "superseded_by": "PUMP2", "from_date": "2026-07-20"},
        {"part_id": "PUMP2", "superseded_by": "PUMP3", "from_date": "2027-03-10"},
    ]
    laws = [(3.0, 8_000.0), (1.5, 5_000.0), (2.0, 3_000.0)]
    lives = [
        {"part_id": part, "distribution": "weibull", "shape": shape, "scale": scale}
        for part, (shape, scale) in zip(("PUMP", "PUMP2", "PUMP3"), laws, strict=True)
    ]
    forecast = forecast_fleet(
        ServiceNetwork.from_tables(**tables), lives, start="2026-01", months=24
    )
    figures = forecast.by("part")
    assert figures.keys["part_id"].tolist() == ["PUMP", "PUMP2", "PUMP3"]
    n = 200_000
    mean, variance = simulate(laws, [200 * 24, 433 * 24], 730 * 24, 5_000.0, n, 23)
    assert figures.mean == pytest.approx(mean, abs=4.5 * np.sqrt(variance.max() / n))
    assert figures.variance == pytest.approx(variance, rel=0.02)
    pump2 = expected(forecast, "PUMP2", "BERN")
    assert (pump2[:6] == 0).all()
    assert (pump2[6:15] > 0).all()
    assert (pump2[15:] == 0).all()


def test_supersession_before_the_start_and_without_a_life_of_its_own():
    old = {"part_id": "PUMP", "superseded_by": "PUMP2", "from_date": "2025-05-01"}
    network = press(supersessions=[old])
    plain = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    moved = forecast_fleet(network, [PUMP], start="2026-01", months=12)
    assert expected(moved, "PUMP", "BERN").size == 0
    assert expected(moved, "PUMP2", "BERN") == pytest.approx(expected(plain, "PUMP", "BERN"))
    later = network.replace(supersessions=[old | {"from_date": "2030-01-01"}])
    assert forecast_fleet(later, [PUMP], start="2026-01", months=12).mean == pytest.approx(
        plain.mean
    )
    for repair in ("renewal", "minimal"):
        for lives in ([], [PUMP]):
            split = network.replace(supersessions=[old | {"from_date": "2026-05-16"}])
            both = forecast_fleet(split, lives, start="2026-01", months=12, repair=repair)
            whole = forecast_fleet(press(), lives, start="2026-01", months=12, repair=repair)
            total = expected(both, "PUMP", "BASEL") + expected(both, "PUMP2", "BASEL")
            assert total == pytest.approx(expected(whole, "PUMP", "BASEL"), rel=1e-3)
            assert (expected(both, "PUMP", "BASEL")[5:] == 0).all()
    new = {"part_id": "PUMP2", "distribution": "exponential", "rate": 1e-5}
    from_rate = forecast_fleet(network, [new], start="2026-01", months=12)
    rate, better = 4_000 / 20_000, 0.04
    # the first failure at the catalogue's rate, then those of the new number
    first = -np.expm1(-rate)
    again = rate * better * 0.5 - rate * better / 6 * (rate + better)
    assert expected(from_rate, "PUMP2", "BERN").sum() == pytest.approx(
        20 * (first + again), rel=2e-3
    )


def test_parts_replaced_since_the_machine_was_new():
    """Windows of the renewal process of a new machine, and the same through a supersession."""
    life = LifeLaws.of("weibull", shape=2.5, scale=12_000.0)
    base = press_tables()["installed_base"]
    base[1]["age_hours"] = 30_000
    forecast = forecast_fleet(
        press(installed_base=base), [PUMP], start="2026-01", months=12, ages="machines"
    )
    days = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    renewals = np.diff(renewal_function(life, 30_000 + days * 6_000 / 365))
    assert expected(forecast, "PUMP", "BASEL") == pytest.approx(10 * renewals, rel=1e-4)
    assert forecast.warnings == ()
    network = press(
        installed_base=base, supersessions=[{"part_id": "PUMP", "superseded_by": "PUMP2"}]
    )
    same = PUMP | {"part_id": "PUMP2"}
    staged = forecast_fleet(network, [PUMP, same], start="2026-01", months=12, ages="machines")
    assert expected(staged, "PUMP2", "BASEL") == pytest.approx(10 * renewals, rel=1e-3)
    variance = forecast.by("part").variance[0], staged.by("part").variance[-1]
    assert variance[1] == pytest.approx(variance[0], rel=1e-3)


def test_a_supersession_finds_the_parts_of_long_running_machines_in_a_steady_state():
    """After a hundred lives the unit in place has the equilibrium law of its remaining life."""
    base = [{"site_id": "A", "equipment_id": "PRESS", "machines": 1, "age_hours": 100_000}]
    lives_ = [
        {"part_id": "PUMP", "distribution": "weibull", "shape": 4.0, "scale": 1_000.0},
        {"part_id": "PUMP2", "distribution": "exponential", "rate": 1e-9},
    ]
    forecast = forecast_fleet(
        press(
            installed_base=base,
            supersessions=[{"part_id": "PUMP", "superseded_by": "PUMP2"}],
            bill_of_materials=[{"equipment_id": "PRESS", "part_id": "PUMP"}],
        ),
        lives_,
        start="2026-01",
        months=1,
        ages="machines",
        hours=[{"site_id": "A", "equipment_id": "PRESS", "month": "2026-01", "hours": 300}],
    )
    life = stats.weibull_min(4.0, scale=1_000.0)
    remaining = integrate.quad(life.sf, 0, 300)[0] / life.mean()
    assert forecast.total == pytest.approx(remaining, rel=1e-3)


def test_parts_older_than_they_become_are_doubtful():
    base = press_tables()["installed_base"]
    base[1]["age_hours"] = 40_000
    forecast = forecast_fleet(press(installed_base=base), [PUMP], start="2026-01", months=12)
    assert (
        "installed_base row 2, column age_hours: part 'PUMP' of machines aged 40,000 h would have "
        "reached an age that less than 1% of such parts reach. If failed parts were replaced all "
        "along, pass ages='machines'."
    ) in forecast.summary()
    minimal = forecast_fleet(
        press(installed_base=base), [PUMP], start="2026-01", months=12, repair="minimal"
    )
    assert minimal.warnings == ()


def test_an_uncertain_rate_goes_on_to_the_new_number():
    network = press(supersessions=[{"part_id": "PUMP", "superseded_by": "PUMP2"}])
    forecast = forecast_fleet(network, [PUMP | {"rate_shape": 3.0}], start="2026-01", months=12)
    assert forecast.rate_shape.tolist() == [3.0, np.inf, np.inf, 3.0]


def test_a_fleet_in_a_simulation_of_every_unit():
    """All of it at once: quantiles of the whole need hold the share they promise."""
    forecast = forecast_fleet(press(), [PUMP], start="2026-01", months=36)
    rng = np.random.default_rng(4)
    n = 20_000
    counts = np.zeros(n)
    for units, per_year, age in ((20, 4_000, 0.0), (10, 6_000, 9_000.0)):
        horizon = per_year / 365 * (365 * 3)
        reached = (age / 12_000.0) ** 2.5
        clock = 12_000.0 * (reached + rng.exponential(size=(n, units))) ** 0.4 - age
        while (clock < horizon).any():
            counts += (clock < horizon).sum(axis=1)
            clock += 12_000.0 * rng.weibull(2.5, (n, units))
    figures = forecast.by("part")
    pump = figures.keys["part_id"].tolist().index("PUMP")
    assert figures.mean[pump] == pytest.approx(counts.mean(), abs=4 * counts.std() / np.sqrt(n))
    assert figures.variance[pump] == pytest.approx(counts.var(), rel=0.05)
    for share in (0.05, 0.5, 0.95, 0.99):
        told = figures.quantile(share)[pump]
        assert abs(told - np.quantile(counts, share, method="inverted_cdf")) <= 1


def test_last_time_buy_of_an_ageing_fleet():
    end = [row | {"end_date": "2028-01-01"} for row in press_tables()["installed_base"]]
    forecast = forecast_fleet(press(installed_base=end), [PUMP], start="2026-01", months=60)
    plan = last_time_buy(forecast, confidence=0.9, on_hand={"PUMP": 4, "VALVE": 1_000})
    by_part = {row["part_id"]: row for row in plan.to_records()}
    pump, valve = by_part["PUMP"], by_part["VALVE"]
    assert valve["quantity"] == 0
    assert valve["enough"] == pytest.approx(1.0)
    assert pump["quantity"] + 4 == forecast.by("part").quantile(0.9)[0]
    assert pump["enough"] >= 0.9
    assert pump["cost"] == 900 * pump["quantity"]
    valves = last_time_buy(forecast, confidence=0.9, parts=["VALVE"]).to_records()[0]
    assert valves["quantity"] == stats.poisson.ppf(0.9, 28.0)
    assert "Last-time buy for 2026-01 to 2030-12" in plan.summary()
    assert "each part by itself enough with probability 90 %" in plan.summary()
    assert repr(plan).startswith("LastTimeBuy(3 parts for 2026-01 to 2030-12, ")
    assert plan._repr_html_().startswith("<p>Last-time buy for 2026-01 to 2030-12")
    assert repr(forecast.by("part")).startswith("FleetFigures(3 rows by part_id, ")
    with pytest.raises(ValueError, match="forecast must be that of forecast_fleet, got list"):
        last_time_buy([])
    assert len(plan.to_frame()) == 3


def test_last_time_buy_of_repairable_parts_counts_condemned_units():
    parts = [
        {
            "part_id": row["part_id"],
            "unit_cost": row["unit_cost"],
            "repair_days": 20,
            "procurement_days": 60,
            "condemnation_fraction": 0.1,
        }
        for row in press_tables()["parts"]
    ]
    forecast = forecast_fleet(press(parts=parts), start="2026-01", months=12)
    plan = last_time_buy(forecast, consumed="condemned", parts=["VALVE"])
    assert plan.need_mean == pytest.approx(14.0 * 0.1)
    assert plan.need_variance == pytest.approx(14.0 * 0.1)  # thinned Poisson is Poisson


def test_an_exact_last_time_buy_agrees_with_a_simulation():
    base = press_tables()["installed_base"]
    base[0]["machines"], base[1]["machines"] = 1, 1
    parts = [row | {"resupply_days": None} for row in press_tables()["parts"]]
    repair = {"repair_days": 20, "procurement_days": 60, "condemnation_fraction": 0.25}
    network = press(installed_base=base, parts=[row | repair for row in parts])
    forecast = forecast_fleet(network, [PUMP], start="2026-01", months=36)
    rng = np.random.default_rng(8)
    n = 100_000
    counts = np.zeros(n, dtype=np.int64)
    for per_year, age in ((4_000, 0.0), (6_000, 9_000.0)):
        reached = (age / 12_000.0) ** 2.5
        clock = 12_000.0 * (reached + rng.exponential(size=(n, 2))) ** 0.4 - age
        while (clock < 3 * per_year).any():
            counts += (clock < 3 * per_year).sum(axis=1)
            clock += 12_000.0 * rng.weibull(2.5, (n, 2))
    for need, consumed in ((counts, "failures"), (rng.binomial(counts, 0.25), "condemned")):
        for confidence in (0.5, 0.9, 0.99):
            plan = last_time_buy(
                forecast, confidence=confidence, parts=["PUMP"], consumed=consumed, method="exact"
            )
            enough = (need <= plan.quantity[0]).mean()
            assert plan.enough[0] == pytest.approx(enough, abs=4 * np.sqrt(0.25 / n))
            assert plan.enough[0] >= confidence
            assert (need <= plan.quantity[0] - 1).mean() < confidence + 4 * np.sqrt(0.25 / n)
    valve = last_time_buy(forecast, parts=["VALVE"], method="exact")
    assert valve.quantity[0] == stats.poisson.ppf(0.95, 3 * (4_000 + 6_000) / 5_000)


def test_where_no_exact_law_is_known():
    old = press(supersessions=[{"part_id": "PUMP", "superseded_by": "PUMP2"}])
    cases = (
        (old, [PUMP], {}, "PUMP2", "it is superseded or supersedes"),
        (press(), [PUMP | {"rate_shape": 3}], {}, "PUMP", "its rate is uncertain"),
        (press(), [PUMP], {"ages": "machines"}, "PUMP", "its age is that of machines"),
    )
    for network, lives_, options, part, reason in cases:
        forecast = forecast_fleet(network, lives_, start="2026-01", months=12, **options)
        with pytest.raises(PartsplanError, match=f"{part!r} has no exact law here: {reason}"):
            last_time_buy(forecast, parts=[part], method="exact")


def test_an_uncertain_rate_buys_more():
    sure = [{"part_id": "PUMP", "distribution": "exponential", "rate": 2e-4}]
    unsure = [sure[0] | {"rate_shape": 2.0}]
    plans = [
        last_time_buy(forecast_fleet(press(), lives, start="2026-01", months=24), parts=["PUMP"])
        for lives in (sure, unsure)
    ]
    mean = 2 * (10 * 8_000 + 5 * 12_000) * 2e-4
    assert plans[0].quantity[0] == stats.poisson.ppf(0.95, mean)
    assert plans[1].quantity[0] == stats.nbinom.ppf(0.95, 2.0, 2.0 / (2.0 + mean))


def lives(**changes: Any) -> list[dict[str, Any]]:
    return [PUMP | changes]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (lives(part_id="PUMPE"), "lives row 1, column part_id: 'PUMPE' is not a part. Did you me"),
        (lives(distribution="gamma"), "'gamma' is not one of exponential, weibull, lognormal"),
        (lives(shape=-1.0), "lives row 1, column shape: shape -1 of part 'PUMP' is not above 0."),
        (lives(shape=None), "column shape: is empty, but a weibull life needs shape and scale."),
        (lives(scal=3), "lives, column scal: 'scal' is not a column of lives."),
        (lives(rate_shape=-2), "rate_shape -2 is not a gamma shape above 0."),
        ([PUMP, PUMP], "lives row 2, column part_id: part 'PUMP' is already in row 1. Keep one"),
        (
            [PUMP | {"rate_shape": 2}, PUMP | {"segment": "harsh", "rate_shape": 3}],
            "lives row 2, column rate_shape: rate_shape 3 differs from another row of part 'PUMP'",
        ),
        (
            lives(distribution="weibull_never_fails", never_fails=40),
            "never_fails 40 of part 'PUMP' is not a share from 0 to below 1.",
        ),
    ],
)
def test_bad_lives(records, message):
    with pytest.raises(InputError) as caught:
        forecast_fleet(press(), records, start="2026-01", months=12)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"site_id": "C"}, "hours row 1, column site_id: 'C' is not a site."),
        ({"equipment_id": "PRES"}, "'PRES' is not a machine type. Did you mean 'PRESS'?"),
        ({"month": "soon"}, "hours row 1, column month: 'soon' is not a month."),
        ({"hours": -1}, "hours row 1, column hours: -1 is below 0."),
        ({"hours": 700}, "hours row 1, column hours: 700 hours are more than the 672 of 2026-02."),
    ],
)
def test_bad_hours(change, message):
    row = {"site_id": "A", "equipment_id": "PRESS", "month": "2026-02", "hours": 50} | change
    with pytest.raises(InputError) as caught:
        forecast_fleet(press(), start="2026-01", months=12, hours=[row])
    assert message in str(caught.value)


def test_hours_of_machines_that_are_not_there_or_told_twice():
    row = {"site_id": "A", "equipment_id": "DRILL", "month": "2026-02", "hours": 50}
    network = press(equipment=[{"equipment_id": "PRESS"}, {"equipment_id": "DRILL"}])
    with pytest.raises(InputError, match="no 'DRILL' is installed at 'A'"):
        forecast_fleet(network, start="2026-01", months=12, hours=[row])
    row["equipment_id"] = "PRESS"
    with pytest.raises(InputError, match="'A', 'PRESS', 2026-02 is already in row 1"):
        forecast_fleet(network, start="2026-01", months=12, hours=[row, row])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": "2026-01-15"}, "start must be a month or its first day, got '2026-01-15'"),
        ({"start": "spring"}, "start must be a month, got 'spring'. Write it as YYYY-MM"),
        ({"months": 0}, "months must be 1 to 1200, got 0"),
        ({"months": 1.5}, "months must be a whole number, got 1.5"),
        ({"repair": "swap"}, "repair must be 'renewal' or 'minimal', got 'swap'"),
        ({"repair": {"PUMP": "swap"}}, "got 'swap' of 'PUMP'"),
        ({"repair": {"PUMPS": "minimal"}}, "got 'PUMPS'. Did you mean 'PUMP'?"),
        ({"ages": "sites"}, "ages must be 'parts' or 'machines', got 'sites'"),
        ({"repair": 3}, "repair must be 'renewal', 'minimal' or map parts to one, got 3"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        forecast_fleet(press(), [PUMP], **({"start": "2026-01", "months": 12} | arguments))


def test_bad_arguments_of_results():
    forecast = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    with pytest.raises(ValueError, match="axes must be among part, location, month"):
        forecast.by("site")
    with pytest.raises(ValueError, match="first and last must hold a month"):
        forecast.demand(5, 5)
    with pytest.raises(ValueError, match="level must be strictly between 0 and 1, got 90"):
        forecast.to_records(level=90)
    for arguments, message in (
        ({"confidence": 95}, "confidence must be strictly between 0 and 1, got 95"),
        ({"parts": ["PUMPS"]}, "parts must name parts of the network, got 'PUMPS'"),
        ({"parts": "PUMP"}, "parts must be a list of part numbers, got 'PUMP'"),
        ({"on_hand": {"X": 1}}, "on_hand must name parts of the network, got 'X'"),
        ({"on_hand": {"PUMP": -1}}, "on_hand must be whole numbers, 0 or more, got -1 of 'PUMP'"),
        ({"method": "best"}, "method must be 'moments' or 'exact', got 'best'"),
        ({"consumed": "all"}, "consumed must be 'failures' or 'condemned', got 'all'"),
    ):
        with pytest.raises(ValueError, match=message):
            last_time_buy(forecast, **arguments)


def test_what_cannot_be_forecast_is_told():
    bill = press_tables()["bill_of_materials"]
    del bill[0]["mtbf_hours"]
    with pytest.raises(InputError) as caught:
        forecast_fleet(press(bill_of_materials=bill), start="2026-01", months=12)
    assert (
        "bill_of_materials row 1, column failures_per_year: part 'PUMP' has no life in lives, and "
        "neither failures_per_year nor mtbf_hours. Give its life, or one of the two rates."
    ) in str(caught.value)
    with pytest.raises(PartsplanError, match="needs an installed_base; the network has none"):
        forecast_fleet(press(installed_base=None), start="2026-01", months=12)
    short = [PUMP | {"scale": 2.0, "shape": 40.0}]
    with pytest.raises(
        PartsplanError, match=r"Part 'PUMP': A mean life of 1.97.* is too short for the"
    ):
        forecast_fleet(press(), short, start="2026-01", months=12)
    idle = [row | {"hours_per_year": 0} for row in press_tables()["installed_base"]]
    board = {"part_id": "BOARD", "superseded_by": "PUMP2"}
    network = press(installed_base=idle, supersessions=[board])
    new = [{"part_id": "PUMP2", "distribution": "exponential", "rate": 1e-4}]
    with pytest.raises(PartsplanError, match="'BOARD' has failures_per_year on machines with"):
        forecast_fleet(network, new, start="2026-01", months=12)


def test_fitted_lives_go_straight_into_a_forecast():
    rng = np.random.default_rng(6)
    hours = 12_000.0 * rng.weibull(2.5, 300)
    failures = [
        {"part_id": "PUMP", "hours": min(h, 9_000.0), "outcome": word}
        for h, word in zip(hours, np.where(hours < 9_000, "failed", "censored"), strict=True)
    ]
    fits = fit_lifetimes(failures)
    forecast = forecast_fleet(press(), fits, start="2026-01", months=12)
    record = {name: fits.to_records()[0][name] for name in ("part_id", "distribution")}
    figures = {name: fits.to_records()[0][name] for name in ("shape", "scale")}
    same = forecast_fleet(press(), [record | figures], start="2026-01", months=12)
    assert forecast.mean == pytest.approx(same.mean)
    stored = forecast_fleet(press(), fits.to_frame(), start="2026-01", months=12)
    assert stored.mean == pytest.approx(same.mean)
    with pytest.raises(InputError, match=r"fit_lifetimes\(lives\) gives it of single lives"):
        forecast_fleet(press(), failures, start="2026-01", months=12)
    truth = forecast_fleet(press(), [PUMP], start="2026-01", months=12)
    assert forecast.total == pytest.approx(truth.total, rel=0.1)

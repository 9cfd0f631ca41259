"""Lives as evidence of rates: what they are worth as counts, in demand and alone."""

from __future__ import annotations

import numpy as np
import pytest

from partsplan.demand import estimate_demand, estimate_rates
from partsplan.errors import InputError

# Proschan (1963), plane 7914 of the Boeing 720 air-conditioning data: hours between failures
PLANE_7914 = [50, 44, 102, 72, 22, 39, 3, 15, 197, 188, 79, 88, 46, 5, 5, 36, 22, 139, 210, 97, 30,
              23, 13, 14]  # fmt: skip


def lives(hours: list[float], outcome: str = "failed", **columns) -> list[dict]:
    return [{"part_id": "TUBE", "hours": hour, "outcome": outcome, **columns} for hour in hours]


def test_failed_and_running_units_are_counts_and_hours(clinics):
    """24 failures in 1,539 h and 461 h without one, as by counts."""
    rows = [*lives(PLANE_7914), *lives([461], "censored")]
    counts = [{"part_id": "TUBE", "failures": 24, "operating_hours": 2000}]
    assert sum(PLANE_7914) == 1539
    by_lives, by_counts = estimate_demand(clinics, rows), estimate_demand(clinics, counts)
    np.testing.assert_allclose(by_lives.per_year, by_counts.per_year, rtol=1e-12)
    np.testing.assert_allclose(by_lives.rate_shape, by_counts.rate_shape, rtol=1e-12)
    assert by_lives.evidence.source[0] == "lives"
    assert by_counts.evidence.source[0] == "counts"


def test_late_entry_and_weights_count():
    rows = [
        *lives([100.0], entry_hours=40.0, weight=3),
        *lives([80.0], "censored", entry_hours=30.0),
    ]
    record = estimate_rates(rows).to_records()[0]
    assert record["failures"] == pytest.approx(3)
    assert record["operating_hours"] == pytest.approx(3 * 60 + 50)
    assert record["per_hour"] == pytest.approx(3.5 / 230)
    assert record["prior"] == "jeffreys"
    assert record["source"] == "lives"


def test_segments_of_lives_reach_the_rates():
    rng = np.random.default_rng(8)
    rows = [
        {"part_id": f"P{part}", "segment": segment, "hours": hours, "outcome": "failed"}
        for part in range(12)
        for segment, mean in (("dusty", 500.0), ("clean", 2_000.0))
        for hours in rng.exponential(mean, 60)
    ]
    rates = estimate_rates(rows)
    assert rates.is_different[12:].all()
    assert rates.segment_ids == ("dusty", "clean")
    dusty = rates.per_hour[12:][rates.segment[12:] == 0]
    clean = rates.per_hour[12:][rates.segment[12:] == 1]
    assert 1 / dusty.mean() == pytest.approx(500, rel=0.1)
    assert 1 / clean.mean() == pytest.approx(2_000, rel=0.1)


def test_failures_between_looks_are_worth_less_than_one_each():
    rows = [*lives([100.0], "interval", hours_upper=200.0, weight=10), *lives([300.0], "censored")]
    record = estimate_rates(rows).to_records()[0]
    assert 5 < record["failures"] < 10
    assert record["operating_hours"] == pytest.approx(
        record["failures"] / 10 * (10 * 150 + 300), rel=0.05
    )


def test_units_all_found_failed_at_their_first_look_are_left_out_with_a_warning(clinics):
    demand = estimate_demand(clinics, lives([100.0, 50.0], "left"))
    assert np.isinf(demand.rate_shape[0])
    (warning,) = demand.evidence.warnings
    assert "every life of part 'TUBE' was found failed at its first look" in warning.rule
    assert "nothing bounds its rate from above" in str(warning)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"hours": -5.0, "outcome": "failed"}, "hours"),
        ({"hours": 10.0, "entry_hours": 20.0, "outcome": "failed"}, "enters at 20 h, after"),
        ({"hours": 0.0, "outcome": "failed"}, "failed at 0 operating hours"),
        ({"hours": 10.0, "outcome": "broken"}, "'broken' is not one of"),
    ],
)
def test_impossible_lives_are_findings(clinics, row, message):
    with pytest.raises(InputError, match=message):
        estimate_demand(clinics, [{"part_id": "TUBE", **row}])


def test_unknown_parts_in_lives_are_findings(clinics):
    rows = [{"part_id": "TUBES", "hours": 10.0, "outcome": "failed"}]
    with pytest.raises(InputError, match=r"'TUBES' is not a part.*Did you mean 'TUBE'\?"):
        estimate_demand(clinics, rows)


def test_lives_in_days_raise_a_doubt(clinics):
    """Tubes of 0.5 failures a year live 17,520 h; 30 lives of 730 'hours' are days."""
    demand = estimate_demand(clinics, lives([730.0] * 30))
    assert any("not days or years" in str(warning) for warning in demand.evidence.warnings)


def test_other_modes_and_preventive_swaps_are_censoring(clinics):
    rows = [
        *lives([900.0] * 3, failure_mode="seal"),
        *lives([700.0] * 4, failure_mode="bearing"),
        *lives([1000.0] * 5, failure_mode="preventive"),
    ]
    hours = 3 * 900 + 4 * 700 + 5 * 1000
    for mode, failures in (("seal", 3), (("seal", "bearing"), 7), (None, 12)):
        record = estimate_rates(rows, failure_mode=mode).to_records()[0]
        assert (record["failures"], record["operating_hours"]) == (failures, hours)
        counts = [{"part_id": "TUBE", "failures": failures, "operating_hours": hours}]
        demand = estimate_demand(clinics, rows, failure_mode=mode)
        np.testing.assert_allclose(demand.per_year, estimate_demand(clinics, counts).per_year)


def test_a_failure_mode_that_is_not_there(clinics):
    with pytest.raises(ValueError, match=r"failure_mode must be among .*Did you mean 'seal'"):
        estimate_demand(clinics, lives([9.0], failure_mode="seal"), failure_mode="seals")
    counts = [{"part_id": "TUBE", "failures": 1, "operating_hours": 100}]
    with pytest.raises(ValueError, match="failure_mode must be left out where failures are counts"):
        estimate_rates(counts, failure_mode="seal")


def test_what_is_doubtful_about_lives_is_told_with_the_rates(clinics):
    hours = np.linspace(9000.0, 20_000.0, 20)
    rows = lives([*hours, *hours / 24])
    for evidence in (estimate_demand(clinics, rows).evidence, estimate_rates(rows)):
        assert any("look like days among hours" in str(warning) for warning in evidence.warnings)

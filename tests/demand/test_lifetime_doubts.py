"""Every doubt about lives and fits names its cause; what cannot be estimated is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from life_samples import NIST, lives_of

from partsplan.demand import LifetimeFits, fit_lifetimes


def only_warning(fits: LifetimeFits) -> str:
    (warning,) = fits.warnings
    return str(warning)


def is_unknown(fits: LifetimeFits) -> bool:
    values = [fits.parameter(name) for name in fits.parameter_names]
    values += [fits.log_likelihood, fits.mean(), *fits.interval(fits.parameter_names[0])]
    return bool(np.isnan(values).all())


@pytest.mark.parametrize("distribution", ["exponential", "weibull", "lognormal"])
def test_all_censored(distribution: str) -> None:
    fits = fit_lifetimes(lives_of([], [100, 200, 300]), distribution=distribution)
    assert only_warning(fits).startswith(
        "failures, column part_id: part 'P' has no failure among its lives: all are censored"
    )
    assert is_unknown(fits)
    assert fits.survival([10.0]).shape == (1, 1)
    assert fits.kaplan_meier("P").hours.size == 0


def test_one_life() -> None:
    rate = fit_lifetimes(lives_of([100], []), distribution="exponential")
    assert "part 'P' has one life only." in only_warning(rate)
    assert rate.parameter("rate")[0] == pytest.approx(0.01)
    shape = fit_lifetimes(lives_of([100], []))
    assert is_unknown(shape)
    assert "fails at one time only and no unit outlives it" in str(shape.warnings[0])
    assert "one life only" in str(shape.warnings[1])


def test_fewer_than_three_failures() -> None:
    fits = fit_lifetimes(lives_of([100, 300], [400, 500]))
    assert "has fewer than 3 failures" in only_warning(fits)
    assert np.isfinite(fits.parameter("shape")[0])


def test_all_failures_at_one_time() -> None:
    fits = fit_lifetimes(lives_of([100, 100, 100, 100], [50, 100]))
    assert "the likelihood rises without end as the spread of lives goes to 0" in only_warning(fits)
    assert fits.notes == ("all failures at one time",)
    assert is_unknown(fits)
    outlived = fit_lifetimes(lives_of([100, 100, 100, 100], [50, 101]))
    assert outlived.warnings == ()
    assert np.isfinite(outlived.parameter("shape")[0])


@pytest.mark.parametrize(
    "looked",
    [
        {"hours": [], "hours_upper": [], "outcome": []},
        {"hours": [80.0, 100.0], "hours_upper": [120.0, 130.0], "outcome": ["interval"] * 2},
    ],
)
def test_all_failures_at_one_time_where_units_may_never_fail(looked: dict[str, list[Any]]) -> None:
    """Those that ever fail may all do so at 100 h: the plain Weibull is far from the likeliest."""
    lives = {
        "part_id": ["P"] * (32 + len(looked["hours"])),
        "hours": [100.0] * 2 + [70.0, 300.0, 500.0] * 10 + looked["hours"],
        "hours_upper": [None] * 32 + looked["hours_upper"],
        "outcome": ["failed"] * 2 + ["censored"] * 30 + looked["outcome"],
    }
    fits = fit_lifetimes(lives, distribution="weibull_never_fails")
    assert fits.notes == ("all failures at one time, and the other units may never fail",)
    assert "all other units may never fail: the likelihood rises" in str(fits.warnings[0])
    assert is_unknown(fits)
    assert np.isfinite(fit_lifetimes(lives).parameter("shape")[0])


def test_a_fraction_that_vanishes_yet_is_needed() -> None:
    """A unit came in long after all others had failed: any fraction, however small, explains it.

    With a fraction q that never fails the likelihood rises as q falls to 1e-12 and stays above the
    plain Weibull by 8; there is no maximum.
    """
    lives = {
        "part_id": ["P"] * 8,
        "entry_hours": [700, 5, 44, 42, 35, 44, 0, 0],
        "hours": [1658, 64, 63, 108, 83, 47, 92, 42],
        "hours_upper": [None, 91, 132, 172, 149, None, None, None],
        "outcome": ["censored"] + ["interval"] * 4 + ["failed"] * 2 + ["censored"],
    }
    fits = fit_lifetimes(lives, distribution="weibull_never_fails")
    assert "has a likelihood that is flat or rises toward an edge" in only_warning(fits)
    assert is_unknown(fits)


def test_a_flat_likelihood() -> None:
    """All fail between the same two looks: any narrow law explains it fully."""
    lives = {
        "part_id": ["P"] * 5,
        "hours": [100] * 5,
        "hours_upper": [200] * 5,
        "outcome": ["interval"] * 5,
    }
    fits = fit_lifetimes(lives)
    assert "has a likelihood that is flat or rises toward an edge" in only_warning(fits)
    assert is_unknown(fits)
    assert fit_lifetimes(lives, distribution="exponential").warnings == ()


def test_all_found_failed_at_the_first_look() -> None:
    lives = {"part_id": ["P"] * 4, "hours": [100] * 4, "outcome": ["left"] * 4}
    for distribution in ("exponential", "weibull"):
        fits = fit_lifetimes(lives, distribution=distribution)
        assert "flat or rises toward an edge" in only_warning(fits)
        assert is_unknown(fits)


def test_as_many_failures_as_parameters() -> None:
    fits = fit_lifetimes(lives_of([10, 20, 40], [400]), distribution="weibull_never_fails")
    assert any("no more failures than parameters" in str(w) for w in fits.warnings)


def test_one_finding_per_rule_tells_how_many() -> None:
    lives = [
        {"part_id": f"P{n}", "hours": 100.0, "outcome": "censored", "segment": "hot"}
        for n in range(4)
    ]
    assert "part 'P0' in segment 'hot' has no failure" in only_warning(fit_lifetimes(lives))
    assert "3 more groups like it" in only_warning(fit_lifetimes(lives))


def test_days_among_hours() -> None:
    rng = np.random.default_rng(2)
    hours = 5000 * rng.weibull(2.0, 40)
    lives = [
        {"part_id": "P", "segment": segment, "hours": t / unit, "outcome": "failed"}
        for segment, unit, own in (("north", 1, hours[:20]), ("south", 24, hours[20:]))
        for t in own
    ]
    text = only_warning(fit_lifetimes(lives))
    assert "failures row 21, column hours: lives of part 'P' in segment 'south' are" in text
    assert "look like days among hours. Give operating hours in all rows" in text
    mended = [life | {"segment": "", "hours": 7.0 + n} for n, life in enumerate(lives)]
    assert fit_lifetimes(mended).warnings == ()


def test_days_among_hours_of_one_group() -> None:
    rng = np.random.default_rng(4)
    hours = 5000 * rng.weibull(4.0, 30)
    mixed = np.where(np.arange(30) % 3 == 1, hours / 24, hours)
    text = only_warning(fit_lifetimes(lives_of(mixed.tolist(), [])))
    assert "row 2, column hours: 10 of 30 lives of part 'P' are typically" in text
    assert "they look like days among hours" in text
    assert fit_lifetimes(lives_of(hours.tolist(), [])).warnings == ()


def test_lives_of_one_unit_of_time_are_hardly_ever_doubtful() -> None:
    rng = np.random.default_rng(5)
    lives: dict[str, list[Any]] = {"part_id": [], "hours": [], "outcome": []}
    for part in range(600):
        hours = 5000 * rng.weibull((0.7, 1.0, 2.0)[part % 3], int(rng.integers(6, 30)))
        lives["part_id"] += [f"P{part}"] * len(hours)
        lives["hours"] += hours.tolist()
    lives["outcome"] = ["failed"] * len(lives["hours"])
    assert fit_lifetimes(lives).warnings == ()


def test_more_hours_than_the_calendar_has() -> None:
    life: dict[str, Any] = {"part_id": "P", "unit_id": "7", "outcome": "failed"}
    lives = [
        life | {"hours": 700, "date": "2024-02-01"},
        life | {"hours": 650, "date": "2024-03-01"},
        life | {"hours": 1000, "date": "2024-03-31"},
        life | {"hours": 9000, "date": "2024-01-01", "unit_id": "8"},
    ]
    text = only_warning(fit_lifetimes(lives))
    assert "row 3, column hours: unit '7' ran 1000 h, but its life before ended only" in text
    assert "1 in all" in text
    fitting = [*lives[:2], lives[2] | {"hours": 744}]
    assert fit_lifetimes(fitting).warnings == ()


def test_failures_without_a_mode() -> None:
    lives = lives_of(*NIST) | {"failure_mode": ["seal"] * 7 + [""] * 13}
    text = only_warning(fit_lifetimes(lives, failure_mode="seal"))
    assert "row 8, column failure_mode: is empty for 3 failed lives, which count as" in text
    assert fit_lifetimes(lives).warnings == ()


def test_a_failure_entered_twice() -> None:
    lives = [
        {"part_id": "P", "unit_id": unit, "hours": hours, "outcome": word}
        for unit, hours, word in (
            ("A", 500, "failed"),
            ("B", 500, "failed"),
            ("B", 900, "censored"),
            ("B", 900, "censored"),  # swapped in time, each time at 900 h
            ("B", 500, "failed"),
            ("A", 700, "failed"),
        )
    ]
    fits = fit_lifetimes(lives)
    assert only_warning(fits) == (
        "failures row 5, column unit_id: unit 'B' fails at 500 h as in row 2; both count. 1 in all."
        " Leave out what was entered twice."
    )
    assert fits.failures[0] == 4
    assert fit_lifetimes([life | {"unit_id": ""} for life in lives]).warnings == ()
    other = [life | {"part_id": f"P{row}"} for row, life in enumerate(lives)]
    assert not any(warning.column == "unit_id" for warning in fit_lifetimes(other).warnings)

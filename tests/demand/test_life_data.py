"""Lives grouped by part and segment, and what they are worth as counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from partsplan.demand import LifeData
from partsplan.demand.life_data import read_lives

LIVES: list[dict[str, Any]] = [
    {"part_id": "B", "hours": 100, "outcome": "failed"},
    {"part_id": "A", "hours": 50, "outcome": "censored", "segment": "hot"},
    {"part_id": "B", "hours": 300, "entry_hours": 120, "outcome": "censored", "weight": 2},
    {"part_id": "A", "hours": 70, "outcome": "failed", "segment": "hot", "weight": 3},
    {"part_id": "A", "hours": 10, "outcome": "failed"},
]


def data_of(lives: Any, **options: Any) -> LifeData:
    return LifeData.from_table(read_lives(lives), **options)


def test_groups_come_in_order_of_appearance() -> None:
    data = data_of(LIVES)
    assert data.part_ids == ("B", "A", "A")
    assert data.segments == ("", "hot", "")
    assert data.group.tolist() == [0, 0, 1, 1, 2]
    assert data.row.tolist() == [0, 2, 1, 3, 4]
    assert data.n_lives == 5
    pooled = data_of(LIVES, by_segment=False)
    assert pooled.part_ids == ("B", "A")
    assert pooled.segments == ("", "")


def test_exact_lives_are_failures_over_hours() -> None:
    data = data_of(LIVES)
    np.testing.assert_array_equal(data.failures, [1, 3, 1])
    np.testing.assert_array_equal(data.exposure_hours, [100 + 2 * 180, 50 + 3 * 70, 10])
    np.testing.assert_array_equal(data.observed_failures, [1, 3, 1])
    np.testing.assert_array_equal(data.censored, [2, 1, 0])


def test_every_outcome_has_its_bounds() -> None:
    data = data_of(
        [
            {"part_id": "P", "hours": 5, "outcome": "left", "entry_hours": 2},
            {"part_id": "P", "hours": 5, "outcome": "interval", "hours_upper": 9},
            {"part_id": "P", "hours": 5, "outcome": "censored"},
            {"part_id": "P", "hours": 5, "outcome": "failed"},
        ]
    )
    np.testing.assert_array_equal(data.lower, [2, 5, 5, 5])
    np.testing.assert_array_equal(data.upper, [5, 9, np.inf, 5])
    assert data.is_between.tolist() == [True, True, False, False]
    assert data.is_running.tolist() == [False, False, True, False]


def test_other_modes_are_censoring() -> None:
    lives = [
        {"part_id": "P", "hours": 5, "outcome": "failed", "failure_mode": "seal"},
        {"part_id": "P", "hours": 6, "outcome": "failed", "failure_mode": "bearing"},
        {"part_id": "P", "hours": 7, "outcome": "left", "failure_mode": "seal"},
        {"part_id": "P", "hours": 8, "hours_upper": 9, "outcome": "interval"}
        | {"failure_mode": "seal"},
        {"part_id": "P", "hours": 8, "outcome": "failed", "failure_mode": "swap"},
    ]
    data = data_of(lives, failure_mode="bearing")
    np.testing.assert_array_equal(data.upper, [np.inf, 6, np.inf, np.inf, np.inf])
    np.testing.assert_array_equal(data.lower, [5, 6, 0, 8, 8])
    assert data_of(lives, failure_mode=["bearing", "swap"]).observed_failures[0] == 2


def test_taken_groups_are_numbered_anew() -> None:
    data = data_of(LIVES).take(np.array([2, 0]))
    assert data.part_ids == ("A", "B")
    assert data.group.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(data.lower, [10, 100, 300])
    np.testing.assert_array_equal(data.failures, [1, 1])


INSPECTED = [
    {"part_id": "P", "hours": 400, "outcome": "left"},
    {"part_id": "P", "hours": 300, "hours_upper": 900, "outcome": "interval", "weight": 2},
    {"part_id": "P", "hours": 1000, "outcome": "censored", "weight": 5},
    {"part_id": "P", "hours": 700, "outcome": "failed"},
]


def exponential_loss(log_rate: float) -> float:
    r = np.exp(log_rate)
    value = np.log(1 - np.exp(-400 * r)) + 2 * np.log(np.exp(-300 * r) - np.exp(-900 * r))
    return -float(value - 5 * 1000 * r + np.log(r) - 700 * r)


def test_looks_are_worth_the_information_of_the_exponential_likelihood() -> None:
    data = data_of(INSPECTED)
    best = optimize.minimize_scalar(exponential_loss, bounds=(-12, 0), options={"xatol": 1e-10})
    assert data.failures / data.exposure_hours == pytest.approx(np.exp(best.x), rel=1e-5)
    h = 1e-3
    bend = sum(w * exponential_loss(best.x + k * h) for k, w in ((-1, 1), (0, -2), (1, 1))) / h**2
    assert data.failures[0] == pytest.approx(bend, rel=1e-4)
    assert 1.0 < data.failures[0] < 4.0
    assert data.observed_failures[0] == 4.0


def test_where_nothing_bounds_the_rate_there_is_no_evidence() -> None:
    data = data_of(
        [
            {"part_id": "A", "hours": 10, "outcome": "left"},
            {"part_id": "B", "hours": 10, "outcome": "censored"},
        ]
    )
    np.testing.assert_array_equal(data.failures, [0, 0])
    np.testing.assert_array_equal(data.exposure_hours, [0, 10])

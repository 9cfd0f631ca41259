"""Survival without a distribution against published tables and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from partsplan.demand import SurvivalCurve, fit_lifetimes

# Freireich et al. 1963, remission of 6-MP patients [weeks], the textbook example of Kaplan-Meier:
# Klein and Moeschberger, Survival Analysis, 2nd ed., 2003, table 4.1 (survival, Greenwood errors).
FAILED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


def curve_of(lives: list[dict[str, Any]], **options: Any) -> SurvivalCurve:
    named = [{"part_id": "P"} | life for life in lives]
    return fit_lifetimes(named, distribution="exponential").kaplan_meier("P", **options)


def exact(failed: list[float], censored: list[float]) -> list[dict[str, Any]]:
    return [{"hours": t, "outcome": "failed"} for t in failed] + [
        {"hours": t, "outcome": "censored"} for t in censored
    ]


def test_the_textbook_example() -> None:
    curve = curve_of(exact(FAILED, CENSORED))
    assert curve.hours.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.failures.tolist() == [3, 1, 1, 1, 1, 1, 1]
    published = [0.857, 0.807, 0.753, 0.690, 0.628, 0.538, 0.448]
    np.testing.assert_allclose(curve.survival, published, atol=5.5e-4)
    errors = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    spread = 1.959964 * np.array(errors) / (-np.log(curve.survival) * curve.survival)
    np.testing.assert_allclose(curve.lower, curve.survival ** np.exp(spread), atol=2e-4)
    np.testing.assert_allclose(curve.upper, curve.survival ** np.exp(-spread), atol=2e-4)


def test_late_entry_by_hand() -> None:
    """At 5 h two units are under observation, at 8 h three: the late one has come in at 6 h."""
    lives = [
        {"hours": 5, "outcome": "failed"},
        {"hours": 8, "outcome": "failed"},
        {"hours": 9, "entry_hours": 6, "outcome": "censored", "weight": 2},
        {"hours": 12, "entry_hours": 8, "outcome": "failed"},
    ]
    curve = curve_of(lives)
    assert curve.at_risk.tolist() == [2, 3, 1]
    np.testing.assert_allclose(curve.survival, [1 / 2, 1 / 3, 0])
    assert np.isnan(curve.lower[-1])
    assert curve.to_records()[-1] == {
        "hours": 12.0,
        "survival": 0.0,
        "at_risk": 1.0,
        "failures": 1.0,
        "lower": None,
        "upper": None,
    }


def test_current_status_is_isotonic_regression() -> None:
    """Left or running at each look: the share failed, pooled where it would fall."""
    looks = [(10, 1, 9), (20, 4, 6), (30, 3, 7), (40, 8, 2)]
    lives = [
        {"hours": t, "outcome": outcome, "weight": weight}
        for t, left, running in looks
        for outcome, weight in (("left", left), ("censored", running))
    ]
    curve = curve_of(lives)
    at = dict(zip(curve.hours.tolist(), curve.survival.tolist(), strict=True))
    assert at == pytest.approx({10.0: 0.9, 20.0: 0.65, 40.0: 0.2}, abs=1e-5)
    assert np.isnan(curve.lower).all()


def test_exact_failures_among_looks() -> None:
    """Turnbull's curve of exact and running lives is Kaplan and Meier's."""
    lives = exact([3, 5, 9], [4, 12])
    plain = curve_of(lives)
    looked = curve_of([*lives, {"hours": 20, "outcome": "left", "weight": 1e-9}])
    np.testing.assert_allclose(looked.hours[:3], plain.hours)
    np.testing.assert_allclose(looked.survival[:3], plain.survival, atol=1e-6)


def test_wider_at_a_higher_level_and_as_a_frame() -> None:
    narrow, wide = (curve_of(exact(FAILED, CENSORED), level=level) for level in (0.5, 0.99))
    assert (wide.lower < narrow.lower).all()
    assert (wide.upper > narrow.upper).all()
    frame = narrow.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame) == ["hours", "survival", "at_risk", "failures", "lower", "upper"]


def test_weights_far_below_one_leave_the_bounds_open() -> None:
    weights = (0.001, 3.0, 1.0, 1e-9)
    lives = exact([5, 20], [5, 20])
    curve = curve_of([life | {"weight": w} for life, w in zip(lives, weights, strict=True)])
    assert curve.survival[0] == pytest.approx(1 - 0.001 / 4.001)
    assert (curve.lower[0], curve.upper[0]) == (0.0, pytest.approx(1.0))

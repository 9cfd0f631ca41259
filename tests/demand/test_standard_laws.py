"""The standard laws against scipy and their own differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from partsplan.demand.standard_laws import ExtremeValueLaw, NormalLaw

LAWS = {"extreme": (ExtremeValueLaw(), stats.gumbel_l), "normal": (NormalLaw(), stats.norm)}
Z = np.linspace(-6, 3.2, 24)


@pytest.mark.parametrize(("law", "peer"), LAWS.values(), ids=LAWS)
def test_logs_are_those_of_scipy(law: Any, peer: Any) -> None:
    np.testing.assert_allclose(law.log_density(Z)[0], peer.logpdf(Z), rtol=1e-12)
    np.testing.assert_allclose(law.log_survival(Z)[0], peer.logsf(Z), rtol=1e-12)
    np.testing.assert_allclose(law.log_distribution(Z)[0], peer.logcdf(Z), rtol=1e-10, atol=1e-15)
    between = law.log_between(Z - 0.5, Z + 0.7).value
    expected = np.log(peer.cdf(Z + 0.7) - peer.cdf(Z - 0.5))
    np.testing.assert_allclose(between, expected, rtol=1e-9)
    shares = np.array([0.01, 0.5, 0.99])
    np.testing.assert_allclose(law.quantile(shares), peer.ppf(shares), rtol=1e-12)


@pytest.mark.parametrize("law", [law for law, _ in LAWS.values()], ids=LAWS)
@pytest.mark.parametrize("name", ["log_density", "log_survival", "log_distribution"])
def test_derivatives_of_curves(law: Any, name: str) -> None:
    check_curve(getattr(law, name), Z)


@pytest.mark.parametrize("law", [law for law, _ in LAWS.values()], ids=LAWS)
def test_derivatives_of_the_mean(law: Any) -> None:
    check_curve(law.log_mean, np.linspace(0.5, 6, 12))


def check_curve(curve: Callable[[Any], Any], x: Any) -> None:
    h = 1e-5
    _, first, second = curve(x)
    up, down = curve(x + h), curve(x - h)
    np.testing.assert_allclose(first, (up[0] - down[0]) / (2 * h), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(second, (up[1] - down[1]) / (2 * h), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("law", [law for law, _ in LAWS.values()], ids=LAWS)
def test_derivatives_between(law: Any) -> None:
    h, low, high = 1e-5, Z, Z + 0.8
    here = law.log_between(low, high)
    moved = [
        (law.log_between(low + h, high), law.log_between(low - h, high)),
        (law.log_between(low, high + h), law.log_between(low, high - h)),
    ]
    for axis, (up, down) in enumerate(moved):
        slope = (up.value - down.value) / (2 * h)
        np.testing.assert_allclose(here.first[axis], slope, rtol=1e-6, atol=1e-8)
        for other in (0, 1):
            bend = (up.first[other] - down.first[other]) / (2 * h)
            np.testing.assert_allclose(here.second[axis + other], bend, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize("law", [law for law, _ in LAWS.values()], ids=LAWS)
def test_far_tails_stay_finite(law: Any) -> None:
    far = np.array([-700.0, -40.0, 20.0, 600.0])
    for curve in (law.log_density(far), law.log_survival(far), law.log_distribution(far)):
        assert all(np.isfinite(values).all() for values in curve)
    near = law.log_between(np.array([-30.0, 3.0]), np.array([-29.0, 3.0 + 1e-9]))
    assert np.isfinite(near.value).all()


def test_the_hazard_far_out_goes_over_into_its_series() -> None:
    law = NormalLaw()
    z = np.array([99.0, 99.999999, 100.000001, 101.0, 1e6, 1e12])
    hazard = -law.log_survival(z)[1]
    np.testing.assert_allclose(hazard, z + 1 / z - 2 / z**3, rtol=1e-10)
    assert np.isfinite(law.log_between(z, 1.5 * z).second).all()


def test_tails_between_do_not_cancel() -> None:
    law = NormalLaw()
    both = law.log_between(np.array([8.0, -9.0]), np.array([9.0, -8.0])).value
    assert both[0] == pytest.approx(both[1], rel=1e-14)
    expected = stats.norm.logsf(8) + np.log1p(-np.exp(stats.norm.logsf(9) - stats.norm.logsf(8)))
    assert both[0] == pytest.approx(expected, rel=1e-12)

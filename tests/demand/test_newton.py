"""Newton's method on many functions at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.demand.newton import Local, maximize


@dataclass(frozen=True)
class Wells:
    """Minus (x^2 - c)^2 - (y - x)^2: not concave between its two tops at x = +-sqrt(c)."""

    c: np.ndarray
    positive: tuple[int, ...] = ()

    def at(self, p: np.ndarray) -> Local:
        x, y = p.T
        rest, apart = x**2 - self.c, y - x
        hessian = np.empty((len(x), 2, 2))
        hessian[:, 0, 0] = -4 * rest - 8 * x**2 - 2
        hessian[:, 0, 1] = hessian[:, 1, 0] = 2
        hessian[:, 1, 1] = -2
        gradient = np.column_stack([-4 * x * rest + 2 * apart, -2 * apart])
        return Local(-(rest**2) - apart**2, gradient, hessian)

    def take(self, groups: np.ndarray) -> Wells:
        return Wells(self.c[groups], self.positive)


def test_each_function_reaches_its_top() -> None:
    c = np.geomspace(1e-3, 1e4, 400)
    start = np.column_stack([np.linspace(0.01, 50, 400), np.full(400, -3.0)])
    found = maximize(Wells(c), start)
    assert found.is_found.all()
    np.testing.assert_allclose(found.parameters[:, 0] ** 2, c, rtol=1e-6)
    np.testing.assert_allclose(found.parameters[:, 1], found.parameters[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found.value, 0.0, atol=1e-10)


def test_positive_parameters_stay_so() -> None:
    start = np.column_stack([np.full(5, 20.0), np.full(5, -500.0)])
    found = maximize(Wells(np.full(5, 4.0), positive=(0,)), start)
    np.testing.assert_allclose(found.parameters[:, 0], 2.0, rtol=1e-8)


@dataclass(frozen=True)
class Slope:
    """x itself: it has no top."""

    positive: tuple[int, ...] = ()

    def at(self, p: np.ndarray) -> Local:
        return Local(p[:, 0], np.ones_like(p), np.full((len(p), 1, 1), -1.0))

    def take(self, groups: np.ndarray) -> Slope:
        return self


def test_what_has_no_top_is_said_not_to_be_found() -> None:
    found = maximize(Slope(), np.zeros((2, 1)))
    assert not found.is_found.any()

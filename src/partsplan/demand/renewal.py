"""Replacement on failure: how often one place needs a new unit, by the renewal equation.

The equation is discretised on even grids with Stieltjes sums, so that a density may be infinite
at 0, and solved as a division of power series; halved steps give the error and take it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.life_laws import LifeLaws
from partsplan.errors import PartsplanError

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Solve = Callable[[int], Floats]

_LEVELS = (5, 15)
"""Grids of 2^5 to 2^15 steps are tried."""


def renewal_function(
    life: LifeLaws, hours: ArrayLike, *, age: float = 0.0, tolerance: float = 1e-9
) -> Floats:
    r"""Expected replacements in one place when every failed unit is replaced by a new one.

    Parameters
    ----------
    life : LifeLaws
        Law of the life of a unit, of length 1.
    hours : array_like of float, shape (n,)
        Operating hours ahead :math:`t` [hours].
    age : float, default 0
        Age of the unit in place now [hours]; its life has the residual law.
    tolerance : float, default 1e-9
        Largest error, absolute up to one replacement and relative above.

    Returns
    -------
    ndarray of float, shape (n,)
        :math:`M(t)`.

    Raises
    ------
    ValueError
        When hours or age are negative.
    PartsplanError
        When the tolerance cannot be reached.

    Notes
    -----
    :math:`M(t) = F_a(t) + \int_0^t M_0(t - u) dF_a(u)` with :math:`M_0` the same for
    :math:`a = 0`. The sums :math:`\sum_j \Delta F_j (M_{i-j} + M_{i-j+1}) / 2` are of second
    order, of order 1 + k for a Weibull shape k below 1; Richardson's extrapolation takes these
    orders out, and two successive extrapolations must agree to the tolerance.

    References
    ----------
    Xie, On the solution of renewal-type integral equations, Commun. Statist. B 18 (1989).

    Examples
    --------
    >>> renewal_function(LifeLaws.of("weibull", shape=1.5, scale=1.0), [1.0, 2.0]).round(6)
    array([0.841578, 1.945501])
    """
    spans = _spans(hours, age)

    def solve(steps: int) -> Floats:
        later = grid_distribution(life, spans, steps)
        first = _first_lives(life, spans, age, steps)
        renewals = first + stieltjes(np.diff(first), ordinary_renewals(later))
        return renewals[:, -1]

    return _extrapolated(solve, orders_of(life), tolerance, "renewal function")


def renewal_count_pmf(
    life: LifeLaws,
    hours: float,
    *,
    age: float = 0.0,
    most: int | None = None,
    tolerance: float = 1e-9,
) -> Floats:
    r"""Probabilities of 0, 1, 2, ... replacements in one place within ``hours``.

    Parameters
    ----------
    life : LifeLaws
        Law of the life of a unit, of length 1.
    hours : float
        Operating hours ahead [hours].
    age : float, default 0
        Age of the unit in place now [hours].
    most : int, optional
        Largest count to give; until what is left is below 1e-15 where not given.
    tolerance : float, default 1e-9
        Largest absolute error.

    Returns
    -------
    ndarray of float, shape (most + 1,)

    Raises
    ------
    ValueError
        When hours or age are negative.
    PartsplanError
        When the tolerance cannot be reached.

    Notes
    -----
    :math:`P(N \ge n) = \int_0^t P(N_0(t - u) \ge n - 1) dF_a(u)`, on the grids of
    `renewal_function`, by direct sums, so that small probabilities keep their digits.

    Examples
    --------
    >>> pmf = renewal_count_pmf(LifeLaws.of("exponential", rate=0.5), 4.0)
    >>> pmf[:3].round(6)  # Poisson with mean 2
    array([0.135335, 0.270671, 0.270671])
    """
    spans = _spans([hours], age)
    if most is None:
        most = _largest_count(life, spans, age)

    def solve(steps: int) -> Floats:
        later = grid_distribution(life, spans, steps)[0]
        reached = _first_lives(life, spans, age, steps)[0]
        at_least = [1.0, reached[-1]]
        while len(at_least) < most + 2:
            reached = _direct_stieltjes(np.diff(reached), later)
            at_least.append(reached[-1])
        return -np.diff(at_least)

    pmf = _extrapolated(solve, orders_of(life), tolerance, "law of the count")
    return np.maximum(pmf, 0.0)


def grid_distribution(life: LifeLaws, spans: Floats, steps: int) -> Floats:
    """Probability to fail by each point of an even grid from 0 to each span."""
    laws = life if len(life) == len(spans) else life[np.zeros(len(spans), dtype=np.int64)]
    return laws.distribution(even_grid(spans, steps))


def even_grid(spans: Floats, steps: int) -> Floats:
    """Points from 0 to each span, of shape (n, steps + 1)."""
    return spans[:, np.newaxis] * np.linspace(0.0, 1.0, steps + 1)


def orders_of(life: LifeLaws) -> tuple[float, ...]:
    """Orders of the error of Stieltjes sums, by the behaviour of the law near 0."""
    orders = {2.0, 3.0, 4.0}
    if not life.is_lognormal.any():
        slope = float(life.slope.min())
        orders |= {1.0 + n * slope for n in range(1, 8)} | {2.0 + n * slope for n in range(1, 6)}
    kept: list[float] = []
    for order in sorted(orders):
        if order <= 5.0 and (not kept or order - kept[-1] > 0.05):
            kept.append(order)
    return tuple(kept)


def stieltjes(mass: Floats, values: Floats) -> Floats:
    r"""Sums :math:`\int_0^{t_i} B(t_i - u) dA(u)` on an even grid, of second order.

    Parameters
    ----------
    mass : ndarray of float, shape (n, steps)
        Increases of A over the steps.
    values : ndarray of float, shape (n, steps + 1)
        B at the points.

    Returns
    -------
    ndarray of float, shape (n, steps + 1)
    """
    return transformed_sums(mass, transform_of(values))


def transform_of(values: Floats) -> Complexes:
    """Transform of B for `transformed_sums`, to be used for many A."""
    middle = (values[..., 1:] + values[..., :-1]) / 2.0
    return np.asarray(scipy.fft.rfft(middle, _size_for(middle.shape[-1])))


def transformed_sums(mass: Floats, transform: Complexes) -> Floats:
    """Sums of `stieltjes` with the transform of B."""
    steps = mass.shape[-1]
    size = _size_for(steps)
    sums = np.zeros((*mass.shape[:-1], steps + 1))
    sums[..., 1:] = scipy.fft.irfft(scipy.fft.rfft(mass, size) * transform, size)[..., :steps]
    return sums


def _size_for(steps: int) -> int:
    return int(scipy.fft.next_fast_len(2 * steps, real=True))


def ordinary_renewals(later: Floats) -> Floats:
    """Solve the renewal equation on an even grid.

    Parameters
    ----------
    later : ndarray of float, shape (n, steps + 1)
        Distribution of the life of a new unit at the points, 0 at the first.

    Returns
    -------
    ndarray of float, shape (n, steps + 1)
        Expected replacements by each point.
    """
    mass = np.diff(later)
    steps = mass.shape[-1]
    series = np.empty_like(mass)
    series[:, 0] = 1.0 - mass[:, 0] / 2.0
    series[:, 1:] = -(mass[:, :-1] + mass[:, 1:]) / 2.0
    renewals = np.zeros_like(later)
    renewals[:, 1:] = _product(_reciprocal(series), later[:, 1:], steps)
    return renewals


def _reciprocal(series: Floats) -> Floats:
    """Reciprocal of power series, by Newton's doubling."""
    steps = series.shape[-1]
    inverse = 1.0 / series[:, :1]
    known = 1
    while known < steps:
        known = min(2 * known, steps)
        excess = -_product(series[:, :known], inverse, known)
        excess[:, 0] += 2.0
        inverse = _product(inverse, excess, known)
    return inverse


def _product(a: Floats, b: Floats, steps: int) -> Floats:
    size = scipy.fft.next_fast_len(a.shape[-1] + b.shape[-1], real=True)
    product = scipy.fft.irfft(scipy.fft.rfft(a, size) * scipy.fft.rfft(b, size), size)
    return np.asarray(product[:, :steps])


def _direct_stieltjes(mass: Floats, values: Floats) -> Floats:
    middle = (values[1:] + values[:-1]) / 2.0
    return np.concatenate([[0.0], np.convolve(mass, middle)[: len(mass)]])


def _spans(hours: ArrayLike, age: float) -> Floats:
    spans = np.atleast_1d(np.asarray(hours, dtype=np.float64))
    if not ((spans >= 0.0) & np.isfinite(spans)).all():
        raise ValueError(f"hours must be finite and at least 0, got {spans.min()}")
    if not (age >= 0.0 and np.isfinite(age)):
        raise ValueError(f"age must be finite and at least 0, got {age!r}")
    return spans


def _first_lives(life: LifeLaws, spans: Floats, age: float, steps: int) -> Floats:
    grid = even_grid(spans, steps)
    laws = life[np.zeros(len(spans), dtype=np.int64)]
    return laws.residual(np.full(len(spans), age), grid)


def _largest_count(life: LifeLaws, spans: Floats, age: float) -> int:
    steps = 256
    later = grid_distribution(life, spans, steps)[0]
    reached = _first_lives(life, spans, age, steps)[0]
    count = 1
    while reached[-1] > 1e-15:
        reached = _direct_stieltjes(np.diff(reached), later)
        count += 1
    return count


def _extrapolated(solve: Solve, orders: Sequence[float], tolerance: float, what: str) -> Floats:
    """Halve the steps until two extrapolations agree."""
    row = [solve(2 ** _LEVELS[0])]
    for level in range(_LEVELS[0] + 1, _LEVELS[1] + 1):
        best = row[-1]
        above, row = row, [solve(2**level)]
        for coarse, order in zip(above, orders, strict=False):
            row.append(row[-1] + (row[-1] - coarse) / (2.0**order - 1.0))
        error = np.abs(row[-1] - best) / np.maximum(np.abs(row[-1]), 1.0)
        if level > _LEVELS[0] + 2 and (error <= tolerance).all():
            return row[-1]
    raise PartsplanError(
        f"The {what} is not known to {tolerance:g}: {2 ** _LEVELS[1]} steps leave "
        f"{error.max():.2g}. The lives are very short, or very alike, for so many hours: ask for "
        "fewer hours or a larger tolerance."
    )

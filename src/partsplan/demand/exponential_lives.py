r"""A constant failure rate from lives: what they are worth as failures and hours.

With :math:`d` the span between two looks, the exponential log-likelihood is
:math:`n \log r - r H + \sum w \log(1 - e^{-r d})`, which is concave in :math:`\log r`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_STEPS = 100
_CLOSE = 1e-11


def equivalent_counts(
    failures: Floats, hours: Floats, between: Integers, span: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    r"""Give the failures and hours whose Poisson likelihood stands for that of the lives.

    Parameters
    ----------
    failures : ndarray, shape (n_groups,)
        Failures at known hours, :math:`n`.
    hours : ndarray, shape (n_groups,)
        Hours run without failing, up to the first of two looks, :math:`H` [h].
    between : ndarray, shape (n_between,)
        Group of each failure between two looks.
    span : ndarray, shape (n_between,)
        Hours between the two, :math:`d` [h].
    weight : ndarray, shape (n_between,)
        Units, :math:`w`.

    Returns
    -------
    failures : ndarray, shape (n_groups,)
        Observed information about :math:`\log r` at the estimate; ``failures`` where no failure
        lies between two looks.
    hours : ndarray, shape (n_groups,)
        That over the estimated rate; both are 0 where nothing bounds the rate.
    """
    if not len(between):
        return failures, hours
    n_groups = len(failures)
    open_ended = (hours <= 0.0) & (failures <= 0.0)
    is_new = np.bincount(between, weight, n_groups) > 0.0
    worth, exposure = failures.copy(), hours.copy()
    worth[open_ended], exposure[open_ended] = 0.0, 0.0
    solved = is_new & ~open_ended
    if not solved.any():
        return worth, exposure
    place = np.cumsum(solved) - 1
    kept = solved[between]
    rate, information = _estimate(
        failures[solved], hours[solved], place[between[kept]], span[kept], weight[kept]
    )
    worth[solved], exposure[solved] = information, information / rate
    return worth, exposure


def _estimate(
    failures: Floats, hours: Floats, between: Integers, span: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    """Maximum likelihood of the rate, and the information about its logarithm."""
    n_groups = len(failures)
    found = np.bincount(between, weight, n_groups)
    half = np.bincount(between, weight * span / 2.0, n_groups)
    rate = (failures + found) / (hours + half)
    for _ in range(_STEPS):
        x = rate[between] * span
        lost = -np.expm1(-x)
        k = np.where(x > 0.0, x * np.exp(-x) / np.where(lost > 0.0, lost, 1.0), 1.0)
        score = failures - rate * hours + np.bincount(between, weight * k, n_groups)
        information = rate * hours + np.bincount(between, weight * k * (x + k - 1.0), n_groups)
        step = np.clip(score / information, -2.0, 2.0)
        if (np.abs(step) < _CLOSE).all():
            break
        rate = rate * np.exp(step)
    return rate, information

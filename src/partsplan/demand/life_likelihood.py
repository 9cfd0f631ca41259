r"""Log-likelihood of lives, group by group, with gradient and Hessian.

Parameters are those of Burridge (1981): :math:`s = 1/\sigma` and :math:`a = \mu/\sigma`, in which
a log-lifetime is :math:`z = s \log t - a`. Without late entry the log-likelihood is then concave
in :math:`(a, s)` for both standard laws. A third parameter :math:`q` is the logit of the fraction
of units that ever fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_data import LifeData
from partsplan.demand.newton import Local
from partsplan.demand.standard_laws import Curve, StandardLaw, Surface

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

_MOMENT = 1e-5
"""Relative distance of two looks up to which the density between them is taken as flat."""


@dataclass(frozen=True)
class _Rows:
    """Lives that enter the likelihood in one way."""

    group: Integers
    weight: Floats
    y: Floats
    """Log hours less the group's center."""
    y_high: Floats
    """The same of the later look, where a life lies between two; else the same."""


@dataclass(frozen=True)
class LifeLikelihood:
    """Log-likelihood of the lives in ``data`` under a law; parameters (a, s) or (a, s, q)."""

    data: LifeData
    law: StandardLaw
    has_fraction: bool = False
    """Whether a fraction may never fail."""

    @property
    def positive(self) -> tuple[int, ...]:
        """Parameters that must stay above 0: the shape."""
        return (1,)

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return 3 if self.has_fraction else 2

    def take(self, groups: Integers) -> LifeLikelihood:
        """Give the likelihood of some groups only."""
        return LifeLikelihood(self.data.take(groups), self.law, self.has_fraction)

    @cached_property
    def center(self) -> Floats:
        """Mean log hours of a group, shape (n_groups,): log hours are counted from it."""
        data = self.data
        last = np.where(data.is_running, data.lower, data.upper)
        ended = np.where(data.is_running, 1e-9, 1.0) * data.weight * (last > 0.0)
        total = data.sums(ended)
        sums = data.sums(ended * np.log(np.where(last > 0.0, last, 1.0)))
        return np.where(total > 0.0, sums / np.where(total > 0.0, total, 1.0), 0.0)

    def at(self, theta: Floats) -> Local:
        """Evaluate at one parameter vector per group.

        Parameters
        ----------
        theta : ndarray, shape (n_groups, k)
            Parameters for log hours less their `center`.

        Returns
        -------
        Local
        """
        total = _Sums(self.data.n_groups, self.n_parameters, theta)
        q = theta[:, 2] if self.has_fraction else None
        failed, running, entered, found, between = self._kinds
        total.add(failed, _among_all(self.law.log_density(total.z(failed)), q, failed))
        total.add(running, _or_never(self.law.log_survival(total.z(running)), q, running))
        total.add(entered, _or_never(self.law.log_survival(total.z(entered)), q, entered))
        total.add(found, _among_all(self.law.log_distribution(total.z(found)), q, found))
        if len(between.group):
            total.add_between(between, self.law, q)
        total.add_scale(self._failures, self._log_hours)
        return total.local()

    @cached_property
    def _is_momentary(self) -> Mask:
        """Lives whose failure lies between looks so close that it has a time of its own."""
        data = self.data
        close: Mask = data.is_between & (data.upper <= data.lower * (1.0 + _MOMENT))
        return close

    @cached_property
    def _failures(self) -> Floats:
        """Weight of the failures that have a time, shape (n_groups,)."""
        timed = self.data.is_failed | self._is_momentary
        return self.data.sums(np.where(timed, self.data.weight, 0.0))

    @cached_property
    def _log_hours(self) -> Floats:
        """Sum of their log hours, less the log of what lies between two looks."""
        data, momentary = self.data, self._is_momentary
        logs = np.log(np.where(data.is_failed | momentary, self._failure_hours, 1.0))
        logs -= np.log(np.where(momentary, data.upper - data.lower, 1.0))
        return data.sums(data.weight * logs)

    @cached_property
    def _failure_hours(self) -> Floats:
        between = np.sqrt(self.data.lower) * np.sqrt(
            np.where(self._is_momentary, self.data.upper, 0.0)
        )
        return np.where(self._is_momentary, between, self.data.lower)

    @cached_property
    def _kinds(self) -> tuple[_Rows, _Rows, _Rows, _Rows, _Rows]:
        data = self.data
        at_birth = data.lower <= 0.0
        between = data.is_between & ~self._is_momentary
        return (
            self._rows(data.is_failed | self._is_momentary, self._failure_hours),
            self._rows(data.is_running & ~at_birth, data.lower),
            self._rows(data.entry > 0.0, data.entry, sign=-1.0),
            self._rows(between & at_birth, data.upper),
            self._rows(between & ~at_birth, data.lower, data.upper),
        )

    def _rows(
        self, which: Mask, hours: Floats, high: Floats | None = None, sign: float = 1.0
    ) -> _Rows:
        group = self.data.group[which]
        center = self.center[group]
        y = np.log(hours[which]) - center
        y_high = y if high is None else np.log(high[which]) - center
        return _Rows(group, sign * self.data.weight[which], y, y_high)


@dataclass(frozen=True)
class _Terms:
    """What each life adds: value and derivatives by z and, where there is one, by q."""

    value: Floats
    z: Floats
    zz: Floats
    q: Floats | None = None
    qq: Floats | None = None
    zq: Floats | None = None


def _among_all(curve: Curve, q: Floats | None, rows: _Rows) -> _Terms:
    """Terms of lives that failed: they are among those that ever fail."""
    value, first, second = curve
    if q is None:
        return _Terms(value, first, second)
    fraction = _logistic(q)
    log_p, by_q, by_qq = -np.logaddexp(0.0, -q), 1.0 - fraction, -fraction * (1.0 - fraction)
    g = rows.group
    return _Terms(value + log_p[g], first, second, by_q[g], by_qq[g], np.zeros_like(value))


def _or_never(curve: Curve, q: Floats | None, rows: _Rows) -> _Terms:
    r"""Terms of lives that run: :math:`\log(1 - p + p S)`."""
    value, first, second = curve
    if q is None:
        return _Terms(value, first, second)
    own = q[rows.group]
    fraction = _logistic(own)
    still = _logistic(own + value)
    spread = still * (1.0 - still)
    return _Terms(
        value=np.logaddexp(0.0, own + value) - np.logaddexp(0.0, own),
        z=still * first,
        zz=still * second + spread * first**2,
        q=still - fraction,
        qq=spread - fraction * (1.0 - fraction),
        zq=spread * first,
    )


def _logistic(q: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * q))


class _Sums:
    """Sums over the lives of each group, by the chain rule of z = s y - a."""

    def __init__(self, n_groups: int, k: int, theta: Floats) -> None:
        self.n = n_groups
        self.theta = theta
        self.value = np.zeros(n_groups)
        self.gradient = np.zeros((n_groups, k))
        self.hessian = np.zeros((n_groups, k, k))

    def z(self, rows: _Rows) -> Floats:
        """Standardize the log hours."""
        z: Floats = self.theta[rows.group, 1] * rows.y - self.theta[rows.group, 0]
        return z

    def add(self, rows: _Rows, terms: _Terms) -> None:
        """Add lives that are known at one time."""
        if not len(rows.group):
            return
        self.value += self._sum(rows, terms.value)
        self._add_first(rows, terms.z, rows.y)
        self._add_second(rows, terms.zz, rows.y, rows.y)
        self._add_fraction(rows, terms)
        if terms.zq is not None:
            self._add_cross(2, rows, terms.zq, rows.y)

    def add_between(self, rows: _Rows, law: StandardLaw, q: Floats | None) -> None:
        """Add lives that failed between two looks."""
        low, high = rows.y, rows.y_high
        late = _Rows(rows.group, rows.weight, high, high)
        surface: Surface = law.log_between(self.z(rows), self.z(late))
        nothing = np.zeros_like(low)
        terms = _among_all((surface.value, nothing, nothing), q, rows)
        self.value += self._sum(rows, terms.value)
        self._add_first(rows, surface.first[0], low)
        self._add_first(rows, surface.first[1], high)
        self._add_second(rows, surface.second[0], low, low)
        self._add_second(rows, surface.second[1], low, high)
        self._add_second(rows, surface.second[1], high, low)
        self._add_second(rows, surface.second[2], high, high)
        self._add_fraction(rows, terms)

    def add_scale(self, failures: Floats, log_hours: Floats) -> None:
        r"""Add :math:`\log s - \log t` of each failure, from the density of the hours."""
        s = self.theta[:, 1]
        self.value += failures * np.log(s) - log_hours
        self.gradient[:, 1] += failures / s
        self.hessian[:, 1, 1] -= failures / s**2

    def local(self) -> Local:
        """Give the sums."""
        return Local(self.value, self.gradient, self.hessian)

    def _sum(self, rows: _Rows, values: Floats) -> Floats:
        return np.bincount(rows.group, rows.weight * values, self.n).astype(np.float64)

    def _add_first(self, rows: _Rows, first: Floats, y: Floats) -> None:
        self.gradient[:, 0] -= self._sum(rows, first)
        self.gradient[:, 1] += self._sum(rows, first * y)

    def _add_second(self, rows: _Rows, second: Floats, y: Floats, other: Floats) -> None:
        self.hessian[:, 0, 0] += self._sum(rows, second)
        cross = -0.5 * self._sum(rows, second * (y + other))
        self.hessian[:, 0, 1] += cross
        self.hessian[:, 1, 0] += cross
        self.hessian[:, 1, 1] += self._sum(rows, second * y * other)

    def _add_fraction(self, rows: _Rows, terms: _Terms) -> None:
        if terms.q is None or terms.qq is None:
            return
        self.gradient[:, 2] += self._sum(rows, terms.q)
        self.hessian[:, 2, 2] += self._sum(rows, terms.qq)

    def _add_cross(self, place: int, rows: _Rows, zq: Floats, y: Floats) -> None:
        for parameter, factor in ((0, -1.0), (1, y)):
            cross = self._sum(rows, zq * factor)
            self.hessian[:, parameter, place] += cross
            self.hessian[:, place, parameter] += cross

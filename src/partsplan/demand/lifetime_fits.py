"""What was found about lifetimes: parameters, quantiles and means, with errors and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.kaplan_meier import SurvivalCurve, survival_curve
from partsplan.demand.life_data import LifeData
from partsplan.demand.lifetime_families import COMPLEMENT, FAMILIES, Family, Figure
from partsplan.demand.maximum_likelihood import ALL_FAIL, Estimates
from partsplan.demand.profile_intervals import figure_errors, profile_bound
from partsplan.errors import Finding
from partsplan.network import frame_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SHOWN = 10
_UNITS = {"rate": "[1/h]", "scale": "[h]", "mu": "[log h]", "sigma": "[log h]"}


@dataclass(frozen=True, eq=False)
class LifetimeFits:
    """Lifetime distributions fitted to the lives of parts, one per part and segment.

    Figures are arrays in the order of ``part_ids`` and ``segments``; ``NaN`` stands for what the
    lives do not tell (``None`` in records).
    """

    distribution: str
    """exponential, weibull, lognormal or weibull_never_fails."""
    level: float
    """Confidence of intervals where none is asked for."""
    data: LifeData = field(repr=False)
    """The lives, grouped."""
    warnings: tuple[Finding, ...]
    """What is doubtful about the lives or the fits."""
    notes: tuple[str, ...] = field(repr=False)
    """Per group, why there is no estimate or one at an edge; '' for most."""
    _estimates: Estimates = field(repr=False)
    _backend: str | None = field(repr=False, default=None)

    @property
    def part_ids(self) -> tuple[str, ...]:
        """Part of each group."""
        return self.data.part_ids

    @property
    def segments(self) -> tuple[str, ...]:
        """Segment of each group; '' where none is given or segments are pooled."""
        return self.data.segments

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters: rate; shape, scale; mu, sigma; shape, scale, never_fails."""
        return tuple(figure.name for figure in self._family.figures)

    @property
    def failures(self) -> Floats:
        """Units that failed, shape (n_groups,) [units]."""
        return self.data.observed_failures

    @property
    def censored(self) -> Floats:
        """Units that had not failed when last looked at, shape (n_groups,) [units]."""
        return self.data.censored

    @property
    def log_likelihood(self) -> Floats:
        """Log-likelihood at the estimate, hours in h, shape (n_groups,)."""
        return self._spread(self._estimates.peak.value)

    @property
    def aic(self) -> Floats:
        r"""Akaike's criterion :math:`2 k - 2 \ell`, shape (n_groups,)."""
        return 2.0 * self._family.n_parameters - 2.0 * self.log_likelihood

    def parameter(self, name: str) -> Floats:
        """Estimate of a parameter, shape (n_groups,): rate [1/h], scale [h], mu [log h]."""
        figure = self._figure(name)
        return self._spread(self._values(figure))

    def standard_error(self, name: str) -> Floats:
        """Standard error of a parameter by the observed information, shape (n_groups,)."""
        return self._spread(self._errors(self._figure(name)))

    def interval(self, name: str, level: float | None = None) -> tuple[Floats, Floats]:
        """Likelihood-ratio interval of a parameter: lower and upper, shape (n_groups,) each.

        A bound is NaN where the likelihood never falls far enough on that side.
        """
        return self._interval(self._figure(name), level)

    def quantile(self, share: float) -> Floats:
        """Hours by which ``share`` of the units have failed (0.1: the B10 life) [h].

        Where a fraction never fails, NaN if the share is never reached.
        """
        check_share("share", share)
        return self._spread(self._values(self._family.quantile(share)))

    def quantile_interval(self, share: float, level: float | None = None) -> tuple[Floats, Floats]:
        """Likelihood-ratio interval of a quantile: lower and upper [h], shape (n_groups,) each.

        Where a fraction never fails, NaN for an upper bound under which the share may never be
        reached.
        """
        check_share("share", share)
        return self._interval(self._family.quantile(share), level)

    def mean(self) -> Floats:
        """Mean life [h], shape (n_groups,); of the units that ever fail where some never do."""
        return self._spread(self._values(self._family.mean()))

    def mean_interval(self, level: float | None = None) -> tuple[Floats, Floats]:
        """Likelihood-ratio interval of the mean life: lower and upper [h]."""
        return self._interval(self._family.mean(), level)

    def survival(self, hours: ArrayLike) -> Floats:
        """Share of units that reach the hours, by the fitted distribution.

        Parameters
        ----------
        hours : array_like of float
            Operating hours [h], shape (n_hours,) or a number.

        Returns
        -------
        ndarray, shape (n_groups, n_hours) or (n_groups,)
        """
        times = np.asarray(hours, dtype=np.float64)
        if not (times >= 0.0).all():
            raise ValueError(f"hours must be at least 0, got {times[~(times >= 0.0)].flat[0]}")
        beside = (-1, *[1] * times.ndim)
        a, s, *q = (column.reshape(beside) for column in self._estimates.peak.parameters.T)
        center = self._estimates.likelihood.center.reshape(beside)
        log_hours = np.log(np.maximum(times, np.finfo(float).tiny)) - center
        alive = np.exp(self._family.law.log_survival(s * log_hours - a)[0])
        if q:
            never = COMPLEMENT.value(q[0])
            alive = never + (1.0 - never) * alive
        return self._spread(alive)

    def kaplan_meier(
        self, part_id: str, segment: str = "", level: float | None = None
    ) -> SurvivalCurve:
        """Survival of one part's lives without any distribution, to hold the fit against.

        Kaplan and Meier's estimate with late entry and log-log intervals; where failures lie
        between two looks, Turnbull's.
        """
        group = self._position(part_id, segment)
        curve = survival_curve(self.data.take(np.array([group])), self._level(level))
        return replace(curve, _backend=self._backend)

    def to_records(self) -> list[dict[str, Any]]:
        """One plain dict per part and segment; None is unknown."""
        columns = self._columns()
        columns = {name: [_plain(value) for value in values] for name, values in columns.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_frame(self) -> Any:
        """One row per part and segment, in the library that the user came with."""
        columns = {name: np.asarray(values) for name, values in self._columns().items()}
        return frame_of(columns, self._backend)

    def summary(self) -> str:
        """Say what was fitted, the first fits with the B10 life, and what is doubtful."""
        failed, lives = self.failures.sum(), self.failures.sum() + self.censored.sum()
        lines = [
            f"Lifetimes: {self.distribution}, {_count(self.data.n_groups, 'group')} of "
            f"{_count(len(set(self.part_ids)), 'part')}, {_count(failed, 'failure')} in "
            f"{lives:,.10g} {'life' if lives == 1 else 'lives'}",
            *self._table_lines(),
            f"Warnings: {len(self.warnings) or 'none'}",
            *(f"  {warning}" for warning in self.warnings),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>"

    def _table_lines(self) -> list[str]:
        shown = min(_SHOWN, self.data.n_groups)
        known = np.flatnonzero(self._estimates.known < shown)
        figures = [self.parameter(name) for name in self.parameter_names]
        named = [f"{name} {_UNITS.get(name, '')}".rstrip() for name in self.parameter_names]
        head = ["part_id", "segment", "failures", "censored", *named, "B10 [h]"]
        figures.append(self.quantile(0.1))
        head.append(f"{100 * self.level:g} % interval")
        bounds = self._interval(self._family.quantile(0.1), None, known)
        rows = [head]
        for g in range(shown):
            told = [self.part_ids[g], self.segments[g] or "-"]
            told += [f"{self.failures[g]:,.10g}", f"{self.censored[g]:,.10g}"]
            told += [_figure(values[g]) for values in figures]
            rows.append([*told, " to ".join(_figure(bound[g]) for bound in bounds)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        more = self.data.n_groups - shown
        return lines + ([f"  ... and {more:,} more in to_records()"] if more else [])

    @property
    def _family(self) -> Family:
        return FAMILIES[self.distribution]

    def _figure(self, name: str) -> Figure:
        for figure in self._family.figures:
            if figure.name == name:
                return figure
        raise ValueError(f"name must be one of {', '.join(self.parameter_names)}, got {name!r}")

    def _position(self, part_id: str, segment: str) -> int:
        for group, key in enumerate(zip(self.part_ids, self.segments, strict=True)):
            if key == (part_id, segment):
                return group
        raise ValueError(
            f"part_id and segment must be among those of the lives, got {part_id!r}, {segment!r}"
        )

    def _level(self, level: float | None) -> float:
        chosen = self.level if level is None else level
        check_share("level", chosen)
        return chosen

    def _moved(self, figure: Figure, psi: Floats) -> Floats:
        """Move a log time from the center to hours."""
        return psi + self._estimates.likelihood.center if figure.per_hours else psi

    def _values(self, figure: Figure) -> Floats:
        psi = figure.path.figure(self._estimates.peak.parameters)
        value = figure.scale.value(self._moved(figure, psi))
        return np.where(self._is_certain & (figure.name == "never_fails"), 0.0, value)

    @property
    def _is_certain(self) -> NDArray[np.bool_]:
        """Known groups whose fraction that never fails is 0."""
        return np.array([self.notes[g] == ALL_FAIL for g in self._estimates.known], dtype=bool)

    def _errors(self, figure: Figure) -> Floats:
        found = self._estimates
        error = figure_errors(found.likelihood, figure.path, found.peak.parameters)
        psi = self._moved(figure, figure.path.figure(found.peak.parameters))
        return error * figure.scale.slope(psi)

    def _interval(
        self, figure: Figure, level: float | None, known: Integers | None = None
    ) -> tuple[Floats, Floats]:
        """Bounds of a figure, of some of the known groups only where ``known`` is given."""
        found = self._estimates if known is None else self._estimates.take(known)
        is_there = np.isfinite(figure.path.figure(found.peak.parameters))
        if not is_there.all():
            found = found.take(np.flatnonzero(is_there))
        drop = float(scipy.special.ndtri(0.5 * (1.0 + self._level(level))))
        sides = []
        for side in (-1.0, 1.0):
            psi = profile_bound(found.likelihood, figure.path, found.peak, side * drop)
            if not figure.scale.is_bounded:
                psi = np.where(np.isfinite(psi), psi, np.nan)
            if figure.per_hours:
                psi = psi + found.likelihood.center
            bound = np.full(self.data.n_groups, np.nan)
            bound[found.known] = figure.scale.value(psi)
            sides.append(bound)
        if figure.scale.falls:
            sides.reverse()
        return sides[0], sides[1]

    def _spread(self, values: Floats) -> Floats:
        """Give figures of the known groups the places of all groups; NaN elsewhere."""
        spread = np.full((self.data.n_groups, *values.shape[1:]), np.nan)
        spread[self._estimates.known] = values
        return spread

    def _columns(self) -> dict[str, Sequence[Any]]:
        columns: dict[str, Any] = {
            "part_id": _texts(self.part_ids),
            "segment": _texts(self.segments),
            "distribution": _texts((self.distribution,) * self.data.n_groups),
        }
        columns |= {name: self.parameter(name) for name in self.parameter_names}
        columns |= {f"{name}_error": self.standard_error(name) for name in self.parameter_names}
        columns |= {
            "log_likelihood": self.log_likelihood,
            "aic": self.aic,
            "failures": self.failures,
            "censored": self.censored,
            "note": _texts(self.notes),
        }
        return columns


def check_share(name: str, value: float) -> None:
    """Refuse what is not strictly between 0 and 1."""
    if not (isinstance(value, int | float) and 0.0 < value < 1.0):
        raise ValueError(f"{name} must be strictly between 0 and 1, got {value!r}")


def _plain(value: Any) -> Any:
    """Turn an array's value into a plain one; NaN becomes None."""
    if value is None or isinstance(value, str):
        return value
    return None if np.isnan(value) else float(value)


def _texts(values: Sequence[str]) -> NDArray[Any]:
    texts = np.empty(len(values), dtype=object)
    texts[:] = [text or None for text in values]
    return texts


def _figure(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:.5g}"


def _count(number: float, noun: str) -> str:
    return f"{number:,.10g} {noun}{'' if number == 1 else 's'}"

"""The prior of each part's rate: its catalogue figure, its family, or Jeffreys' where neither is.

Rates are factors on the catalogue's rate per operating hour, or failures per hour themselves for
parts without one; the two kinds never share a family law.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.counts import JEFFREYS_SHAPE
from partsplan.demand.gamma_priors import LEAST_MEMBERS, GammaPriors, fit_gamma_prior
from partsplan.errors import Finding

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

Prior = Literal["catalogue", "family"]
PRIORS = ("catalogue", "family")

SHOWN = 3
"""Families that a warning names."""


@dataclass(frozen=True)
class PriorOptions:
    """What is believed about rates before the counts."""

    prior: Prior = "catalogue"
    """Whether a family of parts informs its members."""
    prior_failures: float | None = None
    """Failures that a catalogue rate is worth; None: 1 where there are counts, and without counts
    the catalogue is taken as known."""

    def __post_init__(self) -> None:
        if self.prior not in PRIORS:
            raise ValueError(f"prior must be 'catalogue' or 'family', got {self.prior!r}")
        worth = self.prior_failures
        if worth is not None and not 0.0 < worth < np.inf:
            raise ValueError(f"prior_failures must be above 0 and finite, got {worth!r}")

    @property
    def worth(self) -> float:
        """Failures that a catalogue rate is worth beside counts."""
        return 1.0 if self.prior_failures is None else float(self.prior_failures)


@dataclass(frozen=True, eq=False)
class PartPriors:
    """Gamma priors of the parts' factors; all of shape (n_parts,)."""

    kind: NDArray[np.object_]
    """``catalogue``, ``family`` or ``jeffreys``; '' for a part of which nothing is known."""
    shape: Floats
    """Failures behind the prior; inf where it is taken as known, 0 where there is none."""
    exposure: Floats
    """Expected failures (or hours) behind the prior; inf with the shape."""
    mean: Floats
    """Mean factor; NaN where the prior has none (Jeffreys)."""
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class PartCounts:
    """What was counted of each part, all of shape (n_parts,)."""

    failures: Floats
    expected: Floats
    """Failures that the catalogue expects, or hours where it has no rate; 0 = not observed."""
    has_catalogue: Booleans


def part_priors(
    counts: PartCounts, families: tuple[str, ...], family: Integers, options: PriorOptions
) -> PartPriors:
    """Choose the prior of every part.

    Parameters
    ----------
    counts
        What was counted of each part.
    families
        Names of the families.
    family
        Shape (n_parts,): position of each part's family; -1 where it has none.
    options
        What is asked for.
    """
    own = _own_priors(counts, options)
    if options.prior == "catalogue":
        return own
    # families of parts with and without a catalogue rate are apart: their factors differ in unit
    law = np.where(family >= 0, 2 * family + counts.has_catalogue, -1)
    used = law >= 0
    fitted = fit_gamma_prior(counts.failures[used], counts.expected[used], law[used])
    return _with_families(own, counts, fitted, law, families)


def _own_priors(counts: PartCounts, options: PriorOptions) -> PartPriors:
    observed, listed = counts.expected > 0.0, counts.has_catalogue
    worth = np.where(observed | (options.prior_failures is not None), options.worth, np.inf)
    shape = np.where(listed, worth, np.where(observed, JEFFREYS_SHAPE, 0.0))
    kind = np.where(listed, "catalogue", np.where(observed, "jeffreys", ""))
    return PartPriors(
        kind=kind.astype(object),
        shape=shape,
        exposure=np.where(listed, worth, 0.0),
        mean=np.where(listed, 1.0, np.nan),
    )


def _with_families(
    own: PartPriors,
    counts: PartCounts,
    fitted: GammaPriors,
    law: Integers,
    families: tuple[str, ...],
) -> PartPriors:
    """Put family laws in place of the parts' own priors, where a family could be fitted."""
    in_law = law >= 0
    takes = in_law.copy()
    takes[in_law] = fitted.is_fitted[law[in_law]]
    at = law[takes]
    mean, known = fitted.mean[at], fitted.mean_shape[at]
    # the family's mean is itself known only as well as its counts allow
    spread_shape = 1.0 / (1.0 / fitted.shape[at] + 1.0 / known)
    # with one rate for all, the counts of the other members are the prior
    others = np.maximum(known - counts.failures[takes], 0.0)
    other_exposure = known / mean - counts.expected[takes]
    is_alike = fitted.has_no_spread[at]
    shape = np.where(is_alike, others, spread_shape)
    exposure = np.where(is_alike, other_exposure, spread_shape / mean)
    chosen = replace(
        own,
        kind=own.kind.copy(),
        shape=own.shape.copy(),
        exposure=own.exposure.copy(),
        mean=own.mean.copy(),
        warnings=tuple(_family_warnings(fitted, law, families, counts.expected > 0.0)),
    )
    chosen.kind[takes], chosen.mean[takes] = "family", mean
    chosen.shape[takes], chosen.exposure[takes] = shape, exposure
    return chosen


def _family_warnings(
    fitted: GammaPriors, law: Integers, families: tuple[str, ...], observed: Booleans
) -> Iterator[Finding]:
    laws = np.unique(law[law >= 0])
    alike = [families[i // 2] for i in laws[fitted.has_no_spread[laws]]]
    if alike:
        yield _warning(
            f"the counts of the parts of {_named(alike)} differ no more than by chance: the fitted "
            "spread is 0 (shape to infinity), so all parts of a family share one factor.",
            "Ask for prior='catalogue' where the parts are known to differ.",
        )
    scarce = [families[i // 2] for i in laws[~fitted.is_fitted[laws]]]
    if scarce:
        yield _warning(
            f"{_named(scarce)} {'has' if len(scarce) == 1 else 'have'} fewer than {LEAST_MEMBERS} "
            "parts with counts, or no failure at all: no law is fitted, and the catalogue rates "
            "stand as the prior.",
            "Put parts together in larger families.",
        )
    alone = int((observed & (law < 0)).sum())
    if alone:
        yield _warning(
            f"{alone} part{' with counts has' if alone == 1 else 's with counts have'} no family: "
            "the catalogue rate stands as the prior.",
            "Fill in family.",
        )


def _warning(rule: str, fix: str) -> Finding:
    return Finding("parts", None, "family", None, rule, fix)


def _named(names: list[str]) -> str:
    told = ", ".join(repr(name) for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"famil{'y' if len(names) == 1 else 'ies'} {told}{more}"

r"""Rates of segments, drawn toward the rate of their part as far as chance explains the difference.

Two levels: a part's rate :math:`m` (times what the catalogue expects), known from a gamma prior
and all its counts; around it each segment's factor, gamma of mean 1 and variance :math:`\alpha`,
fitted over the parts of a class (empirical Bayes). Without segments this is the conjugate
gamma-Poisson posterior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.counts import GammaPosterior
from partsplan.demand.differences import false_discovery_p_values, rate_difference_p_values
from partsplan.demand.dispersion_fitting import DispersionProfile, fit_dispersion
from partsplan.demand.overdispersion import (
    GroupedCounts,
    GroupPriors,
    GroupRates,
    group_rates,
    shifted,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LEAST_COMPARISONS = 10
"""Fewest segments, beyond the first of each part, from which a class's spread is estimated, unless
chance does not explain how they differ."""

SURE = 0.01
"""Adjusted p-value from which fewer segments count as different."""

_TOLERANCE = 1e-2
"""Accuracy of the logarithm of the spread: half a percent of its root."""


@dataclass(frozen=True, eq=False)
class ShrunkRates:
    """Rates of groups (parts) and of their members (segments)."""

    groups: GroupRates
    """Rate of every group, of shape (n_groups,)."""
    rate: Floats
    """Shape (n_members,): mean rate of every member."""
    loading: Floats
    """Shape (n_members,): relative change of the member's rate per change of the group's; 1 where
    the member says nothing of its own, near 0 where its own counts decide."""
    own_variance: Floats
    """Shape (n_members,): relative variance of the member's rate beside the group's."""
    shared_variance: Floats
    """Shape (n_members,): relative variance that comes with the group's rate."""
    dispersion: Floats
    """Shape (n_groups,): variance of the factors of members around the group's rate."""

    @property
    def posterior(self) -> GammaPosterior:
        """Gamma laws of the members' rates."""
        shape = 1.0 / (self.own_variance + self.shared_variance)
        return GammaPosterior(shape=shape, exposure=shape / self.rate)


def shrunk_rates(
    counts: GroupedCounts, priors: GroupPriors, dispersion: Floats, is_named: Booleans
) -> ShrunkRates:
    r"""Rates of groups and members at a given spread of the members.

    Parameters
    ----------
    counts
        Failures and exposure of every member.
    priors
        Gamma priors of the groups' rates.
    dispersion
        Shape (n_groups,): :math:`\alpha`, variance of the members' factors.
    is_named
        Shape (n_members,): whether the member has a factor of its own; others follow the group.

    Notes
    -----
    Given :math:`m`, the rate of member i is gamma with mean
    :math:`m (1 + \alpha n_i) / (1 + \alpha \mu_i)`, :math:`\mu_i = m e_i`, and relative variance
    :math:`v_i = \alpha / (1 + \alpha n_i)`. Over :math:`m`, whose logarithm has the mode
    :math:`\hat x` with second and third derivatives :math:`-A` and :math:`-T` of its log density,
    the mean is that at :math:`\hat x` times
    :math:`\exp(B_i ((2 B_i - 1) A - T) / (2 A^2))`, and the relative variance is
    :math:`v_i + (1 + v_i) B_i^2 / A`, with :math:`B_i = 1 / (1 + \alpha \mu_i)`: Laplace's method
    to second order, exact for :math:`\alpha = 0`. Against integration, means are right to 2 % from
    one failure of the part on, to 10 % where nothing failed, deviations to 12 %.
    """
    of_member = np.where(is_named, dispersion[counts.group], 0.0)
    groups = group_rates(counts, of_member, priors)
    mode, known, bend = (
        figure[counts.group] for figure in (groups.mode, groups.shape, groups.bend)
    )
    loading = 1.0 / (1.0 + of_member * mode * counts.exposure)
    evidence = 1.0 + of_member * counts.failures
    shift = shifted(loading * ((2.0 * loading - 1.0) * known - bend), known)
    shared = loading**2 / known
    return ShrunkRates(
        groups=groups,
        rate=mode * evidence * loading * shift,
        loading=loading,
        own_variance=of_member / evidence * (1.0 + shared),
        shared_variance=shared,
        dispersion=dispersion,
    )


@dataclass(frozen=True, eq=False)
class SegmentSpread:
    """How much segments of a class of parts differ."""

    dispersion: Floats
    """Shape (n_groups,): variance of the segments' factors around their part's rate."""
    comparisons: int
    """Segments beyond the first of each part, over all classes."""
    is_fitted: bool
    """Whether any class had comparisons enough, or differences that chance does not explain."""


def segment_spread(
    counts: GroupedCounts, priors: GroupPriors, is_named: Booleans, class_of: Integers
) -> SegmentSpread:
    """Fit the spread of segments per class of groups, from named segments.

    Classes with fewer than 10 comparisons are fitted together; when these are too few as well,
    their segments are taken as alike, unless a segment differs from the rest of its part beyond
    chance (p at most 0.01 after Benjamini and Hochberg).

    Parameters
    ----------
    counts, priors, is_named
        As in :func:`shrunk_rates`.
    class_of
        Shape (n_groups,): class of each group, such as its family, numbered from 0.
    """
    named = np.bincount(counts.group[is_named], minlength=counts.n_groups)
    comparisons = np.maximum(named - 1, 0)
    per_class = np.bincount(class_of, comparisons)
    dispersion = np.zeros(counts.n_groups)
    is_large = per_class >= LEAST_COMPARISONS
    own = np.where(is_large, np.cumsum(is_large), 0)[class_of]
    compared = comparisons > 0
    if comparisons[own == 0].sum() < LEAST_COMPARISONS and not _differ(counts, is_named, own == 0):
        compared &= own > 0
    if compared.any():
        dispersion[compared] = _spread_of(counts, priors, is_named, own, compared)
        by_class = np.zeros(int(own.max()) + 1)
        by_class[own[compared]] = dispersion[compared]
        dispersion = by_class[own]
    return SegmentSpread(dispersion, int(comparisons.sum()), bool(compared.any()))


def _differ(counts: GroupedCounts, is_named: Booleans, chosen: Booleans) -> bool:
    """Whether any named member of the chosen groups differs from the rest of its group."""
    member = is_named & chosen[counts.group]
    n, e = np.where(member, counts.failures, 0.0), np.where(member, counts.exposure, 0.0)
    group = counts.group[member]
    p_values = rate_difference_p_values(
        n[member], e[member], counts.total(n)[group], counts.total(e)[group]
    )
    adjusted = false_discovery_p_values(p_values)
    return bool((np.nan_to_num(adjusted, nan=1.0) <= SURE).any())


def _spread_of(
    counts: GroupedCounts,
    priors: GroupPriors,
    is_named: Booleans,
    class_of: Integers,
    chosen: Booleans,
) -> Floats:
    """Dispersion of each chosen group, fitted per class on the chosen groups' named members."""
    position = np.cumsum(chosen) - 1
    member = is_named & chosen[counts.group]
    part = GroupedCounts(
        counts.failures[member],
        counts.exposure[member],
        position[counts.group[member]],
        int(chosen.sum()),
    )
    classes, own_class = np.unique(class_of[chosen], return_inverse=True)
    profile = DispersionProfile(
        part,
        GroupPriors(priors.shape[chosen], priors.exposure[chosen]),
        own_class.reshape(-1),
        len(classes),
        is_marginal=True,
    )
    return np.asarray(fit_dispersion(profile, _TOLERANCE).value[own_class.reshape(-1)])

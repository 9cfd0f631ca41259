"""The likeliest overdispersion, against a fine search of the same likelihood."""

from __future__ import annotations

import numpy as np
import pytest

from partsplan.demand.dispersion_fitting import DispersionProfile, fit_dispersion
from partsplan.demand.overdispersion import GroupedCounts, GroupPriors


@pytest.mark.parametrize(("tolerance", "close"), [(1e-2, 0.02), (1e-7, 0.005)])
def test_the_top_is_that_of_a_fine_search(tolerance: float, close: float) -> None:
    """Of 400 classes some have the vertex of the first parabola at its middle point by chance."""
    n_classes, groups, members = 400, 8, 4
    rng = np.random.default_rng(11)
    group = np.repeat(np.arange(n_classes * groups), members)
    exposure = rng.uniform(1.0, 12.0, len(group))
    failures = rng.poisson(exposure * rng.gamma(2.0, 0.5, len(group)))
    profile = DispersionProfile(
        GroupedCounts(failures.astype(float), exposure, group, n_classes * groups),
        GroupPriors(np.ones(n_classes * groups), np.ones(n_classes * groups)),
        np.repeat(np.arange(n_classes), groups),
        n_classes,
        is_marginal=True,
    )
    found = fit_dispersion(profile, tolerance)
    places = np.linspace(np.log(0.02), np.log(5.0), 553)  # a hundredth apart
    best, rates = np.full(n_classes, -np.inf), None
    where = np.zeros(n_classes)
    for place in places:
        value, rates = profile.at(np.full(n_classes, np.exp(place)), rates)
        where = np.where(value > best, place, where)
        best = np.maximum(best, value)
    inner = (where > places[0]) & (where < places[-1])
    assert inner.sum() > 350
    off = np.abs(np.log(found.value[inner]) - where[inner])
    assert off.max() < close + 0.01

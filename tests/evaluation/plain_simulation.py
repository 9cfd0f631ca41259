"""Two levels run in time order with numpy: first come, first served, one for one.

The n-th demand on a location takes the unit that the (n - S)-th demand on it ordered.
"""

import numpy as np


def served(times, ready, stock):
    """Waits of demands at ``times``, when the order of each brings a unit at ``ready``."""
    unit = np.concatenate([np.full(min(stock, len(times)), -np.inf), ready[: len(times) - stock]])
    return np.maximum(unit - times, 0.0)


def two_level_waits(rates, transit_days, resupply_days, stock, rng, *, days):
    """Per base (arrival times, own waits, waits of its orders at the depot).

    ``stock`` is the depot's level and then each base's; the depot has no customers of its own.
    """
    arrivals = [np.sort(rng.uniform(0.0, days, rng.poisson(rate * days))) for rate in rates]
    times = np.concatenate(arrivals)
    base = np.repeat(np.arange(len(rates)), [len(a) for a in arrivals])
    order = np.argsort(times)
    depot_wait = np.empty(len(times))
    depot_wait[order] = served(times[order], times[order] + resupply_days, stock[0])
    result = []
    for j, own in enumerate(arrivals):
        above = depot_wait[base == j]
        waits = served(own, own + transit_days[j] + above, stock[1 + j])
        result.append((own, waits, above))
    return result

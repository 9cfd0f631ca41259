"""Small supply trees for the tests, and two evaluations that share no code with the library."""

from decimal import Decimal, localcontext
from math import comb

import numpy as np

from partsplan.evaluation.supply import SupplyTree


def tree_of(parents, own_rate, transit_days, fraction=0.0, repair_days=0.0, rate_shape=np.inf):
    """A block with one part per row of ``own_rate``; the rest is broadcast to it."""
    own = np.atleast_2d(np.asarray(own_rate, dtype=np.float64))
    return SupplyTree(
        parents=np.asarray(parents, dtype=np.int64),
        own_rate=own,
        transit_days=np.broadcast_to(np.asarray(transit_days, np.float64), own.shape).copy(),
        repair_fraction=np.broadcast_to(np.asarray(fraction, np.float64), own.shape).copy(),
        repair_days=np.broadcast_to(np.asarray(repair_days, np.float64), own.shape).copy(),
        rate_shape=np.broadcast_to(np.asarray(rate_shape, np.float64), own.shape[:1]).copy(),
    )


def two_levels(rates, transit_days, resupply_days, fraction=None, repair_days=None, shape=np.inf):
    """A depot without own customers (location 0) and its bases (1, 2, ...)."""
    none = [0.0] * len(rates)
    return tree_of(
        [-1] + [0] * len(rates),
        [[0.0, *rates]],
        [resupply_days, *transit_days],
        [0.0, *(fraction or none)],
        [0.0, *(repair_days or none)],
        shape,
    )


def three_levels(rates, transit_days, regional_days, resupply_days):
    """A depot (location 0), its regions (1, ...), then the locals region by region."""
    n = len(rates)
    parents = [-1] + [0] * n + [1 + i for i, region in enumerate(rates) for _ in region]
    own = [0.0] * (n + 1) + [rate for region in rates for rate in region]
    days = [resupply_days, *regional_days, *(day for region in transit_days for day in region)]
    return tree_of(parents, [own], days)


def decimal_figures(tree, stock, counts=60):
    """Figures of one part in 60-digit arithmetic, by the plain double sums of the textbook.

    Returns one dict per location; counts above ``counts`` are left out.
    """
    with localcontext() as context:
        context.prec = 60
        laws, figures = {}, {}
        for node in tree.order:
            parent = int(tree.parents[node])
            law = _poisson(Decimal(float(tree.pipeline()[0, node])), counts)
            if parent >= 0:
                waiting = _backorders(laws[parent], int(stock[parent]))
                law = _sum(_thinned(waiting, Decimal(float(tree.share[0, node]))), law)
            laws[node] = law
            figures[node] = _decimal_moments(law, int(stock[node]))
        return [figures[node] for node in range(tree.n_locations)]


def _poisson(mean, counts):
    law = [(-mean).exp()]
    for x in range(counts):
        law.append(law[-1] * mean / (x + 1))
    return law


def _backorders(law, stock):
    return [sum(law[: stock + 1]), *law[stock + 1 :]]


def _thinned(law, share):
    powers = [[Decimal(1)], [Decimal(1)]]
    for _ in law:
        powers[0].append(powers[0][-1] * share)
        powers[1].append(powers[1][-1] * (1 - share))
    return [
        sum(law[n] * comb(n, k) * powers[0][k] * powers[1][n - k] for n in range(k, len(law)))
        for k in range(len(law))
    ]


def _sum(one, other):
    n = min(len(one), len(other))
    return [sum(one[i] * other[k - i] for i in range(k + 1)) for k in range(n)]


def _decimal_moments(law, stock):
    backorders = sum((k - stock) * p for k, p in enumerate(law) if k > stock)
    return {
        "expected_backorders": float(backorders),
        "backorder_variance": float(
            sum((max(k - stock, 0) - backorders) ** 2 * p for k, p in enumerate(law))
        ),
        "stockout": float(sum(law[stock:])) if stock else 1.0,
        "unready": float(sum(law[stock + 1 :])),
        "on_hand": float(sum((stock - k) * p for k, p in enumerate(law[:stock]))),
        "pipeline_mean": float(sum(k * p for k, p in enumerate(law))),
    }


def simulated_waits(tree, stock, demands, rng):
    """Waiting times of customers per location, one part, no local repair, first come first served.

    The n-th demand on a location takes the unit that the (n - S)-th demand on it ordered.
    """
    horizon = demands / tree.own_rate[0].sum()
    arrivals = [
        np.sort(rng.uniform(0, horizon, rng.poisson(rate * horizon))) for rate in tree.own_rate[0]
    ]
    return _waits(tree, stock, arrivals, 0)


def _waits(tree, stock, arrivals, root):
    orders = {}

    def collect(node):
        times, owner = [arrivals[node]], [np.full(arrivals[node].size, -1)]
        for child in tree.children[node]:
            collect(child)
            times.append(orders[child][0])
            owner.append(np.full(orders[child][0].size, child))
        times, owner = np.concatenate(times), np.concatenate(owner)
        by_time = np.argsort(times, kind="stable")
        orders[node] = (times[by_time], owner[by_time])

    waits = {}

    def serve(node, delay_above):
        times, owner = orders[node]
        ready = times + tree.transit_days[0, node] + delay_above
        s = int(stock[node])
        unit = np.concatenate([np.full(min(s, len(times)), -np.inf), ready[: len(times) - s]])
        wait = np.maximum(unit - times, 0.0)
        waits[node] = wait[owner == -1]
        for child in tree.children[node]:
            serve(child, wait[owner == child])

    collect(root)
    serve(root, np.zeros(orders[root][0].size))
    return waits

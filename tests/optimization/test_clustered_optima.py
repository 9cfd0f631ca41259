"""Least-cost stocks under clustered demand, by enumeration with laws of their own."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import nbinom

import partsplan as pp

MOST = 400


class OnePlace:
    """Sums over scipy's negative binomial for one part at one place."""

    def __init__(self, per_day, days, ratio):
        self.per_day, self.days, self.ratio = per_day, days, ratio
        k = np.arange(1, 20 * MOST)
        larger = np.cumsum((np.exp(k * np.log1p(-1 / ratio)) / k)[::-1])[::-1]
        self.before = larger / (ratio - 1)  # P(J = 0, 1, ...)

    def law(self, days):
        r = self.per_day * days / (self.ratio - 1)
        return nbinom.pmf(np.arange(MOST), r, 1 / self.ratio)

    def wait_hours(self, stock):
        late = (np.maximum(np.arange(MOST) - stock, 0) * self.law(self.days)).sum()
        return 24 * late / self.per_day

    def late(self, stock, after_days):
        """P(X + J >= S) with what was asked for in the last days but ``after_days``."""
        if after_days >= self.days:
            return 0.0
        law = self.law(self.days - after_days)
        behind = 1 - np.concatenate([[0.0], np.cumsum(self.before)])
        return float((law * behind[np.maximum(stock - np.arange(MOST), 0)]).sum())


PARTS = {"A": (100.0, 20.0), "B": (300.0, 30.0), "C": (55.0, 12.0)}
DEMAND = {"A": (12.0, 3.0), "B": (5.0, 1.8), "C": (20.0, 5.0)}


def least_cost(costs, uses, allowed):
    """Least total cost of one option per part with total uses within what is allowed."""
    total, used = np.zeros(1), np.zeros((1, len(allowed)))
    for cost, use in zip(costs, uses, strict=True):
        total = (total[:, None] + cost).ravel()
        used = (used[:, None] + use).reshape(-1, len(allowed))
        kept = (used <= allowed * (1 + 1e-9)).all(axis=1)
        total, used = total[kept], used[kept]
    return float(total.min())


def own_costs(allowed, metric, most=26):
    """Per part (cost, use) of stocks 0 .. most - 1 under one commitment on all parts."""
    everything = sum(rate for rate, _ in DEMAND.values())
    for part, (rate, ratio) in DEMAND.items():
        unit_cost, days = PARTS[part]
        place = OnePlace(rate / 365, days, ratio)
        figure = {
            "fill_rate": lambda s, place=place: place.late(s, 0.0),
            "response": lambda s, place=place: place.late(s, 4.0),
            "mean_wait": lambda s, place=place: place.wait_hours(s),
        }[metric]
        uses = np.array([[rate / everything * figure(s)] for s in range(most)])
        yield 0.2 * unit_cost * np.arange(most), uses


def network_of(commitments, **tables):
    return pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": part, "unit_cost": cost, "resupply_days": days}
            for part, (cost, days) in PARTS.items()
        ],
        locations=[{"location_id": "DC", "kind": "central"}],
        commitments=commitments,
        **tables,
    )


def demand_at(location="DC", **changes):
    return pp.DemandRates.from_table(
        [
            {"part_id": part, "location_id": location, "per_year": rate, "variance_to_mean": ratio}
            | changes
            for part, (rate, ratio) in DEMAND.items()
        ]
    )


@pytest.mark.parametrize(
    ("metric", "target", "within"),
    [
        ("fill_rate", 0.8, None),
        ("fill_rate", 0.97, None),
        ("response", 0.9, 96.0),
        ("mean_wait", 48.0, None),
        ("mean_wait", 6.0, None),
    ],
)
def test_one_place(metric, target, within):
    row = {"commitment_id": "C", "metric": metric, "target": target, "within_hours": within}
    plan = pp.optimize(network_of([row]), demand_at(), gap=0)
    allowed = np.array([target if metric == "mean_wait" else 1 - target])
    best = least_cost(*zip(*own_costs(allowed, metric), strict=True), allowed)
    assert plan.status.value == "optimal"
    assert plan.evaluation == "exact"
    assert_allclose(plan.cost, best, rtol=1e-9)
    assert plan.bound <= best * (1 + 1e-9)
    stock = plan.stock.array[:, 0]
    options = list(own_costs(allowed, metric))
    used = sum(float(use[s, 0]) for s, (_, use) in zip(stock, options, strict=True))
    shown = plan.commitments[0].achieved
    assert_allclose(shown if metric == "mean_wait" else 1 - shown, used, rtol=1e-9)


def test_two_commitments_at_one_place():
    rows = [
        {"commitment_id": "F", "metric": "fill_rate", "target": 0.9},
        {"commitment_id": "W", "metric": "mean_wait", "target": 30.0},
    ]
    plan = pp.optimize(network_of(rows), demand_at(), gap=0)
    allowed = np.array([0.1, 30.0])
    costs, shares = zip(*own_costs(allowed, "fill_rate"), strict=True)
    _, waits = zip(*own_costs(allowed, "mean_wait"), strict=True)
    uses = [np.concatenate(pair, axis=1) for pair in zip(shares, waits, strict=True)]
    assert plan.status.value == "optimal"
    assert_allclose(plan.cost, least_cost(costs, uses, allowed), rtol=1e-9)


def test_one_place_costs_more_than_poisson():
    rows = [{"commitment_id": "F", "metric": "fill_rate", "target": 0.9}]
    plain = pp.optimize(network_of(rows), demand_at(variance_to_mean=1.0), gap=0)
    clustered = pp.optimize(network_of(rows), demand_at(), gap=0)
    assert clustered.cost > plain.cost


def test_a_centre_with_idle_children_is_a_place_alone():
    rows = [{"commitment_id": "F", "metric": "fill_rate", "target": 0.9}]
    field = {
        "location_id": "F",
        "kind": "forward",
        "replenished_from": "DC",
        "replenishment_days": 2.0,
    }
    alone = network_of(rows)
    network = alone.replace(locations=[{"location_id": "DC", "kind": "central"}, field])
    plans = [pp.optimize(one, demand_at(), gap=0) for one in (alone, network)]
    assert plans[0].cost == plans[1].cost
    assert plans[1].status.value == "optimal"


def test_uncertain_rates_on_top():
    """Every stock that costs less misses the promise, by the evaluation tested elsewhere."""
    rows = [{"commitment_id": "F", "metric": "fill_rate", "target": 0.8}]
    network, demand = network_of(rows), demand_at(rate_shape=2.0)
    plan = pp.optimize(network, demand, gap=0)
    assert plan.status.value == "optimal"
    figures = [
        pp.evaluate(network, demand, {(part, "DC"): s for part in PARTS}).fill_rate[:, 0]
        for s in range(20)
    ]
    rate = np.array([rate for rate, _ in DEMAND.values()])
    uses = (1 - np.array(figures)) * rate / rate.sum()
    costs = [0.2 * cost * np.arange(20) for cost, _ in PARTS.values()]
    best = least_cost(costs, [uses[:, [p]] for p in range(3)], np.array([0.2]))
    assert_allclose(plan.cost, best, rtol=1e-9)


def test_a_promise_out_of_reach_of_the_limits():
    rows = [{"commitment_id": "F", "metric": "fill_rate", "target": 0.9}]
    limits = [{"part_id": part, "location_id": "DC", "maximum": 1} for part in PARTS]
    plan = pp.optimize(network_of(rows), demand_at(), limits=limits)
    assert plan.status.value == "infeasible"
    missed = sum(
        rate / 37.0 * OnePlace(rate / 365, PARTS[part][1], ratio).late(1, 0.0)
        for part, (rate, ratio) in DEMAND.items()
    )
    assert_allclose(plan.impossible[0].best_attainable, 1 - missed, rtol=1e-9)


# -- two levels by moments ---------------------------------------------------------------------


def moments(mean, variance, stock):
    """EBO and VBO of a negative binomial pipeline."""
    k = np.arange(MOST)
    law = nbinom.pmf(k, mean * mean / (variance - mean), mean / variance)
    late = np.maximum(k - stock, 0)
    ebo = (law * late).sum()
    return ebo, (law * (late - ebo) ** 2).sum()


def two_level_waits(rates, ratio, days, most):
    """Mean waits [hours] at two bases for every stock vector below ``most``, equal clustering."""
    above, transit = days
    total = sum(rates)
    waits = np.zeros((most[0], most[1], most[1], 2))
    for s0 in range(most[0]):
        ebo, vbo = moments(total * above, ratio * total * above, s0)
        for j, rate in enumerate(rates):
            f = rate / total
            mean = rate * transit[j] + f * ebo
            variance = ratio * rate * transit[j] + f * f * vbo + f * (1 - f) * ratio * ebo
            late = np.array([moments(mean, variance, s)[0] for s in range(most[1])])
            shape = (most[1], 1) if j == 0 else (1, most[1])
            waits[s0, :, :, j] = 24 * (late / rate).reshape(shape)
    return waits


@pytest.mark.parametrize("targets", [(60.0, 60.0), (24.0, 96.0), (8.0, 20.0)])
def test_two_levels_by_moments(targets):
    ratios, most = {"A": 3.0, "B": 1.7}, (14, 12)
    rates = {"A": (6.0, 3.0), "B": (2.0, 4.0)}
    transit = (3.0, 5.0)
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": part, "unit_cost": PARTS[part][0], "resupply_days": PARTS[part][1]}
            for part in rates
        ],
        locations=[
            {"location_id": "DC", "kind": "central"},
            *(
                {
                    "location_id": f"F{j}",
                    "kind": "forward",
                    "replenished_from": "DC",
                    "replenishment_days": days,
                }
                for j, days in enumerate(transit)
            ),
        ],
        commitments=[
            {
                "commitment_id": f"W{j}",
                "metric": "mean_wait",
                "target": target,
                "location_id": f"F{j}",
            }
            for j, target in enumerate(targets)
        ],
    )
    demand = pp.DemandRates.from_table(
        [
            {
                "part_id": part,
                "location_id": f"F{j}",
                "per_year": rate,
                "variance_to_mean": ratios[part],
            }
            for part, by_base in rates.items()
            for j, rate in enumerate(by_base)
        ]
    )
    plan = pp.optimize(network, demand, evaluation="vari_metric", gap=0)
    by_base = np.array(list(rates.values())).sum(axis=0)
    costs, uses = [], []
    for part, pair in rates.items():
        unit_cost, above = PARTS[part]
        per_day = [rate / 365 for rate in pair]
        waits = two_level_waits(per_day, ratios[part], (above, transit), most)
        stocks = itertools.product(range(most[0]), range(most[1]), range(most[1]))
        costs.append(0.2 * unit_cost * np.array([sum(s) for s in stocks]))
        uses.append(waits.reshape(-1, 2) * np.array(pair) / by_base)
    best = least_cost(costs, uses, np.array(targets))
    assert_allclose(plan.cost, best, rtol=1e-9)
    assert (plan.status.value, plan.bound, plan.gap) == ("feasible", None, None)

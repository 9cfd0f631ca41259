"""Lots at the top: brute force over the inventory position, cost tables, children below a root."""

from __future__ import annotations

import heapq
import math
from dataclasses import fields, replace

import numpy as np
import pytest

import partsplan as pp
from partsplan.evaluation import economic_lot, exact_figures, late_shares
from partsplan.evaluation.moments import metric_figures, vari_metric_figures
from partsplan.evaluation.supply import SupplyTree


def tree_of(own: list[float], days: list[float], parents: list[int], shape: float = math.inf):
    n = len(own)
    return SupplyTree(
        parents=np.array(parents),
        own_rate=np.array([own]),
        transit_days=np.array([days]),
        repair_fraction=np.zeros((1, n)),
        repair_days=np.zeros((1, n)),
        rate_shape=np.array([shape]),
    )


def in_lots(tree: SupplyTree, *lots: int) -> SupplyTree:
    return replace(tree, lots=np.array([lots]))


def poisson(mean: float, count: int) -> float:
    return math.exp(-mean + count * math.log(mean) - math.lgamma(count + 1))


@pytest.mark.parametrize("lot", [1, 2, 5, 9])
@pytest.mark.parametrize("shape", [math.inf, 1.5])
def test_one_location_by_brute_force(lot: int, shape: float) -> None:
    """Poisson or negative binomial demand over the resupply time, position uniform on R+1..R+Q."""
    mean, top = 2.4, 9
    found = exact_figures(in_lots(tree_of([0.2], [12.0], [-1], shape), lot), np.array([[top]]))

    def law(count: int, more: float = 0.0) -> float:
        if math.isinf(shape):
            return poisson(mean, count)
        a = shape + more
        chance = shape / (shape + mean)
        log = math.lgamma(a + count) - math.lgamma(a) - math.lgamma(count + 1)
        return math.exp(log + a * math.log(chance) + count * math.log(1 - chance))

    late = held = filled = 0.0
    for position in range(top - lot + 1, top + 1):
        for count in range(400):
            late += law(count) * max(count - position, 0) / lot
            held += law(count) * max(position - count, 0) / lot
            filled += law(count, 1.0) * (count < position) / lot  # by demand: size-biased
    assert found.expected_backorders[0, 0] == pytest.approx(late, rel=1e-9)
    assert found.on_hand[0, 0] == pytest.approx(held, rel=1e-9)
    assert found.fill_rate[0, 0] == pytest.approx(filled, rel=1e-9)


def test_cost_table_by_brute_force() -> None:
    """Yearly cost of orders, stock and late units for all R and Q, and where it is least."""
    order_cost, holding, late_cost, per_day, days = 40.0, 12.0, 900.0, 0.15, 20.0
    table, brute = {}, {}
    tree = tree_of([per_day], [days], [-1])
    for lot in range(1, 16):
        for reorder in range(8):
            found = exact_figures(in_lots(tree, lot), np.array([[reorder + lot]]))
            yearly = order_cost * 365 * per_day / lot
            table[reorder, lot] = yearly + float(
                holding * found.on_hand[0, 0] + late_cost * found.expected_backorders[0, 0]
            )
            inside = sum(
                poisson(per_day * days, x) * (holding * max(y - x, 0) + late_cost * max(x - y, 0))
                for y in range(reorder + 1, reorder + lot + 1)
                for x in range(80)
            )
            brute[reorder, lot] = yearly + inside / lot
    assert table == pytest.approx(brute, rel=1e-9)
    assert min(table, key=table.__getitem__) == min(brute, key=brute.__getitem__)


def test_children_of_a_root_that_orders_in_lots() -> None:
    """Child law by hand: late units of the mixed root, thinned, plus the child's own pipeline."""
    tree = tree_of([0.0, 0.06, 0.04], [25.0, 3.0, 5.0], [-1, 0, 0])
    top, lot, levels = 5, 3, (1, 2)
    stock = np.array([[top, *levels]])
    found = exact_figures(in_lots(tree, lot, 1, 1), stock)
    late_law: dict[int, float] = {}
    for position in range(top - lot + 1, top + 1):
        for count in range(80):
            late = max(count - position, 0)
            late_law[late] = late_law.get(late, 0.0) + poisson(2.5, count) / lot
    for child, (share, mean) in enumerate(((0.6, 0.18), (0.4, 0.2))):
        expected = 0.0
        for late, chance in late_law.items():
            for mine in range(late + 1):
                binomial = math.comb(late, mine) * share**mine * (1 - share) ** (late - mine)
                for own in range(25):
                    short = max(mine + own - levels[child], 0)
                    expected += chance * binomial * poisson(mean, own) * short
        assert found.expected_backorders[0, 1 + child] == pytest.approx(expected, rel=1e-9)


def by_positions(figures, tree, stock, lot):
    """Means over the base stocks S, S - 1, ..., S - Q + 1 of the root, location 0."""
    each = [figures(tree, stock - np.eye(1, stock.size, dtype=int) * u) for u in range(lot)]
    found = {f.name: np.mean([getattr(e, f.name) for e in each], axis=0) for f in fields(each[0])}
    second = [e.backorder_variance + e.expected_backorders**2 for e in each]
    found["backorder_variance"] = np.mean(second, axis=0) - found["expected_backorders"] ** 2
    return {name: value for name, value in found.items() if not name.startswith("pipeline_var")}


@pytest.mark.parametrize("parents", [[-1, 0, 0], [-1, 0, 1], [-1, -1, 0]])
@pytest.mark.parametrize(("shape", "top"), [(math.inf, 3), (math.inf, 40), (1.5, 7)])
def test_exact_figures_are_means_over_the_position(parents, shape, top) -> None:
    tree = tree_of([0.03, 0.06, 0.04], [25.0, 3.0, 5.0], parents, shape)
    tree = replace(tree, repair_fraction=np.array([[0.2, 0.3, 0.0]]))
    stock = np.array([[top, 1, 2]])
    for lot in (3, 30):
        found = exact_figures(in_lots(tree, lot, 1, 1), stock)
        expected = by_positions(exact_figures, tree, stock, min(lot, top))
        for name, value in expected.items():
            assert getattr(found, name) == pytest.approx(value, rel=1e-8, abs=1e-13), name
        windows = [(0, 0.0), (0, 7.0), (1, 0.0), (1, 4.0), (2, 11.0), (2, 40.0)]
        late = [
            late_shares(tree, stock - np.array([[u, 0, 0]]), windows) for u in range(min(lot, top))
        ]
        assert late_shares(in_lots(tree, lot, 1, 1), stock, windows) == pytest.approx(
            np.mean(late, axis=0), rel=1e-8, abs=1e-15
        )


@pytest.mark.parametrize("figures", [exact_figures, vari_metric_figures, metric_figures])
@pytest.mark.parametrize("ratio", [1.0, 2.5])
@pytest.mark.parametrize("shape", [math.inf, 2.0])
def test_roots_under_every_evaluation(figures, ratio, shape) -> None:
    """A root that supplies nobody; clustered demand orders as many lots as it takes."""
    tree = replace(tree_of([0.2], [12.0], [-1], shape), variance_to_mean=np.array([[ratio]]))
    stock = np.array([[6]])
    found = figures(in_lots(tree, 4), stock)
    for name, value in by_positions(figures, tree, stock, 4).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9), name
    late = [late_shares(tree, stock - u, [(0, 3.0)]) for u in range(4)]
    assert late_shares(in_lots(tree, 4), stock, [(0, 3.0)]) == pytest.approx(np.mean(late))


def test_moments_go_down_from_the_mixed_root() -> None:
    """METRIC: the mean of the child's pipeline takes the root's mean late units; VARI more."""
    tree = tree_of([0.0, 0.06, 0.04], [25.0, 3.0, 5.0], [-1, 0, 0])
    stock, lots = np.array([[5, 1, 1]]), in_lots(tree, 4, 1, 1)
    exact = exact_figures(lots, stock)
    root = exact.expected_backorders[0, 0]
    for figures in (metric_figures, vari_metric_figures):
        found = figures(lots, stock)
        assert found.expected_backorders[0, 0] == pytest.approx(root, rel=1e-9)
        assert found.pipeline_mean[0, 1] == pytest.approx(0.18 + 0.6 * root, rel=1e-9)
    assert found.backorder_variance[0, 0] == pytest.approx(exact.backorder_variance[0, 0])
    assert found.expected_backorders == pytest.approx(exact.expected_backorders, rel=0.02)


def test_parts_with_and_without_lots_in_one_block() -> None:
    alone = [
        in_lots(tree_of([0.0, rate], [20.0, 4.0], [-1, 0]), lot, 1)
        for rate, lot in ((0.05, 1), (0.3, 9), (2.0, 60))
    ]
    stock = np.array([[3, 1], [14, 2], [90, 10]])
    names = ("own_rate", "transit_days", "repair_fraction", "repair_days", "rate_shape", "lots")
    block = SupplyTree(
        parents=np.array([-1, 0]),
        **{name: np.concatenate([getattr(tree, name) for tree in alone]) for name in names},
    )
    together = exact_figures(block, stock)
    for p, tree in enumerate(alone):
        one = exact_figures(tree, stock[[p]])
        assert together.on_hand[p] == pytest.approx(one.on_hand[0], rel=1e-12)
        assert together.stockout[p] == pytest.approx(one.stockout[0], rel=1e-12)


def test_shelf_without_a_resupply_time() -> None:
    """Nothing is ever under way, but the position still is anywhere in the lot."""
    tree = in_lots(tree_of([0.1], [0.0], [-1]), 5)
    assert exact_figures(tree, np.array([[7]])).on_hand[0, 0] == pytest.approx(5.0)
    idle = in_lots(tree_of([0.0], [10.0], [-1]), 5)
    assert exact_figures(idle, np.array([[7]])).on_hand[0, 0] == 7.0


def test_lots_are_no_larger_than_the_stock() -> None:
    tree = in_lots(tree_of([0.1], [10.0], [-1]), 50)
    assert exact_figures(tree, np.array([[2]])).fill_rate[0, 0] == pytest.approx(1.5 / math.e)
    assert exact_figures(tree, np.array([[0]])).expected_backorders[0, 0] == pytest.approx(1.0)


def test_bad_lots() -> None:
    tree = tree_of([0.1, 0.1], [10.0, 2.0], [-1, 0])
    with pytest.raises(ValueError, match="lots must be whole numbers of at least 1"):
        in_lots(tree, 0, 1)
    with pytest.raises(ValueError, match="lots must be whole numbers of at least 1"):
        replace(tree, lots=np.array([[1.5, 1.0]]))
    with pytest.raises(ValueError, match="lots must be 1 at locations that another one"):
        in_lots(tree, 1, 2)


def centre_network(**part):
    return pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 100.0, "resupply_days": 20.0} | part],
        locations=[
            {"location_id": "DC", "kind": "central"},
            {
                "location_id": "F",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 3.0,
            },
        ],
        commitments=[
            {"commitment_id": "F", "metric": "fill_rate", "target": 0.5},
            {"commitment_id": "R", "metric": "response", "target": 0.5, "within_hours": 100.0},
            {"commitment_id": "W", "metric": "mean_wait", "target": 100.0},
        ],
    )


def plain_loop(rate, stock, lot, days, horizon, rng):
    """One unit at a time, events in order: waits at F, mean shelf of DC and F."""
    n = rng.poisson(rate * horizon)
    demands = np.sort(rng.uniform(0.0, horizon, n))
    position, late_dc, shelf = stock[0], [], {"DC": stock[0], "F": stock[1]}
    events = [(day, 0, "demand") for day in demands]
    heapq.heapify(events)
    waiting, waits, area, before, counter = [], [], {"DC": 0.0, "F": 0.0}, 0.0, 0
    while events:
        day, _, kind = heapq.heappop(events)
        for place in area:
            area[place] += shelf[place] * (day - before)
        before = day
        counter += 1
        if kind == "demand":
            if shelf["F"] > 0:
                shelf["F"] -= 1
                waits.append(0.0)
            else:
                waiting.append(day)
            position -= 1
            if shelf["DC"] > 0:
                shelf["DC"] -= 1
                heapq.heappush(events, (day + days[1], counter, "at F"))
            else:
                late_dc.append(day)
            if position == stock[0] - lot:
                position += lot
                heapq.heappush(events, (day + days[0], counter, "lot"))
        elif kind == "lot":
            shelf["DC"] += lot
            while shelf["DC"] > 0 and late_dc:
                late_dc.pop(0)
                shelf["DC"] -= 1
                heapq.heappush(events, (day + days[1], counter, "at F"))
        elif waiting:
            waits.append(day - waiting.pop(0))
        else:
            shelf["F"] += 1
    return np.array(waits), area["DC"] / before, area["F"] / before


def test_two_levels_against_a_plain_loop_of_events() -> None:
    """Fill rate, response, wait and shelves of 400,000 demands, within four standard errors."""
    network = centre_network(order_quantity=4)
    demand = pp.DemandRates.from_arrays(["P"], ["DC", "F"], [[0.0, 0.15 * 365.0]])
    stock = {("P", "DC"): 5, ("P", "F"): 1}
    found = pp.evaluate(network, demand, stock)
    runs = [
        plain_loop(0.15, (5, 1), 4, (20.0, 3.0), 50_000.0, np.random.default_rng(seed))
        for seed in range(20)
    ]
    seen = np.array(
        [
            [(w == 0).mean(), (w <= 100 / 24).mean(), 24 * w.mean(), dc, field]
            for w, dc, field in runs
        ]
    )
    told = [c.achieved for c in found.commitments] + [found.on_hand[0, 0], found.on_hand[0, 1]]
    error = seen.std(axis=0, ddof=1) / np.sqrt(len(runs))
    assert (np.abs(seen.mean(axis=0) - told) < 4 * error).all(), (seen.mean(axis=0), told, error)
    one_for_one = pp.evaluate(network.replace(parts=centre_parts(1)), demand, stock)
    assert one_for_one.fill_rate[0, 1] > found.fill_rate[0, 1] + 20 * error[0]


def centre_parts(lot):
    return [{"part_id": "P", "unit_cost": 100.0, "resupply_days": 20.0, "order_quantity": lot}]


def test_economic_lots_of_a_network() -> None:
    """Q (Q + 1) >= 2 K D / h with K = 150, D = 60, h = 20: 900, so 30; given lots come first."""
    demand = pp.DemandRates.from_arrays(["P"], ["DC", "F"], [[20.0, 40.0]])
    stock = {("P", "DC"): 34, ("P", "F"): 2}
    economic = pp.evaluate(centre_network(order_cost=150.0), demand, stock)
    given = pp.evaluate(centre_network(order_quantity=30), demand, stock)
    assert economic.fill_rate == pytest.approx(given.fill_rate, rel=1e-12)
    assert economic.on_hand == pytest.approx(given.on_hand, rel=1e-12)
    both = pp.evaluate(centre_network(order_cost=150.0, order_quantity=1), demand, stock)
    plain = pp.evaluate(centre_network(), demand, stock)
    assert both.fill_rate == pytest.approx(plain.fill_rate, rel=1e-12)
    assert economic.fill_rate[0, 0] < plain.fill_rate[0, 0]


def test_random_resupply_times_of_lots_are_not_exact() -> None:
    """Lots may cross then; units ordered one by one may too, but only the mean time matters."""
    demand = pp.DemandRates.from_arrays(["P"], ["DC", "F"], [[20.0, 40.0]])
    for lot, cv, is_exact in ((1, 0.5, True), (4, 0.0, True), (4, 0.5, False)):
        network = centre_network(order_quantity=lot, resupply_cv=cv)
        assert pp.evaluate(network, demand, {("P", "DC"): 5}).is_exact is is_exact


def test_lots_are_refused_among_parts_within_parts() -> None:
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": "L", "unit_cost": 10.0, "resupply_days": 20.0},
            {"part_id": "S", "unit_cost": 1.0, "resupply_days": 20.0, "order_quantity": 9},
        ],
        locations=[{"location_id": "DC", "kind": "central"}],
        sites=[{"site_id": "A", "served_by": "DC"}],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[
            {"equipment_id": "M", "part_id": "L", "failures_per_year": 2.0},
            {"equipment_id": "M", "part_id": "S", "parent_part_id": "L", "cause_fraction": 0.5},
        ],
        installed_base=[{"site_id": "A", "equipment_id": "M", "machines": 3}],
    )
    with pytest.raises(pp.PartsplanError, match="part 'S' has order_quantity 9"):
        pp.evaluate(network, pp.estimate_demand(network), {("L", "DC"): 2})


def test_economic_lot_is_the_best_whole_number() -> None:
    for ratio in (0.0, 1.0, 1.9, 2.1, 5.9, 6.1, 250.0):
        best = min(range(1, 60), key=lambda q: ratio / 2 / q + (q + 1) / 2)
        assert int(economic_lot(ratio / 2, 1.0, 1.0)) == best
    with pytest.raises(ValueError, match="holding_cost above 0"):
        economic_lot(1.0, 1.0, 0.0)

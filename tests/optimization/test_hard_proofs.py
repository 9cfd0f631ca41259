"""Proofs that ask for more than is there at first: parts owned in plenty, short lists."""

import pytest
from brute_force import BruteForce
from own_networks import located, promise
from random_networks import plan_of, random_case

from partsplan.optimization import stock_tables

LOCATIONS = {"D": ("", 0.0), "F": ("D", 4.67), "E": ("", 0.0), "G": ("D", 7.39)}


def owned_in_plenty(target, parts):
    """P is dear and short, Q is cheap and owned in plenty, V is needed anyway."""
    demand = {
        "P": {"D": 0.29, "F": 0.70, "G": 1.37},
        "Q": {"G": 2.73},
        "V": {"E": 1.79, "G": 0.8},
    }
    owned = {
        "P": {"F": (0, 1, 0), "E": (0, 1, 1), "G": (0, 1, 2)},
        "Q": {"D": (2, 0, 0), "F": (2, 0, 0), "E": (0, 1, 0), "G": (2, 1, 0)},
        "V": {"D": (2, 0, 2), "E": (0, 1, 0)},
    }
    stock = [
        {
            "part_id": part,
            "location_id": location,
            "on_hand": on_hand,
            "on_order": on_order,
            "minimum": minimum,
        }
        for part in parts
        for location, (on_hand, on_order, minimum) in owned[part].items()
    ]
    tables = located(
        LOCATIONS,
        {part: demand[part] for part in parts},
        [promise("mean_wait", target)],
        stock=stock,
    )
    figures = {"P": (1e6, 56.4), "Q": (489.32, 8.82), "V": (261.28, 5.05)}
    for part in tables["parts"]:
        part["unit_cost"], part["resupply_days"] = figures[part["part_id"]]
    return tables


@pytest.mark.parametrize("parts", ["PQ", "PQV"])
@pytest.mark.parametrize("target", [28.0, 40.0])
def test_parts_owned_in_plenty_leave_no_gap(parts, target):
    plan = plan_of(owned_in_plenty(target, parts), "new_investment", gap=0.0)
    assert (plan.status, plan.gap) == ("optimal", 0.0)


def test_bounds_hold_where_there_is_no_room_for_longer_lists(monkeypatch):
    """Fast movers below two levels of stock: lists stay as they were begun."""
    monkeypatch.setattr(stock_tables, "_MOST_FIGURES", 1)
    gaps = []
    for seed in range(2000, 2040):
        tables, objective, evaluation = random_case(seed)
        best = BruteForce(tables, objective, evaluation).optimum()
        plan = plan_of(tables, objective, evaluation)
        if best.cost is not None and plan.bound is not None and plan.has_solution:
            assert plan.bound <= best.cost * (1 + 1e-9)
            assert plan.cost >= best.strict_cost * (1 - 1e-9)
            gaps.append(plan.gap)
    assert max(gaps) > 0.01
    assert min(gaps) == 0.0

"""Proofs that ask for more than the relaxation gives at first: parts owned in plenty."""

import pytest
from own_networks import located, promise
from random_networks import plan_of

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

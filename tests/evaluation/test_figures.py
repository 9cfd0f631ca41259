"""Sherbrooke's supply availability."""

import numpy as np
import pytest
from cases_levels_and_windows import AVAILABILITY
from numpy.testing import assert_allclose

from partsplan.evaluation import poisson
from partsplan.evaluation.figures import supply_availability


@pytest.mark.parametrize(("systems", "items", "backorders", "availability"), AVAILABILITY)
def test_availability_product(systems, items, backorders, availability):
    pipeline, stock, per_system = (np.array(column) for column in zip(*items, strict=True))
    ebo = poisson.expected_backorders(stock.astype(int), pipeline)
    assert_allclose(ebo, backorders, rtol=1e-10)
    assert_allclose(supply_availability(ebo, per_system, systems), availability, rtol=1e-10)


def test_more_backorders_than_places_leave_no_system():
    assert supply_availability([30.0, 0.1], [1, 1], 10) == 0.0


def test_parts_that_no_system_holds_do_not_count():
    assert supply_availability([0.3, 0.1], [0, 1], 10) == 0.99


def test_one_fleet_per_row():
    one = supply_availability([[0.3, 0.1], [0.3, 0.1]], [1, 2], [10, 20])
    assert_allclose(one, [0.97 * 0.995**2, 0.985 * 0.9975**2], rtol=1e-14)

"""The arrays against a plain event loop on the same demands, and rules said by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from plain_events import customer_waits
from random_stocks import random_network

from partsplan.network import read_base_stock
from partsplan.simulation.running import pieces_of
from partsplan.simulation.serving import served
from partsplan.simulation.simulate import experiment_on


def plain_waits(piece, run):
    """Waits by the plain event loop, in the order of the arrivals."""
    block, arrivals = piece.block, run.arrivals
    waits = np.empty(len(arrivals.row))
    repaired_at = np.full(len(arrivals.row), -1)
    resupply = np.zeros(len(arrivals.row))
    for level, queue in enumerate(run.queues):
        location = queue.place // arrivals.n_rows
        deeper = run.queues[level + 1] if level + 1 < len(run.queues) else None
        if deeper is not None:
            below = deeper.unit[~np.isin(deeper.unit, queue.unit)]
            repaired_at[below] = (deeper.place // arrivals.n_rows)[np.isin(deeper.unit, below)]
        if level == 0:
            resupply[queue.unit] = queue.lead_days
            fraction = block.tree.repair_fraction[0, location]
            assert ((fraction == 0) | (fraction == 1)).all()
    for row in range(arrivals.n_rows):
        part = row // piece.n_replications
        mine = np.flatnonzero(arrivals.row == row)
        shipper = block.class_shipper[arrivals.customers[mine]]
        demands = [
            (
                float(arrivals.days[n]),
                int(at),
                None if repaired_at[n] < 0 else int(repaired_at[n]),
                float(block.tree.repair_days[part, repaired_at[n]]),
                float(resupply[n]),
            )
            for n, at in zip(mine, shipper, strict=True)
        ]
        waits[mine] = customer_waits(
            block.tree.parents, block.stock[part], block.tree.transit_days[part], demands
        )
    return waits


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("law", ["deterministic", "exponential"])
def test_waits_are_those_of_a_plain_event_loop(seed, law):
    network, demand, stock = random_network(seed)
    experiment = experiment_on(network, demand, stock, years=3.0, lead_times=law)
    for piece in pieces_of(experiment, 3, (seed,)):
        run = piece.run()
        assert len(run.wait_days) > 0
        assert_allclose(run.wait_days, plain_waits(piece, run), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.floats(0.01, 5.0), min_size=1, max_size=25),
    lead=st.lists(st.floats(0.1, 20.0), min_size=25, max_size=25),
    stock=st.integers(0, 4),
)
def test_units_serve_in_the_order_in_which_they_come(gaps, lead, stock):
    days = np.cumsum(gaps)
    came = days + np.array(lead[: len(days)])
    out, released = served(days, came, np.array([len(days)]), np.array([stock]), sort=True)
    demands = [(float(t), 0, None, 0.0, float(x)) for t, x in zip(days, came - days, strict=True)]
    assert_allclose(released - days, customer_waits([-1], [stock], [0.0], demands), atol=1e-9)
    assert (out == ((released > days) | (stock == 0))).all()


def test_an_order_keeps_its_unit():
    """A unit that the centre sends to a location that ordered it first does not serve another.

    The centre holds 1 and is resupplied in 10 days; both locations hold nothing and are 1 day
    away. F1 asks on day 0 and 1, F2 on day 2: the units of day 10, 11 and 12 go to F1, F1, F2.
    """
    demands = [(0.0, 1, None, 0, 10.0), (1.0, 1, None, 0, 10.0), (2.0, 2, None, 0, 10.0)]
    assert customer_waits([-1, 0, 0], [0, 0, 0], [10.0, 1.0, 1.0], demands) == [11.0, 11.0, 11.0]
    assert customer_waits([-1, 0, 0], [1, 0, 0], [10.0, 1.0, 1.0], demands) == [1.0, 10.0, 10.0]


def test_a_stock_of_the_experiment_is_the_one_given():
    network, demand, stock = random_network(2)
    experiment = experiment_on(network, demand, stock, years=1.0)
    assert (experiment.stock == read_base_stock(network, stock)).all()

"""Work in threads: results in order, few pieces under way, errors as they are."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import partsplan as pp
from partsplan.evaluation.measuring import used
from partsplan.evaluation.performance import service_model
from partsplan.evaluation.threads import in_threads


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_the_order_of_the_pieces(threads):
    def slow_at_first(piece: int) -> int:
        time.sleep(0.002 * (7 - piece))
        return piece * piece

    assert list(in_threads(slow_at_first, range(7), threads)) == [n * n for n in range(7)]


@pytest.mark.parametrize("pieces", [[], [3]])
def test_nothing_or_one_piece_needs_no_thread(pieces):
    threads = list(in_threads(lambda _: threading.current_thread(), pieces, 2))
    assert threads == [threading.main_thread()] * len(pieces)


def test_only_a_few_pieces_are_read_ahead():
    read = []

    def pieces():
        for piece in range(100):
            read.append(piece)
            yield piece

    results = in_threads(lambda piece: piece, pieces(), 2)
    assert next(results) == 0
    assert len(read) <= 5
    results.close()
    assert len(read) <= 5


def test_an_error_in_a_thread_is_raised_here():
    def work(piece: int) -> float:
        return 1.0 / piece

    with pytest.raises(ZeroDivisionError):
        list(in_threads(work, [2, 1, 0, 3], 2))


def test_settings_of_the_caller_hold_in_the_threads():
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        list(in_threads(lambda piece: np.ones(1) / piece, [np.ones(1), np.zeros(1)], 2))


@pytest.mark.parametrize("evaluation", ["exact", "vari_metric"])
def test_the_number_of_threads_changes_no_bit(evaluation, monkeypatch):
    monkeypatch.setattr("partsplan.evaluation.measuring._BLOCK_SIZE", 7)
    rng = np.random.default_rng(5)
    names = [f"P{p}" for p in range(60)]
    network = pp.ServiceNetwork.from_tables(
        parts={"part_id": names, "unit_cost": [1.0] * 60, "resupply_days": [40.0] * 60},
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
            {"commitment_id": "W", "metric": "mean_wait", "target": 9.0},
            {"commitment_id": "R", "metric": "fill_rate", "target": 0.9, "location_id": "F"},
        ],
    )
    demand = pp.DemandRates.from_arrays(names, ["DC", "F"], rng.exponential(4.0, (60, 2)))
    model = service_model(network, demand, evaluation)
    stock = rng.integers(0, 4, (60, 2))
    alone = used(model, stock, evaluation, threads=1)
    assert_array_equal(used(model, stock, evaluation, threads=2), alone)
    assert_array_equal(used(model, stock, evaluation, threads=3), alone)

"""Tiny random networks of all shapes: bound <= optimum <= cost, and every promise kept.

Others: ``python tests/optimization/random_networks.py 500``.
"""

import pytest
from random_networks import check_case, random_case

SEEDS = range(1000, 1500)
BATCH = 20


@pytest.mark.parametrize("first", SEEDS[::BATCH])
def test_random_networks(first):
    for seed in range(first, first + BATCH):
        try:
            check_case(*random_case(seed))
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise

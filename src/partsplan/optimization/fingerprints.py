"""Numbers that tell whether anything a part's plan depends on has changed.

A fingerprint is a sum of random multiples of the mixed bits of all inputs of a part. A change of
one input always changes it; that other changes leave it alone has a probability of about 2^-63.
What promises weigh of a part is taken in units or machines, not as a share of all: another part's
demand does not change it. There 32 binary digits count, the demand itself is compared in full.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.weights import Terms
from partsplan.optimization.axes import Floats
from partsplan.optimization.block_problem import BlockProblem

Numbers = NDArray[np.uint64]

_SEED = 7_919
_DIGITS = 2.0**32
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd: 2^64 over the golden ratio."""


def fingerprints(problem: BlockProblem, volume: Floats) -> Numbers:
    """One number per part of a block; equal where the part's columns and bounds are equal.

    ``volume`` is what the weights of every promise are shares of, shape (n_promises,).
    """
    tree, weights = problem.block.tree, problem.block.weights
    arrays = (
        tree.own_rate,
        tree.transit_days,
        tree.repair_fraction,
        tree.repair_days,
        tree.rate_shape,
        tree.variance_to_mean,
        tree.lots,
        problem.unit_price,
        problem.owned,
        problem.lowest,
        problem.highest,
    )
    shared = (
        problem.evaluation,
        tree.parents.tolist(),
        weights.routes,
        weights.windows,
        weights.late_route.tolist(),
        weights.late_window.tolist(),
        problem.kept.tolist(),
        problem.n_promises,
    )
    places = problem.places
    random = np.random.default_rng(_SEED)
    found = np.full(tree.n_parts, _number_of(shared), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for array in arrays if places is None else (*arrays, places):
            found += _of_array(array, tree.n_parts, random)
        for terms in (weights.wait, weights.stockout, weights.late, weights.fixed):
            found += _of_terms(terms, volume, random)
    return found


def _of_array(array: NDArray[Any], n_parts: int, random: np.random.Generator) -> Numbers:
    """Of an array whose first axis are parts, or one row for all of them."""
    rows = array.reshape(len(array), -1)
    factors = _factors(rows.shape[1], random)
    if len(rows) and rows.strides[0] == 0:
        rows = rows[:1]
    bits = mixed(rows)
    found: Numbers = (bits * factors).sum(axis=1, dtype=np.uint64)
    return np.broadcast_to(found, n_parts) if len(found) == 1 else found


def _of_terms(terms: Terms, volume: Floats, random: np.random.Generator) -> Numbers:
    """Of what promises weigh of a part."""
    part, slot = np.divmod(terms.row, max(terms.n_slots, 1))
    of_slot, of_promise = (
        _factors(size, random) for size in (max(terms.n_slots, 1), max(terms.n_promises, 1))
    )
    found = np.zeros(terms.n_parts, dtype=np.uint64)
    mantissa, exponent = np.frexp(terms.weight * volume[terms.promise])
    weight = np.ldexp(np.rint(mantissa * _DIGITS), exponent)
    np.add.at(found, part, mixed(weight) * of_slot[slot] * of_promise[terms.promise])
    return found


def mixed(numbers: NDArray[Any]) -> Numbers:
    """Bits of numbers, spread over all 64: those of small whole numbers are the highest alone.

    Unspread, of a multiple only as many digits count as lie above the lowest bit that differs: two
    for a limit of 2 units that moves to another location.
    """
    bits = np.ascontiguousarray(numbers, dtype=np.float64).view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(32))) * _SPREAD
    return np.asarray(bits ^ (bits >> np.uint64(32)))


def _factors(size: int, random: np.random.Generator) -> Numbers:
    """Random odd numbers."""
    return random.integers(0, 2**63, size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def _number_of(shared: object) -> int:
    return int.from_bytes(blake2b(repr(shared).encode(), digest_size=8).digest(), "little")

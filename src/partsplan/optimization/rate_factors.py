r"""Factors of uncertain rates that the tables of a block are mixed over: as many as they need.

A Poisson law of mean :math:`m \theta` is seen at the spacing of :math:`\sqrt{m \theta}`, so a fast
mover takes many factors. But where a factor is so large that all listed stocks of a location are
short for sure, its figures are linear in the factor, and what tells factors apart are the slower
locations that are not yet short. So the factors beyond are replaced by the fewer nodes of a Gauss
rule of theirs, which is exact for polynomials in :math:`\sqrt{\theta}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import scipy

from partsplan.evaluation.supply import SupplyTree, sums_on_paths
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.grids import Grids

_DIGITS = 23.0
_LEAST_SHARE = 1e-20
"""Share of demand late below which no price makes a difference."""
_SURELY = 46.0
"""Log of the odds at which a location is short for sure."""
_WORTH_THINNING = 64
_FEWER = 0.8
"""Nodes, and share of them that is left, from which it pays to thin them out."""
_LEAST_NODES = 10
_NODES_PER_WIDTH = 2.8
"""Nodes of a Gauss rule: in any case, and for each unit of the root of a pipeline."""


def rate_factors(
    tree: SupplyTree, grids: Grids, windows: Sequence[tuple[int, float]]
) -> tuple[Integers, Floats, Floats]:
    """Part, factor on its rates, and weight: the nodes of all parts, a part's together.

    Parameters
    ----------
    tree, grids
        The block, and the stocks listed.
    windows
        Location and days of the waits whose lateness is tabulated.
    """
    pipeline = sums_on_paths(tree.pipeline(), tree.parents).max(axis=1, initial=0.0)
    rounded = np.exp2(np.ceil(2.0 * np.log2(np.maximum(pipeline, 1e-3))) / 2.0)
    highest = _highest_listed(tree, grids)
    stock = np.minimum(highest.max(initial=0.0), 5.0 + 1.5 * rounded)
    cases = zip(
        tree.rate_shape.tolist(),
        rounded.tolist(),
        stock.tolist(),
        _least_shares(tree, highest).tolist(),
        strict=True,
    )
    rules = [rate_nodes(a, m, s, least_share=least, digits=_DIGITS) for a, m, s, least in cases]
    for part in np.flatnonzero([len(nodes) >= _WORTH_THINNING for nodes, _ in rules]).tolist():
        one = tree.of_parts(np.array([part]))
        rules[part] = _Shortages.of(one, highest[part], windows).thinned(*rules[part])
    return (
        np.repeat(np.arange(tree.n_parts), [len(nodes) for nodes, _ in rules]),
        np.concatenate([nodes for nodes, _ in rules]),
        np.concatenate([weights for _, weights in rules]),
    )


def _highest_listed(tree: SupplyTree, grids: Grids) -> Floats:
    """Highest listed stock of every part and location."""
    highest = np.zeros((tree.n_parts, tree.n_locations))
    for location, lists in grids.branch.items():
        highest[:, location] = lists[:, -1]
    for parent, members in grids.members.items():
        highest[:, list(members)] = grids.leaves[parent][..., -1]
    return highest


def _least_shares(tree: SupplyTree, highest: Floats) -> Floats:
    """Least share of demand late at the highest listed stocks, as far as it could matter."""
    pipeline = tree.pipeline()
    chance = pipeline / (tree.rate_shape[:, None] + pipeline)
    late = scipy.special.betainc(np.maximum(highest, 1.0), tree.rate_shape[:, None], chance)
    return np.asarray(np.maximum(np.where(pipeline > 0.0, late, 1.0).min(axis=1), _LEAST_SHARE))


@dataclass(frozen=True, eq=False)
class _Shortages:
    """Pipelines of one part, and from which factor on they are short whatever is listed.

    One for every location, wait that is asked of it, and number of locations right above it whose
    stock is finite; stock further up is endless.
    """

    mean: Floats
    """Mean with nothing held above [units]; shape (n,)."""
    saved: Floats
    """Variance that stock above takes from it [units^2]."""
    factor: Floats
    """Factor from which it is short for sure."""

    @classmethod
    def of(
        cls, tree: SupplyTree, highest: Floats, windows: Sequence[tuple[int, float]]
    ) -> _Shortages:
        """Of the tree of one part, by its highest listed stocks."""
        waits = {(location, 0.0) for location in range(tree.n_locations)}
        for location, days in windows:
            waits |= set(_waits_on_path(tree, location, days))
        pipeline = {days: tree.pipeline(days)[0] for _, days in waits}
        found = []
        for start, days in sorted(waits):
            arriving, own, spared, short = 1.0, 0.0, 0.0, 0.0
            for at, wait in _waits_on_path(tree, start, days):
                own += arriving * pipeline[wait][at]
                variance = arriving * (1.0 - arriving) * highest[at]
                spared += variance
                short += arriving * highest[at]
                short += _SURELY / 3.0 + np.sqrt(_SURELY**2 / 9.0 + 2.0 * _SURELY * variance)
                most = short + _SURELY + np.sqrt(_SURELY * (_SURELY + 2.0 * short))
                if own > 0.0:
                    found.append((own, spared, most / own))
                arriving *= tree.share[0, at]
        mean, saved, factor = np.array(found).reshape(-1, 3).T
        return cls(mean, saved, factor)

    def thinned(self, nodes: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """A rule with fewer nodes where fewer do."""
        starts = [0]
        scale = float(self.mean.max(initial=0.0))
        for factor in np.unique(self.factor).tolist():
            left = self._scale(factor)
            if left < 0.5 * scale:
                starts.append(int(np.searchsorted(nodes, factor)))
                scale = left
        ends = [*starts[1:], len(nodes)]
        found = [(nodes[: ends[0]], weights[: ends[0]])]
        for start, end in zip(starts[1:], ends[1:], strict=True):
            if start < end:
                some, theirs = nodes[start:end], weights[start:end]
                width = np.sqrt(self._scale(float(some[0]))) * (some[-1] ** 0.5 - some[0] ** 0.5)
                size = _LEAST_NODES + ceil(_NODES_PER_WIDTH * width)
                is_fewer = size < _FEWER * len(some)
                found.append(_gauss_rule(some, theirs, size) if is_fewer else (some, theirs))
        return (
            np.concatenate([nodes for nodes, _ in found]),
            np.concatenate([weights for _, weights in found]),
        )

    def _scale(self, factor: float) -> float:
        """Largest Poisson mean that still tells apart factors from this one on."""
        left = self.factor > factor
        mean = self.mean[left]
        variance = np.maximum(factor * mean - self.saved[left], 1e-300)
        narrower = np.minimum(factor * mean**2 / variance, self.mean.max())
        return float(narrower.max(initial=0.0))


def _waits_on_path(tree: SupplyTree, location: int, days: float) -> Iterator[tuple[int, float]]:
    """A location of a tree of one part and all above it, with what is left of a wait there."""
    at = location
    while at >= 0:
        yield at, days
        days = max(days - float(tree.transit_days[0, at]), 0.0)
        at = int(tree.parents[at])


def _gauss_rule(nodes: Floats, weights: Floats, size: int) -> tuple[Floats, Floats]:
    """Gauss rule of a discrete measure for polynomials in the square roots of its nodes.

    By the algorithm of Lanczos; see Gautschi (2004), Orthogonal Polynomials, section 2.2.3.
    """
    root = np.sqrt(nodes)
    middle, half = 0.5 * (root[0] + root[-1]), 0.5 * (root[-1] - root[0])
    place = (root - middle) / half
    basis = np.zeros((size, len(nodes)))
    diagonal, beside = np.zeros(size), np.zeros(size)
    vector = np.sqrt(weights)
    for k in range(size):
        beside[k] = np.sqrt(vector @ vector)
        basis[k] = vector / beside[k]
        vector = place * basis[k]
        diagonal[k] = vector @ basis[k]
        for _ in range(2):  # again, as rounding leaves a rest
            vector -= (basis[: k + 1] @ vector) @ basis[: k + 1]
    found, vectors = scipy.linalg.eigh_tridiagonal(diagonal, beside[1:])
    return (middle + half * found) ** 2, beside[0] ** 2 * vectors[0] ** 2

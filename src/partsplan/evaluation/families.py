"""Evaluation of parts that sit in each other, at one or many stock vectors of the whole family.

Given the factor of an uncertain rate, demand of the family is Poisson; figures are means over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.family_graph import FamilyGraph, FamilyMoments, Place
from partsplan.evaluation.figures import SupplyFigures
from partsplan.evaluation.indenture_table import Indentures, RepairDemand
from partsplan.evaluation.supply import Floats, Integers, SupplyTree
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.evaluation.waiting import late_is_exact


@dataclass(frozen=True, eq=False)
class Family:
    """Parts that sit in each other; parts are named by their place in ``tree``."""

    tree: SupplyTree
    """Demand of customers and of repairs."""
    customers: Floats
    """Shape (n_parts, n_locations): demand of customers alone [units/day]."""
    lru: Integers
    sru: Integers
    cause: Floats
    """Shape (n_pairs,): share of the repairs of the outer part that need the inner one."""
    repaired: Floats
    """Shape (n_parts,): share of what is sent outside that is repaired."""
    asked: RepairDemand
    """Demand of each pair's repairs."""

    @classmethod
    def of(
        cls,
        parts: Integers,
        tree: SupplyTree,
        customers: Floats,
        indentures: Indentures,
        asked: RepairDemand,
    ) -> Family:
        """Family of some parts of the network, all that belong to it, ascending."""
        pairs = np.isin(indentures.lru, parts)
        return cls(
            tree=tree,
            customers=customers,
            lru=np.searchsorted(parts, indentures.lru[pairs]),
            sru=np.searchsorted(parts, indentures.sru[pairs]),
            cause=indentures.share[pairs],
            repaired=indentures.repaired[parts],
            asked=RepairDemand(asked.local[pairs], asked.outside[pairs]),
        )

    @cached_property
    def rate_shape(self) -> Floats:
        r"""Gamma shape of every part's demand.

        An inner part's demand is a sum over the parts it sits in, with independent factors:
        :math:`1 / a = \sum w^2 / a_i` with w the shares of its demand.
        """
        spread = 1.0 / self.tree.rate_shape
        own, asked = self.customers.sum(axis=1), self.asked.total.sum(axis=1)
        found = np.where(own > 0, own**2 * spread, 0.0)
        total = own + np.bincount(self.sru, asked, minlength=len(own))
        relative = np.zeros(len(own))
        for part in self._outer_first:
            inside = self.sru == part
            found[part] += (asked[inside] ** 2 * relative[self.lru[inside]]).sum()
            relative[part] = found[part] / total[part] ** 2 if total[part] > 0 else 0.0
        return np.where(relative > 0, 1.0 / np.where(relative > 0, relative, 1.0), np.inf)

    @cached_property
    def _outer_first(self) -> list[int]:
        depth = np.zeros(self.tree.n_parts, dtype=np.int64)
        for _ in range(self.tree.n_parts):
            np.maximum.at(depth, self.sru, depth[self.lru] + 1)
        return [int(part) for part in np.argsort(depth, kind="stable")]

    @cached_property
    def is_exact(self) -> bool:
        """Whether all terms of every pipeline are independent, and one factor is common to all."""
        sources = np.isfinite(self.rate_shape) & (self.customers.sum(axis=1) > 0)
        several = (self.customers.sum(axis=1) > 0).sum() > 1
        return not (
            (sources.any() and several)
            or self._repairs_on_a_path
            or self._repairs_two_ways
            or self._shares_inner_parts
        )

    @property
    def _repairs_on_a_path(self) -> bool:
        """Whether a place repairs a part and also gets it from one above that repairs it."""
        tree, asked = self.tree, np.zeros(self.tree.own_rate.shape)
        np.add.at(asked, self.lru, self.asked.total)
        above = np.zeros(asked.shape, dtype=np.bool_)
        for j in tree.order:
            parent = tree.parents[j]
            if parent >= 0:
                above[:, j] = above[:, parent] | (asked[:, parent] > 0)
        orders = (1.0 - tree.repair_fraction) * tree.rate > 0
        return bool((above & orders & (asked > 0)).any())

    @property
    def _repairs_two_ways(self) -> bool:
        """Whether a root repairs a share of a part itself and has another repaired outside."""
        differs = (self.tree.repair_days != self.tree.transit_days)[self.lru]
        return bool(((self.asked.local > 0) & (self.asked.outside > 0) & differs).any())

    @property
    def _shares_inner_parts(self) -> bool:
        """Whether one part sits, by two ways, in the same other part."""
        ways = np.zeros((self.tree.n_parts, self.tree.n_parts))
        for part in reversed(self._outer_first):
            inside = self.sru[(self.lru == part) & (self.asked.total.sum(axis=1) > 0)]
            ways[part, inside] += 1.0
            ways[part] += ways[inside].sum(axis=0)
        return bool((ways > 1).any())

    def windows_are_exact(self, windows: Sequence[tuple[int, float]]) -> NDArray[np.bool_]:
        """Whether waiting times are exact at windows; repairs that wait may cross each other.

        Shape (n_parts, n_windows).
        """
        tree = self.tree
        exact = late_is_exact(tree, windows)
        asks = np.zeros(tree.own_rate.shape, dtype=np.bool_)
        np.logical_or.at(asks, self.lru, self.asked.total > 0)
        repairs = np.where(tree.repair_fraction > 0, tree.repair_days, np.inf)
        shortest = np.minimum(tree.transit_days, repairs)
        for w, (location, days) in enumerate(windows):
            node, left = location, np.full(tree.n_parts, float(days))
            while node >= 0:
                crossing = asks[:, node] & (left > 0) & (left >= shortest[:, node])
                exact[:, w] &= ~crossing
                left = np.maximum(left - tree.transit_days[:, node], 0.0)
                node = int(tree.parents[node])
        return exact


def stockless_pipelines(family: Family) -> Floats:
    """Mean units under way if nothing were held anywhere; shape (n_parts, n_locations)."""
    graph, at = _graph(family, [(j, 0.0) for j in range(family.tree.n_locations)])
    return np.asarray(graph.stockless_mean[at])


def family_figures(family: Family, stock: Integers, evaluation: str) -> SupplyFigures:
    """Figures of a family.

    Parameters
    ----------
    family : Family
    stock : ndarray of int, shape (n_vectors, n_parts, n_locations)
        Base-stock levels [units].
    evaluation : {"exact", "vari_metric", "metric"}

    Returns
    -------
    SupplyFigures
        Arrays of the shape of ``stock``. Under "metric" the uncertainty of rates does not enter.
    """
    graph, at = _graph(family, [(j, 0.0) for j in range(family.tree.n_locations)])
    shapes = family.rate_shape if evaluation != "metric" else np.full(len(at), np.inf)
    found: dict[str, Floats] = {}
    for parts, mixed in _mixed(graph, stock, shapes, evaluation):
        for name, values in mixed.items():
            whole = found.setdefault(name, np.zeros(stock.shape))
            whole[:, parts] = values[:, at[parts]]
    found["stockout"] = np.where(stock <= 0, 1.0, np.minimum(found["stockout"], 1.0))
    return SupplyFigures(**found, is_exact=evaluation == "exact" and family.is_exact)


def family_late_shares(
    family: Family, stock: Integers, windows: Sequence[tuple[int, float]]
) -> Floats:
    r"""Share of the demand for every part that waits longer than a window at a location.

    Shape (n_vectors, n_parts, n_windows). As `late_shares`, and a repair that needs an inner part
    begins when that is there: what is late u days on includes the inner parts late
    :math:`(u - R)^+` days on.
    """
    late = np.zeros((*stock.shape[:2], len(windows)))
    if not windows:
        return late
    graph, at = _graph(family, windows)
    for parts, mixed in _mixed(graph, stock, family.rate_shape, "exact"):
        shares = graph.late(stock, np.minimum(mixed["stockout"], 1.0))
        late[:, parts] = shares[:, at[parts]]
    return late


def _graph(family: Family, asked: Iterable[tuple[int, float]]) -> tuple[FamilyGraph, Integers]:
    """Places of all parts at locations seen some days later; positions (n_parts, n_asked)."""
    maker = _GraphMaker(family)
    at = [
        [maker.place(part, location, days) for location, days in asked]
        for part in range(family.tree.n_parts)
    ]
    return FamilyGraph(maker.places), np.array(at, dtype=np.int64)


class _GraphMaker:
    """Makes places, each after its sources."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.places: list[Place] = []
        self._known: dict[tuple[int, int, float], int] = {}
        tree, sru = family.tree, family.sru
        rate = tree.rate[sru]
        self._local = np.divide(family.asked.local, rate, out=np.zeros(rate.shape), where=rate > 0)
        self._outside = np.divide(
            family.asked.outside, rate, out=np.zeros(rate.shape), where=rate > 0
        )

    def place(self, part: int, location: int, days: float) -> int:
        """Position of a part at a location, ``days`` later; made where missing."""
        key = (part, location, days)
        if key not in self._known:
            made = self._made(part, location, days)
            self._known[key] = len(self.places)
            self.places.append(made)
        return self._known[key]

    def _made(self, part: int, location: int, days: float) -> Place:
        family, tree = self.family, self.family.tree
        transit = float(tree.transit_days[part, location])
        repair = float(tree.repair_days[part, location])
        local = float(tree.repair_fraction[part, location])
        rate = float(tree.rate[part, location])
        left, sources = {"transit": max(days - transit, 0.0), "repair": max(days - repair, 0.0)}, []
        parent = int(tree.parents[location])
        ordered, mended = float(days < transit), float(days < repair)
        late, late_with = (1.0 - local) * ordered + local * mended, []
        if parent >= 0 and local < 1.0:
            above = self.place(part, parent, left["transit"])
            sources.append((above, float(tree.share[part, location])))
            late_with.append((above, (1.0 - local) * (1.0 - ordered)))
        for pair in np.flatnonzero(family.lru == part).tolist():
            inner, cause = int(family.sru[pair]), float(family.cause[pair])
            ways = (
                (self._local, "repair", local * (1.0 - mended)),
                (self._outside, "transit", (1.0 - local) * (1.0 - ordered) * family.repaired[part]),
            )
            for shares, way, undecided in ways:
                if shares[pair, location] > 0:
                    place = self.place(inner, location, left[way])
                    sources.append((place, float(shares[pair, location])))
                    late_with.append((place, float(cause * undecided)))
        mean = rate * ((1.0 - local) * max(transit - days, 0.0) + local * max(repair - days, 0.0))
        return Place(
            part,
            location,
            mean,
            tuple(s for s in sources if s[1] > 0),
            late,
            tuple(s for s in late_with if s[1] > 0),
        )


def _mixed(
    graph: FamilyGraph, stock: Integers, rate_shape: Floats, evaluation: str
) -> Iterable[tuple[Integers, dict[str, Floats]]]:
    """For the parts of each rate shape, figures of all places as means over their factor."""
    for shape in np.unique(rate_shape).tolist():
        nodes, weights = rate_nodes(
            shape, float(graph.stockless_mean.max(initial=0.0)), float(stock.sum(axis=(1, 2)).max())
        )
        rows = [graph.moments(stock, float(factor), evaluation) for factor in nodes]
        yield np.flatnonzero(rate_shape == shape), _means(rows, weights, weights * nodes)


def _means(rows: list[FamilyMoments], per_time: Floats, per_demand: Floats) -> dict[str, Floats]:
    """Means over the factor, of shares of demand over the size-biased one."""

    def mean(values: Iterable[Floats], weights: Floats) -> Any:
        return sum(weight * value for weight, value in zip(weights, values, strict=True))

    def of(name: str, weights: Floats) -> Any:
        return mean((getattr(row.stock, name) for row in rows), weights)

    late = of("expected_backorders", per_time)
    under_way = mean((row.mean for row in rows), per_time)
    spread = (row.stock.expected_backorders - late for row in rows)
    return {
        "expected_backorders": late,
        "backorder_variance": of("backorder_variance", per_time)
        + mean((shift**2 for shift in spread), per_time),
        "stockout": of("stockout", per_demand),
        "unready": np.minimum(of("unready", per_time), 1.0),
        "fill_rate": np.minimum(of("filled", per_demand), 1.0),
        "ready_rate": np.minimum(of("ready", per_time), 1.0),
        "on_hand": of("on_hand", per_time),
        "pipeline_mean": under_way,
        "pipeline_variance": mean(
            (row.mean + row.excess + (row.mean - under_way) ** 2 for row in rows), per_time
        ),
    }

"""What a stock delivers: figures per part and location, every commitment, every group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates
from partsplan.evaluation.clustering import check_clustered_demand
from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.describing import commitment_lines, commitment_table_html
from partsplan.evaluation.groups import (
    StreamService,
    availability_by_equipment,
    service_by,
    stream_service,
)
from partsplan.evaluation.measuring import (
    BlockMeasure,
    Evaluation,
    measured,
)
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.results import CommitmentResult, Rows
from partsplan.network import ServiceNetwork, frame_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Number = TypeVar("Number", bound=np.generic)

MET_TOLERANCE = 1e-9
_FIGURES = (
    "expected_backorders",
    "backorder_variance",
    "fill_rate",
    "ready_rate",
    "mean_wait_days",
    "on_hand",
)
GROUPS = ("site", "customer", "region", "location", "equipment", "part", "part_group")


@dataclass(frozen=True, eq=False, repr=False)
class Performance:
    """Service of a stock, evaluated without simulation.

    Arrays have the shape (n_parts, n_locations) in the order of the network's tables.
    """

    expected_backorders: Floats
    """Mean units late, EBO [units]; where nothing is held and an ancestor ships to the customers
    directly, as if these customers waited there too (waits and commitments count them rightly)."""
    backorder_variance: Floats
    """Variance of the units late, VBO [units^2]."""
    fill_rate: Floats
    """Share of demand met at once from the shelf; NaN where there is no demand."""
    ready_rate: Floats
    """Share of time without a unit late."""
    mean_wait_days: Floats
    """Mean wait of a demand for a part to leave the location [days]; NaN where demand is 0."""
    on_hand: Floats
    """Mean units on the shelf [units]."""
    commitments: Rows[CommitmentResult]
    """Every commitment, without price."""
    evaluation: Evaluation
    """Method of the late units: exact, vari_metric or metric."""
    is_exact: bool
    """Whether every figure follows from the model without approximation."""
    stock: Integers
    """Base stock evaluated [units]."""
    model: ServiceModel
    """Network and demand evaluated."""

    def by(self, group: str) -> list[dict[str, Any]]:
        """Service of every value of a group, committed or not.

        Parameters
        ----------
        group : str
            "site", "customer", "region", "location", "equipment", "part" or "part_group".

        Returns
        -------
        list of dict
            Per value with demand: ``demand_per_year`` [units/year], ``fill_rate`` [share; None
            where clustered demand leaves no exact law],
            ``mean_wait_hours`` [hours], ``uptime`` [share; None without machines], and
            ``response_within_<h>_hours`` [share] for every window that a commitment names.
        """
        if group not in GROUPS:
            raise ValueError(f"group must be one of {', '.join(GROUPS)}, got {group!r}")
        promises = self.model.promises
        windows = sorted({p.within_hours for p in promises if p.metric == "response"})
        return service_by(group, self.model, self._stream_service(windows))

    def _stream_service(self, within_hours: list[float]) -> StreamService:
        return stream_service(self.model, self.stock, self.mean_wait_days, within_hours)

    def contributions(self, commitment_id: str) -> list[dict[str, Any]]:
        """How much each part and location takes from a commitment.

        Parameters
        ----------
        commitment_id : str
            Id as in ``commitments``.

        Returns
        -------
        list of dict
            ``part_id``, ``location_id``, ``amount``: hours that sum to the achieved mean wait, or
            shares that sum to 1 - achieved. Largest first; places without a share are left out.
        """
        ids = [promise.commitment_id for promise in self.model.promises]
        if commitment_id not in ids:
            raise ValueError(f"commitment_id must be {_one_of(ids)}, got {commitment_id!r}")
        promise = self.model.promises[ids.index(commitment_id)]
        amounts = self._amounts(promise)
        if promise.metric == "uptime":
            amounts = amounts / (1.0 + amounts.sum())
        part, location = np.nonzero(amounts)
        order = np.argsort(-amounts[part, location], kind="stable")
        network = self.model.network
        return [
            {
                "part_id": network.part_ids[p],
                "location_id": network.location_ids[j],
                "amount": float(amounts[p, j]),
            }
            for p, j in zip(part[order], location[order], strict=True)
        ]

    def _amounts(self, promise: Promise) -> Floats:
        """Use of a promise by every (part, location) of demand."""
        alone = self.model.with_promises((promise,))
        amounts = np.zeros(self.stock.shape)

        def read(block: BlockMeasure) -> None:
            amounts[block.block.parts] = block.amounts(0)

        for _ in measured(alone, self.stock, self.evaluation, read):
            pass
        return amounts

    @property
    def supply_availability(self) -> Mapping[str, float]:
        """Share of machines of each equipment that miss no part (Sherbrooke's product over parts).

        Reported, never committed to; empty without an installed base.
        """
        if self.model.demand.machines is None:
            return {}
        return availability_by_equipment(self.model, self._stream_service([]))

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part and location with demand or stock."""
        columns = self._columns()
        names = list(columns)
        return [
            dict(zip(names, values, strict=True))
            for values in zip(*(column.tolist() for column in columns.values()), strict=True)
        ]

    def to_frame(self) -> Any:
        """The same as a frame in the library of the network's tables."""
        return frame_of(self._columns(), self.model.network.frame_backend)

    def _columns(self) -> dict[str, NDArray[Any]]:
        network = self.model.network
        part, location = np.nonzero((self.stock > 0) | ~np.isnan(self.mean_wait_days))
        figures = {
            "base_stock": self.stock,
            "expected_backorders": self.expected_backorders,
            "fill_rate": self.fill_rate,
            "ready_rate": self.ready_rate,
            "mean_wait_days": self.mean_wait_days,
            "on_hand": self.on_hand,
        }
        ids = {
            "part_id": np.array(network.part_ids, dtype=object)[part],
            "location_id": np.array(network.location_ids, dtype=object)[location],
        }
        return ids | {name: array[part, location] for name, array in figures.items()}

    def summary(self) -> str:
        """Commitments and totals as text."""
        return "\n".join([*self._headlines(), *commitment_lines(self.commitments)])

    def _headlines(self) -> list[str]:
        kept = sum(result.is_met for result in self.commitments)
        return [
            f"Performance, {self._method()}: {kept} of {len(self.commitments)} commitments kept",
            f"  units late (mean)  {self.expected_backorders.sum():,.2f} over all locations",
            f"  units on the shelf {self.on_hand.sum():,.1f} (mean)",
        ]

    @property
    def method(self) -> str:
        """Name of the method in a sentence: evaluated by ..."""
        return str(self.evaluation)

    def _method(self) -> str:
        if self.is_exact:
            return "exact"
        if self.evaluation != "exact":
            return f"approximate ({self.evaluation})"
        inside = "parts within parts, " * (self.model.indentures is not None)
        return f"approximate ({inside}local repair or direct shipping)"

    def __repr__(self) -> str:
        kept = sum(result.is_met for result in self.commitments)
        n_parts, n_locations = self.stock.shape
        return (
            f"Performance(n_parts={n_parts}, n_locations={n_locations}, "
            f"units={int(self.stock.sum())}, commitments_kept={kept} of {len(self.commitments)}, "
            f"evaluation={self.evaluation!r}, is_exact={self.is_exact})"
        )

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(line) for line in self._headlines())
        return f"<p>{text}</p>{commitment_table_html(self.commitments)}"


def service_model(
    network: ServiceNetwork, demand: DemandRates, evaluation: Evaluation
) -> ServiceModel:
    """Network and demand in arrays, with demand that the evaluation has laws for."""
    model = ServiceModel(network, demand.aligned(network))
    check_clustered_demand(model, evaluation)
    return model


def performance_of(model: ServiceModel, stock: Integers, evaluation: Evaluation) -> Performance:
    """Performance of base-stock levels of shape (n_parts, n_locations)."""
    figures = _Figures(model, stock)
    use = np.zeros(model.n_promises)
    for used in measured(model, stock, evaluation, figures.read):
        use += used.sum(axis=0)
    return figures.performance(use, evaluation)


@dataclass(frozen=True, eq=False)
class MeasuredParts:
    """A performance with what serves to use it again for parts that do not change."""

    performance: Performance
    uses: Floats
    """Use of every promise by every part, fixed use included; shape (n_parts, n_promises)."""

    @classmethod
    def of(
        cls,
        model: ServiceModel,
        stock: Integers,
        evaluation: Evaluation,
        known: tuple[MeasuredParts, NDArray[np.bool_]] | None = None,
    ) -> MeasuredParts:
        """As `performance_of`; parts for which ``known`` holds are not measured again."""
        figures, wanted = _Figures(model, stock), np.ones(len(stock), dtype=np.bool_)
        uses = np.zeros((len(stock), model.n_promises))
        if known is not None:
            before, holds = known
            wanted = ~holds
            uses[holds] = before.uses[holds]
            figures.take(before.performance, holds)

        def read(block: BlockMeasure) -> None:
            uses[block.block.parts] = figures.read(block)

        for _ in measured(model, stock, evaluation, read, among=wanted):
            pass
        return cls(figures.performance(uses.sum(axis=0), evaluation), uses)

    def of_parts(self, rows: Integers) -> MeasuredParts:
        """The same with other rows: commitments and model stay those of all parts."""
        before = self.performance
        arrays = {name: getattr(before, name)[rows] for name in (*_FIGURES, "stock")}
        return MeasuredParts(replace(before, **arrays), self.uses[rows])


class _Figures:
    """Figures of all parts, filled block by block, by several threads."""

    def __init__(self, model: ServiceModel, stock: Integers) -> None:
        self.model = model
        self.stock = stock
        self.arrays = {name: np.zeros(stock.shape) for name in _FIGURES}
        self.is_exact = True
        self._varies = model.network.parts["resupply_cv"] > 0

    def take(self, performance: Performance, holds: NDArray[np.bool_]) -> None:
        """Take the figures of some parts from a performance."""
        self.is_exact = performance.is_exact
        for name, array in self.arrays.items():
            array[holds] = getattr(performance, name)[holds]

    def read(self, block: BlockMeasure) -> Floats:
        """Take the figures of a block; returns the use of every promise by its parts."""
        for name, figures in _figures(block).items():
            self.arrays[name][block.block.parts] = figures
        if not block.is_exact or _has_crossing_lots(block, self._varies):
            self.is_exact = False
        return block.uses()

    def performance(self, use: Floats, evaluation: Evaluation) -> Performance:
        """The performance, given the use of every promise."""
        return Performance(
            **{name: locked(array) for name, array in self.arrays.items()},
            commitments=Rows(
                [
                    result_of(promise, float(u))
                    for promise, u in zip(self.model.promises, use, strict=True)
                ],
                CommitmentResult,
                self.model.network.frame_backend,
            ),
            evaluation=evaluation,
            is_exact=self.is_exact,
            stock=locked(self.stock),
            model=self.model,
        )


def _figures(block: BlockMeasure) -> dict[str, Floats]:
    """Figures of a block by their name in `Performance`."""
    figures, is_asked = block.figures, block.block.tree.rate > 0
    return {
        "expected_backorders": figures.expected_backorders,
        "backorder_variance": figures.backorder_variance,
        "fill_rate": np.where(is_asked, figures.fill_rate, np.nan),
        "ready_rate": figures.ready_rate,
        "mean_wait_days": np.where(is_asked, block.wait_days, np.nan),
        "on_hand": figures.on_hand,
    }


def _has_crossing_lots(block: BlockMeasure, varies: NDArray[np.bool_]) -> bool:
    """Whether lots may come in another order than they were placed: random resupply times."""
    in_lots = (block.block.tree.lots > 1).any(axis=1)
    return bool((in_lots & varies[block.block.parts]).any())


def result_of(promise: Promise, use: float) -> CommitmentResult:
    """What became of a promise at a given use, fixed use included."""
    allowed = promise.allowed
    return CommitmentResult(
        commitment_id=promise.commitment_id,
        metric=promise.metric,
        target=promise.target,
        achieved=promise.achieved(use) if promise.has_demand else None,
        unit=promise.unit,
        is_met=not promise.has_demand or use <= allowed * (1.0 + MET_TOLERANCE),
    )


def locked(array: NDArray[Number]) -> NDArray[Number]:
    """A read-only view."""
    view = array.view()
    view.flags.writeable = False
    return view


def check_network_and_demand(network: object, demand: object) -> None:
    """Raise ``ValueError`` unless the first two arguments of a front door are what they must be."""
    if not isinstance(network, ServiceNetwork):
        swapped = " (network comes first, then demand)" * isinstance(network, DemandRates)
        raise ValueError(
            "network must be a ServiceNetwork, from ServiceNetwork.from_tables or from_folder, "
            f"got {type(network).__name__}{swapped}"
        )
    if not isinstance(demand, DemandRates):
        raise ValueError(
            "demand must be DemandRates, from estimate_demand or DemandRates.from_table, "
            f"got {type(demand).__name__}"
        )


def _one_of(ids: list[str], most: int = 10) -> str:
    """Words for a choice of ids; the network may have none, or thousands."""
    if not ids:
        return "one of the commitments, and the network has none"
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return f"one of {', '.join(repr(name) for name in ids[:most])}{more}"


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")

"""What a simulation saw: the figures of `Performance`, each with a confidence interval."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.performance import MET_TOLERANCE, locked
from partsplan.evaluation.results import Rows
from partsplan.network import frame_of
from partsplan.simulation.blocks import path_days
from partsplan.simulation.describing import SimulatedCommitment, simulated_lines
from partsplan.simulation.events import event_columns
from partsplan.simulation.intervals import (
    Interval,
    RatioSums,
    mean_interval,
    share_interval,
    wait_interval,
)
from partsplan.simulation.running import Experiment
from partsplan.simulation.shipments import source_records
from partsplan.simulation.sums import PlaceMoments, Sums

Floats = NDArray[np.float64]

FIGURES = ("expected_backorders", "fill_rate", "mean_wait_days", "on_hand")


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedPerformance:
    """Service of a stock as simulated; arrays have the shape (n_parts, n_locations)."""

    expected_backorders: Floats
    """Mean units late, EBO [units]."""
    fill_rate: Floats
    """Share of demand met at once from the shelf; NaN where no demand was simulated."""
    mean_wait_days: Floats
    """Mean wait of a demand for a unit to leave [days]; NaN where no demand was simulated."""
    on_hand: Floats
    """Mean units on the shelf [units]."""
    commitments: Rows[SimulatedCommitment]
    """Every commitment with its confidence interval."""
    confidence: float
    """Confidence of every interval."""
    years: float
    """Length of one replication after its warm-up [years]."""
    replications: int
    """Number of independent replications."""
    demands: int
    """Units asked for in all replications, warm-up included."""
    runtime_seconds: float
    """Wall-clock time [s]."""
    experiment: Experiment
    """Network, demand and stock that were simulated."""
    sums: Sums
    """What was counted, per replication and promise, and per part and location."""
    entropy: tuple[int, ...]
    """Seed of the random streams."""

    def interval(self, figure: str) -> Interval:
        """Confidence interval of a figure of every part and location.

        Parameters
        ----------
        figure : str
            "expected_backorders", "fill_rate", "mean_wait_days" or "on_hand".

        Returns
        -------
        Interval
            ``lower`` and ``upper`` of shape (n_parts, n_locations); NaN where no demand was
            simulated.
        """
        if figure not in FIGURES:
            raise ValueError(f"figure must be one of {', '.join(FIGURES)}, got {figure!r}")
        return _place_interval(self.experiment, self.sums, figure, self.confidence)

    def events(self, part_id: str, replication: int = 0) -> Any:
        """Every demand of a part in one replication, as a frame.

        Parameters
        ----------
        part_id : str
        replication : int
            Counted from 0.

        Returns
        -------
        frame
            ``day`` of the demand from the start of the run, ``is_counted`` (not in the warm-up),
            ``location_id`` that serves the customer, ``shipped_from``, ``wait_days`` until the
            part left there, and ``from_shelf``; in the library of the network's tables.
        """
        network = self.experiment.model.network
        if part_id not in network.part_index:
            raise ValueError(f"part_id must be a part of the network, got {part_id!r}")
        if not 0 <= replication < self.replications:
            raise ValueError(
                f"replication must be from 0 to {self.replications - 1}, got {replication!r}"
            )
        part = network.part_index[part_id]
        columns = event_columns(self.experiment, self.entropy, self.sums.drawn, part, replication)
        return frame_of(columns, network.frame_backend)

    def sources(self) -> list[dict[str, Any]]:
        """Who shipped to the customers, where shortages are expedited.

        Returns
        -------
        list of dict
            Per part and serving location (with the same sources in the same order) and source:
            ``part_id``, ``location_id``, ``source`` (a location, or "outside"), ``share`` of the
            demand with ``lower`` and ``upper``; empty under the waiting rules.
        """
        return source_records(self.experiment, self.sums, self.confidence)

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part and location with demand or stock; None where none was simulated."""
        columns = self._columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [
            {
                name: None if isinstance(value, float) and np.isnan(value) else value
                for name, value in zip(columns, row, strict=True)
            }
            for row in rows
        ]

    def to_frame(self) -> Any:
        """The same as a frame in the library of the network's tables."""
        return frame_of(self._columns(), self.experiment.model.network.frame_backend)

    def _columns(self) -> dict[str, NDArray[Any]]:
        network, stock = self.experiment.model.network, self.experiment.stock
        part, location = np.nonzero((stock > 0) | (self.sums.places.demands > 0))
        columns: dict[str, NDArray[Any]] = {
            "part_id": np.array(network.part_ids, dtype=object)[part],
            "location_id": np.array(network.location_ids, dtype=object)[location],
            "base_stock": stock[part, location],
        }
        for name in FIGURES:
            interval = self.interval(name)
            columns[name] = getattr(self, name)[part, location]
            columns[f"{name}_lower"] = interval.lower[part, location]
            columns[f"{name}_upper"] = interval.upper[part, location]
        return columns

    def summary(self) -> str:
        """Commitments and totals as text."""
        return "\n".join([*self._headlines(), *simulated_lines(self.commitments)])

    def _headlines(self) -> list[str]:
        kept = sum(result.is_met is True for result in self.commitments)
        return [
            f"Simulated performance: {kept} of {len(self.commitments)} commitments kept",
            f"  {self.replications:,} replications of {self.years:g} years, {self.demands:,} "
            f"demands; intervals of {100 * self.confidence:g} % confidence",
        ]

    def __repr__(self) -> str:
        kept = sum(result.is_met is True for result in self.commitments)
        return (
            f"SimulatedPerformance(replications={self.replications}, years={self.years:g}, "
            f"demands={self.demands}, commitments_kept={kept} of {len(self.commitments)})"
        )

    def _repr_html_(self) -> str:
        lines = [*self._headlines(), *simulated_lines(self.commitments)]
        return f"<pre>{escape(chr(10).join(lines))}</pre>"


def simulated_performance(
    experiment: Experiment,
    sums: Sums,
    *,
    confidence: float,
    years: float,
    entropy: tuple[int, ...],
    runtime_seconds: float,
) -> SimulatedPerformance:
    """Figures and intervals of what was counted."""
    places, n = sums.places, sums.n_replications
    return SimulatedPerformance(
        expected_backorders=locked(places.late / n),
        fill_rate=locked(1.0 - places.stockouts(n).ratio),
        mean_wait_days=locked(places.waits(n).ratio),
        on_hand=locked(_shelf(experiment, places, n)[0] / n),
        commitments=simulated_commitments(experiment, sums, confidence),
        confidence=confidence,
        years=years,
        replications=n,
        demands=sums.n_units,
        runtime_seconds=runtime_seconds,
        experiment=experiment,
        sums=sums,
        entropy=entropy,
    )


def simulated_commitments(
    experiment: Experiment, sums: Sums, confidence: float
) -> Rows[SimulatedCommitment]:
    """Every promise with its interval."""
    uses = promise_uses(experiment, sums, confidence)
    rows = [
        _commitment(promise, float(use), float(least), float(most))
        for promise, use, least, most in zip(experiment.model.promises, *uses, strict=True)
    ]
    backend = experiment.model.network.frame_backend
    return Rows(rows, SimulatedCommitment, backend)


def promise_uses(
    experiment: Experiment, sums: Sums, confidence: float
) -> tuple[Floats, Floats, Floats]:
    """Use of every promise with its bounds; NaN where no demand of it was simulated."""
    weights, promises = experiment.weights, experiment.model.promises
    ratio = RatioSums.of(sums.base, sums.amount)
    is_wait = np.array([p.metric in ("mean_wait", "uptime") for p in promises], dtype=bool)
    share = share_interval(ratio, sums.units, confidence)
    wait = wait_interval(ratio, sums.units, experiment.longest_days, confidence)
    only_fixed = weights.scale == 0.0

    def use(values: Floats) -> Floats:
        open_use = np.where(only_fixed, 0.0, weights.scale * values)
        return np.asarray(weights.fixed + open_use)

    return (
        use(ratio.ratio),
        use(np.where(is_wait, wait.lower, share.lower)),
        use(np.where(is_wait, wait.upper, share.upper)),
    )


def _commitment(promise: Promise, use: float, least: float, most: float) -> SimulatedCommitment:
    is_known = promise.has_demand and not np.isnan(use)
    bounds = sorted((promise.achieved(least), promise.achieved(most)))
    kept = None if promise.has_demand else True
    return SimulatedCommitment(
        commitment_id=promise.commitment_id,
        metric=promise.metric,
        target=promise.target,
        achieved=promise.achieved(use) if is_known else None,
        lower=bounds[0] if is_known else None,
        upper=bounds[1] if is_known else None,
        unit=promise.unit,
        is_met=use <= promise.allowed * (1.0 + MET_TOLERANCE) if is_known else kept,
    )


def _place_interval(experiment: Experiment, sums: Sums, figure: str, confidence: float) -> Interval:
    places, n = sums.places, sums.n_replications
    if figure == "on_hand":
        return mean_interval(n, *_shelf(experiment, places, n), confidence)
    if figure == "fill_rate":
        late = share_interval(places.stockouts(n), places.demands, confidence)
        return Interval(1.0 - late.upper, 1.0 - late.lower)
    longest = _longest(experiment)
    if figure == "mean_wait_days":
        return wait_interval(places.waits(n), places.waiters, longest, confidence)
    longest = longest * places.demands / (n * experiment.window_days)
    return wait_interval(places.late_units(n), places.demands, longest, confidence)


def _longest(experiment: Experiment) -> Floats:
    """Shape (n_parts, 1): wait to fear where none was seen [days]."""
    longest = np.zeros((len(experiment.stock), 1))
    for block in experiment.blocks:
        longest[block.parts, 0] = path_days(block.tree, block.lead_times)
    return longest


def _shelf(experiment: Experiment, places: PlaceMoments, n: int) -> tuple[Floats, Floats]:
    """Sums over replications of units on the shelf and their squares; all of it without demand."""
    stock = experiment.stock.astype(np.float64)
    simulated = np.zeros((len(stock), 1), dtype=bool)
    for block in experiment.blocks:
        simulated[block.parts] = True
    return (
        np.where(simulated, places.on_hand, n * stock),
        np.where(simulated, places.on_hand2, n * stock * stock),
    )

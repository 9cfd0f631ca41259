"""Service of a stock where shortages are expedited: who ships to whom, how fast, at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from partsplan.evaluation.commitments import DAYS_PER_YEAR, HOURS_PER_DAY, Promise, Scopes
from partsplan.evaluation.entry_table import Entries
from partsplan.evaluation.expedite_model import ExpediteBlock, ExpediteModel, MetDemand
from partsplan.evaluation.groups import StreamService
from partsplan.evaluation.measuring import Evaluation
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.performance import GROUPS, Performance, locked, result_of
from partsplan.evaluation.results import CommitmentResult, Rows
from partsplan.evaluation.supply import Floats, Integers

OUTSIDE = "outside"
"""Name of the outside emergency supply among the sources."""

_BLOCK_SIZE = 200


class Chains(TypedDict):
    """What is solved as Markov chains in place of the fixed point; options of `met`."""

    by_chains: bool
    by_centres: bool


def chains_of(evaluation: Evaluation, solves_centres: bool) -> Chains:
    """Small groups under "exact", those with a centre only where asked for."""
    is_exact = evaluation == "exact"
    return {"by_chains": is_exact, "by_centres": is_exact and solves_centres}


@dataclass(frozen=True, eq=False, repr=False)
class ExpeditedPerformance(Performance):
    """Service of a stock where the next source ships what a location lacks.

    Beside the figures of `Performance`: ``fill_rate`` is the share of demand that would find a
    unit on the location's shelf, ``expected_backorders`` and ``ready_rate`` count orders of other
    locations (customers are never backordered), ``mean_wait_days`` is how much longer than the
    serving location's lane shipments to its customers take (for a location without customers: the
    wait of the orders it fills), and ``backorder_variance`` is NaN. Sites that no lane reaches get
    everything from outside and enter no figure of a location: their emergency hours count as
    waiting in ``by`` and in commitments, and their fill rate is 0.
    """

    shipment_cost: float
    """Cost of all shipments, over lanes and from outside [currency/year]."""
    local_share: float
    """Share of demand that the serving location ships; NaN without demand."""
    lateral_share: float
    """Share of demand that another location ships."""
    emergency_share: float
    """Share of demand that is shipped from outside."""
    emergency_is_exact: bool
    """Whether the shares from outside are exact for any law of resupply times: locations that
    help each other out do so fully and are resupplied equally fast, none from a stocked location.
    ``is_exact``, for all figures, also asks that all customers of such a group ask it in one order
    (or that there is one location): who ships depends on the law of resupply times otherwise."""
    solves_centres: bool
    """Whether small groups with a centre were solved as joint Markov chains."""

    def sources(self, group: str = "site") -> list[dict[str, Any]]:
        """Who ships to every value of a group.

        Parameters
        ----------
        group : str
            "site", "customer", "region", "location" (the serving one), "equipment", "part" or
            "part_group".

        Returns
        -------
        list of dict
            Per value and source: ``source`` (a location, or "outside"), ``share`` of the demand
            of the value, and ``per_year`` [shipments/year]; in the order of their tables.
        """
        if group not in GROUPS:
            raise ValueError(f"group must be one of {', '.join(GROUPS)}, got {group!r}")
        network = self.model.network
        scopes = Scopes(network, self.model.demand)
        codes, values = scopes.stream_codes(group), scopes.values_of(group)
        n_sources = network.n_locations + 1
        shipped = np.zeros(len(values) * n_sources)
        for stream, source, share, _ in _shipments(self, ExpediteModel(self.model)):
            known = codes[stream] >= 0
            key = codes[stream][known] * n_sources + source[known]
            units = self.model.streams.per_year[stream] * share
            shipped += np.bincount(key, units[known], minlength=len(shipped))
        by_value = shipped.reshape(len(values), n_sources)
        names = [*network.location_ids, OUTSIDE]
        return [
            {
                group: values[value],
                "source": names[source],
                "share": float(by_value[value, source] / by_value[value].sum()),
                "per_year": float(by_value[value, source]),
            }
            for value, source in np.argwhere(by_value).tolist()
        ]

    def _stream_service(self, within_hours: list[float]) -> StreamService:
        """Wait beyond the serving location's lane, and the rest of the lane hours, per stream."""
        model = ExpediteModel(self.model)
        streams, orders = self.model.streams, model.orders
        first = orders.first_hours[orders.customer]
        wait, hours = np.zeros(len(streams)), np.zeros(len(streams))
        stockout = np.zeros(len(streams))
        late = {within: np.zeros(len(streams)) for within in within_hours}
        for stream, source, share, taken in _shipments(self, model):
            np.add.at(wait, stream, share * np.maximum(taken - first[stream], 0.0))
            np.add.at(hours, stream, share * taken)
            np.add.at(stockout, stream, share * (source != streams.location[stream]))
            for within, missed in late.items():
                np.add.at(missed, stream, share * (taken > within))
        return StreamService(streams, wait / HOURS_PER_DAY, hours - wait, stockout, late)

    def _amounts(self, promise: Promise) -> Floats:
        """Use of a promise by every part at the location that serves the demand."""
        model = ExpediteModel(ServiceModel(self.model.network, self.model.demand, (promise,)))
        amounts, n_locations = np.zeros(self.stock.shape), self.model.network.n_locations
        for block in model.blocks(_BLOCK_SIZE):
            entries = model.model.entries(block.parts)
            serving = self.model.streams.location[entries.stream]
            by_location = Entries(entries.part, entries.stream, serving, entries.weight)
            use = model.builder(block.parts).promised(by_location, [promise] * n_locations)
            met = block.met(self.stock[block.parts], **self.chains)
            amounts[block.parts] = use.at(met.missed)
        return amounts

    def _headlines(self) -> list[str]:
        kept = sum(result.is_met for result in self.commitments)
        return [
            f"Performance, {self._method()}: {kept} of {len(self.commitments)} commitments kept",
            f"  shipped by the serving location {100 * self.local_share:.3f} %, by another one "
            f"{100 * self.lateral_share:.3f} %, from outside {100 * self.emergency_share:.3f} %",
            f"  shipments          {self.shipment_cost:,.2f} per year",
            f"  units on the shelf {self.on_hand.sum():,.1f} (mean)",
        ]

    @property
    def chains(self) -> Chains:
        """What was solved as Markov chains."""
        return chains_of(self.evaluation, self.solves_centres)

    @property
    def method(self) -> str:
        """Name of the method in a sentence: evaluated by ..."""
        if self.solves_centres:
            small = " (small groups, with or without a centre, as Markov chains)"
        else:
            small = " (small groups exactly)" if self.evaluation == "exact" else ""
        return f"a fixed point of overflowing demand{small}"

    def _method(self) -> str:
        outside = ", the share from outside exactly" if self.emergency_is_exact else ""
        return "exact" if self.is_exact else f"approximate, by {self.method}{outside}"


def _shipments(
    performance: ExpeditedPerformance, model: ExpediteModel
) -> Iterator[tuple[Integers, Integers, Floats, Floats]]:
    """Streams, source, share of the demand and hours taken, one piece per block and place."""
    orders, outside = model.orders, len(model.model.network.location_ids)
    for block in model.blocks(_BLOCK_SIZE):
        met = block.met(performance.stock[block.parts], **performance.chains)
        place, stream = model.streams_of(block.parts)
        customer = orders.customer[stream]
        left = np.ones(len(stream))
        for step in range(orders.most_sources):
            node = orders.node[customer, step]
            asked = np.flatnonzero(node >= 0)
            missed = left.copy()
            missed[asked] = met.missed[place[asked], node[asked]]
            share = np.maximum(left - missed, 0.0)[asked]
            source = orders.tree.location[node[asked]]
            yield stream[asked], source, share, orders.hours[customer[asked], step]
            left = missed
        hours = model.outside.hours[block.parts][place]
        yield stream, np.full(len(stream), outside), left, hours


def expedited_performance(
    model: ExpediteModel, stock: Integers, evaluation: Evaluation, *, solves_centres: bool = False
) -> ExpeditedPerformance:
    """Performance of base-stock levels of shape (n_parts, n_locations)."""
    totals = _Totals(model, stock, chains_of(evaluation, solves_centres))
    promises = model.model.promises
    return ExpeditedPerformance(
        expected_backorders=locked(totals.late),
        backorder_variance=locked(np.full(stock.shape, np.nan)),
        fill_rate=locked(totals.fill_rate),
        ready_rate=locked(totals.ready),
        mean_wait_days=locked(totals.wait_days),
        on_hand=locked(totals.on_hand),
        commitments=Rows(
            [result_of(promise, float(u)) for promise, u in zip(promises, totals.use, strict=True)],
            CommitmentResult,
            model.model.network.frame_backend,
        ),
        evaluation=evaluation,
        is_exact=totals.is_exact,
        stock=locked(stock),
        model=model.model,
        shipment_cost=totals.cost,
        local_share=totals.share(totals.local),
        lateral_share=totals.share(max(totals.shipped - totals.local, 0.0)),
        emergency_share=totals.share(max(totals.emergency, 0.0)),
        emergency_is_exact=totals.emergency_is_exact,
        solves_centres=solves_centres,
    )


class _Totals:
    """Figures of all parts, gathered block by block."""

    def __init__(self, model: ExpediteModel, stock: Integers, chains: Chains) -> None:
        self.late, self.ready = np.zeros(stock.shape), np.ones(stock.shape)
        self.fill_rate, self.wait_days = np.full(stock.shape, np.nan), np.full(stock.shape, np.nan)
        self.on_hand = stock.astype(np.float64)
        self.use = np.zeros(model.model.n_promises)
        self.cost = self.local = self.shipped = self.emergency = 0.0
        self.is_exact = self.emergency_is_exact = True
        for block in model.blocks(_BLOCK_SIZE):
            met = block.met(stock[block.parts], **chains)
            self._add(model, block, met, stock[block.parts])

    def _add(
        self, model: ExpediteModel, block: ExpediteBlock, met: MetDemand, stock: Integers
    ) -> None:
        parts = block.parts
        own, demand = block.first_asked, float(block.tree.own_rate.sum())
        self.late[parts] = met.late
        self.ready[parts] = 1.0 - met.unready
        self.on_hand[parts] = np.maximum(stock - met.pipeline + met.late, 0.0)
        asked = (own > 0) | (met.ordered > 0)
        self.fill_rate[parts] = np.where(asked, 1.0 - met.short, np.nan)
        self.wait_days[parts] = self._waits(model, block, met)
        self.use += block.use.at(met.missed).sum(axis=0)
        self.cost += float(block.cost.at(met.missed).sum())
        self.local += float((own * (1.0 - met.short)).sum())
        self.shipped += float(met.shipped.sum())
        self.emergency += demand - float(met.shipped.sum())
        exact, is_asked = block.exactness(stock), block.tree.own_rate.sum(axis=1) > 0
        self.is_exact &= bool(exact.everywhere[is_asked].all())
        self.emergency_is_exact &= bool(exact.outside[is_asked].all())

    def _waits(self, model: ExpediteModel, block: ExpediteBlock, met: MetDemand) -> Floats:
        """Extra days of own customers; wait of the orders where a location has none."""
        entries, orders = model.demand_entries(block.parts), model.orders
        entries = entries.of(orders.node[orders.customer[entries.stream], 0] >= 0)
        serving = model.model.streams.location[entries.stream]
        by_location = Entries(entries.part, entries.stream, serving, entries.weight)
        own = block.first_asked
        longer = model.builder(block.parts).waits(by_location, own.shape[1])
        hours = longer.at(met.missed) / DAYS_PER_YEAR
        nan = np.full(own.shape, np.nan)
        orders = np.divide(met.late, met.ordered, out=nan, where=met.ordered > 0)
        days: Floats = np.divide(hours / HOURS_PER_DAY, own, out=orders, where=own > 0)
        return days

    def share(self, units: float) -> float:
        """Share of all demand."""
        total = self.shipped + self.emergency
        return units / total if total > 0 else float("nan")

"""Several stocks of one network side by side: what each delivers, and what it costs.

Every stock is evaluated anew with the same network, demand and method, so the figures compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates
from partsplan.evaluation import CommitmentResult, Evaluation, Performance, evaluate
from partsplan.evaluation.performance import check_network_and_demand
from partsplan.network import ServiceNetwork
from partsplan.network.figure_table import FigureTable, html_table
from partsplan.optimization import PlannedStock
from partsplan.planning.stock_sources import LevelsFrom, usual_levels

_MOST_LINES = 12
_MOST_HTML = 50


@dataclass(frozen=True, eq=False)
class StockComparison:
    """What several stocks deliver and cost; see `compare_stocks`."""

    performances: Mapping[str, Performance] = field(repr=False)
    """Performance of each stock by its name."""
    levels_from: Mapping[str, LevelsFrom]
    """``base_stock``, or ``position`` where on hand + on order stood for S, by name."""
    frame_backend: str | None = None
    """Library of the frames."""

    @property
    def commitments(self) -> FigureTable:
        """One row per commitment, in table order.

        ``commitment_id``, ``metric``, ``unit`` (share or hours), ``target``, and for every stock
        ``achieved_<name>`` (None where the scope has no demand) and ``is_met_<name>``.
        """
        results = [performance.commitments for performance in self.performances.values()]
        first = results[0]
        columns: dict[str, NDArray[Any]] = {
            name: np.array([getattr(row, name) for row in first], dtype=object)
            for name in ("commitment_id", "metric", "unit")
        }
        columns["target"] = np.array([row.target for row in first], dtype=np.float64)
        for name, rows in zip(self.performances, results, strict=True):
            columns[f"achieved_{name}"] = np.array([r.achieved for r in rows], dtype=np.float64)
            columns[f"is_met_{name}"] = np.array([r.is_met for r in rows], dtype=bool)
        return FigureTable(columns, self.frame_backend)

    @property
    def stocks(self) -> FigureTable:
        """One row per stock.

        ``stock`` (its name), ``levels_from`` (base_stock or position), ``base_stock`` [units],
        ``annual_holding_cost`` [currency per year], ``investment`` [currency] and
        ``commitments_kept``.
        """
        performances = self.performances.values()
        columns: dict[str, NDArray[Any]] = {
            "stock": np.array(list(self.performances), dtype=object),
            "levels_from": np.array(list(self.levels_from.values()), dtype=object),
            "base_stock": np.array([p.stock.sum() for p in performances]),
            "annual_holding_cost": np.array([_annual_holding_cost(p) for p in performances]),
            "investment": np.array([_investment(p) for p in performances]),
            "commitments_kept": np.array([_kept(p) for p in performances]),
        }
        return FigureTable(columns, self.frame_backend)

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per commitment, the stocks side by side; see `commitments`."""
        return self.commitments.to_records()

    def to_frame(self) -> Any:
        """The same as a frame in the library of the user's tables."""
        return self.commitments.to_frame()

    def summary(self) -> str:
        """Costs and commitments of all stocks as a table of text; the missed ones come first."""
        head, rows = self._cells(_MOST_LINES)
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            "  "
            + row[0].ljust(widths[0])
            + "".join(f"  {cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
            for row in (head, *rows)
        ]
        return "\n".join([self._headline(), *lines, *self._notes(_MOST_LINES)])

    def _headline(self) -> str:
        first = next(iter(self.performances.values()))
        is_exact = all(performance.is_exact for performance in self.performances.values())
        method = "exactly" if is_exact else f"approximately ({first.evaluation})"
        count = len(self.performances)
        return f"Comparison of {count} stock{'' if count == 1 else 's'}, evaluated {method}"

    def _cells(self, most: int) -> tuple[list[str], list[list[str]]]:
        performances = list(self.performances.values())
        rows = [
            ["holding cost per year", *(f"{_annual_holding_cost(p):,.2f}" for p in performances)],
            ["investment in stock", *(f"{_investment(p):,.2f}" for p in performances)],
            ["base stock, units", *(f"{int(p.stock.sum()):,}" for p in performances)],
            [
                "commitments kept",
                *(f"{_kept(p):,} of {len(p.commitments):,}" for p in performances),
            ],
        ]
        rows += [
            [_promise(results[0]), *(_outcome(result) for result in results)]
            for results in self._urgent_first()[:most]
        ]
        return ["", *self.performances], rows

    def _urgent_first(self) -> list[tuple[CommitmentResult, ...]]:
        """Every commitment's result under every stock; those missed by a stock come first."""
        together = zip(*(p.commitments for p in self.performances.values()), strict=True)
        return sorted(together, key=lambda results: all(result.is_met for result in results))

    def _notes(self, most: int) -> list[str]:
        left_out = self._urgent_first()[most:]
        missed = sum(not all(result.is_met for result in results) for results in left_out)
        notes = []
        if left_out:
            notes.append(
                f"  ... and {len(left_out):,} more commitments, {missed:,} missed by a stock"
            )
        return notes + [
            f"  {name}: no base_stock in the table, so on_hand + on_order stands for S"
            for name, levels_from in self.levels_from.items()
            if levels_from == "position"
        ]

    def _repr_html_(self) -> str:
        head, rows = self._cells(_MOST_HTML)
        notes = "<br>".join(escape(note) for note in self._notes(_MOST_HTML))
        return f"<p>{escape(self._headline())}</p>{html_table(head, rows)}<p>{notes}</p>"


def compare_stocks(
    network: ServiceNetwork,
    demand: DemandRates,
    stocks: Mapping[str, Any],
    *,
    evaluation: Evaluation = "exact",
) -> StockComparison:
    """Evaluate several stocks of one network and put them side by side.

    Parameters
    ----------
    network : ServiceNetwork
        With the commitments to compare on.
    demand : DemandRates
        Demand that every stock is evaluated with.
    stocks : mapping of str to stock
        Stocks by name, such as ``{"today": network.stock, "plan": plan}``: a `StockingPlan`, a
        plan's stock, a ``stock`` table in any form, a dict ``{(part_id, location_id): S}``, or
        ``None`` for ``network.stock``. Levels are ``base_stock`` [units]; missing pairs and
        empty cells are 0. A table with no figure at all in ``base_stock`` is evaluated with
        **on_hand + on_order as the level S** of one-for-one replenishment; ``levels_from`` and
        `summary` say so.
    evaluation : {"exact", "vari_metric", "metric"}
        How late units are computed.

    Returns
    -------
    StockComparison

    Raises
    ------
    InputError
        If ids are unknown, or a table has neither ``base_stock`` nor ``on_hand`` or
        ``on_order``.
    ValueError
        If a plan has no solution, or an argument is not of its kind.

    Examples
    --------
    >>> import partsplan as pp
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ...     commitments=[{"commitment_id": "C1", "metric": "fill_rate", "target": 0.9}],
    ...     stock=[{"part_id": "P1", "location_id": "DC", "on_hand": 1, "on_order": 1}],
    ... )
    >>> demand = pp.DemandRates.from_table(
    ...     [{"part_id": "P1", "location_id": "DC", "per_year": 36.5}])
    >>> plan = pp.optimize(network, demand)
    >>> print(pp.compare_stocks(network, demand, {"today": network.stock, "plan": plan}).summary())
    Comparison of 2 stocks, evaluated exactly
                                        today           plan
      holding cost per year             40.00          60.00
      investment in stock              200.00         300.00
      base stock, units                     2              3
      commitments kept                 0 of 1         1 of 1
      C1 fill_rate 90.000 %   MISSED 73.576 %  kept 91.970 %
      today: no base_stock in the table, so on_hand + on_order stands for S
    """
    check_network_and_demand(network, demand)
    _check_stocks(stocks)
    levels = {
        name: usual_levels(network, source, f"stocks[{name!r}]") for name, source in stocks.items()
    }
    backends = [network.frame_backend, *(stock.frame_backend for stock in levels.values())]
    return StockComparison(
        performances={
            name: evaluate(
                network, demand, PlannedStock(network, stock.array), evaluation=evaluation
            )
            for name, stock in levels.items()
        },
        levels_from={name: stock.levels_from for name, stock in levels.items()},
        frame_backend=next((backend for backend in backends if backend), None),
    )


def _check_stocks(stocks: object) -> None:
    way_out = 'a dict of named stocks such as {"today": network.stock, "plan": plan}'
    if not isinstance(stocks, Mapping):
        raise ValueError(f"stocks must be {way_out}, got {type(stocks).__name__}")
    if not stocks:
        raise ValueError(f"stocks must be {way_out}, got none")
    for name in stocks:
        if not isinstance(name, str) or not name:
            raise ValueError(f"stocks must be {way_out}, got the name {name!r}")


def _annual_holding_cost(performance: Performance) -> float:
    network = performance.model.network
    part, location = np.nonzero(performance.stock)
    rate = network.holding_rates()[part, location]
    units = performance.stock[part, location]
    return float((network.parts["unit_cost"][part] * rate * units).sum())


def _investment(performance: Performance) -> float:
    units = performance.stock.sum(axis=1)
    return float((performance.model.network.parts["unit_cost"] * units).sum())


def _kept(performance: Performance) -> int:
    return sum(result.is_met for result in performance.commitments)


def _promise(result: CommitmentResult) -> str:
    return f"{result.commitment_id} {result.metric} {_figure(result.target, result.unit)}"


def _outcome(result: CommitmentResult) -> str:
    if result.achieved is None:
        return "no demand"
    mark = "kept" if result.is_met else "MISSED"
    return f"{mark} {_figure(result.achieved, result.unit)}"


def _figure(value: float, unit: str) -> str:
    return f"{value:.2f} h" if unit == "hours" else f"{100 * value:.3f} %"

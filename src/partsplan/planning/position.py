"""The stock position: what is on hand and on order beside the base stock of a plan.

Base stock S less position (on hand + on order) is what is short, or in excess, at a place; with
one-for-one replenishment a shortfall is what to order there now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.network import ServiceNetwork
from partsplan.network.figure_table import FigureTable, html_table
from partsplan.planning.stock_sources import base_stock_levels, today_stock

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_UNITS = ("base_stock", "on_hand", "on_order", "position", "shortfall", "excess")
_VALUED = ("base_stock", "position", "shortfall", "excess")


@dataclass(frozen=True, eq=False)
class StockPosition:
    """Base stock and position of every part at every location; see `stock_position`.

    Arrays have the shape (n_parts, n_locations) in the order of the network's tables.
    """

    network: ServiceNetwork = field(repr=False)
    """Network with the unit costs."""
    base_stock: Integers
    """Base-stock level S [units]."""
    on_hand: Integers
    """Units on the shelf today [units]."""
    on_order: Integers
    """Units on order or in repair today [units]."""
    not_given: tuple[str, ...] = ()
    """``on_hand`` or ``on_order`` where today's table does not say it; it counts 0."""
    frame_backend: str | None = None
    """Library of `to_frame`."""

    @property
    def position(self) -> Integers:
        """Units on hand plus on order [units]."""
        return self.on_hand + self.on_order

    @property
    def shortfall(self) -> Integers:
        """Units missing to the base stock, (base_stock - position)+ [units]."""
        return _positive_part(self.base_stock - self.position)

    @property
    def excess(self) -> Integers:
        """Units above the base stock, (position - base_stock)+ [units]."""
        return _positive_part(self.position - self.base_stock)

    @property
    def totals(self) -> Mapping[str, int | float]:
        """Sum of every column of figures over all places [units; currency where ``_value``]."""
        figures = self._figures()
        return {name: column.sum().item() for name, column in figures.items()}

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part and location with base stock or position, in table order.

        Returns
        -------
        list of dict
            ``part_id``, ``location_id``; ``base_stock``, ``on_hand``, ``on_order``, ``position``,
            ``shortfall``, ``excess`` [units]; ``base_stock_value``, ``position_value``,
            ``shortfall_value``, ``excess_value`` [currency: unit cost times units].
        """
        return self._table().to_records()

    def to_frame(self) -> Any:
        """The same as a frame in the library of the user's tables."""
        return self._table().to_frame()

    def _places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        part, location = np.nonzero((self.base_stock > 0) | (self.position > 0))
        return part, location

    def _figures(self) -> dict[str, NDArray[Any]]:
        """Columns of figures over the places with base stock or position."""
        part, location = self._places()
        unit_cost = self.network.parts["unit_cost"][part]
        units = {name: getattr(self, name)[part, location] for name in _UNITS}
        values = {f"{name}_value": unit_cost * units[name] for name in _VALUED}
        return units | values

    def _table(self) -> FigureTable:
        part, location = self._places()
        ids = {
            "part_id": np.array(self.network.part_ids, dtype=object)[part],
            "location_id": np.array(self.network.location_ids, dtype=object)[location],
        }
        return FigureTable(ids | self._figures(), self.frame_backend)

    def summary(self) -> str:
        """Totals as text, then the places with most money short or in excess."""
        return "\n".join([self._headline(), *self._total_lines(), *self._place_lines()])

    def _headline(self) -> str:
        part, _ = self._places()
        return (
            f"Stock position: {_counted(len(np.unique(part)), 'part')} in "
            f"{_counted(len(part), 'place')}, valued at unit cost"
        )

    def _total_lines(self) -> list[str]:
        total = self.totals
        lines = [
            f"  {name:<10} {total[name]:>9,} units {total[name + '_value']:>16,.2f} {words}"
            for name, words in (
                ("base_stock", "in stock"),
                (
                    "position",
                    f"in stock: {total['on_hand']:,} on hand, {total['on_order']:,} on order",
                ),
                ("shortfall", f"below the base stock, in {self._where('shortfall')}"),
                ("excess", f"above the base stock, in {self._where('excess')}"),
            )
        ]
        return lines + [f"  today's table says no {name}: counted as 0" for name in self.not_given]

    def _where(self, name: str) -> str:
        return _counted(int((getattr(self, name) > 0).sum()), "place")

    def _place_lines(self, most: int = 5) -> list[str]:
        lines = []
        for name in ("shortfall", "excess"):
            rows = self._largest(name, most)
            if rows:
                lines.append(f"  largest {name}")
            lines += [
                f"    {row['part_id']} at {row['location_id']}: base stock "
                f"{row['base_stock']:,}, position {row['position']:,}, {name} {row[name]:,} "
                f"({row[name + '_value']:,.2f})"
                for row in rows
            ]
        return lines

    def _largest(self, name: str, most: int) -> list[dict[str, Any]]:
        """Records with the most money, then the most units, of one kind."""
        figures = self._figures()
        order = np.lexsort((-figures[name], -figures[f"{name}_value"]))
        chosen = order[figures[name][order] > 0][:most]
        part, location = self._places()
        return [
            {
                "part_id": self.network.part_ids[part[k]],
                "location_id": self.network.location_ids[location[k]],
            }
            | {column: values[k].item() for column, values in figures.items()}
            for k in chosen.tolist()
        ]

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(line) for line in [self._headline(), *self._total_lines()])
        head = ("part", "location", *(name.replace("_", " ") for name in _UNITS), "value")
        rows = [
            [
                row["part_id"],
                row["location_id"],
                *(f"{row[column]:,}" for column in _UNITS),
                f"{row[name + '_value']:,.2f}",
            ]
            for name in ("shortfall", "excess")
            for row in self._largest(name, 25)
        ]
        differ = int((self.base_stock != self.position).sum())
        return f"<p>{text}</p>{html_table(head, rows, differ - len(rows)) if rows else ''}"


def stock_position(network: ServiceNetwork, stock: Any, today: Any = None) -> StockPosition:
    """Compare what is on hand and on order with the base stock of a plan.

    Parameters
    ----------
    network : ServiceNetwork
    stock : StockingPlan, plan's stock, table, or dict {(part_id, location_id): S}
        Base stock S to be at [units]; missing pairs are 0. ``None`` means the ``base_stock`` of
        ``network.stock``.
    today : table, optional
        A ``stock`` table with ``on_hand`` and ``on_order`` [units], in any form that a network's
        tables may have; one of the two columns may be left out and counts 0, which `summary`
        says. ``None`` means ``network.stock``.

    Returns
    -------
    StockPosition
        Places with neither base stock nor position are left out of its records.

    Raises
    ------
    InputError
        If ids are unknown, a table is wrong, or today's table has neither ``on_hand`` nor
        ``on_order``.
    ValueError
        If the plan has no solution, or the network is not a `ServiceNetwork`.

    Notes
    -----
    Units owed to customers have no column of their own: where there are some, the true position
    is that much lower. Shortfall and excess are of each place by itself: one place's excess is
    not taken to cover another's shortfall.

    Examples
    --------
    >>> import partsplan as pp
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ...     stock=[{"part_id": "P1", "location_id": "DC", "on_hand": 1, "on_order": 1}],
    ... )
    >>> position = pp.stock_position(network, {("P1", "DC"): 5})
    >>> [(row["shortfall"], row["shortfall_value"]) for row in position.to_records()]
    [(3, 300.0)]
    >>> print(position.summary())
    Stock position: 1 part in 1 place, valued at unit cost
      base_stock         5 units           500.00 in stock
      position           2 units           200.00 in stock: 1 on hand, 1 on order
      shortfall          3 units           300.00 below the base stock, in 1 place
      excess             0 units             0.00 above the base stock, in 0 places
      largest shortfall
        P1 at DC: base stock 5, position 2, shortfall 3 (300.00)
    """
    if not isinstance(network, ServiceNetwork):
        raise ValueError(
            "network must be a ServiceNetwork (the network comes first, then the plan), "
            f"got {type(network).__name__}"
        )
    levels = base_stock_levels(network, stock, "stock")
    there = today_stock(network, today)
    return StockPosition(
        network=network,
        base_stock=_read_only(levels.array),
        on_hand=_read_only(there.on_hand),
        on_order=_read_only(there.on_order),
        not_given=there.not_given,
        frame_backend=network.frame_backend or there.frame_backend or levels.frame_backend,
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _positive_part(units: Integers) -> Integers:
    positive: Integers = np.maximum(units, 0)
    return positive


def _read_only(array: Integers) -> Integers:
    view = array.view()
    view.flags.writeable = False
    return view

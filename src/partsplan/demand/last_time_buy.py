"""How many units to buy once, when a part can be bought for the last time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.count_quantiles import count_distribution, count_quantile
from partsplan.demand.exact_need import condemned_need, exact_need
from partsplan.demand.fleet_forecast import FleetForecast
from partsplan.network import frame_of
from partsplan.network.figure_table import FigureTable
from partsplan.network.scanning import nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LastTimeBuy:
    """Units to buy once for all need to come, per part."""

    part_ids: tuple[str, ...]
    """The parts, in the order of the network's table."""
    need_mean: Floats
    """Shape (n_parts,): units expected to be needed in all months."""
    need_variance: Floats
    """Shape (n_parts,): variance of the need."""
    on_hand: Integers
    """Shape (n_parts,): units that are there already."""
    quantity: Integers
    """Shape (n_parts,): units to buy."""
    enough: Floats
    """Shape (n_parts,): probability that they and those on hand are enough."""
    cost: Floats
    """Shape (n_parts,): unit cost times quantity [currency]."""
    confidence: float
    """The probability asked for, of each part by itself."""
    months: str
    """First and last month of the need."""
    frame_backend: str | None = None
    """Frame library of the user's tables."""

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part."""
        columns = self._columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def to_frame(self) -> Any:
        """The same as a frame in the library of the user's tables."""
        return frame_of(self._columns(), self.frame_backend)

    def summary(self) -> str:
        """Units and money, then the parts that cost most."""
        lines = [
            f"Last-time buy for {self.months}: {self.quantity.sum():,} units of "
            f"{int((self.quantity > 0).sum()):,} parts for {self.cost.sum():,.2f}, each part "
            f"by itself enough with probability {100 * self.confidence:g} %"
        ]
        dearest = np.argsort(-self.cost, kind="stable")[:10].tolist()
        return "\n".join([*lines, *(self._line(i) for i in dearest)])

    def __repr__(self) -> str:
        return (
            f"LastTimeBuy({len(self.part_ids)} parts for {self.months}, "
            f"{self.quantity.sum():,} units, cost {self.cost.sum():,.2f})"
        )

    def _repr_html_(self) -> str:
        head = escape(self.summary().partition("\n")[0])
        return f"<p>{head}</p>{FigureTable(self._columns(), None)._repr_html_()}"

    def _line(self, i: int) -> str:
        return (
            f"  {self.part_ids[i]:<16} buy {self.quantity[i]:>6,} ({self.on_hand[i]:,} on hand, "
            f"{self.need_mean[i]:,.1f} expected)  enough {100 * self.enough[i]:.1f} %  "
            f"cost {self.cost[i]:,.2f}"
        )

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {
            "part_id": np.array(self.part_ids, dtype=object),
            "expected": self.need_mean,
            "standard_deviation": np.sqrt(self.need_variance),
            "on_hand": self.on_hand,
            "quantity": self.quantity,
            "enough": self.enough,
            "cost": self.cost,
        }


def last_time_buy(
    forecast: FleetForecast,
    *,
    confidence: float = 0.95,
    parts: Iterable[str] | None = None,
    on_hand: Mapping[str, int] | None = None,
    consumed: Literal["failures", "condemned"] = "failures",
    method: Literal["moments", "exact"] = "moments",
) -> LastTimeBuy:
    r"""Find the units to buy once so that all need to come is met at a stated confidence.

    Parameters
    ----------
    forecast : FleetForecast
        The need: its months reach to the end of all need, such as the last contract's.
    confidence : float, default 0.95
        Probability, of each part by itself, that the units are enough.
    parts : iterable of str, optional
        Part numbers to buy; all with failures expected where not given.
    on_hand : mapping of part_id to int, optional
        Units that are there already and will serve the need; none where not given.
    consumed : {"failures", "condemned"}
        Whether every failure uses a unit up, or only the share of failed units that cannot be
        repaired (``condemnation_fraction`` of the parts).
    method : {"moments", "exact"}
        Whether the law of the need follows from its mean and variance (`count_quantile`; for
        ageing parts never seen off by more than one unit), or is convolved unit by unit: for few
        parts, neither superseded nor of uncertain rate, and ages of parts.

    Returns
    -------
    LastTimeBuy

    Raises
    ------
    ValueError
        When an argument is out of range or names no part.
    PartsplanError
        When a part has no exact law and ``method`` asks for it.

    Notes
    -----
    The least whole number that the need does not exceed with probability ``confidence``, by
    `count_quantile`: Poisson for a known constant rate, negative binomial for a gamma-uncertain
    one, both exact; by the mean and variance of the whole need for an ageing fleet. Of n
    failures, each condemned with probability c, the need has mean c m and variance
    :math:`c^2 v + c (1 - c) m`.

    Examples
    --------
    >>> from partsplan.demand import forecast_fleet
    >>> from partsplan.network import ServiceNetwork
    >>> network = ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "DRIVE", "unit_cost": 300, "resupply_days": 30}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ...     sites=[{"site_id": "A", "served_by": "DC"}], equipment=[{"equipment_id": "RACK"}],
    ...     bill_of_materials=[{"equipment_id": "RACK", "part_id": "DRIVE",
    ...                         "mtbf_hours": 100_000}],
    ...     installed_base=[{"site_id": "A", "equipment_id": "RACK", "machines": 45,
    ...                      "end_date": "2026-04-01"}])
    >>> need = forecast_fleet(network, start="2026-01", months=12)  # 90 days of contract are left
    >>> last_time_buy(need).to_records()[0]["quantity"]
    3
    """
    if not isinstance(forecast, FleetForecast):
        raise ValueError(f"forecast must be that of forecast_fleet, got {type(forecast).__name__}")
    _check_choices(confidence, consumed, method)
    network, index = forecast.network, forecast.network.part_index
    figures = forecast.by("part")
    mean, variance = np.zeros((2, network.n_parts))
    expected = np.array([index[name] for name in figures.keys["part_id"].tolist()], dtype=np.int64)
    mean[expected], variance[expected] = figures.mean, figures.variance
    chosen = expected if parts is None else _positions("parts", parts, index)
    there = np.zeros(network.n_parts, dtype=np.int64)
    stock = {} if on_hand is None else dict(on_hand)
    there[_positions("on_hand", stock, index)] = [_units(*item) for item in stock.items()]
    share = np.ones(len(chosen))
    if consumed == "condemned":
        share = np.asarray(network.parts["condemnation_fraction"], dtype=np.float64)[chosen]
    m, v, held = share * mean[chosen], variance[chosen], there[chosen]
    v = share**2 * v + (1.0 - share) * m
    if method == "exact":
        laws = [exact_need(forecast, part) for part in chosen.tolist()]
        laws = [condemned_need(law, c) for law, c in zip(laws, share.tolist(), strict=True)]
        quantity, enough = _by_laws(laws, held, confidence)
    else:
        quantity = np.maximum(count_quantile(m, confidence, variance=v) - held, 0)
        enough = count_distribution(quantity + held, m, v)
    return LastTimeBuy(
        part_ids=tuple(network.part_ids[part] for part in chosen.tolist()),
        need_mean=m,
        need_variance=v,
        on_hand=held,
        quantity=quantity,
        enough=enough,
        cost=network.parts["unit_cost"][chosen] * quantity,
        confidence=confidence,
        months=f"{forecast.months[0]} to {forecast.months[-1]}",
        frame_backend=network.frame_backend,
    )


def _check_choices(confidence: float, consumed: str, method: str) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be strictly between 0 and 1, got {confidence!r}")
    if consumed not in ("failures", "condemned"):
        raise ValueError(f"consumed must be 'failures' or 'condemned', got {consumed!r}")
    if method not in ("moments", "exact"):
        raise ValueError(f"method must be 'moments' or 'exact', got {method!r}")


def _by_laws(laws: list[Floats], held: Integers, confidence: float) -> tuple[Integers, Floats]:
    """Units to buy by the whole law of each part's need, and how probably they are enough."""
    below = [np.minimum(np.cumsum(law), 1.0) for law in laws]
    wanted = [int(np.searchsorted(shares, confidence)) for shares in below]
    quantity = np.maximum(np.array(wanted, dtype=np.int64) - held, 0)
    reached = zip(below, (quantity + held).tolist(), strict=True)
    return quantity, np.array([shares[min(k, len(shares) - 1)] for shares, k in reached])


def _positions(name: str, part_ids: Iterable[str], index: Mapping[str, int]) -> Integers:
    if isinstance(part_ids, str):
        raise ValueError(f"{name} must be a list of part numbers, got {part_ids!r}")
    found = []
    for part_id in part_ids:
        if part_id not in index:
            hint = nearest(str(part_id), tuple(index))
            raise ValueError(f"{name} must name parts of the network, got {part_id!r}. {hint}")
        found.append(index[part_id])
    return np.array(sorted(set(found)) if name == "parts" else found, dtype=np.int64)


def _units(part_id: str, units: int) -> int:
    if isinstance(units, bool) or not isinstance(units, (int, np.integer)) or units < 0:
        raise ValueError(f"on_hand must be whole numbers, 0 or more, got {units!r} of {part_id!r}")
    return int(units)

"""Rules that hold within one row, written once for records and tables.

A rule reads whole columns (a record is a table of one row), marks the rows that break it and
says for one row what is wrong and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.network.scanning import Mask

Columns = Mapping[str, NDArray[Any]]
Row = Mapping[str, Any]
Words = tuple[str, str]


@dataclass(frozen=True)
class RowRule:
    """One rule within a row."""

    reads: tuple[str, ...]
    """Columns that the rule reads; the first is the one a finding names."""
    broken: Callable[[Columns], Mask]
    """Marks the rows that break the rule."""
    explain: Callable[[Row], Words]
    """What is wrong in one row, and the way out."""


def given(column: NDArray[Any]) -> Mask:
    """Rows in which a column holds a value."""
    if column.dtype == object:
        return np.asarray(column != "", dtype=bool)
    if column.dtype.kind == "M":
        return np.asarray(~np.isnat(column))
    if column.dtype.kind == "f":
        return np.asarray(~np.isnan(column))
    return np.ones(len(column), dtype=bool)


def _both(first: str, second: str, way_out: str) -> RowRule:
    """`first` and `second` exclude each other."""
    return RowRule(
        (first, second),
        lambda c: given(c[first]) & given(c[second]),
        lambda r: (f"{first} {r[first]} and {second} {r[second]} are both given.", way_out),
    )


def _needs(first: str, second: str, way_out: str) -> RowRule:
    """`first` may only stand beside `second`."""
    return RowRule(
        (first, second),
        lambda c: given(c[first]) & ~given(c[second]),
        lambda r: (f"{first} {r[first]} is given without {second}.", way_out),
    )


_ONE_RESUPPLY = "Give resupply_days, or repair_days and procurement_days instead of it."

PART_RULES = (
    _both("resupply_days", "repair_days", _ONE_RESUPPLY),
    _both("resupply_days", "procurement_days", _ONE_RESUPPLY),
    RowRule(
        ("repair_days", "procurement_days", "condemnation_fraction", "resupply_days"),
        lambda c: (
            ~given(c["resupply_days"])
            & (c["condemnation_fraction"] < 1)
            & given(c["procurement_days"])
            & ~given(c["repair_days"])
        ),
        lambda r: (
            f"procurement_days is given, but repair_days is empty and condemnation_fraction is "
            f"{r['condemnation_fraction']:g}.",
            "Give repair_days, or condemnation_fraction 1 for a consumable.",
        ),
    ),
    RowRule(
        ("procurement_days", "repair_days", "condemnation_fraction", "resupply_days"),
        lambda c: (
            ~given(c["resupply_days"])
            & (c["condemnation_fraction"] > 0)
            & given(c["repair_days"])
            & ~given(c["procurement_days"])
        ),
        lambda r: (
            f"condemnation_fraction is {r['condemnation_fraction']:g}, but procurement_days is "
            "empty.",
            "Give the days to buy a unit in place of a condemned one.",
        ),
    ),
)

COORDINATE_RULES = (
    _needs("latitude", "longitude", "Give both or neither."),
    _needs("longitude", "latitude", "Give both or neither."),
)

LOCATION_RULES = (
    *COORDINATE_RULES,
    RowRule(
        ("replenishment_days", "replenished_from"),
        lambda c: given(c["replenished_from"]) & ~given(c["replenishment_days"]),
        lambda r: (
            f"is empty, but the location is replenished from {r['replenished_from']!r}.",
            "Give the order-and-ship time from there in days.",
        ),
    ),
    RowRule(
        ("replenishment_days", "replenished_from"),
        lambda c: (c["replenishment_days"] > 0) & ~given(c["replenished_from"]),
        lambda r: (
            f"{r['replenishment_days']:g} days are given without replenished_from.",
            "Name the location it is replenished from; the time from outside is the part's "
            "resupply_days.",
        ),
    ),
    RowRule(
        ("replenished_from", "location_id"),
        lambda c: c["replenished_from"] == c["location_id"],
        lambda r: (
            f"{r['location_id']!r} is replenished from itself.",
            "Leave it empty where the outside supply replenishes.",
        ),
    ),
)

PART_LOCATION_RULES = (
    RowRule(
        ("local_repair_days", "local_repair_fraction"),
        lambda c: (c["local_repair_fraction"] > 0) & ~given(c["local_repair_days"]),
        lambda r: (
            f"is empty, but local_repair_fraction is {r['local_repair_fraction']:g}.",
            "Give the local repair time in days.",
        ),
    ),
    RowRule(
        ("resupply_days", "replenished_from"),
        lambda c: given(c["resupply_days"]) & given(c["replenished_from"]),
        lambda r: (
            f"resupply_days {r['resupply_days']:g} and replenished_from "
            f"{r['replenished_from']!r} are both given.",
            "resupply_days counts from outside; give replenishment_days for the time from "
            "another location.",
        ),
    ),
    RowRule(
        ("replenished_from", "location_id"),
        lambda c: c["replenished_from"] == c["location_id"],
        lambda r: (
            f"{r['location_id']!r} is replenished from itself.",
            "Name another location, or leave it empty.",
        ),
    ),
)

BILL_OF_MATERIALS_RULES = (
    _both(
        "failures_per_year", "mtbf_hours", "Give one of the two; mtbf_hours are operating hours."
    ),
    _needs(
        "cause_fraction",
        "parent_part_id",
        "Name the part it sits in, or leave cause_fraction empty.",
    ),
    RowRule(
        ("cause_fraction", "parent_part_id"),
        lambda c: given(c["parent_part_id"]) & ~given(c["cause_fraction"]),
        lambda r: (
            f"is empty, but the part sits in {r['parent_part_id']!r}.",
            "Give the share of that part's repairs that need this one.",
        ),
    ),
    RowRule(
        ("failures_per_year", "parent_part_id", "mtbf_hours"),
        lambda c: (
            given(c["parent_part_id"]) & (given(c["failures_per_year"]) | given(c["mtbf_hours"]))
        ),
        lambda r: (
            f"a failure rate is given for a part that sits in {r['parent_part_id']!r}.",
            "Its demand comes from repairs of that part: leave failures_per_year and mtbf_hours "
            "empty and give cause_fraction.",
        ),
    ),
    RowRule(
        ("parent_part_id", "part_id"),
        lambda c: c["parent_part_id"] == c["part_id"],
        lambda r: (f"{r['part_id']!r} sits in itself.", "Name the part it sits in."),
    ),
)

INSTALLED_BASE_RULES = (
    RowRule(
        ("end_date", "start_date"),
        lambda c: c["end_date"] <= c["start_date"],
        lambda r: (
            f"{r['end_date']} is not after start_date {r['start_date']}.",
            "Exchange the dates or mend one of them.",
        ),
    ),
)


def _target_words(row: Row) -> Words:
    target = float(row["target"])
    if 1 < target <= 100:
        fix = (
            "Give a share below 1; 100 % can never be promised."
            if target == 100
            else f"Write {target / 100:.12g} for {target:.12g} %."
        )
    elif target == 1:
        fix = "Give a share below 1; 100 % can never be promised."
    else:
        fix = "Give a share such as 0.95."
    return f"{target:.12g} is not a share strictly between 0 and 1.", fix


COMMITMENT_RULES = (
    RowRule(
        ("target", "metric"),
        lambda c: (c["metric"] != "mean_wait") & ((c["target"] <= 0) | (c["target"] >= 1)),
        _target_words,
    ),
    RowRule(
        ("within_hours", "metric"),
        lambda c: (c["metric"] == "response") & ~given(c["within_hours"]),
        lambda r: (
            "is empty, but a response commitment needs it.",
            "Give the hours within which the part must be there.",
        ),
    ),
    RowRule(
        ("within_hours", "metric"),
        lambda c: (c["metric"] != "response") & given(c["within_hours"]),
        lambda r: (
            f"{r['within_hours']:g} hours are given for a commitment on {r['metric']}.",
            "Leave it empty, or make the metric response.",
        ),
    ),
)

STOCK_RULES = (
    RowRule(
        ("minimum", "maximum"),
        lambda c: c["minimum"] > c["maximum"],
        lambda r: (
            f"minimum {r['minimum']:g} is above maximum {r['maximum']:g}.",
            "Lower the minimum or raise the maximum.",
        ),
    ),
    RowRule(
        ("fixed", "minimum"),
        lambda c: c["fixed"] < c["minimum"],
        lambda r: (
            f"fixed {r['fixed']:g} is below minimum {r['minimum']:g}.",
            "Leave minimum empty, or mend one of them.",
        ),
    ),
    RowRule(
        ("fixed", "maximum"),
        lambda c: c["fixed"] > c["maximum"],
        lambda r: (
            f"fixed {r['fixed']:g} is above maximum {r['maximum']:g}.",
            "Leave maximum empty, or mend one of them.",
        ),
    ),
)

_SURVIVED_ENTRY = "A unit that enters at these hours is known to have lasted until then."

LIFE_RULES = (
    RowRule(
        ("entry_hours", "hours"),
        lambda c: c["entry_hours"] > c["hours"],
        lambda r: (
            f"the unit enters at {r['entry_hours']:g} h, after it leaves at {r['hours']:g} h.",
            "Exchange entry_hours and hours, or mend one of them.",
        ),
    ),
    RowRule(
        ("hours", "outcome"),
        lambda c: (c["hours"] == 0) & ((c["outcome"] == "failed") | (c["outcome"] == "left")),
        lambda r: (
            f"the unit failed {'before' if r['outcome'] == 'left' else 'at'} 0 operating hours.",
            "Give the hours it ran, for an installation failure the least you count (such as 1); "
            "or leave dead-on-arrival units out.",
        ),
    ),
    RowRule(
        ("hours", "entry_hours", "outcome"),
        lambda c: (
            (c["hours"] == c["entry_hours"])
            & (c["hours"] > 0)
            & ((c["outcome"] == "failed") | (c["outcome"] == "left"))
        ),
        lambda r: (
            f"the unit failed at {r['hours']:g} h, the very hours at which it entered.",
            _SURVIVED_ENTRY,
        ),
    ),
    RowRule(
        ("hours_upper", "outcome"),
        lambda c: (c["outcome"] == "interval") & ~given(c["hours_upper"]),
        lambda r: (
            "is empty, but the outcome is interval.",
            "Give the hours before which the unit failed, or make the outcome censored.",
        ),
    ),
    RowRule(
        ("hours_upper", "hours", "outcome"),
        lambda c: (c["outcome"] == "interval") & (c["hours_upper"] <= c["hours"]),
        lambda r: (
            f"{r['hours_upper']:g} h is not above hours {r['hours']:g} of the interval.",
            "Exchange the two; where they are the same, make the outcome failed.",
        ),
    ),
    RowRule(
        ("hours_upper", "outcome"),
        lambda c: (c["outcome"] != "interval") & (c["outcome"] != "") & given(c["hours_upper"]),
        lambda r: (
            f"{r['hours_upper']:g} h is given for outcome {r['outcome']!r}.",
            "Leave it empty, or make the outcome interval.",
        ),
    ),
)

SUPERSESSION_RULES = (
    RowRule(
        ("superseded_by", "part_id"),
        lambda c: c["superseded_by"] == c["part_id"],
        lambda r: (
            f"{r['part_id']!r} is superseded by itself.",
            "Name the new part number, or take the row out.",
        ),
    ),
)

DEMAND_RULES = (
    RowRule(
        ("location_id", "site_id"),
        lambda c: ~given(c["location_id"]) & ~given(c["site_id"]),
        lambda r: ("location_id and site_id are both empty.", "Give one of the two."),
    ),
    RowRule(
        ("location_id", "site_id"),
        lambda c: given(c["location_id"]) & given(c["site_id"]),
        lambda r: (
            f"location_id {r['location_id']!r} and site_id {r['site_id']!r} are both given.",
            "Give one of the two; a site's demand goes to the location that serves it.",
        ),
    ),
)

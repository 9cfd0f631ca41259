"""The kinds of field that records and tables share: bounds and units, written once.

A record field is annotated with one of these; the record checks a single value with it and a
table a whole column.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from partsplan.network.values import (
    CalendarMonth,
    Choice,
    Day,
    Flag,
    Number,
    Share,
    Text,
    UsedWhole,
    Whole,
)


@dataclass(frozen=True)
class RefersTo:
    """Marks a field as the id of a row of another table."""

    table: str


Id = Annotated[str, Text()]
Words = Annotated[str, Text(is_id=False)]

PartId = Annotated[str, Text(), RefersTo("parts")]
LocationId = Annotated[str, Text(), RefersTo("locations")]
SiteId = Annotated[str, Text(), RefersTo("sites")]
EquipmentId = Annotated[str, Text(), RefersTo("equipment")]

Money = Annotated[float, Number("an amount of money, 0 or more", at_least=0.0)]
Days = Annotated[float, Number("a number of days, 0 or more", at_least=0.0, at_most=1e6)]
Hours = Annotated[float, Number("a number of hours, 0 or more", at_least=0.0, at_most=1e9)]
FleetHours = Annotated[float, Number("a number of hours, 0 or more", at_least=0.0, at_most=1e15)]
PositiveHours = Annotated[float, Number("a number of hours above 0", above=0.0, at_most=1e12)]
YearHours = Annotated[
    float, Number("operating hours per year, 0 to 8760", at_least=0.0, at_most=8760.0)
]
PerYear = Annotated[float, Number("a number per year, 0 or more", at_least=0.0, at_most=1e9)]
YearlyShare = Annotated[float, Number("a rate per year such as 0.20", at_least=0.0, at_most=100.0)]
Fraction = Annotated[float, Share()]
Variation = Annotated[
    float, Number("a coefficient of variation, 0 or more", at_least=0.0, at_most=100.0)
]
Shape = Annotated[float, Number("a gamma shape above 0", above=0.0, at_most=1e12)]
Weight = Annotated[float, Number("a number of units above 0", above=0.0, at_most=1e9)]
VarianceRatio = Annotated[
    float, Number("a variance-to-mean ratio, 1 or more", at_least=1.0, at_most=1e6)
]
Target = Annotated[float, Number("a target, 0 or more", at_least=0.0, at_most=1e9)]
Units = Annotated[int, Whole()]
UsedUnits = Annotated[int, UsedWhole()]
Count = Annotated[int, Whole("a whole number, 1 or more", at_least=1.0)]
Months = Annotated[int, Whole("a whole number of months, 1 or more", at_least=1.0, at_most=1200.0)]
Latitude = Annotated[float, Number("degrees from -90 to 90", at_least=-90.0, at_most=90.0)]
Longitude = Annotated[float, Number("degrees from -180 to 180", at_least=-180.0, at_most=180.0)]
Date = Annotated[dt.date, Day()]
Month = Annotated[dt.date, CalendarMonth()]
TrueFalse = Annotated[bool, Flag()]

Kind = Annotated[str, Choice(words=("central", "regional", "forward", "van", "customer"))]
Metric = Annotated[str, Choice(words=("uptime", "response", "fill_rate", "mean_wait"))]
Outcome = Annotated[
    str,
    Choice(
        words=("failed", "censored", "left", "interval"),
        way_out="Write failed where the unit failed, censored where it still ran (suspended).",
    ),
]
Each = Annotated[
    str,
    Choice(
        words=("customer", "region", "site", "equipment", "location", "part_group"),
    ),
]

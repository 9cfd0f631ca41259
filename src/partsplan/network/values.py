"""The kinds of value a table column can hold: texts and ids, numbers, shares, flags, days."""

from __future__ import annotations

import datetime as dt
import math
import numbers
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import GetJsonSchemaHandler
from pydantic_core import core_schema

from partsplan.network.scanning import (
    MOST_ROWS,
    Array,
    Mask,
    MisreadError,
    Reading,
    ValueType,
    nearest,
    shown,
)

__all__ = [
    "MOST_ROWS",
    "CalendarMonth",
    "Choice",
    "Day",
    "Flag",
    "MisreadError",
    "Number",
    "Share",
    "Text",
    "UsedWhole",
    "Whole",
    "nearest",
]


@dataclass(frozen=True)
class Text(ValueType):
    """Text; an id when ``is_id``: whole numbers become text, fractions are refused."""

    is_id: bool = True

    def blank(self, length: int) -> Array:
        """Give a column of empty texts."""
        empty = np.empty(length, dtype=object)
        empty[:] = ""
        return empty

    def scan(self, value: Any) -> str:
        """Read one text."""
        if isinstance(value, str):
            if self.is_id and value != value.strip():
                raise MisreadError(
                    f"{shown(value)} has blanks around it.", f"Write {shown(value.strip())}."
                )
            return str(value)
        if not self.is_id and not isinstance(value, bytes):
            return shown(value) if not isinstance(value, (int, float)) else str(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            kind = type(value).__name__
            raise MisreadError(f"{shown(value)} is a {kind}, not an id.", "Give ids as text.")
        if abs(value) < 10**100 and value == math.floor(value):
            return str(int(value))
        raise MisreadError(
            f"{shown(value)} is a fractional number, not an id.", "Give ids as text."
        )

    def fast(self, raw: Array) -> Reading | None:
        """Read a column of texts or whole numbers."""
        if raw.dtype.kind in "iu":
            return self._texts([str(i) for i in raw.tolist()])
        if raw.dtype.kind in "UT":
            return self._texts(raw.tolist())
        if raw.dtype.kind == "O":
            items = raw.tolist()
            types = set(map(type, items))
            if types <= {str, type(None)}:
                return self._texts([item or "" for item in items])
            if types <= {str, type(None), float} and not any(
                type(item) is float and not math.isnan(item) for item in items
            ):
                return self._texts([item if type(item) is str else "" for item in items])
        return None

    def _texts(self, items: list[str]) -> Reading:
        values = self.blank(len(items))
        values[:] = items
        empty = np.fromiter(map(operator.not_, items), dtype=bool, count=len(items))
        bad = None
        if self.is_id and (stripped := list(map(str.strip, items))) != items:
            bad = np.fromiter(map(operator.ne, stripped, items), dtype=bool, count=len(items))
            values[bad] = ""
        return Reading(values, empty, bad=bad)


@dataclass(frozen=True)
class Choice(Text):
    """One of a few words."""

    words: tuple[str, ...] = ()
    way_out: str = "Give one of these."
    """What to do about a word that is near to none of them."""

    def scan(self, value: Any) -> str:
        """Read one of the words."""
        if isinstance(value, str) and value in self.words:
            return value
        hint = nearest(value, self.words) if isinstance(value, str) else ""
        raise MisreadError(
            f"{shown(value)} is not one of {', '.join(self.words)}.", hint or self.way_out
        )

    def fast(self, raw: Array) -> Reading | None:
        """Read a column of texts."""
        if raw.dtype.kind not in "OUT":
            return None
        items = raw.tolist()
        if not set(map(type, items)) <= {str, type(None)}:
            return None
        reading = self._texts([item or "" for item in items])
        known = {"", *self.words}
        bad = np.fromiter((text not in known for text in reading.values), bool, len(items))
        bad |= reading.bad_rows()
        reading.values[bad] = ""
        reading.bad = bad if bad.any() else None
        return reading

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Number(ValueType):
    """A finite number within bounds."""

    wanted: str = "a number"
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = 1e15

    def number(self, value: Any) -> float:
        """Read a number, whatever its bounds."""
        if isinstance(value, str):
            return self._number_in(value)
        if isinstance(value, bool) or not _is_number(value):
            raise MisreadError(f"{shown(value)} is not a number.", f"Give {self.wanted}.")
        try:
            return float(value)
        except OverflowError:
            return math.inf

    def _number_in(self, text: str) -> float:
        stripped = text.strip()
        if stripped.lower() == "nan":
            return math.nan
        try:
            if "_" not in stripped:
                return float(stripped)
        except ValueError:
            pass
        if "," in stripped and stripped.replace(",", "").replace(".", "").lstrip("+-").isdigit():
            raise MisreadError(
                f"{shown(text)} has a decimal comma or a thousands separator.",
                _without_comma(stripped),
            )
        if stripped.endswith("-") and stripped[:-1].replace(".", "", 1).isdigit():
            raise MisreadError(
                f"{shown(text)} has its minus sign behind the number.",
                f"Write -{stripped[:-1]} for a negative number.",
            )
        raise MisreadError(f"{shown(text)} is not a number.", f"Give {self.wanted}.")

    def scan(self, value: Any) -> float:
        """Read one number and hold it against the bounds."""
        number = self.number(value)
        if math.isnan(number):
            return number
        if not math.isfinite(number):
            raise MisreadError(f"{shown(value)} is not a finite number.", f"Give {self.wanted}.")
        for broken, words in self._bounds(number):
            if broken:
                raise MisreadError(f"{shown(value)} is {words}.", self.way_out(number))
        return number

    def _bounds(self, number: float) -> list[tuple[bool, str]]:
        low = -math.inf if self.at_least is None else self.at_least
        under = -math.inf if self.above is None else self.above
        high = math.inf if self.at_most is None else self.at_most
        return [
            (number < low, f"below {low:g}"),
            (number <= under, f"not above {under:g}"),
            (number > high, f"above {high:g}"),
        ]

    def way_out(self, number: float) -> str:
        """Say what to write instead of a number out of bounds."""
        return f"Give {self.wanted}."

    def fast(self, raw: Array) -> Reading | None:
        """Read a column of numbers, or of texts that all are numbers."""
        if raw.dtype.kind in "iuf":
            values = raw.astype(np.float64)
        else:
            floats = _floats(raw)
            if floats is None:
                return None
            values = floats
        bad = np.isinf(values)
        if self.at_least is not None:
            bad |= values < self.at_least
        if self.above is not None:
            bad |= values <= self.above
        if self.at_most is not None:
            bad |= values > self.at_most
        bad |= self.refused(values)
        empty = np.isnan(values)
        values[bad] = np.nan
        return Reading(values, empty, bad=bad if bad.any() else None)

    def refused(self, values: NDArray[np.float64]) -> Mask:
        """Mark numbers that are wrong for another reason than their bounds."""
        return np.zeros(len(values), dtype=bool)

    def _one_by_one(self, raw: Array) -> Reading:
        reading = super()._one_by_one(raw)
        reading.empty |= np.isnan(reading.values) & ~reading.bad_rows()
        return reading

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        bounds = {
            "minimum": self.at_least,
            "exclusiveMinimum": self.above,
            "maximum": self.at_most,
        }
        return {"type": "number"} | {k: v for k, v in bounds.items() if v is not None}


@dataclass(frozen=True)
class Share(Number):
    """A share between 0 and 1; a percentage is recognised."""

    wanted: str = "a share between 0 and 1"
    at_least: float | None = 0.0
    at_most: float | None = 1.0

    def way_out(self, number: float) -> str:
        """Recognise a percentage."""
        if 1.0 < number <= 100.0:
            return f"Write {number / 100:.12g} for {number:.12g} %."
        return super().way_out(number)


@dataclass(frozen=True)
class Whole(Number):
    """A whole number within bounds."""

    wanted: str = "a whole number, 0 or more"
    at_least: float | None = 0.0
    at_most: float | None = 1e9

    def scan(self, value: Any) -> float:
        """Read one whole number."""
        number = super().scan(value)
        if number != math.floor(number):
            raise MisreadError(f"{shown(value)} is not a whole number.", f"Give {self.wanted}.")
        return number

    def _validate(self, value: Any) -> int:
        return int(super()._validate(value))

    def refused(self, values: NDArray[np.float64]) -> Mask:
        """Mark fractions."""
        broken: Mask = np.isfinite(values) & (values != np.floor(values))
        return broken

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return super().__get_pydantic_json_schema__(schema, handler) | {"type": "integer"}


@dataclass(frozen=True)
class UsedWhole(Whole):
    """Units used; a return booked as negative usage is recognised."""

    def way_out(self, number: float) -> str:
        """Recognise a return."""
        if number < 0.0:
            return (
                "A return is no usage: take it off the month in which the units were issued, "
                "or leave it out."
            )
        return super().way_out(number)


@dataclass(frozen=True)
class Flag(ValueType):
    """True or false."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "boolean"}

    def scan(self, value: Any) -> bool:
        """Read one truth value."""
        if isinstance(value, bool):
            return value
        if isinstance(value, (int, float)) and value in (0, 1):
            return bool(value)
        if isinstance(value, str):
            word = value.strip().lower()
            if word in {"true", "yes", "1"}:
                return True
            if word in {"false", "no", "0"}:
                return False
        raise MisreadError(f"{shown(value)} is not true or false.", "Write true or false.")

    def fast(self, raw: Array) -> Reading | None:
        """Read a column of bools."""
        if raw.dtype.kind != "b":
            return None
        return Reading(raw.astype(np.float64), np.zeros(len(raw), dtype=bool))


@dataclass(frozen=True)
class Day(ValueType):
    """A calendar day."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "date"}

    def blank(self, length: int) -> Array:
        """Give a column without days."""
        return np.full(length, np.datetime64("NaT", "D"))

    def scan(self, value: Any) -> dt.date:
        """Read one day."""
        day: dt.date | None = None
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[D]").item()
        if isinstance(value, dt.datetime):
            day = value.date()
        elif isinstance(value, dt.date):
            day = value
        elif isinstance(value, str):
            day = _day_in(value)
        if day is None:
            raise MisreadError(f"{shown(value)} is not a date.", _day_way_out(value))
        if not 1900 <= day.year <= 2200:
            raise MisreadError(
                f"{shown(value)} is not between 1900 and 2200.", "Write it as YYYY-MM-DD."
            )
        return day

    def fast(self, raw: Array) -> Reading | None:
        """Read a column of datetimes."""
        if raw.dtype.kind != "M":
            return None
        values = raw.astype("datetime64[D]")
        empty = np.isnat(values)
        years = values.astype("datetime64[Y]").astype(np.int64) + 1970
        bad = ~empty & ((years < 1900) | (years > 2200))
        values[bad] = np.datetime64("NaT", "D")
        return Reading(values, empty, bad=bad if bad.any() else None)


@dataclass(frozen=True)
class CalendarMonth(Day):
    """A calendar month, kept as its first day; any day in it names it."""

    def scan(self, value: Any) -> dt.date:
        """Read one month."""
        text = str(value) if type(value).__name__ == "Period" else value
        if isinstance(text, str) and _is_year_and_month(text):
            text = f"{text}-01"
        try:
            return super().scan(text).replace(day=1)
        except MisreadError as misread:
            rule = misread.rule.replace(shown(text), shown(value)).replace("a date", "a month")
            raise MisreadError(rule, _month_way_out(value)) from None

    def fast(self, raw: Array) -> Reading | None:
        """Read a column of datetimes, or of texts such as 2025-03, each distinct one once."""
        if raw.dtype.kind == "M":
            raw = raw.astype("datetime64[M]")
        elif raw.dtype.kind == "O" and {type(item) for item in raw.tolist()} <= {str}:
            return self._texts(raw.tolist())
        return super().fast(raw)

    def told(self, value: Any) -> str:
        """Write a month without its day."""
        return str(value)[:7]

    def _texts(self, items: list[str]) -> Reading | None:
        try:
            days = {text: self.scan(text) for text in dict.fromkeys(items) if text}
        except MisreadError:
            return None
        values = np.array([days.get(text) for text in items], dtype="datetime64[D]")
        return Reading(values, np.isnat(values))


def _is_year_and_month(text: str) -> bool:
    return len(text) == 7 and text[4] == "-" and (text[:4] + text[5:]).isdecimal()


_MONTHS = (
    re.compile(r"(?P<month>\d{1,2})[./-](?P<year>(?:19|20|21)\d\d)"),
    re.compile(r"(?P<year>(?:19|20|21)\d\d)[./-]?(?P<month>\d{1,2})"),
)
"""A month in other forms: 03.2025; 2025/3 or 202503."""

_DAYS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
"""A day with dots, which is always day, month, year."""


def _month_way_out(value: object) -> str:
    for form in _MONTHS:
        found = form.fullmatch(str(value).strip())
        if found is not None and 1 <= int(found["month"]) <= 12:
            return f"Write {found['year']}-{int(found['month']):02d}."
    return "Write it as YYYY-MM, or give a date in the month."


def _day_way_out(value: object) -> str:
    found = _DAYS.fullmatch(str(value).strip())
    if found is not None and 1 <= int(found[1]) <= 31 and 1 <= int(found[2]) <= 12:
        return f"Write {found[3]}-{int(found[2]):02d}-{int(found[1]):02d}."
    return "Write it as YYYY-MM-DD."


def _day_in(text: str) -> dt.date | None:
    try:
        if len(text) == 10 and text[4] == text[7] == "-":
            return dt.date.fromisoformat(text)
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    has_dashes = len(text) > 10 and text[4] == text[7] == "-"
    return moment.date() if has_dashes and moment.time() == dt.time(0) else None


def _without_comma(text: str) -> str:
    """Say how to write a number with commas; its last sign of two kinds is the decimal one."""
    decimal, thousands = (".", ",") if text.rfind(".") > text.rfind(",") else (",", ".")
    if text.count(decimal) > 1:
        whole = text.replace(",", "")
        return f"Write {whole}." if "." not in text else "Write it with digits only."
    number = text.replace(thousands, "").replace(decimal, ".")
    before, _, after = number.partition(".")
    if thousands not in text and len(after) == 3 and before.lstrip("+-") not in ("", "0"):
        return f"Write {number} where the comma is a decimal one, {before}{after} where not."
    return f"Write {number} with a decimal point."


def _is_number(value: object) -> bool:
    return isinstance(value, (numbers.Real, Decimal))


def _floats(raw: Array) -> NDArray[np.float64] | None:
    """Read numbers out of plain values quickly; None where one of them needs a closer look."""
    if raw.dtype.kind not in "OUT":
        return None
    items = raw.tolist()
    types = set(map(type, items))
    plain_types = {str, int, float, type(None)}
    if not all(t in plain_types or issubclass(t, (np.integer, np.floating)) for t in types):
        return None
    if str in types and any("_" in item for item in items if type(item) is str):
        return None
    convert: Callable[[Any], float] = float
    try:
        return np.array(
            [math.nan if item is None or item == "" else convert(item) for item in items],
            dtype=np.float64,
        )
    except (ValueError, OverflowError):
        return None

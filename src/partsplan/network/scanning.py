"""How a value, or a whole column of values, is read, and what is said when it cannot be.

Every kind of value has one scalar ``scan`` that reads a value or says what is wrong with it;
columns take a vectorised way to the same verdict and ask ``scan`` for the words.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

Array = NDArray[Any]
Mask = NDArray[np.bool_]

MOST_ROWS = 1000
"""Findings of one rule in one column that are written out row by row; more are counted."""

_MISSING_TYPES = frozenset({"NAType", "NaTType"})


class MisreadError(Exception):
    """A value that its column cannot hold: the rule it breaks and the way out."""

    def __init__(self, rule: str, fix: str = "") -> None:
        super().__init__(f"{rule} {fix}".strip())
        self.rule = rule
        self.fix = fix


@dataclass
class Reading:
    """A column as read: typed values, which rows are empty, which cannot be read and why."""

    values: Array
    empty: Mask
    misreads: dict[int, MisreadError] = field(default_factory=dict)
    bad: Mask | None = None

    def bad_rows(self) -> Mask:
        """Rows that could not be read."""
        return np.zeros(len(self.values), dtype=bool) if self.bad is None else self.bad


def shown(value: object) -> str:
    """Write a value for a message, text in quotes, long values cut."""
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except Exception:  # an object with a broken __str__ must not hide the finding
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"


def is_empty(value: object) -> bool:
    """Whether a value means "not given": None, NaN, NaT, pandas' NA or an empty text."""
    if value is None:
        return True
    if isinstance(value, str):
        return value == ""
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return type(value).__name__ in _MISSING_TYPES


def nearest(word: str, known: Sequence[str]) -> str:
    """Name the known word that is nearest, as a sentence; empty when none is near."""
    plain = {text.casefold().strip().lstrip("0"): text for text in reversed(known)}
    same = plain.get(word.casefold().strip().lstrip("0"))
    if same is not None:
        return f"Did you mean {same!r}?"
    if len(known) > 2000:
        known = _alike(word, known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else ""


def _alike(word: str, known: Sequence[str]) -> Sequence[str]:
    """Keep, of very many words, those that begin most like this one."""
    for length in (len(word) - 1, len(word) - 2, len(word) // 2):
        found = [k for k in known if k[:length] == word[:length] and len(k) <= len(word) + 1]
        if length > 0 and found:
            return found[:2000]
    return ()


@dataclass(frozen=True)
class ValueType:
    """What a column holds. Subclasses say how one value is read."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "string"}

    def scan(self, value: Any) -> Any:
        """Read one value that is not empty, or raise `MisreadError`."""
        raise NotImplementedError

    def fast(self, raw: Array) -> Reading | None:
        """Read a whole column at once, or return None where values must be read one by one."""
        return None

    def blank(self, length: int) -> Array:
        """Give a column of empty values."""
        return np.full(length, np.nan)

    def column(self, raw: Array) -> Reading:
        """Read a column; every unreadable row is marked, the first ones with their reason."""
        reading = self.fast(raw)
        if reading is None:
            return self._one_by_one(raw)
        if reading.bad is not None:
            for row in np.flatnonzero(reading.bad)[:MOST_ROWS]:
                reading.misreads[int(row)] = self._reason(plain(raw[row]))
        return reading

    def _reason(self, value: object) -> MisreadError:
        try:
            self.scan(value)
        except MisreadError as misread:
            return misread
        return MisreadError(f"{shown(value)} cannot be read.")

    def _one_by_one(self, raw: Array) -> Reading:
        values = self.blank(len(raw))
        empty = np.zeros(len(raw), dtype=bool)
        bad = np.zeros(len(raw), dtype=bool)
        misreads: dict[int, MisreadError] = {}
        for row, value in enumerate(raw):
            if is_empty(value):
                empty[row] = True
                continue
            try:
                values[row] = self.scan(plain(value))
            except MisreadError as misread:
                bad[row] = True
                if len(misreads) < MOST_ROWS:
                    misreads[row] = misread
        return Reading(values, empty, misreads, bad)

    def told(self, value: Any) -> str:
        """Write a value that was read, for a message."""
        return str(value)

    def _validate(self, value: Any) -> Any:
        if is_empty(value):
            raise PydanticCustomError("empty", "is empty, but it is required.")
        try:
            return self.scan(plain(value))
        except MisreadError as misread:
            raise PydanticCustomError("value", str(misread)) from None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.json_schema)


def plain(value: Any) -> Any:
    """Turn a numpy scalar into the Python value it stands for."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        return value.item()
    return value

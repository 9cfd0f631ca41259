"""Estimated rates as lines of text: what the counts changed, and what is doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from partsplan.demand.rate_estimates import RateEstimates

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

SHOWN = 10
"""Rows that a summary shows."""

HOURS_PER_YEAR = 8760.0


def summary_lines(rates: RateEstimates) -> list[str]:
    """Lines of a summary: what was counted, what departs most, and what is doubtful."""
    whole = slice(0, rates.n_parts)
    counted = rates.operating_hours[whole] > 0.0
    lines = [
        f"Failure rates of {_counted(rates.n_parts, 'part')}: "
        f"{_counted(rates.failures[whole].sum(), 'failure')} of "
        f"{_counted(int(counted.sum()), 'part')} "
        f"in {rates.operating_hours[whole].sum():,.0f} operating hours",
        "  " + ", ".join(_prior_words(rates, counted)),
    ]
    if rates.segment_ids:
        lines.append("  " + _segment_words(rates))
    lines += _row_lines(rates, _telling_rows(rates))
    lines += [f"  note: {warning.rule} {warning.fix}".rstrip() for warning in rates.warnings]
    return lines


def _prior_words(rates: RateEstimates, counted: Booleans) -> list[str]:
    prior = rates.prior[: rates.n_parts]
    words = {
        "catalogue": "the catalogue as prior",
        "family": "the family as prior",
        "jeffreys": "Jeffreys' prior (no catalogue rate)",
    }
    told = [
        f"{int((counted & (prior == kind)).sum()):,} with {name}"
        for kind, name in words.items()
        if (counted & (prior == kind)).any()
    ]
    without = int((~counted).sum())
    return [*told, f"{without:,} without counts"] if without else told


def _segment_words(rates: RateEstimates) -> str:
    tested = int((~np.isnan(rates.p_value)).sum())
    words = (
        f"{int(rates.is_different.sum()):,} of {tested:,} segments differ from the rest of "
        f"their part (false discoveries at most {100 * rates.false_discoveries:g} %)"
    )
    spread = rates.segment_spread[~np.isnan(rates.segment_spread)]
    if len(spread):
        low, high = 100 * spread.min(), 100 * spread.max()
        upto = f" to {high:.0f} %" if high > low else ""
        words += f"; spread of segments around their part {low:.0f} %{upto}"
    return words


def _telling_rows(rates: RateEstimates) -> Integers:
    """Differing segments, then the parts whose interval leaves the catalogue out."""
    different = np.flatnonzero(rates.is_different)
    different = different[np.argsort(rates.p_value[different], kind="stable")]
    whole = np.arange(rates.n_parts)
    lower, upper = (end[: rates.n_parts] for end in rates.interval_per_hour)
    catalogue = rates.catalogue_per_hour[: rates.n_parts]
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = (catalogue < lower) | (catalogue > upper)
        amount = np.abs(np.log(rates.per_hour[: rates.n_parts] / catalogue))
    parts = whole[outside & np.isfinite(amount)]
    parts = parts[np.argsort(-amount[parts], kind="stable")]
    return np.concatenate([parts, different])


def _row_lines(rates: RateEstimates, rows: Integers) -> list[str]:
    if not len(rows):
        return ["  no rate departs from the catalogue, and no segment from its part"]
    shown = rows[:SHOWN]
    lower, upper = rates.interval_per_hour
    head = (
        f"failures per unit and {HOURS_PER_YEAR:,.0f} operating hours",
        "catalogue",
        "counted",
        "estimate",
        f"{100 * rates.level:g} % interval",
    )
    cells = [head] + [
        (
            _name(rates, row),
            _yearly(rates.catalogue_per_hour[row]),
            f"{rates.failures[row]:,.6g}",
            _yearly(rates.per_hour[row]),
            f"{_yearly(lower[row])} to {_yearly(upper[row])}",
        )
        for row in shown.tolist()
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  "
        + row[0].ljust(widths[0])
        + "".join(f"  {cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
        for row in cells
    ]
    if len(rows) > SHOWN:
        lines.append(f"  ... and {len(rows) - SHOWN:,} more that depart")
    return lines


def _name(rates: RateEstimates, row: int) -> str:
    part = rates.part_ids[rates.part[row]]
    return part if rates.segment[row] < 0 else f"{part}, {rates.segment_ids[rates.segment[row]]}"


def _counted(count: float, noun: str) -> str:
    return f"{count:,.10g} {noun}{'' if count == 1 else 's'}"


def _yearly(per_hour: float) -> str:
    return "none" if np.isnan(per_hour) else f"{per_hour * HOURS_PER_YEAR:,.4g}"

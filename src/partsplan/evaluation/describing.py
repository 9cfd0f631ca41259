"""Commitments in words: lines of text and a table for a notebook.

The missed commitments come first, then the tightest; of very many only those are shown.
"""

from __future__ import annotations

from html import escape

from partsplan.evaluation.results import CommitmentResult, Rows


def commitment_lines(results: Rows[CommitmentResult], most: int = 12) -> list[str]:
    """Text lines of commitments: the missed ones first, then the tightest."""
    ordered = sorted(results, key=_tightness)
    width = max((len(result.commitment_id) for result in ordered[:most]), default=0)
    lines = []
    for result in ordered[:most]:
        mark = "kept  " if result.is_met else "MISSED"
        lines.append(
            f"  {mark} {result.commitment_id:<{width}}  {result.metric:<9} "
            f"{_figure(result.achieved, result.unit)} "
            f"(promised {_figure(result.target, result.unit)})"
            + ("" if result.price is None else f"  price {result.price:,.0f}")
        )
    if len(ordered) > most:
        lines.append(
            f"  ... and {len(ordered) - most} more commitments, all further from their target"
        )
    return lines


def _tightness(result: CommitmentResult) -> tuple[bool, float]:
    if result.achieved is None:
        return result.is_met, float("inf")
    if result.unit == "hours":
        return result.is_met, (result.target - result.achieved) / result.target
    return result.is_met, (result.achieved - result.target) / (1.0 - result.target)


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "no demand"
    return f"{value:.2f} h" if unit == "hours" else f"{100 * value:.3f} %"


def commitment_table_html(results: Rows[CommitmentResult], most: int = 50) -> str:
    """HTML table of commitments; of many, the missed and the tightest."""
    if not results:
        return ""
    shown = results if len(results) <= most else sorted(results, key=_tightness)[:most]
    rows = "".join(
        f"<tr><td>{escape(r.commitment_id)}</td><td>{r.metric}</td>"
        f"<td>{_figure(r.target, r.unit)}</td><td>{_figure(r.achieved, r.unit)}</td>"
        f"<td>{'kept' if r.is_met else '<b>missed</b>'}</td>"
        f"<td>{'' if r.price is None else f'{r.price:,.0f}'}</td></tr>"
        for r in shown
    )
    head = "".join(
        f"<th>{name}</th>" for name in ("commitment", "metric", "promised", "achieved", "", "price")
    )
    left = len(results) - len(shown)
    more = f"<p>... and {left} more commitments, all further from their target</p>" if left else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"

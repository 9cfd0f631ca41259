"""Demand as text and as rows: what ``DemandRates`` shows of itself.

Rows are those of the ``demand`` table, so that they can be fed back.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.given import pairs_of
from partsplan.demand.usage_history import in_words

if TYPE_CHECKING:
    from partsplan.demand.rates import DemandRates

Figures = Sequence[tuple[str, str]]


def demand_columns(demand: DemandRates) -> dict[str, NDArray[Any]]:
    """Columns of the ``demand`` table; rate_shape is inf where the rate is known."""
    given = demand.given
    is_resolved = demand.rates is not None
    at_locations = pairs_of(given.at_locations if demand.rates is None else demand.rates)
    clustering = given.location_clustering if demand.rates is None else demand.clustering
    part, per_year = at_locations.part, at_locations.per_year
    ids = np.array(demand.location_ids, dtype=object)
    location = ids[at_locations.place] if len(ids) else np.empty(0, dtype=object)
    excess = np.zeros(len(part))
    if clustering is not None:
        excess = np.asarray(clustering[part, at_locations.place])
    columns: dict[str, NDArray[Any]] = {}
    if not is_resolved:
        sites = given.at_sites
        site = np.array(given.site_ids, dtype=object)[sites.place]
        columns["site_id"] = np.concatenate([_blank(len(location)), site])
        location = np.concatenate([location, _blank(len(site))])
        part = np.concatenate([part, sites.part])
        per_year = np.concatenate([per_year, sites.per_year])
        excess = np.concatenate([excess, given.site_clustering])
    ratio = 1.0 + np.divide(excess, per_year, out=np.zeros(len(part)), where=per_year > 0.0)
    part_id = np.array(demand.part_ids, dtype=object)
    return {
        "part_id": part_id[part] if len(part_id) else part_id,
        "location_id": location,
        **columns,
        "per_year": per_year,
        "rate_shape": demand.rate_shape[part],
        "variance_to_mean": ratio,
    }


def _blank(length: int) -> NDArray[Any]:
    texts = np.empty(length, dtype=object)
    texts[:] = ""
    return texts


def demand_figures(demand: DemandRates) -> Figures:
    """Name the figures that say what a demand is like, with units."""
    figures = [
        ("parts x locations", f"{demand.n_parts:,} x {demand.n_locations:,}"),
        ("customer demand", f"{demand.total_per_year:,.6g} units per year"),
    ]
    waiting = demand.rates is None
    if waiting:
        figures.append(("locations", "not known yet for demand given by site: align to a network"))
    else:
        served = np.diff(demand.rates.indptr) > 0 if demand.rates is not None else np.zeros(0)
        figures.append(("parts with demand", f"{int(served.sum()):,}"))
    shapes = demand.rate_shape[np.isfinite(demand.rate_shape)]
    if len(shapes):
        ends = dict.fromkeys(f"{shape:.4g}" for shape in (shapes.min(), shapes.max()))
        spread = f"rate_shape {' to '.join(ends)}"
        figures.append(("parts with an uncertain rate", f"{len(shapes):,} ({spread})"))
    if demand.clustering is not None:
        figures.append(("clustered demand", "variance_to_mean above 1 for some parts"))
    if demand.streams is not None:
        lone = demand.streams.equipment < 0
        amount = float(demand.streams.per_year[lone].sum())
        figures.append(("streams (machines x part)", f"{len(demand.streams) - int(lone.sum()):,}"))
        figures.append(("demand that no machine accounts for", f"{amount:,.6g} units per year"))
    if demand.evidence is not None and demand.evidence.failures.any():
        counted = demand.evidence.failures[: demand.evidence.n_parts]
        figures.append(
            (
                "counted failures",
                f"{counted.sum():,.10g} of {in_words(int(np.count_nonzero(counted)), 'part')}",
            )
        )
    if demand.evidence is not None and demand.evidence.warnings:
        doubts = in_words(len(demand.evidence.warnings), "warning")
        figures.append(("doubtful evidence", f"{doubts} in .evidence.warnings"))
    if demand.usage is not None:
        history, disagree = demand.usage.history, int(demand.usage.disagrees.sum())
        used = in_words(round(history.total_units.sum()), "unit")
        words = f"{history.first} to {history.last}, {used}; {in_words(disagree, 'disagreement')}"
        figures.append(("usage", words))
    if demand.on is not None:
        figures.append(("machines counted on", str(demand.on)))
    return figures


def text_of(figures: Figures) -> str:
    """Lay figures out as lines of text."""
    width = max(len(name) for name, _ in figures)
    return "\n".join(["Demand", *(f"  {name:<{width}}  {value}" for name, value in figures)])


def html_of(figures: Figures) -> str:
    """Lay figures out as a table for a notebook."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in figures
    )
    return f"<table><caption>Demand</caption>{rows}</table>"

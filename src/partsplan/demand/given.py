"""Demand as a planner gives it: figures per part and location, or per part and site.

Rates stand in sparse rows, so that ten million part-locations fit in memory. Clustering is kept
as rate x (variance_to_mean - 1), which adds up over customers as the rates do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand.sharing import GivenAt
from partsplan.errors import Finding, InputError
from partsplan.network import Table

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
SparseRates: TypeAlias = "scipy.sparse.csr_array[np.float64, tuple[int, int]]"


@dataclass(frozen=True)
class GivenDemand:
    """Demand given directly, with the ids that its positions refer to."""

    part_ids: tuple[str, ...]
    location_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    at_locations: SparseRates
    """Shape (n_parts, n_locations): demand given for locations [1/year]."""
    at_sites: GivenAt
    """Demand given for sites [1/year]."""
    location_clustering: SparseRates | None
    """As ``at_locations``: rate x (variance_to_mean - 1) [1/year]; None where all is Poisson."""
    site_clustering: Floats
    """Shape of ``at_sites``: rate x (variance_to_mean - 1) [1/year]."""
    rate_shape: Floats
    """Shape (n_parts,): gamma shape of the uncertain rate; inf where it is known."""

    def __post_init__(self) -> None:
        for name in ("site_clustering", "rate_shape"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def parts(self) -> Booleans:
        """Shape (n_parts,): whether any demand was given for the part, be it 0."""
        given = np.diff(self.at_locations.indptr) > 0
        given[self.at_sites.part] = True
        return given

    def scaled(self, factor: Floats, rate_shape: Floats) -> GivenDemand:
        """Multiply the rates of each part, and give it another shape of uncertainty."""
        clustering = self.location_clustering
        return replace(
            self,
            at_locations=_rows_scaled(self.at_locations, factor),
            at_sites=replace(
                self.at_sites, per_year=self.at_sites.per_year * factor[self.at_sites.part]
            ),
            location_clustering=None if clustering is None else _rows_scaled(clustering, factor),
            site_clustering=self.site_clustering * factor[self.at_sites.part],
            rate_shape=rate_shape,
        )


def sparse_sum(
    part: Integers, place: Integers, values: Floats, shape: tuple[int, int]
) -> SparseRates:
    """Sum values by (part, place) into read-only sparse rows; zeros that were given are kept."""
    return read_only(scipy.sparse.coo_array((values, (part, place)), shape=shape).tocsr())


def read_only(matrix: SparseRates) -> SparseRates:
    """Sort the rows of a matrix and lock its arrays."""
    matrix.sum_duplicates()
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    return matrix


def _rows_scaled(matrix: SparseRates, factor: Floats) -> SparseRates:
    data = matrix.data * np.repeat(factor, np.diff(matrix.indptr))
    return read_only(
        scipy.sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    )


def pairs_of(matrix: SparseRates) -> GivenAt:
    """Coordinates of a matrix of rates."""
    part = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return GivenAt(part, matrix.indices.astype(np.int64), matrix.data)


@dataclass(frozen=True)
class DemandRows:
    """Rows of a demand table with the positions of their ids; -1 where a cell is empty."""

    table: Table
    part: Integers
    location: Integers
    site: Integers
    part_ids: tuple[str, ...]
    location_ids: tuple[str, ...]
    site_ids: tuple[str, ...]

    def given(self) -> GivenDemand:
        """Sort the rows into sparse rows.

        Raises
        ------
        InputError
            With a finding per row whose rate_shape is not its part's.
        """
        findings = list(self._mixed_shapes())
        if findings:
            raise InputError(findings)
        per_year = np.asarray(self.table["per_year"], dtype=np.float64)
        clustering = per_year * (np.asarray(self.table["variance_to_mean"]) - 1.0)
        here = self.location >= 0
        there = ~here
        shape = (len(self.part_ids), len(self.location_ids))
        part, location = self.part[here], self.location[here]
        return GivenDemand(
            part_ids=self.part_ids,
            location_ids=self.location_ids,
            site_ids=self.site_ids,
            at_locations=sparse_sum(part, location, per_year[here], shape),
            at_sites=GivenAt(self.part[there], self.site[there], per_year[there]),
            location_clustering=sparse_sum(part, location, clustering[here], shape)
            if clustering[here].any()
            else None,
            site_clustering=clustering[there],
            rate_shape=self._part_shapes(),
        )

    def _row_shapes(self) -> Floats:
        shape = np.asarray(self.table["rate_shape"], dtype=np.float64)
        return np.where(np.isnan(shape), np.inf, shape)

    def _part_shapes(self) -> Floats:
        shapes = np.full(len(self.part_ids), np.inf)
        shapes[self.part[::-1]] = self._row_shapes()[::-1]
        return shapes

    def _mixed_shapes(self) -> Iterator[Finding]:
        shapes, of_part = self._row_shapes(), self._part_shapes()[self.part]
        for row in np.flatnonzero(shapes != of_part):
            value, first = (
                "empty" if np.isinf(shape) else f"{shape:g}"
                for shape in (shapes[row], of_part[row])
            )
            yield Finding(
                self.table.name,
                int(row) + 1,
                "rate_shape",
                None if value == "empty" else float(shapes[row]),
                f"rate_shape of part {self.part_ids[self.part[row]]!r} is {value} here "
                f"and {first} in its first row.",
                "Give the same in all rows of a part: one factor is common to its locations.",
            )


def table_rows(table: Table) -> DemandRows:
    """Rows of a demand table without a network: positions in order of first appearance."""
    columns = [numbered(table[name]) for name in ("part_id", "location_id", "site_id")]
    (part_ids, part), (location_ids, location), (site_ids, site) = columns
    return DemandRows(table, part, location, site, part_ids, location_ids, site_ids)


def numbered(column: NDArray[np.object_]) -> tuple[tuple[str, ...], Integers]:
    """Distinct ids in order of first appearance, and each row's position; -1 where empty."""
    texts = column.tolist()
    ids = tuple(text for text in dict.fromkeys(texts) if text)
    position = {text: i for i, text in enumerate(ids)}
    position[""] = -1
    return ids, np.fromiter(map(position.__getitem__, texts), dtype=np.int64, count=len(texts))

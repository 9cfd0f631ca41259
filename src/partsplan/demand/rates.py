"""How often parts are asked for, where, and by whom.

``DemandRates`` is what every plan and evaluation takes: customer demand per part and serving
location, how well the rate is known, and the streams that commitments weigh with.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.aligning import moved_streams, renamed_demand, resolved_demand
from partsplan.demand.arrays import array_demand, id_tuple
from partsplan.demand.describing import demand_columns, demand_figures, html_of, text_of
from partsplan.demand.given import GivenDemand, SparseRates, pairs_of, table_rows
from partsplan.demand.installed_base import day_of, machines_on
from partsplan.demand.rate_estimates import RateEstimates
from partsplan.demand.reading import read_alone
from partsplan.demand.streams import DemandStreams, located_streams
from partsplan.errors import PartsplanError
from partsplan.network import ServiceNetwork, backend_of, frame_of

if TYPE_CHECKING:
    from partsplan.demand.combined_usage import CombinedUsage

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class DemandRates:
    """Customer demand per part and location that serves it, per year; immutable.

    Made by :func:`estimate_demand`, :meth:`from_table` or :meth:`from_arrays`. Demand is what
    customers ask a location for, not what locations order from each other.

    Examples
    --------
    >>> demand = DemandRates.from_arrays(["FAN", "DISK"], ["BERN"], [[2.0], [0.5]])
    >>> demand.per_year
    array([[2. ],
           [0.5]])
    >>> demand
    DemandRates(n_parts=2, n_locations=1, total=2.5 per year)
    """

    given: GivenDemand
    """What was given directly, with the ids of both axes."""
    rates: SparseRates | None
    """Shape (n_parts, n_locations), sparse [1/year]; None before the sites of a table are
    resolved by :meth:`aligned`."""
    clustering: SparseRates | None
    """Shape (n_parts, n_locations), sparse: rate x (variance_to_mean - 1) [1/year]; None where
    all demand is Poisson."""
    streams: DemandStreams | None
    """Who demands, in positions of the network; None when given by location only."""
    network: ServiceNetwork | None = None
    """The network that positions refer to; None when made without one."""
    on: np.datetime64 | None = None
    """Day on which machines were counted; None where none was named."""
    n_installed: int | None = None
    """How many of the streams, the first ones, were estimated from the installed base; None
    when it was not asked."""
    frame_backend: str | None = None
    """Frame library of the source: pandas, polars or pyarrow; None when it was no frame."""
    evidence: RateEstimates | None = None
    """What the rates of the installed base come from, per part and segment: catalogue, counts,
    prior, estimate and interval; None for demand that was not estimated."""
    usage: CombinedUsage | None = None
    """How a history of usage entered, and where it disagrees; None where none did."""

    @classmethod
    def from_table(
        cls,
        table: Any,
        *,
        rename: Mapping[str, str] | None = None,
        extra_columns: Literal["error", "ignore"] = "error",
    ) -> DemandRates:
        """Read a ``demand`` table: rows, dict of columns or frame.

        Parameters
        ----------
        table
            Columns ``part_id``, ``location_id`` or ``site_id``, ``per_year``, and where wanted
            ``rate_shape`` (empty = the rate is known) and ``variance_to_mean`` (1).
        rename
            Own column names and what they are here, such as ``{"MATNR": "part_id"}``.
        extra_columns
            Whether an unknown column is an error or is dropped.

        Returns
        -------
        DemandRates
            Ids in order of first appearance. Demand of sites waits for :meth:`aligned`.

        Raises
        ------
        InputError
            With every finding of the table.

        Examples
        --------
        >>> rows = [{"part_id": "FAN", "location_id": "BERN", "per_year": 2.0, "rate_shape": 3.0}]
        >>> DemandRates.from_table(rows).to_records()
        [{'part_id': 'FAN', 'location_id': 'BERN', 'per_year': 2.0, 'rate_shape': 3.0,
        'variance_to_mean': 1.0}]
        """
        read = read_alone("demand", table, rename=rename, extra_columns=extra_columns)
        return cls.without_network(table_rows(read).given(), backend_of(table))

    @classmethod
    def from_arrays(
        cls,
        part_ids: Sequence[object] | ArrayLike,
        location_ids: Sequence[object] | ArrayLike,
        per_year: Any,
        rate_shape: ArrayLike | None = None,
        *,
        variance_to_mean: ArrayLike = 1.0,
    ) -> DemandRates:
        """Take demand from arrays with axes (part, location).

        Parameters
        ----------
        part_ids, location_ids
            Ids of the rows and columns; any subset of the network's, in any order.
        per_year : array_like of float or scipy sparse, shape (n_parts, n_locations)
            Customer demand of the location [1/year]. The labels of a data frame must be the ids, in
            their order.
        rate_shape : array_like of float, shape (n_parts,), or one number, optional
            Gamma shape of the part's uncertain rate; inf, NaN or None where it is known.
        variance_to_mean : array_like of float, default 1
            Clustering of demand, over any time span: one number, or of shape (n_parts,) or
            (n_parts, n_locations); 1 = Poisson.

        Returns
        -------
        DemandRates

        Raises
        ------
        InputError
            With findings for ids that repeat and figures that are negative, NaN or infinite.
        ValueError
            When a shape or the labels of a data frame do not fit the ids, or a figure is no number.

        Examples
        --------
        >>> DemandRates.from_arrays(["A"], ["X", "Y"], [[1.0, 0.0]], [2.0]).rate_shape
        array([2.])
        """
        parts = id_tuple("part_ids", part_ids)
        locations = id_tuple("location_ids", location_ids)
        return cls.without_network(
            array_demand(parts, locations, per_year, rate_shape, variance_to_mean), None
        )

    @classmethod
    def without_network(cls, given: GivenDemand, backend: str | None) -> DemandRates:
        """Take demand given with its own ids; that of sites waits for :meth:`aligned`."""
        is_resolved = len(given.at_sites) == 0
        return cls(
            given=given,
            rates=given.at_locations if is_resolved else None,
            clustering=given.location_clustering if is_resolved else None,
            streams=None,
            frame_backend=backend,
        )

    @classmethod
    def on_network(
        cls,
        network: ServiceNetwork,
        given: GivenDemand,
        installed: DemandStreams | None,
        on: np.datetime64 | None,
        frame_backend: str | None,
        *,
        evidence: RateEstimates | None = None,
        usage: CombinedUsage | None = None,
    ) -> DemandRates:
        """Add up given demand and streams of the installed base, both in a network's positions."""
        resolved = resolved_demand(network, given, installed, on)
        return cls(
            given=given,
            rates=resolved.rates,
            clustering=resolved.clustering,
            streams=resolved.streams,
            network=network,
            on=on,
            n_installed=None if installed is None else len(installed),
            frame_backend=frame_backend,
            evidence=evidence,
            usage=usage,
        )

    @property
    def part_ids(self) -> tuple[str, ...]:
        """Part of each row."""
        return self.given.part_ids

    @property
    def location_ids(self) -> tuple[str, ...]:
        """Location of each column."""
        return self.given.location_ids

    @property
    def rate_shape(self) -> Floats:
        """Gamma shape of the factor of mean 1 that scales all rates of a part at once.

        Shape (n_parts,); inf where the rate is known.
        """
        return self.given.rate_shape

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return len(self.part_ids)

    @property
    def n_locations(self) -> int:
        """Number of locations."""
        return len(self.location_ids)

    @cached_property
    def per_year(self) -> Floats:
        """Shape (n_parts, n_locations): mean demand of customers a location serves [1/year]."""
        return _locked(self.known_rates().toarray())

    @cached_property
    def variance_to_mean(self) -> Floats:
        """Shape (n_parts, n_locations): variance over mean of demand in any span; 1 = Poisson."""
        return _locked(self.variance_to_mean_block(slice(None)))

    @cached_property
    def all_streams(self) -> DemandStreams:
        """Who demands; one stream per part and location with demand where nothing more is known."""
        if self.streams is not None:
            return self.streams
        pairs = pairs_of(self.known_rates())
        if not pairs.per_year.all():
            pairs = pairs.of(pairs.per_year != 0.0)
        return located_streams(pairs.part, pairs.place, pairs.per_year)

    @property
    def total_per_year(self) -> float:
        """All demand together, also of sites not yet resolved [1/year]."""
        if self.rates is not None:
            return float(self.rates.sum())
        return float(self.given.at_locations.sum() + self.given.at_sites.per_year.sum())

    @property
    def machines(self) -> Floats | None:
        """Machines of each ``installed_base`` row that count on the day, 0 outside its dates.

        None without a network or installed base.
        """
        if self.network is None or len(self.network.installed_base) == 0:
            return None
        return machines_on(self.network, self.on)

    def block(self, parts: Integers | slice) -> Floats:
        """Give the demand of some parts as a dense block.

        Parameters
        ----------
        parts : ndarray of int or slice
            Positions of the parts.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
            Mean customer demand [1/year].
        """
        rows: Floats = self.known_rates()[parts].toarray()
        return rows

    def variance_to_mean_block(self, parts: Integers | slice) -> Floats:
        """Give the variance-to-mean ratio of some parts as a dense block, as :meth:`block` does."""
        mean = self.block(parts)
        ratio = np.ones_like(mean)
        if self.clustering is not None:
            excess = self.clustering[parts].toarray()
            ratio += np.divide(excess, mean, out=np.zeros_like(mean), where=mean > 0.0)
        return ratio

    def aligned(
        self, network: ServiceNetwork, *, on: datetime.date | str | None = None
    ) -> DemandRates:
        """Give the same demand in the order of a network's parts and locations.

        Where the network has an installed base, demand given for locations or sites is shared
        out over the machines there by catalogue rates; what no machine accounts for is a stream
        without equipment, and without a site where it was given for a location: commitments on
        sites and on uptime do not see it. What was estimated from an installed base stays as
        estimated, but goes to the locations that serve the sites in this network.

        Parameters
        ----------
        network
            The network that names parts, locations and sites.
        on
            Day on which machines count, where the installed base has dates; by default the day
            that the demand was made for.

        Returns
        -------
        DemandRates
            Of the network's shape; pairs that were not given are 0. ``self`` when nothing changes.

        Raises
        ------
        InputError
            When an id is not in the network.
        PartsplanError
            When dates need ``on``, or the demand was estimated for another installed base.

        Examples
        --------
        >>> network = ServiceNetwork.from_tables(
        ...     parts=[{"part_id": "FAN", "unit_cost": 90, "resupply_days": 30}],
        ...     locations=[{"location_id": "BERN", "kind": "forward"},
        ...                {"location_id": "BASEL", "kind": "forward"}])
        >>> DemandRates.from_arrays(["FAN"], ["BASEL"], [[2.0]]).aligned(network).per_year
        array([[0., 2.]])
        """
        day = self.on if on is None else day_of(on)
        if self.n_installed is not None and day != self.on:
            raise PartsplanError(
                f"The demand was estimated for machines on {self.on}, not {day}: "
                f"call estimate_demand(network, on='{day}')."
            )
        if network is self.network and day == self.on:
            return self
        given = renamed_demand(self.given, network)
        installed = None
        if self.network is not None and self.streams is not None and self.n_installed is not None:
            installed = self.streams.select(slice(self.n_installed))
            installed = moved_streams(installed, self.network, network)
        backend = self.frame_backend or network.frame_backend
        return DemandRates.on_network(
            network, given, installed, day, backend, evidence=self.evidence, usage=self.usage
        )

    def known_rates(self) -> SparseRates:
        """Give the demand as sparse rows [1/year]; an error while sites are not resolved."""
        if self.rates is None:
            raise PartsplanError(
                "Demand was given by site_id, so only a network knows the locations that serve "
                "it: call .aligned(network) first."
            )
        return self.rates

    def to_records(self) -> list[dict[str, Any]]:
        """Give a row of the ``demand`` table per part and location (or site) with demand."""
        columns = demand_columns(self)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        records = [dict(zip(columns, row, strict=True)) for row in rows]
        for record in records:
            record["rate_shape"] = None if np.isinf(record["rate_shape"]) else record["rate_shape"]
        return records

    def to_frame(self) -> Any:
        """Give the rows of :meth:`to_records` as a frame of the library the demand came in."""
        columns = demand_columns(self)
        shape = columns["rate_shape"]
        columns["rate_shape"] = np.where(np.isinf(shape), np.nan, shape)
        return frame_of(columns, self.frame_backend)

    def summary(self) -> str:
        """Say in a few lines how much demand there is and how well it is known."""
        return text_of(demand_figures(self))

    def __repr__(self) -> str:
        streams = "" if self.streams is None else f", n_streams={len(self.streams)}"
        return (
            f"DemandRates(n_parts={self.n_parts}, n_locations={self.n_locations}, "
            f"total={self.total_per_year:.6g} per year{streams})"
        )

    def _repr_html_(self) -> str:
        return html_of(demand_figures(self))


def _locked(array: Floats) -> Floats:
    array.flags.writeable = False
    return array

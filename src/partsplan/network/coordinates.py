"""Lanes from coordinates: great-circle distance, a road factor and a speed give the hours.

For networks whose lanes nobody has measured: a planner's first look, or a whole country's sites.
The distance is the haversine on a sphere, within 0.6 % of the ellipsoid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.errors import Finding, InputError
from partsplan.network.column_checks import CheckedTable, check_table, counted
from partsplan.network.network import ServiceNetwork
from partsplan.network.raw_tables import raw_table
from partsplan.network.scanning import MOST_ROWS
from partsplan.network.schema import SCHEMA
from partsplan.network.table import Table

Floats = NDArray[np.float64]

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG) [km]."""


def great_circle_km(
    latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> Floats:
    r"""Great-circle distance between places [km].

    Parameters
    ----------
    latitude, longitude, to_latitude, to_longitude : array_like of float
        Places [degrees north, degrees east]; they broadcast.

    Returns
    -------
    ndarray of float
        In the broadcast shape.

    Notes
    -----
    :math:`d = 2 R \arcsin \sqrt{\sin^2 \frac{\Delta\phi}{2} + \cos\phi_1 \cos\phi_2
    \sin^2 \frac{\Delta\lambda}{2}}`, R = 6371.0088 km, accurate also for neighbors.

    References
    ----------
    Sinnott (1984), Virtues of the haversine, Sky and Telescope 68.

    Examples
    --------
    >>> float(great_circle_km(36.12, -86.67, 33.94, -118.40).round(1))
    2886.4
    """
    north, east, to_north, to_east = (
        np.radians(np.asarray(degrees, dtype=np.float64))
        for degrees in (latitude, longitude, to_latitude, to_longitude)
    )
    rise = np.sin((to_north - north) / 2.0) ** 2
    turn = np.cos(north) * np.cos(to_north) * np.sin((to_east - east) / 2.0) ** 2
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(rise + turn, 1.0))))


def lanes_from_coordinates(
    network: ServiceNetwork | None = None,
    *,
    sites: Any = None,
    locations: Any = None,
    road_factor: float = 1.3,
    speed_kmh: float = 60.0,
    fixed_hours: float = 0.0,
    furthest_hours: float | None = None,
    fixed_cost: float = 0.0,
    cost_per_km: float = 0.0,
) -> Table:
    r"""Lanes from every location to every site, with hours that follow from their coordinates.

    Parameters
    ----------
    network : ServiceNetwork, optional
        Where sites and locations are taken from.
    sites, locations : table, optional
        The bare tables, for a network that needs its lanes to be valid, or a part of the
        network's, such as the locations that ship to customers.
    road_factor : float
        Road over great-circle distance [-].
    speed_kmh : float
        Speed on the road [km/h].
    fixed_hours : float
        Time of every shipment whatever the distance: picking, handover [hours].
    furthest_hours : float, optional
        Lanes that take longer are left out [hours]; all are kept by default.
    fixed_cost, cost_per_km : float
        Cost of a shipment, and of every road kilometre of it [currency].

    Returns
    -------
    Table
        The ``lanes`` table, by location and then site in the order of their tables; for
        ``network.replace(lanes=...)`` or ``ServiceNetwork.from_tables(lanes=...)``.

    Raises
    ------
    InputError
        If a site or location has no coordinates, or its table cannot be read.
    ValueError
        If an argument is not of its kind.

    Notes
    -----
    hours = fixed_hours + road_factor x km / speed_kmh, km the `great_circle_km`.

    Examples
    --------
    >>> lanes = lanes_from_coordinates(
    ...     sites=[{"site_id": "Nashville", "latitude": 36.12, "longitude": -86.67}],
    ...     locations=[{"location_id": "MEM", "kind": "central",
    ...                 "latitude": 35.04, "longitude": -89.98}],
    ...     fixed_hours=1.0)
    >>> lanes["hours"].round(2).tolist()
    [7.99]
    """
    amounts = {"fixed_hours": fixed_hours, "fixed_cost": fixed_cost, "cost_per_km": cost_per_km}
    _check_figures(road_factor, speed_kmh, furthest_hours, amounts)
    site_table, location_table = _tables(network, sites, locations)
    to_north, to_east = site_table.columns["latitude"], site_table.columns["longitude"]
    pieces = []
    for row in range(location_table.n_rows):
        place = location_table.columns["latitude"][row], location_table.columns["longitude"][row]
        road = road_factor * great_circle_km(*place, to_north, to_east)
        hours = fixed_hours + road / speed_kmh
        kept = np.flatnonzero(hours <= (np.inf if furthest_hours is None else furthest_hours))
        pieces.append((np.full(len(kept), row), kept, hours[kept], road[kept]))
    location, site, hours, road = (np.concatenate(column) for column in zip(*pieces, strict=True))
    columns = {
        "location_id": location_table.columns["location_id"][location],
        "site_id": site_table.columns["site_id"][site],
        "hours": hours,
        "cost": fixed_cost + cost_per_km * road,
    }
    backend = site_table.backend or location_table.backend
    given = frozenset(columns)
    checked = CheckedTable("lanes", columns, len(hours), given=given, backend=backend)
    return Table(checked, {}, {}, backend)


def _check_figures(
    road_factor: float,
    speed_kmh: float,
    furthest_hours: float | None,
    amounts: Mapping[str, float],
) -> None:
    if not 1.0 <= road_factor < math.inf:
        raise ValueError(f"road_factor must be a number of at least 1, got {road_factor!r}")
    if not 0.0 < speed_kmh < math.inf:
        raise ValueError(f"speed_kmh must be a speed above 0, got {speed_kmh!r}")
    if furthest_hours is not None and not furthest_hours > 0.0:
        raise ValueError(f"furthest_hours must be hours above 0 or None, got {furthest_hours!r}")
    for name, amount in amounts.items():
        if not 0.0 <= amount < math.inf:
            raise ValueError(f"{name} must be a number of at least 0, got {amount!r}")


def _tables(
    network: ServiceNetwork | None, sites: Any, locations: Any
) -> tuple[CheckedTable, CheckedTable]:
    """Sites and locations with coordinates, from the network or as given."""
    if network is not None and not isinstance(network, ServiceNetwork):
        raise ValueError(f"network must be a ServiceNetwork, got {type(network).__name__}")
    found: list[Finding] = []
    tables = []
    for name, source in (("sites", sites), ("locations", locations)):
        if source is None and network is None:
            raise ValueError(f"{name} must be a table where no network is given, got None")
        table, findings = _table(network, name, source)
        found += findings or _without_coordinates(table)
        tables.append(table)
    if found:
        raise InputError(found)
    return tables[0], tables[1]


def _table(
    network: ServiceNetwork | None, name: str, source: Any
) -> tuple[CheckedTable, list[Finding]]:
    if source is None and network is not None:
        source = getattr(network, name)
    table, findings = (
        (source.checked, [])
        if isinstance(source, Table) and source.name == name
        else check_table(raw_table(name, source), "error")
    )
    if not findings and not table.n_rows:
        rule = f"the {name} table has no rows."
        findings = [Finding(name, None, None, None, rule, "Give at least one row.")]
    return table, findings


def _without_coordinates(table: CheckedTable) -> list[Finding]:
    lacking = np.flatnonzero(np.isnan(table.columns["latitude"]))
    id_column = SCHEMA[table.name].key[0]
    found = [
        table.finding(
            row,
            "latitude",
            f"is empty, so {table.columns[id_column][row]!r} has no place.",
            "Give latitude and longitude in degrees, or give the lane's hours yourself.",
        )
        for row in lacking[:MOST_ROWS].tolist()
    ]
    return counted(found, len(lacking), table.name, "latitude")

"""In which order every customer's sources are asked: the serving location, then lanes by hours.

Thousands of sites have few different orders, and orders that begin alike share their demand until
they part: they are kept as one tree of prefixes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.demand import DemandStreams
from partsplan.evaluation.overflow import SourceTree
from partsplan.evaluation.supply import Floats, Integers
from partsplan.network import ServiceNetwork


@dataclass(frozen=True, eq=False)
class SourceOrders:
    """Source orders of all demand streams, with the lanes of every source.

    A customer is a site with a serving location, or a location whose demand names no site. A site
    that no lane reaches has an empty order.
    """

    tree: SourceTree
    customer: Integers
    """Shape (n_streams,): customer of each stream."""
    node: Integers
    """Shape (n_customers, most_sources): nodes on the way of the order; -1 beyond its end."""
    hours: Floats
    """Shape (n_customers, most_sources): lane hours of every source, NaN beyond the end."""
    cost: Floats
    """Shape (n_customers, most_sources): cost of a shipment over that lane."""

    @property
    def most_sources(self) -> int:
        """Length of the longest order."""
        return int(self.node.shape[1])

    @property
    def first_hours(self) -> Floats:
        """Lane hours from the serving location; 0 where no lane reaches the customer [hours]."""
        return np.where(self.node[:, 0] >= 0, self.hours[:, 0], 0.0)


def source_orders(network: ServiceNetwork, streams: DemandStreams) -> SourceOrders:
    """Source orders of all demand streams of a network."""
    n_sites = len(network.sites)
    key = streams.location * (n_sites + 1) + streams.site + 1
    kinds, customer = np.unique(key, return_inverse=True)
    serving, site = kinds // (n_sites + 1), kinds % (n_sites + 1) - 1
    source, hours, cost = _asked_in_order(network, serving, site)
    tree, node = _prefixes(source, network.n_locations)
    return SourceOrders(tree, customer.reshape(-1), node, hours, cost)


def _asked_in_order(
    network: ServiceNetwork, serving: Integers, site: Integers
) -> tuple[Integers, Floats, Floats]:
    """Sources of every customer with hours and cost of the lane; shape (n_customers, most)."""
    row, source, hours, cost = _lanes_of_customers(network, site)
    by_itself = (site < 0) | (not network.has_lanes)
    own = np.flatnonzero(by_itself & ~np.isin(np.arange(len(site)), row))
    row = np.concatenate([row, own])
    source = np.concatenate([source, serving[own]])
    hours = np.concatenate([hours, np.zeros(len(own))])
    cost = np.concatenate([cost, np.zeros(len(own))])
    order = np.lexsort((source, hours, source != serving[row], row))
    row, source, hours, cost = row[order], source[order], hours[order], cost[order]
    first = np.searchsorted(row, np.arange(len(site)))
    place = np.arange(len(row)) - first[row]
    shape = (len(site), int(place.max(initial=0)) + 1)
    sources = np.full(shape, -1, dtype=np.int64)
    all_hours, all_costs = np.full(shape, np.nan), np.full(shape, np.nan)
    sources[row, place], all_hours[row, place], all_costs[row, place] = source, hours, cost
    return sources, all_hours, all_costs


def _lanes_of_customers(
    network: ServiceNetwork, site: Integers
) -> tuple[Integers, Integers, Floats, Floats]:
    """Customer, source, hours and cost of every lane that leads to a customer."""
    if not network.has_lanes:
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0), np.zeros(0)
    lanes = network.lanes
    by_site = np.argsort(lanes.index("site_id"), kind="stable")
    starts = np.searchsorted(lanes.index("site_id")[by_site], np.arange(len(network.sites) + 1))
    known = np.flatnonzero(site >= 0)
    counts = (starts[1:] - starts[:-1])[site[known]]
    row = np.repeat(known, counts)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    lane = by_site[np.repeat(starts[:-1][site[known]], counts) + offset]
    return row, lanes.index("location_id")[lane], lanes["hours"][lane], lanes["cost"][lane]


def _prefixes(source: Integers, n_locations: int) -> tuple[SourceTree, Integers]:
    """Tree of the orders' prefixes and the nodes on the way of every order."""
    node = np.full(source.shape, -1, dtype=np.int64)
    locations: list[Integers] = []
    above: list[Integers] = []
    count = 0
    for place in range(source.shape[1]):
        rows = np.flatnonzero(source[:, place] >= 0)
        before = node[rows, place - 1] if place else np.full(len(rows), -1)
        key = (before + 1) * n_locations + source[rows, place]
        kinds, kind = np.unique(key, return_inverse=True)
        node[rows, place] = count + kind.reshape(-1)
        locations.append(kinds % n_locations)
        above.append(kinds // n_locations - 1)
        count += len(kinds)
    none = [np.zeros(0, dtype=np.int64)]
    return SourceTree(np.concatenate(none + locations), np.concatenate(none + above)), node

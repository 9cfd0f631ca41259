"""A second reading of the tables for the brute force: plain lists, no code of the library.

Covers what the tests use: forests per part, lanes, sourcing, installed base or demand table,
local repair, limits, and commitments with every scope and `each`.
"""

from collections import defaultdict, namedtuple
from dataclasses import dataclass

INFINITY = float("inf")

Stream = namedtuple("Stream", "part location site row per_year stopping extra_hours labels")
Promise = namedtuple("Promise", "id metric target within allowed weights")


@dataclass
class Facts:
    """What the tables say; lists by part and location positions."""

    parts: list
    locations: list
    parent: list  # [part][location], -1 at a root
    transit: list  # days
    repair: list  # local repair fraction
    repair_days: list
    shape: list  # [part]
    lots: list  # [part], units per order at its roots
    price: list  # [part][location] in the objective's unit
    unit_cost: list
    minimum: list
    maximum: list
    owned: list | None  # [part], for new_investment
    lanes: dict | None  # {(location, site): hours}
    streams: list
    own_rate: list  # [part][location] per day
    promises: list


def facts_of(tables, objective="holding_cost", limits=None):
    parts = [row["part_id"] for row in tables["parts"]]
    locations = [row["location_id"] for row in tables["locations"]]
    special = {(r["part_id"], r["location_id"]): r for r in tables.get("part_locations", [])}
    stock = tables.get("stock", []) if limits is None else limits
    stock = {(r["part_id"], r["location_id"]): r for r in stock}

    def grid(value):
        return [
            [
                value(p, loc, special.get((p["part_id"], loc["location_id"]), {}))
                for loc in tables["locations"]
            ]
            for p in tables["parts"]
        ]

    def source(part, location, own):
        name = own.get("replenished_from") or location.get("replenished_from")
        return locations.index(name) if name else -1

    def transit(part, location, own):
        if source(part, location, own) < 0:
            return own.get("resupply_days", _resupply(part))
        return own.get("replenishment_days", location.get("replenishment_days"))

    def holding(part, location, own):
        rate = own.get("holding_rate", location.get("holding_rate", part.get("holding_rate", 0.2)))
        return part["unit_cost"] * (rate if objective == "holding_cost" else 1.0)

    def limit(word, default):
        def value(part, location, own):
            row = stock.get((part["part_id"], location["location_id"]), {})
            may = own.get("stocks_part", location.get("stocks_parts", True))
            if not may:
                return 0
            return row.get("fixed", row.get(word, default))

        return value

    streams = _streams(tables, parts, locations)
    own_rate = [[0.0] * len(locations) for _ in parts]
    for stream in streams:
        own_rate[stream.part][stream.location] += stream.per_year / 365.0
    owned = None
    if objective == "new_investment":
        owned = [0] * len(parts)
        for (part, _), row in stock.items():
            owned[parts.index(part)] += row.get("on_hand", 0) + row.get("on_order", 0)
    return Facts(
        parts,
        locations,
        grid(source),
        grid(transit),
        grid(lambda p, loc, own: own.get("local_repair_fraction", 0.0)),
        grid(lambda p, loc, own: own.get("local_repair_days", 0.0)),
        [_shape(tables, p) for p in parts],
        [row.get("order_quantity", 1) for row in tables["parts"]],
        grid(holding),
        [row["unit_cost"] for row in tables["parts"]],
        grid(limit("minimum", 0)),
        grid(limit("maximum", INFINITY)),
        owned,
        _lanes(tables, locations),
        streams,
        own_rate,
        _promises(tables, streams),
    )


def _resupply(part):
    if "resupply_days" in part:
        return part["resupply_days"]
    c = part.get("condemnation_fraction", 0.0)
    return (1 - c) * part.get("repair_days", 0.0) + c * part.get("procurement_days", 0.0)


def _shape(tables, part):
    shapes = {
        row["rate_shape"]
        for row in tables.get("demand", [])
        if row["part_id"] == part and row.get("rate_shape")
    }
    return shapes.pop() if shapes else INFINITY


def _lanes(tables, locations):
    if not tables.get("lanes"):
        return None
    return {(locations.index(r["location_id"]), r["site_id"]): r["hours"] for r in tables["lanes"]}


def _streams(tables, parts, locations):
    sites = {row["site_id"]: row for row in tables.get("sites", [])}
    sourcing = {(r["site_id"], r["part_id"]): r["served_by"] for r in tables.get("sourcing", [])}
    groups = {row["part_id"]: row.get("part_group", "") for row in tables["parts"]}

    def server(site, part):
        name = sourcing.get((site, part)) or sites[site].get("served_by")
        if not name:
            hours = {r["location_id"]: r["hours"] for r in tables["lanes"] if r["site_id"] == site}
            name = min(hours, key=hours.get)
        return name

    def stream(part, location, site, equipment, row, per_year, bill):
        site_row = sites.get(site, {})
        labels = {
            "customer": site_row.get("customer_id", ""),
            "region": site_row.get("region", ""),
            "site": site or "",
            "equipment": equipment or "",
            "location": location,
            "part": part,
            "part_group": groups[part],
        }
        extra = bill.get("diagnosis_hours", 0.0) + bill.get("repair_hours", 0.0)
        stopping = bill.get("stopping_fraction", 1.0)
        position = locations.index(location)
        return Stream(parts.index(part), position, site, row, per_year, stopping, extra, labels)

    streams = []
    given = {row["part_id"] for row in tables.get("demand", [])}
    for row in tables.get("demand", []):
        site = row.get("site_id")
        location = row.get("location_id") or server(site, row["part_id"])
        streams.append(stream(row["part_id"], location, site, None, None, row["per_year"], {}))
    for number, row in enumerate(tables.get("installed_base", [])):
        for bill in tables["bill_of_materials"]:
            part = bill["part_id"]
            if bill["equipment_id"] != row["equipment_id"] or part in given:
                continue
            rate = bill.get("failures_per_year")
            if rate is None:
                rate = row.get("hours_per_year", 8760.0) / bill["mtbf_hours"]
            per_year = row["machines"] * bill.get("quantity", 1) * rate
            machines = (number, row["machines"], row["equipment_id"])
            site = row["site_id"]
            streams.append(
                stream(
                    part, server(site, part), site, row["equipment_id"], machines, per_year, bill
                )
            )
    return [s for s in streams if s.per_year > 0]


_SCOPE = {
    "customer_id": "customer",
    "region": "region",
    "site_id": "site",
    "equipment_id": "equipment",
    "location_id": "location",
    "part_id": "part",
    "part_group": "part_group",
}


def _promises(tables, streams):
    promises = []
    for row in tables.get("commitments", []):
        scope = {word: row[column] for column, word in _SCOPE.items() if row.get(column)}
        each = row.get("each")
        if not each:
            promises.append(_promise(tables, row, scope, row["commitment_id"], streams))
            continue
        inside = [s for s in streams if all(s.labels[w] == v for w, v in scope.items())]
        present = {s.labels[each] for s in inside}
        for value in _values(tables, each):
            if value in present:
                name = f"{row['commitment_id']}:{value}"
                promises.append(_promise(tables, row, {**scope, each: value}, name, streams))
    return promises


def _values(tables, each):
    table, column = {
        "customer": ("sites", "customer_id"),
        "region": ("sites", "region"),
        "site": ("sites", "site_id"),
        "equipment": ("equipment", "equipment_id"),
        "location": ("locations", "location_id"),
        "part_group": ("parts", "part_group"),
    }[each]
    return list(dict.fromkeys(row[column] for row in tables[table] if row.get(column)))


def _promise(tables, row, scope, name, streams):
    metric, target = row["metric"], row["target"]
    inside = [i for i, s in enumerate(streams) if all(s.labels[w] == v for w, v in scope.items())]
    if metric == "uptime":
        machines = _machines(tables, scope, [streams[i] for i in inside])
        weights = {i: streams[i].per_year * streams[i].stopping / 8760.0 / machines for i in inside}
    else:
        total = sum(streams[i].per_year for i in inside)
        weights = {i: streams[i].per_year / total for i in inside}
    allowed = {"mean_wait": target, "uptime": (1 - target) / target}.get(metric, 1 - target)
    return Promise(name, metric, target, row.get("within_hours"), allowed, weights)


def _machines(tables, scope, covered):
    """Machines in a scope; with a scope of parts or locations those that ask for them."""
    sites = {row["site_id"]: row for row in tables.get("sites", [])}
    total = 0.0
    rows_with_demand = {s.row[0] for s in covered if s.row}
    for number, row in enumerate(tables["installed_base"]):
        site = sites[row["site_id"]]
        labels = {
            "customer": site.get("customer_id", ""),
            "region": site.get("region", ""),
            "site": row["site_id"],
            "equipment": row["equipment_id"],
        }
        inside = all(labels[w] == v for w, v in scope.items() if w in labels)
        if any(w not in labels for w in scope):
            inside = inside and number in rows_with_demand
        total += row["machines"] if inside else 0.0
    return total


def children_of(facts, part):
    children = defaultdict(list)
    for location, parent in enumerate(facts.parent[part]):
        children[parent].append(location)
    return children

"""The service of a small network, recomputed in plain Python straight from DESIGN, section 6.

Shares no code with the library. Laws are plain lists; counts above ``COUNTS`` are left out, so
pipelines must be small.
"""

from functools import cache
from math import comb, exp

from scipy.special import roots_genlaguerre

COUNTS = 60
HOURS_PER_YEAR = 8760.0


def poisson(mean):
    law = [exp(-mean)]
    for k in range(1, COUNTS):
        law.append(law[-1] * mean / k)
    return law


def backorders(law, stock):
    return [sum(law[: stock + 1]), *law[stock + 1 :]]


def thinned(law, share):
    return [
        sum(law[n] * comb(n, k) * share**k * (1.0 - share) ** (n - k) for n in range(k, len(law)))
        for k in range(len(law))
    ]


def convolved(one, other):
    n = min(len(one), len(other))
    return [sum(one[i] * other[k - i] for i in range(k + 1)) for k in range(n)]


class PlainService:
    """Tables as lists of dicts; ``stock`` as {(part_id, location_id): S}."""

    def __init__(self, tables, stock):
        self.tables = tables
        self.stock = stock
        self.parts = {row["part_id"]: row for row in tables["parts"]}
        self.locations = {row["location_id"]: row for row in tables["locations"]}
        self.sites = {row["site_id"]: row for row in tables.get("sites", [])}
        self.lanes = {
            (row["location_id"], row["site_id"]): row["hours"] for row in tables.get("lanes", [])
        }
        self.own_facts = {
            (row["part_id"], row["location_id"]): row for row in tables.get("part_locations", [])
        }
        self.streams = list(self._streams())
        self.rate = cache(self._rate)
        self.law = cache(self._law)
        self.late_given = cache(self._late_given)
        self.expected_backorders = cache(self._expected_backorders)

    # --- who demands, and who is replenished by whom

    def serving(self, site, part):
        for row in self.tables.get("sourcing", []):
            if (row["site_id"], row["part_id"]) == (site, part):
                return row["served_by"]
        named = self.sites[site].get("served_by")
        if named:
            return named
        hours = [self.lanes.get((place, site), float("inf")) for place in self.locations]
        return list(self.locations)[hours.index(min(hours))]

    def _streams(self):
        """Of the machines; demand that is given instead is shared out by catalogue rates."""
        given = {row["part_id"] for row in self.tables.get("demand", [])}
        catalogue = list(self._machine_streams())
        yield from (stream for stream in catalogue if stream["part"] not in given)
        for row in self.tables.get("demand", []):
            part, site = row["part_id"], row.get("site_id")
            behind = [s for s in catalogue if site and (s["part"], s["site"]) == (part, site)]
            total = sum(stream["per_year"] for stream in behind)
            for stream in behind:
                yield stream | {"per_year": row["per_year"] * stream["per_year"] / total}
            if not behind:
                yield {
                    "part": part,
                    "site": site,
                    "equipment": None,
                    "group": None,
                    "per_year": row["per_year"],
                    "stopping": 0.0,
                    "hands": 0.0,
                    "location": self.serving(site, part) if site else row["location_id"],
                }

    def _machine_streams(self):
        for number, group in enumerate(self.tables.get("installed_base", [])):
            for row in self.tables["bill_of_materials"]:
                if row["equipment_id"] != group["equipment_id"] or not group["machines"]:
                    continue
                hours = group.get("hours_per_year", HOURS_PER_YEAR)
                rate = row.get("failures_per_year")
                rate = hours / row["mtbf_hours"] if rate is None else rate
                yield {
                    "part": row["part_id"],
                    "site": group["site_id"],
                    "equipment": group["equipment_id"],
                    "group": number,
                    "per_year": group["machines"] * row.get("quantity", 1) * rate,
                    "stopping": row.get("stopping_fraction", 1.0),
                    "hands": row.get("diagnosis_hours", 0.0) + row.get("repair_hours", 0.0),
                    "location": self.serving(group["site_id"], row["part_id"]),
                }

    def fact(self, part, location, name):
        return self.own_facts.get((part, location), {}).get(name)

    def parent(self, part, location):
        own = self.fact(part, location, "replenished_from")
        return own or self.locations[location].get("replenished_from") or None

    def transit(self, part, location):
        if self.parent(part, location) is None:
            own = self.fact(part, location, "resupply_days")
            return self.parts[part]["resupply_days"] if own is None else own
        own = self.fact(part, location, "replenishment_days")
        return self.locations[location]["replenishment_days"] if own is None else own

    def repair(self, part, location):
        share = self.fact(part, location, "local_repair_fraction") or 0.0
        return share, self.fact(part, location, "local_repair_days") or 0.0

    def _rate(self, part, location):
        """Demand per day: own customers and what the locations below order."""
        total = sum(
            stream["per_year"] / 365.0
            for stream in self.streams
            if (stream["part"], stream["location"]) == (part, location)
        )
        for child in self.locations:
            if self.parent(part, child) == location:
                total += (1.0 - self.repair(part, child)[0]) * self.rate(part, child)
        return total

    # --- what a stock delivers

    def nodes(self, part):
        """(theta, weight) of the part's uncertain rate; theta = 1 where it is known."""
        shapes = {
            row.get("rate_shape") for row in self.tables.get("demand", []) if row["part_id"] == part
        } - {None}
        if not shapes:
            return [(1.0, 1.0)]
        shape = shapes.pop()
        x, w = roots_genlaguerre(30, shape - 1.0)
        return [(theta / shape, weight / w.sum()) for theta, weight in zip(x, w, strict=True)]

    def held(self, part, location):
        return self.stock.get((part, location), 0)

    def _law(self, part, location, days=0.0, theta=1.0):
        """Law of what is outstanding ``days`` after a demand; the pipeline's for 0 days."""
        share, repair_days = self.repair(part, location)
        transit = self.transit(part, location)
        rate = theta * self.rate(part, location)
        mean = rate * (
            (1.0 - share) * max(transit - days, 0.0) + share * max(repair_days - days, 0.0)
        )
        parent = self.parent(part, location)
        if parent is None or rate == 0.0:
            return poisson(mean)
        above = self.law(part, parent, max(days - transit, 0.0), theta)
        fraction = (1.0 - share) * self.rate(part, location) / self.rate(part, parent)
        late = thinned(backorders(above, self.held(part, parent)), fraction)
        return convolved(late, poisson(mean))

    def mixed(self, part, function, *, per_demand):
        return sum(
            weight * (theta if per_demand else 1.0) * function(theta)
            for theta, weight in self.nodes(part)
        )

    def _expected_backorders(self, part, location):
        s = self.held(part, location)
        return self.mixed(
            part,
            lambda theta: sum(
                (k - s) * p for k, p in enumerate(self.law(part, location, 0.0, theta)) if k > s
            ),
            per_demand=False,
        )

    def on_hand(self, part, location):
        s = self.held(part, location)
        return self.mixed(
            part,
            lambda theta: sum(
                (s - k) * p for k, p in enumerate(self.law(part, location, 0.0, theta)[:s])
            ),
            per_demand=False,
        )

    def ready_rate(self, part, location):
        s = self.held(part, location)
        return self.mixed(
            part,
            lambda theta: sum(self.law(part, location, 0.0, theta)[: s + 1]),
            per_demand=False,
        )

    def fill_rate(self, part, location):
        s = self.held(part, location)
        return self.mixed(
            part, lambda theta: sum(self.law(part, location, 0.0, theta)[:s]), per_demand=True
        )

    def wait_hours(self, part, location):
        return 24.0 * self.expected_backorders(part, location) / self.rate(part, location)

    def late(self, part, location, days):
        return self.mixed(
            part,
            lambda theta: self.late_given(part, location, days, theta),
            per_demand=True,
        )

    def _late_given(self, part, location, days, theta):
        """P(W > days) at a location."""
        s = self.held(part, location)
        if s > 0:
            return sum(self.law(part, location, days, theta)[s:])
        share, repair_days = self.repair(part, location)
        transit, parent = self.transit(part, location), self.parent(part, location)
        if days < transit:
            ordered = 1.0
        elif parent is None:
            ordered = 0.0
        else:
            ordered = self.late_given(part, parent, days - transit, theta)
        return share * (days < repair_days) + (1.0 - share) * ordered

    # --- who ships

    def shipper(self, stream):
        """(location, lane hours): the nearest with stock and a lane, else down the tree."""
        part, own, site = stream["part"], stream["location"], stream["site"]
        own_hours = self.lanes.get((own, site), 0.0)
        if self.held(part, own) > 0:
            return own, own_hours
        place = self.parent(part, own)
        while place is not None:
            if self.held(part, place) > 0 and (place, site) in self.lanes:
                return place, self.lanes[place, site]
            place = self.parent(part, place)
        return own, own_hours

    # --- commitments

    def labels(self, stream):
        site = self.sites.get(stream["site"], {})
        return {
            "customer": site.get("customer_id"),
            "region": site.get("region"),
            "site": stream["site"],
            "equipment": stream["equipment"],
            "location": stream["location"],
            "part": stream["part"],
            "part_group": self.parts[stream["part"]].get("part_group"),
        }

    def covered(self, scope):
        return [
            stream
            for stream in self.streams
            if all(self.labels(stream)[group] == value for group, value in scope.items())
        ]

    def values(self, group, scope):
        """Values of a group with demand in a scope, in the order of their own table."""
        table, column = {
            "customer": ("sites", "customer_id"),
            "region": ("sites", "region"),
            "site": ("sites", "site_id"),
            "equipment": ("equipment", "equipment_id"),
            "location": ("locations", "location_id"),
            "part": ("parts", "part_id"),
            "part_group": ("parts", "part_group"),
        }[group]
        there = {self.labels(stream)[group] for stream in self.covered(scope)}
        ordered = [row.get(column) for row in self.tables.get(table, [])]
        return [value for value in dict.fromkeys(ordered) if value and value in there]

    def achieved(self, metric, scope, within=None):
        streams = self.covered(scope)
        total = sum(stream["per_year"] for stream in streams)
        if metric == "uptime":
            return self.uptime(scope, streams) if total else None
        if not total:
            return None
        return sum(
            stream["per_year"] / total * self.one(metric, stream, within)
            for stream in streams
            if stream["per_year"]
        )

    def one(self, metric, stream, within):
        """The figure of one stream's demand."""
        part = stream["part"]
        place, lane_hours = self.shipper(stream)
        if metric == "fill_rate":
            return self.fill_rate(part, stream["location"])
        if metric == "mean_wait":
            return self.wait_hours(part, place)
        if within < lane_hours:
            return 0.0
        return 1.0 - self.late(part, place, (within - lane_hours) / 24.0)

    def uptime(self, scope, streams):
        """From rho of one machine of each group, weighted with the machines."""
        machines = rho_sum = 0.0
        for number, group in enumerate(self.tables.get("installed_base", [])):
            own = [stream for stream in streams if stream["group"] == number]
            if not (own or self._in_scope_without_parts(group, scope)) or not group["machines"]:
                continue
            rho = 0.0
            for stream in own:
                place, lane_hours = self.shipper(stream)
                down = stream["hands"] + lane_hours + self.wait_hours(stream["part"], place)
                failures = stream["per_year"] / group["machines"]
                rho += failures * stream["stopping"] * down / HOURS_PER_YEAR
            machines += group["machines"]
            rho_sum += group["machines"] * rho
        return 1.0 / (1.0 + rho_sum / machines) if machines else None

    def _in_scope_without_parts(self, group, scope):
        if {"location", "part", "part_group"} & set(scope):
            return False
        site = self.sites[group["site_id"]]
        names = {
            "customer": site.get("customer_id"),
            "region": site.get("region"),
            "site": group["site_id"],
            "equipment": group["equipment_id"],
        }
        return all(names[name] == value for name, value in scope.items())

    def commitments(self):
        """(id, achieved) of every commitment, ``each`` expanded."""
        result = []
        for row in self.tables["commitments"]:
            scope = {
                group: row[column] for group, column in SCOPE_COLUMNS.items() if row.get(column)
            }
            within = row.get("within_hours")
            if not row.get("each"):
                achieved = self.achieved(row["metric"], scope, within)
                result.append((row["commitment_id"], achieved))
                continue
            for value in self.values(row["each"], scope):
                achieved = self.achieved(row["metric"], {**scope, row["each"]: value}, within)
                result.append((f"{row['commitment_id']}:{value}", achieved))
        return result


SCOPE_COLUMNS = {
    "customer": "customer_id",
    "region": "region",
    "site": "site_id",
    "equipment": "equipment_id",
    "location": "location_id",
    "part": "part_id",
    "part_group": "part_group",
}

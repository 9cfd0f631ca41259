"""The cheapest stock by brute force, with laws of its own; shares no code with the library.

Laws: Poisson pipelines, binomial thinning of the parent's late units, one convolution per
location, and the waiting time as what is still outstanding a window later. An uncertain rate is
a generalised Gauss-Laguerre sum over its factor. All stock vectors are enumerated that cost at
most a plan found by dropping units. Left out on the way is what another vector beats in cost and
in every promise (parts and locations only meet in sums), and what is too dear at fixed prices of
the promises: its cost and penalties exceed the least ones by more than budget minus bound.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf, isinf, log, log1p, sqrt

import numpy as np
from brute_network import Facts, children_of, facts_of
from scipy.optimize import linprog
from scipy.special import gammaln, roots_genlaguerre

TOLERANCE = 1e-9
NEVER_OUT = 1e-11
NODES = 48


@dataclass
class Optimum:
    """Least cost; ``cost`` None when no stock keeps all promises."""

    cost: float | None
    strict_cost: float | None
    """Least cost with every promise kept with 1e-9 to spare; differs on a knife's edge."""
    stock: np.ndarray | None


class BruteForce:
    """Evaluation and least cost of a small network given as tables of records."""

    def __init__(self, tables, objective="holding_cost", evaluation="exact", limits=None):
        self.facts: Facts = facts_of(tables, objective, limits)
        self.laws = [_LAWS[evaluation](self.facts, p) for p in range(len(self.facts.parts))]
        self.allowed = np.array([promise.allowed for promise in self.facts.promises])
        self._uses = {}

    # -- evaluation --------------------------------------------------------------------------

    def used(self, stock):
        """Use of every promise by a stock, array (part, location)."""
        total = np.zeros(len(self.allowed))
        for part in range(len(self.facts.parts)):
            for location in range(len(self.facts.locations)):
                above = tuple(int(stock[part][a]) for a in self.laws[part].ancestors[location])
                total += self._use(part, location, above, int(stock[part][location]))
        return total

    def achieved(self, stock):
        """Figure of every promise in the words of the contract."""
        return [self.in_words(c, use) for c, use in enumerate(self.used(stock))]

    def in_words(self, c, use):
        """A use of promise c as achieved share or hours."""
        metric = self.facts.promises[c].metric
        return {"mean_wait": use, "uptime": 1 / (1 + use)}.get(metric, 1 - use)

    def cost(self, stock):
        """Cost of a stock in the objective's unit."""
        stock, price = np.asarray(stock), np.array(self.facts.price)
        if self.facts.owned is None:
            return float((stock * price).sum())
        new = np.maximum(stock.sum(axis=1) - np.array(self.facts.owned), 0)
        return float((new * np.array(self.facts.unit_cost)).sum())

    def _use(self, part, location, above, stock):
        key = (part, location, above, stock)
        if key not in self._uses:
            self._uses[key] = self._new_use(part, location, above, stock)
        return self._uses[key]

    def _new_use(self, part, location, above, stock):
        """Use of every promise by the customers that one location serves with one part."""
        laws, use = self.laws[part], np.zeros(len(self.allowed))
        for i, stream in enumerate(self.facts.streams):
            if (stream.part, stream.location) != (part, location):
                continue
            shipper, levels, hours = self._shipper(stream, above, stock)
            for c, promise in enumerate(self.facts.promises):
                if i not in promise.weights:
                    continue
                if promise.metric == "fill_rate":
                    bad = laws.stockout(location, above, stock)
                elif promise.metric == "response":
                    left = (promise.within - hours) / 24
                    bad = 1.0 if left < 0 else laws.late(shipper, levels[:-1], levels[-1], left)
                else:
                    bad = 24 * laws.wait(shipper, levels[:-1], levels[-1])
                    if promise.metric == "uptime":
                        bad += hours + stream.extra_hours
                use[c] += promise.weights[i] * bad
        return use

    def _shipper(self, stream, above, stock):
        """Who ships: location, stocks from the root down to it, lane hours."""
        path = [*self.laws[stream.part].ancestors[stream.location], stream.location]
        levels = (*above, stock)
        lanes = self.facts.lanes
        if lanes is None or stream.site is None:
            return stream.location, levels, 0.0
        for depth in reversed(range(len(path))):
            if levels[depth] > 0 and (path[depth], stream.site) in lanes:
                return path[depth], levels[: depth + 1], lanes[path[depth], stream.site]
        return stream.location, levels, lanes[stream.location, stream.site]

    # -- least cost --------------------------------------------------------------------------

    def optimum(self):
        """Least cost over all stocks."""
        budget = self._budget()
        options = [self.part_options(part, budget) for part in range(len(self.facts.parts))]
        relaxed = self._relaxed(options)
        if relaxed is None:
            return Optimum(None, None, None)
        bound, price = relaxed
        total = _Options.nothing(len(self.allowed))
        least = 0.0
        for one in options:
            worth = one.cost + one.uses @ price
            least += worth.min()
            total = total.merged(
                one.of(worth - worth.min() <= budget - bound), budget, self.allowed
            )
            total = total.of(total.cost + total.uses @ price - least <= budget - bound)
        kept = (total.uses <= self.allowed * (1 + TOLERANCE)).all(axis=1)
        strict = (total.uses <= self.allowed * (1 - TOLERANCE)).all(axis=1)
        if not kept.any():
            return Optimum(None, None, None)
        best = np.flatnonzero(kept)[total.cost[kept].argmin()]
        strict_cost = float(total.cost[strict].min()) if strict.any() else None
        return Optimum(float(total.cost[best]), strict_cost, np.array(total.stock[best]))

    def relaxation(self):
        """Dantzig-Wolfe bound over all stocks worth a look, and its prices of use."""
        anything = np.full(len(self.allowed), inf)
        options = [self.part_options(p, inf, anything) for p in range(len(self.facts.parts))]
        return self._relaxed(options)

    def _relaxed(self, options):
        if any(len(one.cost) == 0 for one in options):
            return None
        cost = np.concatenate([one.cost for one in options])
        uses = np.concatenate([one.uses for one in options])
        part = np.repeat(np.arange(len(options)), [len(one.cost) for one in options])
        each = (part == np.arange(len(options))[:, None]).astype(float)
        rows = {"A_ub": uses.T / self.allowed[:, None], "b_ub": np.ones(len(self.allowed))}
        found = linprog(
            cost,
            **(rows if len(self.allowed) else {}),
            A_eq=each,
            b_eq=np.ones(len(options)),
            method="highs",
        )
        if found.status != 0:
            return None
        price = np.maximum(-found.ineqlin.marginals, 0.0) / self.allowed
        worth = cost + uses @ price
        bound = sum(worth[part == p].min() for p in range(len(options))) - price @ self.allowed
        return bound - 1e-9 * abs(bound), price

    def part_options(self, part, budget=inf, allowed=None):
        """Undominated stocks of one part within budget and promises: cost, uses and stock."""
        allowed = self.allowed if allowed is None else allowed
        facts = self.facts
        is_new = facts.owned is not None
        units = facts.unit_cost[part] if is_new else 1.0
        own_budget = budget
        if is_new:
            own_budget = facts.owned[part] + (budget / units if units > 0 else inf)
        merged = _Options.nothing(len(self.allowed))
        for root in self.laws[part].children[-1]:
            options = self._options(part, root, (), (own_budget, allowed), is_new)
            merged = merged.merged(options, own_budget, allowed)
        if is_new:
            cost = units * np.maximum(merged.cost - facts.owned[part], 0.0)
            merged = _Options(cost, merged.uses, merged.stock).undominated()
        size = len(facts.locations)
        merged.stock = [
            (tuple(dict(vector).get(loc, 0) for loc in range(size)),) for vector in merged.stock
        ]
        return merged

    def _options(self, part, location, above, within, is_new):
        budget, allowed = within
        price = 1.0 if is_new else self.facts.price[part][location]
        found = []
        for stock in range(self.facts.minimum[part][location], self._cap(part, location) + 1):
            if price * stock > budget * (1 + TOLERANCE):
                break
            use = self._use(part, location, above, stock)
            here = _Options(np.array([price * stock]), use[None, :], [((location, stock),)])
            for child in self.laws[part].children[location]:
                left = (budget - price * stock, allowed)
                below = self._options(part, child, (*above, stock), left, is_new)
                here = here.merged(below, budget, allowed)
            found.append(here)
        return _Options.joined(found, len(self.allowed)).undominated()

    def _cap(self, part, location):
        """Most units worth a look: beyond, even with nothing above, hardly any demand is late."""
        highest = self.facts.maximum[part][location]
        return int(
            min(highest, max(self._enough(part, location), self.facts.minimum[part][location]))
        )

    @lru_cache  # noqa: B019
    def _enough(self, part, location):
        laws = self.laws[part]
        above = (0,) * len(laws.ancestors[location])
        stock = 0
        while laws.stockout(location, above, stock) > NEVER_OUT:
            stock += 1
        return stock + 1

    def _budget(self):
        """Cost of a plan that keeps everything; ``inf`` if the first tries keep not all."""
        shape = len(self.facts.parts), len(self.facts.locations)
        caps = np.array([[self._cap(p, loc) for loc in range(shape[1])] for p in range(shape[0])])
        lowest = np.array(self.facts.minimum)
        for units in range(int(caps.max()) + 1):
            stock = np.maximum(np.minimum(units, caps), lowest)
            if self._keeps(stock):
                break
        else:
            return inf
        return self.cost(self._with_units_dropped(stock, lowest)) * (1 + TOLERANCE)

    def _with_units_dropped(self, stock, lowest):
        price = np.array(self.facts.price)
        places = sorted(np.ndindex(stock.shape), key=lambda place: -price[place])
        dropped = True
        while dropped:
            dropped = False
            for place in places:
                if stock[place] > lowest[place]:
                    stock[place] -= 1
                    if self._keeps(stock):
                        dropped = True
                        break
                    stock[place] += 1
        return stock

    def _keeps(self, stock):
        return bool((self.used(stock) <= self.allowed * (1 - TOLERANCE)).all())

    def least_use(self, c):
        """Least use of one promise over all stocks."""
        weights = np.eye(len(self.allowed))[c]
        return sum(self.least_value(p, weights, 0.0) for p in range(len(self.facts.parts)))

    def least_value(self, part, price, cost_weight=1.0):
        """Least cost and penalties of one part over all stocks worth a look, at given prices."""
        roots = self.laws[part].children[-1]
        return sum(self._least(part, root, (), (price, cost_weight)) for root in roots)

    def _least(self, part, location, above, weights):
        price, cost_weight = weights
        unit = self.facts.price[part][location] * cost_weight
        best = inf
        for stock in range(self.facts.minimum[part][location], self._cap(part, location) + 1):
            if unit * stock >= best:
                break
            value = unit * stock + float(self._use(part, location, above, stock) @ price)
            for child in self.laws[part].children[location]:
                value += self._least(part, child, (*above, stock), weights)
            best = min(best, value)
        return best


class _Options:
    """Stocks of some places: cost (n,), uses (n, promises) and the stock of each."""

    def __init__(self, cost, uses, stock):
        self.cost, self.uses, self.stock = cost, uses, stock

    @classmethod
    def nothing(cls, n_promises):
        return cls(np.zeros(1), np.zeros((1, n_promises)), [()])

    @classmethod
    def joined(cls, many, n_promises):
        if not many:
            return cls(np.zeros(0), np.zeros((0, n_promises)), [])
        return cls(
            np.concatenate([o.cost for o in many]),
            np.concatenate([o.uses for o in many]),
            [vector for o in many for vector in o.stock],
        )

    def of(self, chosen):
        stock = [self.stock[i] for i in np.flatnonzero(chosen)]
        return _Options(self.cost[chosen], self.uses[chosen], stock)

    def merged(self, other, budget, allowed):
        """All sums within budget and promises, the dominated ones left out."""
        cost = np.add.outer(self.cost, other.cost)
        uses = self.uses[:, None, :] + other.uses[None, :, :]
        fits = cost <= budget * (1 + TOLERANCE)
        fits &= (uses <= allowed * (1 + TOLERANCE)).all(axis=2)
        pairs = np.argwhere(fits)
        stock = [self.stock[i] + other.stock[j] for i, j in pairs]
        return _Options(cost[fits], uses[fits], stock).undominated()

    def undominated(self):
        order = np.lexsort((*self.uses.T, self.cost))
        kept, uses = [], np.empty_like(self.uses)
        for i in order:
            if not (uses[: len(kept)] <= self.uses[i]).all(axis=1).any():
                uses[len(kept)] = self.uses[i]
                kept.append(i)
        return _Options(self.cost[kept], self.uses[kept], [self.stock[i] for i in kept])


class ExactLaws:
    """Laws of one part at every location, for given stocks above (from the root down)."""

    def __init__(self, facts, part):
        self.parent, self.transit = facts.parent[part], facts.transit[part]
        self.lot = facts.lots[part]
        self.repair, self.repair_days = facts.repair[part], facts.repair_days[part]
        self.children = children_of(facts, part)
        self.ancestors = [self._above(loc) for loc in range(len(self.parent))]
        self.rate = list(facts.own_rate[part])
        for loc in sorted(range(len(self.parent)), key=lambda loc: -len(self.ancestors[loc])):
            if self.parent[loc] >= 0:
                self.rate[self.parent[loc]] += (1 - self.repair[loc]) * self.rate[loc]
        self.factors, self.often, self.often_by_demand = factors_of(facts.shape[part])
        self._known = {}

    def _above(self, location):
        path = []
        while self.parent[location] >= 0:
            location = self.parent[location]
            path.append(location)
        return tuple(reversed(path))

    def positions(self, location, stock):
        """Inventory positions of a stock, each as often as the others; lots only at a root."""
        lot = self.lot if self.parent[location] < 0 else 1
        return range(max(stock - lot, min(stock - 1, 0)) + 1, stock + 1)

    def law(self, k, location, above, window=0.0):
        """P(n units still out a window later) under the k-th factor."""
        key = (k, location, above, round(window, 11))
        if key not in self._known:
            r = self.repair[location]
            out = (1 - r) * max(self.transit[location] - window, 0.0)
            out += r * max(self.repair_days[location] - window, 0.0)
            law = poisson(self.factors[k] * self.rate[location] * out)
            parent = self.parent[location]
            if parent >= 0 and self.rate[parent] > 0:
                left = max(window - self.transit[location], 0.0)
                share = (1 - r) * self.rate[location] / self.rate[parent]
                late = self.law(k, parent, above[:-1], left)
                waiting = np.zeros(len(late) + 1)
                for position in self.positions(parent, above[-1]):
                    mine = late_units(late, position)
                    waiting[: len(mine)] += mine
                waiting /= waiting.sum()
                law = trimmed(np.convolve(thinned(waiting, share), law))
            self._known[key] = law
        return self._known[key]

    def mixed(self, figure, often):
        return sum(w * figure(k) for k, w in enumerate(often) if w > 0)

    def backorders(self, location, above, stock):
        def given(k):
            law = self.law(k, location, above)
            late = [np.maximum(np.arange(len(law)) - s, 0) for s in self.positions(location, stock)]
            return float(law @ np.mean(late, axis=0))

        return self.mixed(given, self.often)

    def wait(self, location, above, stock):
        """Mean wait [days]; none where nobody ever orders."""
        if self.rate[location] == 0:
            return 0.0
        return self.backorders(location, above, stock) / self.rate[location]

    def stockout(self, location, above, stock):
        """P(X >= S) as a demand sees it."""
        return self.mixed(
            lambda k: self._short(location, stock, self.law(k, location, above)) if stock else 1.0,
            self.often_by_demand,
        )

    def _short(self, location, stock, law):
        return float(np.mean([law[s:].sum() for s in self.positions(location, stock)]))

    def late(self, location, above, stock, window):
        """P(W > window)."""
        return self.mixed(
            lambda k: self._late(k, location, above, stock, window), self.often_by_demand
        )

    def _late(self, k, location, above, stock, window):
        if stock > 0:
            return self._short(location, stock, self.law(k, location, above, window))
        r, left = self.repair[location], window - self.transit[location]
        if left < 0:
            ordered = 1.0
        elif self.parent[location] < 0:
            ordered = 0.0
        else:
            ordered = self._late(k, self.parent[location], above[:-1], above[-1], left)
        return r * (window < self.repair_days[location]) + (1 - r) * ordered


class _MomentLaws(ExactLaws):
    """Late units through two moments; shares of demand stay exact. Known rates only."""

    def backorders(self, location, above, stock):
        return self._moments(location, above, stock)[0]

    def _moments(self, location, above, stock):
        """EBO and VBO."""
        r = self.repair[location]
        mean = self.rate[location]
        mean *= (1 - r) * self.transit[location] + r * self.repair_days[location]
        excess = 0.0
        parent = self.parent[location]
        if parent >= 0 and self.rate[parent] > 0:
            share = (1 - r) * self.rate[location] / self.rate[parent]
            late, variance = self._moments(parent, above[:-1], above[-1])
            mean += share * late
            excess = self.excess(share, late, variance)
        law = negative_binomial(mean, excess)
        over = [np.maximum(np.arange(len(law)) - s, 0) for s in self.positions(location, stock)]
        first = float(law @ np.mean(over, axis=0))
        return first, float(law @ np.mean(np.square(over), axis=0)) - first**2

    def excess(self, share, late, variance):
        return max(share**2 * (variance - late), 0.0)


class _MetricLaws(_MomentLaws):
    def excess(self, share, late, variance):
        return 0.0


_LAWS = {"exact": ExactLaws, "vari_metric": _MomentLaws, "metric": _MetricLaws}


def factors_of(shape):
    """Factors of an uncertain rate, how often they hold, and how often a demand meets them."""
    if isinf(shape):
        return [1.0], [1.0], [1.0]
    x, w = roots_genlaguerre(NODES, shape - 1)
    factors, often = x / shape, w / w.sum()
    return factors, often, often * factors


@cache
def poisson(mean):
    """P(X = k), as far as it matters."""
    if mean == 0.0:
        return np.ones(1)
    k = np.arange(int(mean + 11 * sqrt(mean) + 25))
    return np.exp(k * log(mean) - mean - gammaln(k + 1.0))


def negative_binomial(mean, excess):
    """Law with this mean and the variance mean + excess, by its recursion."""
    if mean == 0.0:
        return np.ones(1)
    c = excess / mean
    steps = np.arange(int(mean + 40 * sqrt(mean + excess) + 60))
    ratios = (mean + steps * c) / ((steps + 1) * (1 + c))
    none = -mean * (log1p(c) / c if c > 0 else 1.0)
    return np.exp(none + np.concatenate([[0.0], np.cumsum(np.log(ratios))]))


def late_units(law, stock):
    return np.concatenate([[law[: stock + 1].sum()], law[stock + 1 :]])


def trimmed(law):
    """The law without the counts that are beyond any double."""
    return law[: 1 + np.flatnonzero(law > 1e-40)[-1]]


def thinned(law, share):
    """Each of n units is one of ours with probability ``share``."""
    return law @ _binomial(share, 64 * (1 + len(law) // 64))[: len(law), : len(law)]


@cache
def _binomial(share, size):
    rows = np.zeros((size, size))
    rows[0, 0] = 1.0
    for n in range(1, size):
        rows[n] = (1 - share) * rows[n - 1]
        rows[n, 1:] += share * rows[n - 1, :-1]
    return rows

"""Prices of the promises: from a multiplicative start to the duals of the restricted master.

Every pass prices all parts and yields a Lagrangian value, a proven lower bound of the cost; the
best one is the plan's bound. Early passes multiply each price by a power of used / allowed; of many
parts a sample is passed first, then told what all parts use, and passed again. Then the restricted
master's duals are used, drawn toward the best prices so far (Wentges smoothing).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from partsplan.optimization.all_blocks import AllBlocks, PricedParts
from partsplan.optimization.axes import Booleans, Floats
from partsplan.optimization.clock import Clock
from partsplan.optimization.columns import ColumnPool, Columns
from partsplan.optimization.memory import SearchMemory
from partsplan.optimization.price_steps import FIRST_POWER, StepPowers
from partsplan.optimization.restricted import RestrictedMaster, RestrictedSolution
from partsplan.optimization.rounding import Choice
from partsplan.optimization.sampling import importance

_LARGEST_STEP = 50.0
_FREE = 1e-9
"""Share of the dearest promise's worth below which steps would take too long."""
_LEAST_SHARE = 1e-3
"""Share of the first prices that such a promise goes on with, once it is broken."""
_START_PASSES = 20
_MOST_PASSES = 250
_STALL = 2e-4
_ROUGH_STALL = 2e-2
_PRECISE = 1e-4
_START_TOLERANCE = 0.08
_START_SHARE = 0.25
"""How far bounds may stay below the best columns on the way to good prices, of all parts together
and of each."""
_SHARE_OF_DUAL_GAP = 0.02
MANY_PARTS = 2_000
"""From here on a linear programme with a row per part is slow."""
_USEFUL_SHARE = 0.03
_ALIKE = 0.5
"""Share of the root mean square of what promises are off that their mean is."""


@dataclass
class PriceState:
    """What is known after some passes."""

    price: Floats
    """Prices of the best bound."""
    least: Floats = field(default_factory=lambda: np.zeros(0))
    """Least cost and penalties of every part at these prices."""
    bound: float = -np.inf
    """Best Lagrangian value: no plan costs less."""
    relaxation: float = np.inf
    """Optimum of the restricted master; the bound cannot rise above its limit."""
    passes: int = 0
    pool: ColumnPool = field(default_factory=ColumnPool)
    solution: RestrictedSolution | None = None
    plan: Choice | None = None
    """Cheapest plan met on the way."""
    balanced: Floats | None = None
    """Prices at which the columns met use about what is allowed, once there are some."""
    rough: Columns | None = None
    """Columns of many parts at the best rough prices, where time may run out."""
    near: float = 0.0
    """Excess up to which columns were listed last, as `ListNear` has it."""

    @property
    def dual_gap(self) -> float:
        """Relative distance between the restricted master and the bound."""
        if not np.isfinite(self.relaxation):
            return np.inf
        return (self.relaxation - self.bound) / max(abs(self.relaxation), 1e-300)


class PriceFinder:
    """Finds the prices with the best proven bound.

    Parameters
    ----------
    blocks
        All parts.
    clock
        Time limit and interrupt.
    """

    def __init__(self, blocks: AllBlocks, clock: Clock) -> None:
        self.blocks = blocks
        self.allowed = blocks.allowed
        self.clock = clock
        self.state = PriceState(price=np.zeros(len(blocks.allowed)))
        self.promising = self.state.price
        """Prices worth a precise pass."""
        self._looked = self.state.price, self.allowed
        """Prices of the last look, and what was used at them."""
        self.about = 1e-300
        """The bound to be expected, about, while there is none."""
        self._rough_value = -np.inf
        self._powers = StepPowers()
        self.given: Floats | None = None
        """Prices of a plan for almost the same problem."""

    def start(self) -> PriceState:
        """Prices from multiplicative passes, with the bound that a precise pass proves.

        Many parts begin with the prices of a sample; the precise pass is left to `look_at`.
        """
        if self.given is not None:
            return self._begin_with(self.given)
        if self.has_many_parts and self._begin_with_samples():
            return self.state
        first, _ = self._pass(np.zeros(len(self.allowed)), 0.0)
        if (first.used <= self.allowed).all():
            self.state.relaxation = self.state.bound
        elif not self.clock.is_over:
            self.promising = self._multiply(self._first_price())
            self._pass(self.promising, _PRECISE)
        return self.state

    def _begin_with_samples(self) -> bool:
        """Begin with prices of a sample; whether there is one."""
        sample = self.blocks.sample
        if sample is None:
            return False
        finder = PriceFinder(sample, self.clock.unheard())
        likely = importance(self.blocks.problem).sum()
        first = likely / (len(self.allowed) * self.allowed)
        price = finder._multiply(first, _ROUGH_STALL)
        self.about = finder.state.bound
        self.promising = self._recalibrated(price, self._rough_pass(price).used)
        return True

    def _recalibrated(self, price: Floats, used: Floats) -> Floats:
        """Prices at which a sample uses what is allowed, once it is told what all parts use.

        Without a sample, prices a multiplicative step further.
        """
        sample = self.blocks.sample if self.has_many_parts else None
        if sample is None or self.clock.is_over:
            return self._stepped(price, used)
        slack = _START_TOLERANCE * self.about
        found = sample.priced(price, slack=slack, share=_START_SHARE)
        as_if = self.allowed * found.used / np.maximum(used, _LEAST_SHARE * self.allowed)
        is_told = (found.used > 0.0) & (used > 0.0)
        if not is_told.all():
            return self._stepped(price, used)
        finder = PriceFinder(replace(sample, allowed=as_if), self.clock.unheard())
        finder.about = self.about
        return finder._multiply(price)

    def _begin_with(self, price: Floats) -> PriceState:
        """Begin with prices that are nearly right; a precise pass is due in any case."""
        if self.has_many_parts:
            self.promising = self._recalibrated(price, self._rough_pass(price).used)
        else:
            self.promising = price
            self._pass(price, _PRECISE)
        return self.state

    @property
    def has_many_parts(self) -> bool:
        """Whether a linear programme with a row per part is slow."""
        return not self.blocks.is_sample and self.blocks.n_parts >= MANY_PARTS

    def look_at(self, price: Floats, near: float) -> bool:
        """A precise pass, and the columns near its best ones; whether it told anything new.

        ``near`` is the largest excess of such a column, as `ListNear` has it.
        """
        slack = self._slack(_PRECISE)
        result = self.blocks.priced(price, slack=slack, share=_PRECISE, near=near)
        self.state.near = near
        self._looked = price, result.used
        fresh = self._take(price, result)
        if result.near is not None:
            more = self.state.pool.add(result.near)
            return len(fresh) + len(more) > 0
        return len(fresh) > 0

    def recall(self, memory: SearchMemory, same: Booleans) -> None:
        """Take the bounds and columns of parts that are as they were; price the others alone."""
        price, least = memory.price, memory.least.copy()
        self.state.pool.add(memory.columns.of(same[memory.columns.parts]))
        self.state.near = memory.near
        if not same.all():
            others = self.blocks.only(~same)
            slack = _PRECISE * float(least.sum())
            result = others.priced(price, slack=slack, share=_PRECISE, near=memory.near)
            least[~same] = result.least[~same]
            for columns in (result.columns, result.near):
                if columns is not None:
                    self.state.pool.add(columns)
        bound = float(least.sum()) - float(price @ self.allowed)
        self._take_bound(price, bound, least)

    @property
    def is_off_alike(self) -> bool:
        """Whether what all promises are off at the last look is for the most part the same.

        A sample that is told mends that. A linear programme over near columns mends what each is
        off of its own; where most have something left it has too few columns to use it, and gives
        promises away.
        """
        off = self._looked[1] / self.allowed - 1.0
        if self.blocks.sample is None or not len(off):
            return False
        return bool(abs(off.mean()) > _ALIKE * np.sqrt((off**2).mean()))

    def further(self) -> Floats:
        """Prices a step further than the last look."""
        return self._recalibrated(*self._looked)

    def finish(self, tolerance: float) -> PriceState:
        """Raise the bound until it is within ``tolerance`` of the restricted master's optimum."""
        if self.state.dual_gap > tolerance and not self.clock.is_over:
            self._generate_columns(tolerance)
        return self.state

    def run(self, tolerance: float) -> PriceState:
        """Start and finish."""
        self.start()
        return self.finish(tolerance)

    def _pass(self, price: Floats, precision: float) -> tuple[PricedParts, Columns]:
        """Price all parts; returns the result and the columns new to the pool."""
        slack, share = self._slack(precision), min(precision, 1.0)
        result = self.blocks.priced(price, slack=slack, share=share)
        return result, self._take(price, result)

    def _slack(self, precision: float) -> float:
        """A share of the bound to be expected."""
        return precision * max(self.state.bound, self.about)

    def _rough_pass(self, price: Floats) -> PricedParts:
        """A pass on the way to better prices; the columns of many parts are not kept."""
        slack = self._slack(_START_TOLERANCE)
        result = self.blocks.priced(price, slack=slack, share=_START_SHARE)
        self._take_bound(price, result.bound, result.least)
        if not self.has_many_parts:
            self.state.pool.add(result.columns)
        elif result.value > self._rough_value and np.isfinite(self.clock.seconds_left):
            self._rough_value, self.state.rough = result.value, result.columns
        return result

    def _take(self, price: Floats, result: PricedParts) -> Columns:
        """Keep the bound of a pass, if it is the best, and its columns; returns the new ones."""
        self._take_bound(price, result.bound, result.least)
        return self.state.pool.add(result.columns)

    def _take_bound(self, price: Floats, bound: float, least: Floats) -> None:
        self.state.passes += 1
        if bound > self.state.bound:
            self.state.bound, self.state.price, self.state.least = bound, price.copy(), least
        plan = self.state.plan
        self.clock.report(
            self.state.passes, self.state.bound, np.inf if plan is None else plan.cost
        )

    def _pass_if_it_may_help(self, price: Floats) -> Columns:
        """A rough pass, and a precise one where its value leaves room for a better bound.

        Returns the columns new to the pool.
        """
        result, fresh = self._pass(price, np.inf)
        if result.value <= self.state.bound:
            return fresh
        precision = min(_START_TOLERANCE, _SHARE_OF_DUAL_GAP * self.state.dual_gap)
        _, more = self._pass(price, precision)
        return Columns.joined([fresh, more])

    def _multiply(self, price: Floats, stall: float = _STALL) -> Floats:
        """Multiplicative passes from some prices until the bound stalls; the best prices."""
        best_price, values = price, [-np.inf]
        for _ in range(_START_PASSES):
            result = self._rough_pass(price)
            self.blocks.prune(price)
            if result.value > values[-1]:
                best_price = price
            values.append(max(result.value, values[-1]))
            stalled = len(values) > 4 and values[-1] - values[-4] < stall * abs(values[-1])
            if stalled or self.clock.is_over:
                break
            price = self._stepped(price, result.used)
        return best_price

    def _stepped(self, price: Floats, used: Floats) -> Floats:
        """Prices a multiplicative step further; no promise that is broken stays at nothing."""
        ratio = used / self.allowed
        step = np.maximum(ratio, 0.0) ** self._step_power(price, ratio)
        stepped = price * np.clip(step, 1.0 / _LARGEST_STEP, _LARGEST_STEP)
        worth = price * self.allowed
        is_free = (ratio > 1.0) & (worth <= _FREE * worth.max(initial=0.0))
        if is_free.any():
            stepped[is_free] = _LEAST_SHARE * self._first_price()[is_free]
        return np.asarray(stepped)

    def _step_power(self, price: Floats, ratio: Floats) -> Floats:
        """Power of each promise's step; of many parts as `StepPowers` learn it."""
        if self.blocks.n_parts < MANY_PARTS:
            return np.full(len(price), FIRST_POWER)
        return self._powers.at(price, ratio)

    def _first_price(self) -> Floats:
        """Prices at which using all that is allowed costs a small share of one unit everywhere."""
        unit = self.blocks.cost_of_one_each
        return 0.05 * max(unit, 1e-12) / (len(self.allowed) * self.allowed)

    def _useful_columns(self) -> Booleans:
        """Which columns met cost not much more than the best one met of their part."""
        columns = self.state.pool.columns
        if self.blocks.n_parts < MANY_PARTS:
            return np.ones(len(columns), dtype=np.bool_)
        excess = columns.excess(self.state.price, self.blocks.n_parts)
        return excess <= _USEFUL_SHARE * max(self.state.bound, 0.0) / self.blocks.n_parts

    def _generate_columns(self, tolerance: float) -> None:
        """Column generation with prices drawn toward the best so far."""
        is_useful = self._useful_columns()
        columns = self.state.pool.columns.of(is_useful)
        cost = max(self.state.bound, float(columns.cost.max()))
        master = RestrictedMaster(self.allowed, self.blocks.n_parts, cost)
        master.add(columns)
        toward_best = 0.5
        while self.state.passes < _MOST_PASSES and not self.clock.is_over:
            solution = master.solve()
            self.state.solution = replace(solution, share=_in_pool(solution.share, is_useful))
            self.state.relaxation = solution.objective
            if self.state.dual_gap <= tolerance:
                return
            before = self.state.bound
            price = toward_best * self.state.price + (1.0 - toward_best) * solution.price
            fresh = self._pass_if_it_may_help(price)
            if len(fresh) == 0 and toward_best > 0.0:
                _, fresh = self._pass(solution.price, 0.0)
            master.add(fresh)
            toward_best = 0.5 if self.state.bound > before else 0.8 * toward_best
            if len(fresh) == 0 and self.state.bound <= before:
                return


def _in_pool(share: Floats, is_useful: Booleans) -> Floats:
    """Shares in the pool's order: of the useful columns, then of those met later."""
    known = np.zeros(len(is_useful))
    count = np.count_nonzero(is_useful)
    known[is_useful] = share[:count]
    return np.concatenate([known, share[count:]])

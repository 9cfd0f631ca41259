"""One part run event by event with a heap and queues, as plainly as it can be said."""

import heapq
from collections import deque
from dataclasses import dataclass, field

ARRIVES, ASKS = 0, 1


@dataclass
class Place:
    shelf: int
    waiting: deque = field(default_factory=deque)


def customer_waits(parents, stock, transit_days, demands):
    """Waits of customers, in the order of ``demands``.

    Each demand is (day, location that ships, location that repairs it or None, days of the repair,
    days of the resupply from outside).
    """
    places = [Place(units) for units in stock]
    waits = [None] * len(demands)
    events = [(day, ASKS, n, at) for n, (day, at, *_) in enumerate(demands)]
    heapq.heapify(events)

    def release(day, n, at, asked_by):
        if asked_by is None:
            waits[n] = day - demands[n][0]
        else:
            heapq.heappush(events, (day + transit_days[asked_by], ARRIVES, n, asked_by))

    def ask(day, n, at, asked_by):
        _, _, repaired_at, repair_days, resupply_days = demands[n]
        if repaired_at == at:
            heapq.heappush(events, (day + repair_days, ARRIVES, n, at))
        elif parents[at] < 0:
            heapq.heappush(events, (day + resupply_days, ARRIVES, n, at))
        else:
            ask(day, n, parents[at], at)
        if places[at].shelf > 0:
            places[at].shelf -= 1
            release(day, n, at, asked_by)
        else:
            places[at].waiting.append((n, asked_by))

    while events:
        day, kind, n, at = heapq.heappop(events)
        if kind == ASKS:
            ask(day, n, at, None)
        elif places[at].waiting:
            first, asked_by = places[at].waiting.popleft()
            release(day, first, at, asked_by)
        else:
            places[at].shelf += 1
    return waits

"""Independent pieces of work in threads of this process, their results in the order of the pieces.

numpy lets other threads run during large operations, so that blocks of arrays are worked side by
side without other processes. The order of the results, and so every sum over them, does not depend
on the number of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")

MOST_THREADS = 4
"""More wait for each other: numpy holds the interpreter's lock between operations."""


def n_threads() -> int:
    """Threads that can be at work at once: cores that this process may use, at most 4."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0))))
    return max(1, min(MOST_THREADS, os.cpu_count() or 1))


def in_threads(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int | None = None
) -> Iterator[Result]:
    """Results of some pieces of work, in their order; only a few pieces are under way at a time.

    Parameters
    ----------
    work
        What is done with a piece. Pieces may be worked at the same time.
    pieces
        Read as the work goes on.
    threads
        Number of threads; by default `n_threads`. With 1 all is done in the calling thread.
    """
    most = n_threads() if threads is None else threads
    waiting = iter(pieces)
    first = list(islice(waiting, 2))
    if most == 1 or len(first) < 2:
        yield from map(work, first)
        yield from map(work, waiting)
        return
    pool = ThreadPoolExecutor(most, thread_name_prefix="partsplan")
    try:
        under_way: deque[Future[Result]] = deque()
        for piece in (*first, *islice(waiting, 2 * most - 2)):
            under_way.append(pool.submit(copy_context().run, work, piece))
        while under_way:
            yield under_way.popleft().result()
            for piece in islice(waiting, 1):
                under_way.append(pool.submit(copy_context().run, work, piece))
    finally:
        pool.shutdown(cancel_futures=True)

"""Blocks worked by the workers of an executor: processes here or on a cluster.

A worker keeps the blocks it was sent. A task names the job, blocks and the version of their lists;
a worker that lacks one says so and is sent it. So between passes only prices go out, and columns
and sums come back. What a block gives depends on its lists alone, which the caller keeps, so the
plan is the same for any number of workers; what an executor fails to do is done here.
"""

from __future__ import annotations

import logging
import uuid
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, TypeVar

from partsplan.optimization.block_problem import BlockProblem, StockBounds
from partsplan.optimization.clock import Clock
from partsplan.optimization.crew import Crew
from partsplan.optimization.search import BlockSearch, SearchLists
from partsplan.optimization.tasks import Task

logger = logging.getLogger("partsplan")

Result = TypeVar("Result")

_TASKS_PER_PASS = 128
"""Tasks that a pass has at most; many, so that no worker is left waiting for another."""
_UNDER_WAY = 32
"""Tasks that are with the executor at the same time; their blocks may be in memory."""
_JOBS_KEPT = 2
"""Jobs whose blocks a worker keeps; those of older ones are forgotten."""
_MOST_FAILURES = 3
"""Tasks that may fail before the executor is asked no more."""
_PATIENCE = 60.0
"""Seconds of waiting in which no task ends, after which the executor is asked no more.

A pool of which a worker is killed while it answers is silent for ever, as CPython does not learn
of it; so is a cluster without workers.
"""
_GLANCE = 0.2
"""Seconds between two looks at the clock while an answer is waited for."""


class _SilentExecutorError(Exception):
    """Tasks are with the executor, and none of them ends."""


@dataclass(frozen=True, eq=False)
class Parcel:
    """A block as it is sent to a worker that lacks it."""

    problem: BlockProblem
    lists: SearchLists | None
    version: int
    tolerance: float
    keeps_tables: bool

    def opened(self) -> BlockSearch:
        """The search of the block."""
        search = BlockSearch(
            self.problem.block.parts,
            lambda: self.problem,
            self.tolerance,
            Clock(None),
            keeps_tables=self.keeps_tables,
        )
        search.is_shared = True
        search.take_lists(self.lists, self.version)
        return search


@dataclass(frozen=True, eq=False)
class Answer:
    """What a worker gives back."""

    results: Mapping[int, Any]
    """By number of the block."""
    lists: Mapping[int, SearchLists]
    """Of the blocks whose lists have changed."""
    lacking: tuple[int, ...]
    """Blocks that the worker must be sent."""


_kept: OrderedDict[str, dict[int, BlockSearch]] = OrderedDict()
"""Blocks of this process as a worker, by job and number."""


@dataclass(frozen=True, eq=False)
class Errand:
    """What a worker is sent."""

    job: str
    """Name of the run."""
    versions: Mapping[int, int]
    """Version of the lists of each block to work, by number."""
    task: Task[Any]
    """What is done with each."""
    limits: Mapping[int, StockBounds]
    """Narrower limits of some blocks."""
    parcels: Mapping[int, Parcel]
    """Blocks that the worker lacks."""
    seconds: float | None
    """Time left [s]; None for no limit."""


def work_blocks(errand: Errand) -> Answer:
    """Work some blocks, in a worker."""
    blocks = _kept.setdefault(errand.job, {})
    _kept.move_to_end(errand.job)
    while len(_kept) > _JOBS_KEPT:
        _kept.popitem(last=False)
    results, lists, lacking = {}, {}, []
    for number, version in errand.versions.items():
        if number in errand.parcels:
            blocks[number] = errand.parcels[number].opened()
        search = blocks.get(number)
        if search is None or search.version != version:
            lacking.append(number)
            continue
        search.clock = Clock(errand.seconds)
        results[number] = errand.task(search, errand.limits.get(number))
        if search.version != version and search.lists is not None:
            search.version = version + 1
            lists[number] = search.lists
        search.tidy()
    return Answer(results, lists, tuple(lacking))


@dataclass(frozen=True, eq=False)
class _Errands(Generic[Result]):
    """What is to be done in a pass."""

    searches: Sequence[BlockSearch]
    task: Task[Result]
    limits: Mapping[int, StockBounds]


@dataclass(frozen=True, eq=False)
class _UnderWay:
    """A task that is with the executor; no future where that failed."""

    places: Sequence[int]
    future: Future[Answer] | None
    has_all: bool = False
    """Whether all of its blocks went with it."""


class RemoteCrew(Crew):
    """Works blocks by an executor; what that fails to do is done in this process.

    Parameters
    ----------
    executor
        Any executor whose workers can import partsplan.
    clock
        Time limit of the run.
    """

    def __init__(self, executor: Executor, clock: Clock) -> None:
        super().__init__()
        self.executor = executor
        self.clock = clock
        self.job = uuid.uuid4().hex
        self.failures = 0
        self.is_silent = False
        """Whether tasks that are with the executor are waited for no more."""
        self._sent_once: set[int] = set()

    @property
    def is_broken(self) -> bool:
        """Whether the executor is asked no more."""
        return self.failures >= _MOST_FAILURES

    def worked(
        self,
        searches: Sequence[BlockSearch],
        task: Task[Result],
        limits: Mapping[int, StockBounds] | None = None,
    ) -> list[Result]:
        """Results of a task for every block, in block order; as `Crew.worked` otherwise."""
        limits = limits or {}
        for search in searches:
            search.is_shared = True
        size = -(-len(searches) // _TASKS_PER_PASS)
        chunks = deque(
            range(first, min(first + size, len(searches)))
            for first in range(0, len(searches), size)
        )
        errands = _Errands(searches, task, limits)
        results: dict[int, Result] = {}
        under_way: deque[_UnderWay] = deque()
        try:
            while chunks or under_way:
                self.clock.check()
                while chunks and len(under_way) < _UNDER_WAY:
                    places = chunks.popleft()
                    under_way.append(_UnderWay(places, self._begun(errands, places)))
                sent = under_way.popleft()
                answer = self._answer(sent.future, under_way)
                lacking = self._taken(errands, sent, answer, results)
                if lacking:
                    whole = self._sent(errands, lacking, lacking)
                    under_way.append(_UnderWay(lacking, whole, has_all=True))
        finally:
            for sent in under_way:
                if sent.future is not None:
                    sent.future.cancel()
        return [results[place] for place in range(len(searches))]

    def _begun(self, errands: _Errands[Result], places: Sequence[int]) -> Future[Answer] | None:
        """A task on its way; blocks that no worker was ever sent go with it."""
        numbers = {place: errands.searches[place].number for place in places}
        new = [place for place in places if numbers[place] not in self._sent_once]
        self._sent_once.update(numbers.values())
        return self._sent(errands, places, new)

    def _taken(
        self,
        errands: _Errands[Result],
        sent: _UnderWay,
        answer: Answer | None,
        results: dict[int, Result],
    ) -> list[int]:
        """Enter the results of an answer; what failed is done here. Returns what is lacking."""
        here, lacking = [], []
        for place in sent.places:
            search = errands.searches[place]
            number = search.number
            if answer is not None and number in answer.results:
                results[place] = answer.results[number]
                if number in answer.lists:
                    search.take_lists(answer.lists[number], search.version + 1)
            elif answer is not None and number in answer.lacking and not sent.has_all:
                lacking.append(place)
            else:
                here.append(place)
        if here:
            some = [errands.searches[place] for place in here]
            narrow = {k: errands.limits[p] for k, p in enumerate(here) if p in errands.limits}
            results |= dict(zip(here, super().worked(some, errands.task, narrow), strict=True))
        return lacking

    def _answer(self, future: Future[Answer] | None, others: Sequence[_UnderWay]) -> Answer | None:
        """What a worker gave back; None where it failed, or no task ends any more."""
        n_ended, since = -1, 0.0
        while future is not None:
            try:
                return future.result(timeout=0.0 if self.is_silent else _GLANCE)
            except Exception as failure:  # whatever an executor or its network may raise
                if future.done():
                    self._note(failure)
                    return None
            if self.is_silent:
                return None
            self.clock.check()
            ended = sum(other.future is None or other.future.done() for other in others)
            if ended != n_ended:
                n_ended, since = ended, perf_counter()
            elif perf_counter() - since > _PATIENCE:
                self.is_silent = True
                silent = f"no task has ended for {_PATIENCE:g} s; wait for its shutdown no more"
                self._note(_SilentExecutorError(silent))
        return None

    def _sent(
        self, errands: _Errands[Result], places: Sequence[int], with_parcels: Sequence[int]
    ) -> Future[Answer] | None:
        """A task on its way; None where the executor takes it no more."""
        if self.is_broken:
            return None
        searches, limits = errands.searches, errands.limits
        numbers = {place: searches[place].number for place in places}
        left = self.clock.seconds_left
        try:
            errand = Errand(
                self.job,
                {numbers[place]: searches[place].version for place in places},
                errands.task,
                {numbers[place]: limits[place] for place in places if place in limits},
                {numbers[place]: self._parcel(searches[place]) for place in with_parcels},
                max(left, 0.0) if left < float("inf") else None,
            )
            return self.executor.submit(work_blocks, errand)
        except Exception as failure:  # an executor that has been shut down, or has broken
            self._note(failure)
            return None

    def _parcel(self, search: BlockSearch) -> Parcel:
        parcel = Parcel(
            search.problem, search.lists, search.version, search.tolerance, search.keeps_tables
        )
        search.forget()
        return parcel

    def _note(self, failure: Exception) -> None:
        """Log a failure; an executor that has broken is asked no more."""
        self.failures += 1
        if isinstance(failure, BrokenExecutor | _SilentExecutorError):
            self.failures = _MOST_FAILURES
        logger.warning(
            "a task failed in the executor (%s: %s); it is done in this process%s",
            type(failure).__name__,
            failure,
            ", and so is all the rest" if self.is_broken else "",
        )

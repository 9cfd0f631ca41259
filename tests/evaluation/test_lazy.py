"""Attributes computed once, without threads waiting for each other."""

from __future__ import annotations

import threading

from partsplan.evaluation.lazy import lazy
from partsplan.evaluation.threads import in_threads


class Counted:
    """An object whose figure says how often it was computed."""

    def __init__(self, meet: threading.Barrier | None = None) -> None:
        self.times = 0
        self.meet = meet

    @lazy
    def figure(self) -> int:
        """How often this was computed."""
        if self.meet is not None:
            self.meet.wait(timeout=20.0)
        self.times += 1
        return self.times


def test_it_is_computed_once_for_each_object():
    one, other = Counted(), Counted()
    assert [one.figure, one.figure, other.figure, one.times] == [1, 1, 1, 1]
    assert Counted.figure.__doc__ == "How often this was computed."


def test_two_threads_compute_it_for_two_objects_at_the_same_time():
    """Each waits until the other computes as well, which a common lock would never allow."""
    meet = threading.Barrier(2)
    pair = [Counted(meet), Counted(meet)]
    assert list(in_threads(lambda counted: counted.figure, pair, 2)) == [1, 1]

"""Forests and cycles."""

from __future__ import annotations

import numpy as np
import pytest

from partsplan.network.forests import cycle_in, forests_of
from partsplan.network.scanning import nearest, shown


@pytest.mark.parametrize(
    ("parents", "cycle"),
    [
        ([], []),
        ([-1], []),
        ([-1, 0, 1, 2], []),
        ([3, 0, 1, -1], []),
        ([1, 0], [0, 1]),
        ([-1, 2, 3, 1, 3], [1, 2, 3]),
        ([0], [0]),
    ],
)
def test_cycles_are_found(parents: list[int], cycle: list[int]) -> None:
    found = cycle_in(np.array(parents, dtype=np.int64))
    assert sorted(found) == cycle
    if cycle:
        assert [parents[place] for place in found] == [*found[1:], found[0]]


def test_parts_with_the_same_own_sources_share_a_forest() -> None:
    parents = np.array([-1, 0, 0, -1])
    rows = np.array([(4, 1, 3), (1, 1, 3), (2, 2, 3), (3, 1, 0)])
    forests = forests_of(parents, 6, *rows.T)
    assert [forest.parts.tolist() for forest in forests] == [[0, 3, 5], [1, 4], [2]]
    assert forests[1].parents.tolist() == [-1, 3, 0, -1]


def test_no_common_forest_where_every_part_differs() -> None:
    rows = np.array([(0, 1, 2), (1, 1, 2)])
    (forest,) = forests_of(np.array([-1, 0, -1]), 2, *rows.T)
    assert forest.parts.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("DPOT", "Did you mean 'DEPOT'?"),
        ("depot", "Did you mean 'DEPOT'?"),
        ("12", "Did you mean '0012'?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_the_nearest_word_is_named(word: str, hint: str) -> None:
    assert nearest(word, ("DEPOT", "0012", "OTHER")) == hint


def test_near_words_among_many_are_found_quickly() -> None:
    known = tuple(f"P{number:06d}" for number in range(100_000))
    assert nearest("P0123", known) == ""
    assert nearest("P00412X", known).startswith("Did you mean 'P0041")


def test_long_values_are_cut() -> None:
    assert shown("x" * 100) == "'" + "x" * 55 + "...'"
    assert shown(3.5) == "3.5"

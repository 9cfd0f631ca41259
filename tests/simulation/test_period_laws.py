"""Laws of (demands, missed) of a period: against each other, plain events and the long run."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partsplan.simulation.period_laws import (
    LawBook,
    law_of_exponential_times,
    law_of_one_unit,
    law_over_blocks,
)


def seen(rate, stock, lead, days, n, rng, *, is_exponential=False):
    """Plain periods: each demand looks how many of the earlier ones are still on order."""
    before = lead * (40.0 if is_exponential else 1.0)
    table = np.zeros((60, 60))
    for _ in range(n):
        times = np.sort(rng.uniform(-before, days, rng.poisson(rate * (days + before))))
        comes = times + (rng.exponential(lead, len(times)) if is_exponential else lead)
        on_order = [(comes[:k] > time).sum() for k, time in enumerate(times)]
        inside = times >= 0
        missed = inside & (np.array(on_order, dtype=int) >= stock)
        table[inside.sum(), missed.sum()] += 1.0 / n
    return table


def assert_like(law, table, n):
    """Every probability, and that of the missed alone, within five standard errors."""
    wide = np.zeros((80, 80))
    wide[: len(law), : len(law[0])] = law
    for exact, counted in (
        (wide[:60, :60], table),
        (wide.sum(axis=0)[:60], table.sum(axis=0)),
    ):
        error = np.sqrt(np.maximum(exact * (1 - exact), 1.0 / n) / n)
        assert (np.abs(exact - counted) < 5 * error).all()


@pytest.mark.parametrize(
    ("rate", "lead", "days"), [(0.08, 10.0, 50.0), (0.05, 70.0, 50.0), (0.12, 2.0, 91.0)]
)
def test_one_unit_against_plain_periods(rate, lead, days):
    law = law_of_one_unit(rate, lead, days)
    assert law.sum() == pytest.approx(1.0, abs=1e-8)
    assert_like(law, seen(rate, 1, lead, days, 4000, np.random.default_rng(1)), 4000)


@pytest.mark.parametrize(
    ("rate", "stock", "lead", "days"),
    [(0.04, 2, 60.0, 50.0), (0.03, 3, 91.0, 91.0), (0.02, 2, 60.0, 91.0), (0.01, 1, 20.0, 50.0)],
)
def test_blocks_against_plain_periods(rate, stock, lead, days):
    law = law_over_blocks(rate, stock, lead, days)
    assert law.sum() == pytest.approx(1.0, abs=1e-6)
    assert_like(law, seen(rate, stock, lead, days, 4000, np.random.default_rng(2)), 4000)


@pytest.mark.parametrize(("rate", "stock"), [(0.08, 1), (0.1, 3)])
def test_exponential_times_against_plain_periods(rate, stock):
    law = law_of_exponential_times(rate, stock, 10.0, 50.0)
    rng = np.random.default_rng(3)
    table = seen(rate, stock, 10.0, 50.0, 4000, rng, is_exponential=True)
    assert_like(law, table, 4000)


@pytest.mark.parametrize("lead", [25.0, 60.0, 130.0])
def test_one_unit_by_gaps_and_by_blocks(lead):
    by_gaps, by_blocks = law_of_one_unit(0.012, lead, 50.0), law_over_blocks(0.012, 1, lead, 50.0)
    n = min(len(by_gaps), len(by_blocks))
    assert_allclose(by_gaps[:n, :n], by_blocks[:n, :n], atol=1e-7)


@pytest.mark.parametrize("stock", [1, 2, 4])
def test_the_long_run_share_of_missed_is_that_of_palm(stock):
    """Expected missed are demands times P(Poisson(rate x lead) >= S), for either law of times."""
    rate, lead, days = 0.02, 60.0, 70.0
    mean = rate * lead
    tail = 1 - sum(np.exp(-mean) * mean**k / np.prod(range(1, k + 1)) for k in range(stock))
    laws = [law_over_blocks(rate, stock, lead, days)]
    laws += [law_of_exponential_times(rate, stock, lead, days)]
    for law in laws:
        assert law.sum(axis=0) @ np.arange(law.shape[1]) == pytest.approx(
            rate * days * tail, abs=1e-5
        )


def test_a_book_ends_where_the_work_does():
    book = LawBook(work_left=1e5)
    assert book.law(0.02, 2, 1.0, 365.0, is_exponential=False) is None  # 365 blocks
    assert book.law(0.02, 2, 60.0, 50.0, is_exponential=True) is None
    assert book.law(0.02, 1, 60.0, 50.0, is_exponential=False) is not None
    assert book.work_left == 1e5
    more = LawBook()
    first = more.law(0.02, 2, 60.0, 50.0, is_exponential=False)
    left = more.work_left
    assert more.law(0.02, 2, 60.0, 50.0, is_exponential=False) is first
    assert more.work_left == left < LawBook().work_left

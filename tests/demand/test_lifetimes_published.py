"""Lifetime distributions against published figures and the known answers of real data."""

from __future__ import annotations

import csv
import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from life_samples import NIST, figures, lives_of
from scipy import stats

from partsplan.demand import LifetimeFits, fit_lifetimes
from partsplan.network import Life

DATA = Path(__file__).parents[3] / "shared" / "data"


def weibull_log_likelihood(
    shape: float, scale: float, failures: list[float], censored: list[float]
) -> float:
    """Written out anew: log density of failures, log survival of the others."""
    t, c = np.array(failures), np.array(censored)
    density = np.log(shape / scale) + (shape - 1) * np.log(t / scale) - (t / scale) ** shape
    return float(density.sum() - ((c / scale) ** shape).sum())


# ../shared/cases/published_weibull_censored_mle.json: NIST/SEMATECH e-Handbook 8.4.1.3; 20 lives
# with many censoring times (10.1080/00224065.1997.11979730); Krivtsov and Case 1999, whose
# published point is not the optimum; electronics of which 99.755 % are censored.
MULTICENSORED = (
    [45, 46, 34, 45, 32, 24, 58, 79, 56, 63, 34, 50],
    [23, 24, 57, 78, 76, 85, 51, 59],
)
KRIVTSOV = (
    [5248, 7454, 16890, 17200, 38700, 45000, 49390, 69040, 72280, 131900],
    [
        *(3961, 4007, 4734, 6054, 7298, 10190, 23060, 27160, 28690, 37100, 40060),
        *(45670, 53000, 67000, 69630, 77350, 78470, 91680, 105700, 106300, 150400),
    ],
)
ELECTRONICS = (
    [220, 179, 123, 146, 199, 181, 191, 216, 1, 73],
    [44798, 62715, 81474, 80632, 62716],
)


class TestPublishedFits:
    def test_nist_handbook(self) -> None:
        fits = fit_lifetimes(lives_of(*NIST))
        assert figures(fits) == pytest.approx([1.7208, 606.528], rel=2e-5)
        assert figures(fits) == pytest.approx([1.7207972608013467, 606.5275580035734], rel=1e-9)
        assert fits.log_likelihood[0] == pytest.approx(-75.13461816447487, abs=1e-10)

    def test_lives_with_many_censoring_times(self) -> None:
        fits = fit_lifetimes(lives_of(*MULTICENSORED))
        assert figures(fits) == pytest.approx([2.754, 67.9188], rel=2e-4)
        assert figures(fits) == pytest.approx([2.7539528808508487, 67.9188336245224], rel=1e-9)

    def test_where_the_published_point_is_not_the_optimum(self) -> None:
        fits = fit_lifetimes(lives_of(*KRIVTSOV))
        published = weibull_log_likelihood(1.15586, 134243, *KRIVTSOV)
        assert fits.log_likelihood[0] > published
        assert fits.log_likelihood[0] == pytest.approx(-128.9738322587601, abs=1e-9)
        assert figures(fits) == pytest.approx([1.1544266713428928, 134651.03743586808], rel=1e-8)

    def test_nearly_all_censored_with_weights(self) -> None:
        fits = fit_lifetimes(lives_of(*ELECTRONICS, counts=[817, 823, 815, 813, 804]))
        assert figures(fits) == pytest.approx([0.15374533369529042, 6.189618528910994e21], rel=1e-8)
        assert fits.log_likelihood[0] == pytest.approx(-144.61675862092133, abs=1e-8)
        assert (fits.failures[0], fits.censored[0]) == (10, 4072)


def smrd(name: str, column: str) -> dict[str, list[Any]]:
    """One of Meeker and Escobar's tables as lives."""
    path = DATA / "smrd_meeker_escobar" / f"{name}.csv"
    if not path.exists():
        pytest.skip("needs ../shared/data/smrd_meeker_escobar")
    words = {"Failed": "failed", "Failure": "failed", "Fail": "failed", "Left": "left"}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        "part_id": [name] * len(rows),
        "hours": [float(row[column]) for row in rows],
        "outcome": [words.get(row.get("event", "Failed"), "censored") for row in rows],
        "weight": [int(row.get("count", 1)) for row in rows],
        "failure_mode": [row.get("mode", "").replace("Censored", "") for row in rows],
    }


class TestMeekerAndEscobar:
    """Known answers of ../shared/data/smrd_meeker_escobar/SOURCE.md."""

    @pytest.mark.parametrize(
        ("name", "column", "distribution", "known", "counts"),
        [
            ("bearingcage", "hours", "weibull", (2.0353, 11792.2), (6, 1697)),
            ("fan", "hours", "weibull", (1.0584, 26296.8), (12, 58)),
            ("locomotivecontrol", "kilomiles", "lognormal", (5.11692, 0.70549), (37, 59)),
            ("locomotivecontrol", "kilomiles", "weibull", (2.3313, 183.399), (37, 59)),
            ("lzbearing", "megacycles", "weibull", (2.1018, 81.875), (23, 0)),
            ("turbine", "hours", "weibull", (2.1758, 46.777), (106, 326)),
            ("at7987", "kilocycles", "lognormal", (5.1279, 0.3276), (67, 5)),
            ("deviceh", "kilocycles", "weibull", (1.8588, 136.05), (7, 98)),
        ],
    )
    def test_known_answers(
        self,
        name: str,
        column: str,
        distribution: str,
        known: tuple[float, float],
        counts: tuple[int, int],
    ) -> None:
        fits = fit_lifetimes(smrd(name, column), distribution=distribution)
        assert figures(fits) == pytest.approx(known, rel=5e-5)
        assert (fits.failures[0], fits.censored[0]) == counts
        assert fits.warnings == ()

    def test_fans_at_a_constant_rate(self) -> None:
        fits = fit_lifetimes(smrd("fan", "hours"), distribution="exponential")
        assert fits.mean()[0] == pytest.approx(28703, abs=0.5)
        assert 1 / fits.parameter("rate")[0] == pytest.approx(fits.mean()[0])

    def test_log_likelihood_of_the_ball_bearings(self) -> None:
        fits = fit_lifetimes(smrd("lzbearing", "megacycles"))
        assert fits.log_likelihood[0] == pytest.approx(-113.692, abs=1e-3)
        assert fits.aic[0] == pytest.approx(2 * 2 + 2 * 113.692, abs=2e-3)

    def test_competing_modes_of_shock_absorbers(self) -> None:
        lives = smrd("shockabsorber", "miles")
        both = fit_lifetimes(lives)
        assert np.log(both.parameter("scale")[0]) == pytest.approx(10.2299, rel=1e-5)
        assert 1 / both.parameter("shape")[0] == pytest.approx(0.31641, rel=2e-5)
        first = fit_lifetimes(lives, failure_mode="Mode1")
        assert figures(first) == pytest.approx([3.3839, 31205.8], rel=2e-5)
        second = fit_lifetimes(lives, failure_mode="Mode2")
        assert figures(second) == pytest.approx([2.8222, 40865.9], rel=2e-5)
        either = fit_lifetimes(lives, failure_mode=["Mode1", "Mode2"])
        assert figures(either) == figures(both)


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        pytest.skip(f"needs ../shared/data/{path.parent.name}")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class TestRealData:
    def test_airbus_removals(self) -> None:
        """Known answers of ../shared/data/airbus_fhs/SOURCE.md."""
        removed = rows_of(DATA / "airbus_fhs" / "removals_DEF_2020.csv")
        flying = rows_of(DATA / "airbus_fhs" / "sn_list_DEF_2020.csv")
        lives = [
            Life(
                part_id=row["pn"],
                unit_id=row["sn"],
                hours=max(float(row["tsi_fh"]), 1.0),
                outcome=outcome,
                date=row.get("removal_date"),
            )
            for rows, outcome in ((removed, "failed"), (flying, "censored"))
            for row in rows
            if row["tsi_fh"] and row.get("status", "On Aircraft") == "On Aircraft"
        ]
        rates = fit_lifetimes(lives, distribution="exponential")
        assert rates.part_ids == ("D", "E", "F")
        assert rates.mean() == pytest.approx([24147, 11697, 12028], abs=0.5)
        fits = fit_lifetimes(lives)
        assert fits.parameter("scale") == pytest.approx([23420, 11704, 11864], abs=0.5)
        assert fits.parameter("shape") == pytest.approx([1.066, 0.969, 0.888], abs=5e-4)
        (warning,) = fits.warnings
        assert "ran 12408 h, but its life before ended only 142 days earlier" in warning.rule

    def test_azure_components_with_preventive_swaps_and_late_entry(self) -> None:
        """Known answers of ../shared/data/azure_pdm/SOURCE.md [days]."""
        lives = azure_lives()
        entered = fit_lifetimes(lives, failure_mode="failure")
        assert days(entered) == pytest.approx([147.1, 120.2, 174.8, 150.0], abs=0.06)
        assert by_part(entered, "shape") == pytest.approx([1.855, 1.611, 1.961, 1.985], abs=5e-4)
        born = [life | {"entry_hours": 0.0} for life in lives]
        ignoring = fit_lifetimes(born, failure_mode="failure")
        assert days(ignoring) == pytest.approx([176.8, 153.2, 212.6, 180.8], abs=0.06)
        assert by_part(ignoring, "shape") == pytest.approx([1.80, 1.50, 1.90, 1.95], abs=5e-3)

    def test_turbofan_engines(self) -> None:
        """../shared/data/cmapss_lifetimes: no answer is given, so scipy's is held against ours."""
        rows = rows_of(DATA / "cmapss_lifetimes" / "FD001_train_lifetimes.csv")
        cycles = [float(row["cycles"]) for row in rows]
        shape, _, scale = stats.weibull_min.fit(cycles, floc=0)
        fits = fit_lifetimes(lives_of(cycles, []))
        assert figures(fits) == pytest.approx([shape, scale], rel=1e-4)
        lognormal = fit_lifetimes(lives_of(cycles, []), distribution="lognormal")
        logs = np.log(cycles)
        assert figures(lognormal) == pytest.approx([logs.mean(), logs.std()], rel=1e-9)
        assert lognormal.aic[0] < fits.aic[0]


def azure_lives() -> list[dict[str, Any]]:
    """Times between replacements; those without a failure are preventive swaps."""
    folder = DATA / "azure_pdm"
    failed = {
        (row["machineID"], row["failure"], dt.datetime.fromisoformat(row["datetime"]))
        for row in rows_of(folder / "PdM_failures.csv")
    }
    replaced: dict[tuple[str, str], set[dt.datetime]] = {}
    for row in rows_of(folder / "PdM_maint.csv"):
        key = (row["machineID"], row["comp"])
        replaced.setdefault(key, set()).add(dt.datetime.fromisoformat(row["datetime"]))
    logged, end = dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1, 6)
    lives = []
    for (machine, component), times in replaced.items():
        ends = [*sorted(times), end]
        for start, stop in pairwise(ends):
            if stop <= max(start, logged):
                continue
            is_failure = (machine, component, stop) in failed
            lives.append(
                {
                    "part_id": component,
                    "unit_id": f"{machine} {start}",
                    "entry_hours": max((logged - start).total_seconds() / 3600, 0.0),
                    "hours": (stop - start).total_seconds() / 3600,
                    "outcome": "censored" if stop == end else "failed",
                    "failure_mode": "failure" if is_failure else "preventive",
                }
            )
    return lives


def by_part(fits: LifetimeFits, name: str) -> list[float]:
    return [value for _, value in sorted(zip(fits.part_ids, fits.parameter(name), strict=True))]


def days(fits: LifetimeFits) -> list[float]:
    return [hours / 24 for hours in by_part(fits, "scale")]

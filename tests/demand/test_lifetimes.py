"""Lifetime fits against scipy's own likelihood; their properties, output and messages."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from life_samples import (
    KINDS,
    NIST,
    figures,
    lives_of,
    plain_log_likelihood,
    random_lives,
    scipy_law,
)
from scipy import optimize, stats

from partsplan.demand import fit_lifetimes
from partsplan.errors import InputError, PartsplanError
from partsplan.network import ServiceNetwork
from small_networks import lives_tables

DISTRIBUTIONS = ("exponential", "weibull", "lognormal", "weibull_never_fails")


class TestAgainstScipy:
    @pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("distribution", DISTRIBUTIONS)
    def test_no_other_parameters_are_likelier(
        self, distribution: str, kinds: tuple[str, ...]
    ) -> None:
        lives = random_lives(5, kinds)
        fits = fit_lifetimes(lives, distribution=distribution)
        best = figures(fits)
        law, never = scipy_law(distribution, best)
        value = plain_log_likelihood(law, never, lives)
        assert fits.log_likelihood[0] == pytest.approx(value, rel=1e-9)
        transformed = np.array(
            best if distribution == "lognormal" else np.log(np.maximum(best, 1e-9))
        )

        def loss(x: np.ndarray) -> float:
            point = list(x) if distribution == "lognormal" else list(np.exp(x))
            if distribution == "lognormal" and point[1] <= 0:
                return np.inf
            if distribution == "weibull_never_fails" and point[2] >= 1:
                return np.inf
            return -plain_log_likelihood(*scipy_law(distribution, point), lives)

        for start in (transformed, transformed + 0.2):
            found = optimize.minimize(loss, start, method="Nelder-Mead", options={"maxfev": 150})
            assert -found.fun <= value + 1e-6

    def test_censored_data_of_scipy(self) -> None:
        lives = random_lives(2, ("failed", "censored", "left"))
        hours = {
            kind: [x["hours"] for x in lives if x["outcome"] == kind]
            for kind in ("failed", "censored", "left")
        }
        data = stats.CensoredData(
            uncensored=hours["failed"], right=hours["censored"], left=hours["left"]
        )
        shape, _, scale = stats.weibull_min.fit(data, floc=0)
        fits = fit_lifetimes([life | {"weight": 1.0} for life in lives])
        assert figures(fits) == pytest.approx([shape, scale], rel=1e-3)

    @pytest.mark.parametrize("distribution", ["exponential", "weibull", "lognormal"])
    def test_figures_of_the_fitted_law(self, distribution: str) -> None:
        fits = fit_lifetimes(random_lives(3, KINDS["everything"]), distribution=distribution)
        law, _ = scipy_law(distribution, figures(fits))
        assert fits.quantile(0.1)[0] == pytest.approx(law.ppf(0.1), rel=1e-10)
        assert fits.mean()[0] == pytest.approx(law.mean(), rel=1e-10)
        times = np.array([0.0, 10.0, 500.0, 5000.0])
        np.testing.assert_allclose(fits.survival(times)[0], law.sf(times), rtol=1e-10)
        np.testing.assert_allclose(fits.survival(500.0), law.sf(500.0), rtol=1e-10)

    def test_errors_are_those_of_the_observed_information(self) -> None:
        lives = random_lives(4, KINDS["everything"])
        fits = fit_lifetimes(lives)
        shape, scale = figures(fits)

        def value(x: float, y: float) -> float:
            return plain_log_likelihood(stats.weibull_min(x, scale=y), 0.0, lives)

        h, k = 1e-3 * shape, 1e-3 * scale
        middle = value(shape, scale)
        twice_shape = (value(shape + h, scale) - 2 * middle + value(shape - h, scale)) / h**2
        twice_scale = (value(shape, scale + k) - 2 * middle + value(shape, scale - k)) / k**2
        cross = (
            value(shape + h, scale + k)
            - value(shape + h, scale - k)
            - value(shape - h, scale + k)
            + value(shape - h, scale - k)
        ) / (4 * h * k)
        covariance = np.linalg.inv(-np.array([[twice_shape, cross], [cross, twice_scale]]))
        errors = [fits.standard_error("shape")[0], fits.standard_error("scale")[0]]
        assert errors == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-3)


class TestAwkwardLives:
    @pytest.mark.parametrize("distribution", DISTRIBUTIONS)
    def test_one_early_failure_and_lives_far_longer(self, distribution: str) -> None:
        early = [0.02, 0.05] if distribution == "weibull_never_fails" else [0.02]
        fits = fit_lifetimes(lives_of(early, [700.0, 5e6, 1e7]), distribution=distribution)
        assert np.isfinite(fits.log_likelihood[0])
        if distribution == "weibull":
            shape, scale = figures(fits)
            t = np.array([0.02, 700.0, 5e6, 1e7])
            pull = (t**shape * np.log(t)).sum() / (t**shape).sum()
            assert pull - 1 / shape == pytest.approx(np.log(0.02), rel=1e-8)
            assert scale == pytest.approx((t**shape).sum() ** (1 / shape), rel=1e-8)

    def test_a_look_hardly_longer_than_a_moment_is_a_failure_time(self) -> None:
        """An interval of relative width w adds its log density plus log width."""
        t, width = np.array([300.0, 500.0, 800.0, 900.0]), 1e-9
        looked = fit_lifetimes(
            {
                "part_id": ["P"] * 4,
                "hours": t,
                "hours_upper": t * (1 + width),
                "outcome": ["interval"] * 4,
            }
        )
        exact = fit_lifetimes(lives_of(t.tolist(), []))
        assert figures(looked) == pytest.approx(figures(exact), rel=1e-6)
        added = np.log(t * width).sum()
        assert looked.log_likelihood[0] == pytest.approx(exact.log_likelihood[0] + added, rel=1e-6)

    def test_figures_beyond_all_numbers_are_unknown(self) -> None:
        fits = fit_lifetimes(lives_of([1e-6, 1e-5, 1e8], [1e9] * 3000))
        assert fits.parameter("shape")[0] < 0.1
        assert np.isnan(fits.mean_interval(0.999)[1][0])

    def test_random_small_samples_of_every_kind(self) -> None:
        """Nothing raises, no law nearby is likelier, and bounds lie about the estimate."""
        lives: list[dict[str, Any]] = []
        rng = np.random.default_rng(12)
        for part in range(90):
            kinds = list(KINDS.values())[part % len(KINDS)]
            factor = 10 ** rng.uniform(-3, 5)
            for life in random_lives(part, kinds, int(rng.integers(1, 9))):
                hours = {name: factor * life[name] for name in life if "hours" in name}
                lives.append(life | hours | {"part_id": f"P{part}"})
        for distribution in DISTRIBUTIONS:
            fits = fit_lifetimes(lives, distribution=distribution)
            assert len(fits.to_records()) == 90
            for share in (0.1, 0.5):
                low, high = fits.quantile_interval(share)
                middle = fits.quantile(share)
                assert not (low > middle).any()
                assert not (high < middle).any()
                assert (low > 0.0).sum() > 30


class TestUnitsThatNeverFail:
    def test_a_plateau_is_found(self) -> None:
        rng = np.random.default_rng(7)
        life = np.where(rng.random(2000) < 0.6, 500 * rng.weibull(2.0, 2000), np.inf)
        failed = life < 3000
        fits = fit_lifetimes(
            {
                "part_id": ["P"] * 2000,
                "hours": np.minimum(life, 3000),
                "outcome": np.where(failed, "failed", "censored"),
            },
            distribution="weibull_never_fails",
        )
        shape, scale, never = figures(fits)
        assert never == pytest.approx((~failed).mean(), abs=1e-6)
        alone = fit_lifetimes(lives_of(life[failed].tolist(), []))
        assert [shape, scale] == pytest.approx(figures(alone), rel=1e-4)
        lower, upper = fits.interval("never_fails")
        assert lower[0] < 0.4 < upper[0]
        assert fits.survival(1e9)[0] == pytest.approx(never)
        assert np.isnan(fits.quantile(0.7)[0])
        assert fits.survival(fits.quantile(0.3)[0])[0] == pytest.approx(0.7)

    def test_without_a_sign_of_them_it_is_the_weibull(self) -> None:
        fits = fit_lifetimes(lives_of(*NIST), distribution="weibull_never_fails")
        plain = fit_lifetimes(lives_of(*NIST))
        if fits.parameter("never_fails")[0] == 0.0:
            assert figures(fits)[:2] == pytest.approx(figures(plain))
        assert fits.log_likelihood[0] >= plain.log_likelihood[0]
        engines = fit_lifetimes(
            lives_of([100, 150, 180, 200, 260], []), distribution="weibull_never_fails"
        )
        assert figures(engines)[2] == 0.0
        assert np.isnan(engines.standard_error("never_fails")[0])
        assert np.isfinite(engines.standard_error("shape")[0])
        assert engines.interval("never_fails")[0][0] == 0.0
        (warning,) = engines.warnings
        assert "never_fails is 0, at the edge of its range" in warning.rule
        assert engines.notes == ("no sign of units that never fail",)

    def test_the_better_of_two_tops_is_found(self) -> None:
        """Failures that all fit one narrow law, among units that outlive it."""
        looked = [(80, 137), (50, 119), (60, 68), (70, 186), (90, 201)]
        lives = {
            "part_id": ["P"] * 10,
            "hours": [80] + [low for low, _ in looked] + [100] * 4,
            "hours_upper": [None] + [high for _, high in looked] + [None] * 4,
            "outcome": ["failed"] + ["interval"] * 5 + ["censored"] * 4,
            "weight": [200, 200, 1, 0.5, 1, 0.5, 200, 3, 1, 1],
        }
        fits = fit_lifetimes(lives, distribution="weibull_never_fails")
        assert figures(fits)[2] == pytest.approx(0.34, abs=0.01)
        assert fits.log_likelihood[0] > fit_lifetimes(lives).log_likelihood[0] + 100.0


class TestProperties:
    @settings(max_examples=20, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        factor=st.floats(0.01, 100.0),
        distribution=st.sampled_from(DISTRIBUTIONS),
    )
    def test_another_unit_of_time(self, seed: int, factor: float, distribution: str) -> None:
        lives = random_lives(seed, KINDS["everything"], 30)
        scaled = [
            life
            | {
                name: life[name] * factor
                for name in ("hours", "entry_hours", "hours_upper")
                if name in life
            }
            for life in lives
        ]
        one = fit_lifetimes(lives, distribution=distribution)
        other = fit_lifetimes(scaled, distribution=distribution)
        np.testing.assert_allclose(other.mean(), one.mean() * factor, rtol=1e-5)
        first, second = one.mean_interval(), other.mean_interval()
        np.testing.assert_allclose(second[0], first[0] * factor, rtol=1e-4)

    def test_a_weight_is_so_many_lives(self) -> None:
        lives = random_lives(1, KINDS["everything"])
        repeated = [life | {"weight": 1.0} for life in lives for _ in range(int(life["weight"]))]
        one, other = fit_lifetimes(lives), fit_lifetimes(repeated)
        assert figures(one) == pytest.approx(figures(other), rel=1e-8)
        assert one.log_likelihood == pytest.approx(other.log_likelihood)
        assert one.interval("scale")[1] == pytest.approx(other.interval("scale")[1], rel=1e-6)

    def test_groups_do_not_disturb_each_other(self) -> None:
        together: list[dict[str, Any]] = []
        alone = []
        for number, kinds in enumerate(KINDS.values()):
            lives = [x | {"part_id": f"P{number}"} for x in random_lives(number, kinds)]
            alone.append(fit_lifetimes(lives))
            together += lives
        rng = np.random.default_rng(0)
        mixed = [together[i] for i in rng.permutation(len(together))]
        fits = fit_lifetimes(mixed)
        for one in alone:
            group = fits.part_ids.index(one.part_ids[0])
            assert figures(fits, group) == pytest.approx(figures(one), rel=1e-7)
            for bound, own in zip(
                fits.quantile_interval(0.1), one.quantile_interval(0.1), strict=True
            ):
                assert bound[group] == pytest.approx(own[0], rel=1e-5)

    def test_segments_apart_or_pooled(self) -> None:
        lives = [
            x | {"segment": segment}
            for segment, seed in (("hot", 1), ("", 2))
            for x in random_lives(seed, KINDS["late entry"])
        ]
        apart, pooled = fit_lifetimes(lives), fit_lifetimes(lives, by_segment=False)
        assert apart.part_ids == ("P", "P")
        assert apart.segments == ("hot", "")
        assert pooled.segments == ("",)
        assert pooled.failures.sum() == apart.failures.sum()
        assert figures(pooled) == pytest.approx(
            figures(fit_lifetimes([x | {"segment": ""} for x in lives]))
        )


class TestOutput:
    LIVES = (
        *({"part_id": "A", "hours": h, "outcome": "failed"} for h in (410, 660, 900)),
        *({"part_id": "A", "hours": 1200, "outcome": "censored"} for _ in range(3)),
        *({"part_id": "B", "hours": 1200, "outcome": "censored"} for _ in range(3)),
    )

    def test_records(self) -> None:
        first, second = fit_lifetimes(self.LIVES).to_records()
        assert first["part_id"] == "A"
        assert first["segment"] is None
        assert first["distribution"] == "weibull"
        assert first["shape"] == pytest.approx(1.8905, abs=1e-4)
        assert (first["failures"], first["censored"]) == (3, 3)
        assert first["note"] is None
        assert second | {"note": ""} == {
            "part_id": "B",
            "segment": None,
            "distribution": "weibull",
            "shape": None,
            "scale": None,
            "shape_error": None,
            "scale_error": None,
            "log_likelihood": None,
            "aic": None,
            "failures": 0.0,
            "censored": 3.0,
            "note": "",
        }
        assert second["note"] == "no failure"

    @pytest.mark.parametrize(
        ("distribution", "names"),
        [
            ("exponential", ("rate",)),
            ("weibull", ("shape", "scale")),
            ("lognormal", ("mu", "sigma")),
            ("weibull_never_fails", ("shape", "scale", "never_fails")),
        ],
    )
    def test_parameter_names(self, distribution: str, names: tuple[str, ...]) -> None:
        fits = fit_lifetimes(self.LIVES, distribution=distribution)
        assert fits.parameter_names == names
        (record, _) = fits.to_records()
        assert set(names) | {f"{name}_error" for name in names} <= set(record)

    def test_frames_come_back_in_the_library_of_the_user(self) -> None:
        columns = {name: [x[name] for x in self.LIVES] for name in self.LIVES[0]}
        assert isinstance(fit_lifetimes(columns).to_frame(), pd.DataFrame)
        frame = fit_lifetimes(pl.DataFrame(columns)).to_frame()
        assert isinstance(frame, pl.DataFrame)
        assert frame["shape"].null_count() == 1
        curve = fit_lifetimes(pl.DataFrame(columns)).kaplan_meier("A")
        assert isinstance(curve.to_frame(), pl.DataFrame)

    def test_fits_can_be_sent_to_another_process(self) -> None:
        fits = fit_lifetimes(self.LIVES)
        copied = pickle.loads(pickle.dumps(fits))
        assert copied.to_records() == fits.to_records()
        assert copied.interval("shape")[0][0] == fits.interval("shape")[0][0]

    def test_lives_of_a_network(self) -> None:
        network = ServiceNetwork.from_tables(**lives_tables())
        fits = fit_lifetimes(network.failures, distribution="exponential")
        assert list(zip(fits.part_ids, fits.segments, strict=True)) == [("P1", ""), ("P1", "hot")]

    def test_summary(self) -> None:
        text = fit_lifetimes(self.LIVES).summary()
        assert "weibull, 2 groups of 2 parts, 3 failures in 9 lives" in text
        assert "   shape  scale [h]  B10 [h]       95 % interval\n" in text
        assert "1403.6   426.87    31.792 to 907.83\n" in text
        assert "1 failure in 1 life\n" in fit_lifetimes(self.LIVES[:1]).summary()
        assert "unknown" in text
        assert "Warnings: 1" in text
        assert fit_lifetimes(self.LIVES)._repr_html_().startswith("<pre>Lifetimes")


class TestBadInput:
    GOOD: ClassVar[dict[str, Any]] = {"part_id": "P", "hours": 10.0, "outcome": "failed"}

    def test_findings_of_the_table_come_together(self) -> None:
        with pytest.raises(InputError) as caught:
            fit_lifetimes([self.GOOD | {"hours": -1}, self.GOOD | {"outcome": "dead"}])
        assert len(caught.value.findings) == 2

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"hours": -1}, "column hours: -1 is below 0"),
            ({"entry_hours": 11}, "the unit enters at 11 h, after it leaves at 10 h"),
            ({"hours": 0}, "the unit failed at 0 operating hours"),
            ({"outcome": "broken"}, "'broken' is not one of failed, censored, left, interval"),
        ],
    )
    def test_a_bad_life(self, values: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            fit_lifetimes([self.GOOD | values])

    def test_counts_instead_of_lives(self) -> None:
        with pytest.raises(PartsplanError, match=r"holds counts, not lives\. A lifetime is"):
            fit_lifetimes([{"part_id": "P", "failures": 1, "operating_hours": 10}])
        with pytest.raises(PartsplanError, match="The failures table holds no lives"):
            fit_lifetimes([])
        with pytest.raises(PartsplanError, match=r"has no rows\. Give at least one"):
            fit_lifetimes({"part_id": [], "hours": [], "outcome": []})

    def test_own_column_names(self) -> None:
        sap = [{"MATNR": "P", "STD": 10.0, "STATUS": "failed", "WERK": "1000"}]
        names = {"MATNR": "part_id", "STD": "hours", "STATUS": "outcome"}
        fits = fit_lifetimes(sap, rename=names, extra_columns="ignore", distribution="exponential")
        assert fits.parameter("rate")[0] == pytest.approx(0.1)
        with pytest.raises(InputError, match="'WERK' is not a column of failures"):
            fit_lifetimes(sap, rename=names)
        with pytest.raises(InputError) as caught:
            fit_lifetimes(sap, rename={"MATNR": "part_id"})
        assert "the columns given are: part_id, STD, STATUS, WERK." in str(caught.value)

    def test_options(self) -> None:
        with pytest.raises(ValueError, match="distribution must be one of exponential, weibull"):
            fit_lifetimes([self.GOOD], distribution="gamma")
        with pytest.raises(ValueError, match="level must be strictly between 0 and 1, got 95"):
            fit_lifetimes([self.GOOD], level=95)
        with pytest.raises(ValueError, match=r"\(none: failure_mode is empty\), got 'bearing'"):
            fit_lifetimes([self.GOOD], failure_mode="bearing")
        named = [self.GOOD | {"failure_mode": "bearing"}]
        with pytest.raises(ValueError, match=r"\('bearing'\), got 'baering'. Did you mean 'bear"):
            fit_lifetimes(named, failure_mode="baering")

    def test_figures_that_there_are_not(self) -> None:
        fits = fit_lifetimes(lives_of(*NIST))
        with pytest.raises(ValueError, match="name must be one of shape, scale, got 'rate'"):
            fits.parameter("rate")
        with pytest.raises(ValueError, match="share must be strictly between 0 and 1, got 10"):
            fits.quantile(10)
        with pytest.raises(ValueError, match="hours must be at least 0, got -1"):
            fits.survival([-1.0])
        with pytest.raises(ValueError, match="got 'Q', ''"):
            fits.kaplan_meier("Q")

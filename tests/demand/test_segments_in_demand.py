"""Segments, families and evidence in the demand of a network, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from partsplan.demand import estimate_demand, estimate_rates, weak_points
from partsplan.errors import InputError
from partsplan.network import ServiceNetwork


def plant(n_parts: int, per_year: float = 0.5, **changes) -> ServiceNetwork:
    """One machine type with all parts, 10 machines each at a dusty, a clean and another site."""
    parts = [f"P{i:03d}" for i in range(n_parts)]
    tables = {
        "parts": {"part_id": parts, "unit_cost": [10.0] * n_parts, "resupply_days": [9] * n_parts},
        "locations": [
            {"location_id": "NORTH", "kind": "forward"},
            {"location_id": "SOUTH", "kind": "forward"},
        ],
        "sites": [
            {"site_id": "MINE", "served_by": "NORTH", "segment": "dusty", "customer_id": "ORE"},
            {"site_id": "LAB", "served_by": "SOUTH", "segment": "clean", "customer_id": "PURE"},
            {"site_id": "HALL", "served_by": "SOUTH", "customer_id": "PURE"},
        ],
        "equipment": [{"equipment_id": "MILL"}],
        "bill_of_materials": {
            "equipment_id": ["MILL"] * n_parts,
            "part_id": parts,
            "failures_per_year": [per_year] * n_parts,
        },
        "installed_base": [
            {"site_id": site, "equipment_id": "MILL", "machines": 10}
            for site in ("MINE", "LAB", "HALL")
        ],
    }
    return ServiceNetwork.from_tables(**tables | changes)


def counts(n_parts: int, dusty: list[int], clean: list[int], years: float = 100.0) -> pd.DataFrame:
    parts = [f"P{i:03d}" for i in range(n_parts)]
    return pd.DataFrame(
        {
            "part_id": parts * 2,
            "segment": ["dusty"] * n_parts + ["clean"] * n_parts,
            "failures": [*dusty, *clean],
            "operating_hours": years * 8760.0,
        }
    )


class TestSegmentsReachTheirSites:
    """20 parts, 100 machine-years in each segment: dusty ones fail about four times as often."""

    DUSTY, CLEAN = [100, 90, 110, 120, 80] * 4, [25, 30, 20, 28, 22] * 4

    @pytest.fixture
    def demand(self):
        return estimate_demand(plant(20), counts(20, self.DUSTY, self.CLEAN))

    def test_each_site_has_the_rate_of_its_segment(self, demand):
        rate = demand.streams.per_year.reshape(3, 20) / 10
        np.testing.assert_allclose(rate[0], np.array(self.DUSTY) / 100, rtol=0.05)
        np.testing.assert_allclose(rate[1], np.array(self.CLEAN) / 100, rtol=0.08)
        assert (rate[1] < rate[2]).all()
        assert (rate[2] < rate[0]).all()

    def test_estimates_lie_between_the_count_and_the_part(self, demand):
        evidence = demand.evidence
        for row in range(evidence.n_parts, len(evidence)):
            raw = evidence.failures[row] / evidence.operating_hours[row]
            whole = evidence.per_hour[evidence.part[row]]
            assert min(raw, whole) <= evidence.per_hour[row] <= max(raw, whole)

    def test_locations_sum_their_sites(self, demand):
        per_site = demand.streams.per_year.reshape(3, 20)
        np.testing.assert_allclose(demand.per_year[:, 0], per_site[0])
        np.testing.assert_allclose(demand.per_year[:, 1], per_site[1] + per_site[2])

    def test_the_shape_is_that_of_the_total(self, demand):
        """Dusty and clean machines are known; the hall's segment is not, and makes the shape."""
        pooled = estimate_demand(plant(20), counts(20, self.DUSTY, self.CLEAN), segments=None)
        np.testing.assert_allclose(pooled.rate_shape, 1 + np.add(self.DUSTY, self.CLEAN))
        assert (demand.rate_shape < pooled.rate_shape).all()

    def test_mean_and_shape_of_the_total_by_integration(self, demand):
        """Given the part's factor m the two segments are gamma; the hall has m itself.

        The mean is right to 1 %, the shape, of second order, to 10 %.
        """
        alpha = demand.evidence.segment_spread[0] ** 2
        n, expected = np.array([self.DUSTY[0], self.CLEAN[0]]), 50.0
        x = np.linspace(-6, 6, 4001)
        m = np.exp(x)[:, np.newaxis]
        counts = stats.nbinom(1 / alpha, 1 / (1 + alpha * m * expected)).logpmf(n).sum(axis=1)
        weight = np.exp(counts + stats.gamma(1.0).logpdf(m[:, 0]) + x)
        weight /= weight.sum()
        segments = (1 / alpha + n) / (1 / (alpha * m) + expected)
        given_m = 5.0 * (segments.sum(axis=1) + m[:, 0])
        spread = 25.0 * (segments**2 / (1 / alpha + n)).sum(axis=1)
        mean = (weight * given_m).sum()
        variance = (weight * (spread + given_m**2)).sum() - mean**2
        assert demand.per_year[0].sum() == pytest.approx(mean, rel=0.01)
        assert demand.rate_shape[0] == pytest.approx(mean**2 / variance, rel=0.10)

    def test_differing_segments_are_found(self, demand):
        evidence = demand.evidence
        assert evidence.is_different[20:].all()
        first = evidence.differing_segments.to_records()[0]
        assert first["part_id"] == "P002"
        assert first["segment"] == "dusty"
        assert first["times_rest"] == pytest.approx(110 / 20)
        assert evidence.segment_spread[0] == pytest.approx(0.8, abs=0.3)

    def test_pooled_where_not_asked_for(self):
        demand = estimate_demand(plant(20), counts(20, self.DUSTY, self.CLEAN), segments=None)
        total = np.add(self.DUSTY, self.CLEAN)
        np.testing.assert_allclose(demand.per_year[:, 0], 10 * 0.5 * (1 + total) / 101, rtol=1e-12)
        assert demand.evidence.segment_ids == ()

    def test_segments_may_be_customers(self):
        frame = counts(20, self.DUSTY, self.CLEAN).replace({"dusty": "ORE", "clean": "PURE"})
        demand = estimate_demand(plant(20), frame, segments="customer")
        rate = demand.streams.per_year.reshape(3, 20) / 10
        np.testing.assert_allclose(rate[0], np.array(self.DUSTY) / 100, rtol=0.05)
        np.testing.assert_allclose(rate[1], rate[2])

    def test_records_carry_the_segments(self, demand):
        records = demand.evidence.to_records()
        assert len(records) == 60
        assert records[0]["segment"] is None
        assert records[0]["prior"] == "catalogue"
        assert records[0]["prior_failures"] == 1.0
        assert records[20]["segment"] == "dusty"
        assert records[20]["prior"] == "part"
        assert records[20]["differs"] is True
        assert list(demand.evidence.to_frame().columns) == list(records[0])

    def test_weak_points_have_the_intervals_of_their_segments(self, demand):
        network, evidence = plant(20), demand.evidence
        points = weak_points(network, demand, by=("part", "segment"), rank_by="cost").to_records()
        lower, upper = evidence.interval_per_hour
        for row in (20, 21, 59):
            name, segment = (
                f"P{evidence.part[row]:03d}",
                evidence.segment_ids[evidence.segment[row]],
            )
            (point,) = [p for p in points if p["part"] == name and p["segment"] == segment]
            cost = 10 * 10 * 8760  # 10 machines, 10 a unit
            assert point["cost"] == pytest.approx(cost * evidence.per_hour[row])
            assert point["cost_lower"] == pytest.approx(cost * lower[row])
            assert point["cost_upper"] == pytest.approx(cost * upper[row])

    def test_weak_points_of_whole_parts_have_the_shape_of_the_demand(self, demand):
        points = weak_points(plant(20), demand, rank_by="cost").to_records()
        (point,) = [p for p in points if p["part"] == "P000"]
        law = stats.gamma(demand.rate_shape[0], scale=point["cost"] / demand.rate_shape[0])
        assert point["cost_lower"] == pytest.approx(law.ppf(0.025), rel=1e-9)

    def test_quantiles_scale_all_segments(self):
        frame = counts(20, self.DUSTY, self.CLEAN)
        low, high = (
            estimate_demand(plant(20), frame, uncertainty=q).per_year for q in (0.05, 0.95)
        )
        assert (low < high).all()


def test_segments_of_other_machine_types_are_judged_by_their_own_catalogue():
    """Segment A runs machines that fail thrice as often, as their catalogue says: no difference."""
    n = 12
    parts = [f"P{i:03d}" for i in range(n)]
    network = plant(
        n,
        equipment=[{"equipment_id": "MILL"}, {"equipment_id": "SAW"}],
        bill_of_materials={
            "equipment_id": ["MILL"] * n + ["SAW"] * n,
            "part_id": parts * 2,
            "failures_per_year": [0.9] * n + [0.3] * n,
        },
        installed_base=[
            {"site_id": "MINE", "equipment_id": "MILL", "machines": 10},
            {"site_id": "LAB", "equipment_id": "SAW", "machines": 10},
        ],
    )
    demand = estimate_demand(network, counts(n, [90] * n, [30] * n))
    assert not demand.evidence.is_different.any()
    np.testing.assert_allclose(demand.per_year, [[9.0, 3.0]] * n, rtol=0.02)


class TestFamilies:
    def tables(self, n_parts: int) -> dict:
        return {
            "part_id": [f"P{i:03d}" for i in range(n_parts)],
            "unit_cost": [10.0] * n_parts,
            "resupply_days": [9] * n_parts,
            "family": ["pumps"] * n_parts,
        }

    def field(self, failures: list[int], years: float = 20.0) -> pd.DataFrame:
        n = len(failures)
        return pd.DataFrame(
            {
                "part_id": [f"P{i:03d}" for i in range(n)],
                "failures": failures,
                "operating_hours": years * 8760.0,
            }
        )

    def test_a_part_without_counts_has_the_rate_of_its_family(self):
        """The catalogue says 0.5 a year; the family's other parts fail half as often again."""
        failures = [15, 12, 18, 25, 8, 10, 20, 14, 16, 12]
        network = plant(11, parts=self.tables(11))
        demand = estimate_demand(network, self.field(failures), prior="family")
        assert demand.per_year[10, 0] / 10 == pytest.approx(0.75, rel=0.02)
        assert 5 < demand.rate_shape[10] < 40
        assert demand.evidence.source[10] == "family"
        catalogue = estimate_demand(network, self.field(failures))
        assert catalogue.per_year[10, 0] / 10 == 0.5
        assert np.isinf(catalogue.rate_shape[10])

    def test_parts_are_drawn_toward_their_family(self):
        failures = [0, 12, 18, 25, 8, 10, 20, 14, 16, 40]
        network = plant(10, parts=self.tables(10))
        rate = estimate_demand(network, self.field(failures), prior="family").per_year[:, 0] / 10
        raw = np.array(failures) / 20
        mean = raw.mean()
        assert raw[0] < rate[0] < mean
        assert mean < rate[9] < raw[9]

    def test_without_spread_all_share_one_rate_and_a_warning_says_so(self):
        """100 failures where 100 were expected: Gamma(100, 100), each part's own counts once."""
        network = plant(10, parts=self.tables(10))
        demand = estimate_demand(network, self.field([10] * 10), prior="family")
        np.testing.assert_allclose(demand.per_year[:, 0], 5.0, rtol=1e-12)
        np.testing.assert_allclose(demand.rate_shape, 100.0, rtol=1e-12)
        (warning,) = demand.evidence.warnings
        assert "family 'pumps' differ no more than by chance" in warning.rule
        assert "shape to infinity" in warning.rule

    def test_small_families_keep_the_catalogue_and_a_warning_says_so(self):
        network = plant(2, parts=self.tables(2))
        demand = estimate_demand(network, self.field([12, 9]), prior="family")
        np.testing.assert_allclose(demand.rate_shape, [13.0, 10.0])
        (warning,) = demand.evidence.warnings
        assert "family 'pumps' has fewer than 3 parts with counts" in warning.rule

    def test_parts_without_a_family_keep_the_catalogue_and_a_warning_says_so(self):
        demand = estimate_demand(plant(2), self.field([12, 9]), prior="family")
        (warning,) = demand.evidence.warnings
        assert "2 parts with counts have no family" in warning.rule

    def test_a_family_gives_rates_that_no_catalogue_has(self):
        network = plant(
            11,
            parts=self.tables(11),
            bill_of_materials={
                "equipment_id": ["MILL"] * 11,
                "part_id": [f"P{i:03d}" for i in range(11)],
            },
        )
        failures = self.field([15, 12, 18, 25, 8, 10, 20, 14, 16, 12])
        demand = estimate_demand(network, failures, prior="family")
        assert demand.per_year[10, 0] / 10 == pytest.approx(0.75, rel=0.02)
        with pytest.raises(InputError, match="part 'P010' has neither failures_per_year"):
            estimate_demand(network, failures)


class TestStatedConfidence:
    def test_a_stated_confidence_holds_without_counts_too(self):
        demand = estimate_demand(plant(2), prior_failures=4)
        np.testing.assert_array_equal(demand.rate_shape, [4.0, 4.0])
        np.testing.assert_allclose(demand.per_year[:, 0], 5.0)

    def test_none_stated_takes_the_catalogue_as_known(self):
        assert np.isinf(estimate_demand(plant(2)).rate_shape).all()


ROW = {"part_id": "P000", "failures": 3, "operating_hours": 8760.0}
ROWS = [
    {"part_id": "FAN", "failures": 9, "operating_hours": 700_800},
    {"part_id": "DISK", "failures": 3, "operating_hours": 17_520},
]


class TestDoubts:
    def warnings(self, rows, **options) -> list[str]:
        return [str(w) for w in estimate_demand(plant(2), rows, **options).evidence.warnings]

    def test_segments_that_no_site_has(self):
        rows = [ROW | {"segment": "dusti"}, ROW | {"segment": "clean"}]
        told = self.warnings(rows)
        assert any("no site has the segment 'dusti'" in text for text in told)
        assert any("Did you mean 'dusty'?" in text for text in told)

    def test_no_segment_that_a_site_has(self):
        told = self.warnings([ROW | {"segment": "wet"}, ROW | {"segment": "cold"}])
        assert any(
            "no site has the segment 'wet', 'cold', so the counts of all segments are put together"
            in text
            for text in told
        )

    def test_too_few_comparisons(self):
        rows = [ROW | {"segment": "dusty"}, ROW | {"segment": "clean"}]
        told = self.warnings(rows)
        assert any("to estimate how much segments differ, 1 can be made" in text for text in told)

    def test_few_comparisons_that_chance_does_not_explain(self):
        """0 and 60 failures in the same hours: each segment keeps nearly its own rate."""
        rows = [
            ROW | {"segment": "dusty", "failures": 60},
            ROW | {"segment": "clean", "failures": 0},
        ]
        rates = estimate_rates(rows, catalogue_per_hour={"P000": 1e-5})
        part, *segments = rates.to_records()
        clean, dusty = sorted(segments, key=lambda record: record["per_hour"])
        assert clean["per_hour"] < 0.2 * part["per_hour"]
        counted = 60 / ROW["operating_hours"]
        assert 0.8 * counted < dusty["per_hour"] < 1.05 * counted
        assert any("is estimated from 1 comparison of them alone" in str(w) for w in rates.warnings)

    def test_hours_that_are_days(self):
        """1,000 machine-years noted as days: 500 failures expected, but 20.8 by the figure."""
        told = self.warnings([ROW | {"failures": 500, "operating_hours": 365_000.0}])
        assert any("'P000' failed 500 times where the catalogue expects 20.8" in t for t in told)
        assert any("not days or years" in t for t in told)

    def test_usual_counts_raise_no_doubt(self):
        assert self.warnings([ROW | {"failures": 9, "operating_hours": 100_000.0}]) == []

    def test_options_are_checked(self):
        with pytest.raises(
            ValueError, match="segments must be 'segment', 'customer', 'region', 's"
        ):
            self.warnings([ROW], segments="country")
        with pytest.raises(
            ValueError, match="prior must be 'catalogue' or 'family', got 'jeffreys'"
        ):
            self.warnings([ROW], prior="jeffreys")
        with pytest.raises(ValueError, match="false_discoveries must be strictly between 0 and 1"):
            self.warnings([ROW], false_discoveries=5)


class TestWithoutANetwork:
    def test_catalogue_and_jeffreys_priors(self):
        rates = estimate_rates(ROWS, catalogue_per_hour={"FAN": 4 / 700_800})
        fan, disk = rates.to_records()
        assert fan["per_hour"] == pytest.approx(8 / 700_800)
        assert fan["shape"] == 10.0
        assert disk["per_hour"] == pytest.approx(3.5 / 17_520)
        assert disk["prior"] == "jeffreys"
        assert disk["catalogue_per_hour"] is None
        assert disk["prior_per_hour"] is None

    def test_the_summary_shows_what_departs(self):
        rates = estimate_rates(
            [ROWS[0] | {"failures": 40}], catalogue_per_hour={"FAN": 4 / 700_800}
        )
        text = rates.summary()
        assert "1 part: 40 failures of 1 part in 700,800 operating hours" in text
        assert "0.05" in text
        assert "FAN" in text

    def test_frames_come_back_as_they_came(self):
        frame = estimate_rates(pd.DataFrame(ROWS)).to_frame()
        assert isinstance(frame, pd.DataFrame)
        assert frame["per_hour"].tolist() == pytest.approx([9.5 / 700_800, 3.5 / 17_520])

    @pytest.mark.parametrize("rate", [0.0, -1.0, np.inf])
    def test_catalogue_rates_are_checked(self, rate):
        with pytest.raises(ValueError, match=r"catalogue_per_hour must be above 0 and finite, got"):
            estimate_rates(ROWS, catalogue_per_hour={"FAN": rate})

    def test_failures_need_hours(self):
        with pytest.raises(InputError, match="9 failures of part 'FAN' in 0 operating hours"):
            estimate_rates([ROWS[0] | {"operating_hours": 0}])


def test_intervals_of_segments_cover_the_truth():
    """Seeded: 600 parts in 4 segments, factors drawn from the model; 95 % +- 1.5 %."""
    rng = np.random.default_rng(5)
    n, s = 600, 4
    part = np.repeat([f"P{i}" for i in range(n)], s)
    theta = np.repeat(rng.gamma(2.0, 0.5, n), s) * rng.gamma(4.0, 0.25, n * s)
    hours = rng.lognormal(9.0, 1.0, n * s)
    rates = estimate_rates(
        {
            "part_id": part,
            "segment": np.tile(["A", "B", "C", "D"], n),
            "failures": rng.poisson(1e-3 * theta * hours),
            "operating_hours": hours,
        },
        catalogue_per_hour=dict.fromkeys(part.tolist(), 1e-3),
        prior_failures=2.0,
    )
    assert rates.segment_spread[0] == pytest.approx(0.5, abs=0.05)
    lower, upper = (end[n:] for end in rates.interval_per_hour)
    covered = (lower <= 1e-3 * theta) & (1e-3 * theta <= upper)
    assert covered.mean() == pytest.approx(0.95, abs=0.015)


ANY_COUNT = st.fixed_dictionaries(
    {
        "part_id": st.sampled_from([f"P{i}" for i in range(6)]),
        "segment": st.sampled_from(["A", "B", "C", ""]),
        "failures": st.sampled_from([0, 0, 1, 2, 30, 100_000]),
        "operating_hours": st.floats(-2, 9).map(lambda power: 10.0**power),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ANY_COUNT, min_size=1, max_size=40),
    rated=st.sets(st.sampled_from([f"P{i}" for i in range(6)])),
    prior=st.sampled_from(["catalogue", "family"]),
)
def test_any_counts_give_rates(rows, rated, prior):
    """Counts over eleven powers of ten in hours: rates, shapes and intervals are all positive."""
    rates = estimate_rates(
        rows,
        catalogue_per_hour={name: 10.0 ** -(1 + int(name[1])) for name in rated},
        family={f"P{i}": "PUMPS" if i % 2 else "FANS" for i in range(6)},
        prior=prior,
    )
    lower, upper = rates.interval_per_hour
    assert np.isfinite(rates.per_hour).all()
    assert (rates.per_hour > 0).all()
    assert (rates.shape > 0).all()
    assert (lower < upper).all()
    assert len(rates.to_records()) == len(rates)
    assert rates.summary()


def test_hours_of_large_fleets_are_taken():
    """223,000 drives for a year are 1.95e9 drive-hours, as one real model has run."""
    rates = estimate_rates([{"part_id": "D", "failures": 5_000, "operating_hours": 1.952e9}])
    assert rates.per_hour[0] == pytest.approx(5_000.5 / 1.952e9)

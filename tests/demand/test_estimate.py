"""Demand of hand-counted networks, of random ones against plain loops, and with field counts."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from partsplan.demand import DemandRates, estimate_demand
from partsplan.errors import InputError, PartsplanError
from partsplan.network import ServiceNetwork


def test_clinics_as_counted_by_hand(clinics):
    demand = estimate_demand(clinics)
    assert demand.part_ids == ("TUBE", "BOARD")
    assert demand.location_ids == ("CENTRE", "BERN", "BASEL")
    np.testing.assert_allclose(demand.per_year, [[0, 5, 0], [4, 9, 0]], rtol=1e-14)
    assert np.isinf(demand.rate_shape).all()
    np.testing.assert_array_equal(demand.variance_to_mean, np.ones((2, 3)))


def test_streams_in_the_order_of_installed_base_then_bill_of_materials(clinics):
    streams = estimate_demand(clinics).streams
    assert streams.installed_row.tolist() == [0, 0, 1, 1, 2, 3]
    assert streams.part.tolist() == [0, 1, 0, 1, 1, 1]
    assert streams.site.tolist() == [0, 0, 1, 1, 1, 2]
    assert streams.equipment.tolist() == [0, 0, 0, 0, 1, 1]
    assert streams.location.tolist() == [1, 1, 1, 1, 1, 0]
    np.testing.assert_allclose(streams.per_year, [3, 6, 2, 2, 1, 4])
    assert streams.stopping_fraction.tolist() == [1, 1, 1, 1, 0.5, 0.5]
    assert streams.diagnosis_hours.tolist() == [0, 1.5, 0, 1.5, 0, 0]
    assert streams.repair_hours.tolist() == [6, 0, 6, 0, 0, 0]
    assert not streams.per_year.flags.writeable


def test_parts_inside_other_parts_make_no_demand(clinic_tables):
    clinic_tables["parts"].append({"part_id": "CHIP", "unit_cost": 5, "resupply_days": 5})
    clinic_tables["bill_of_materials"].append(
        {
            "equipment_id": "CT",
            "part_id": "CHIP",
            "parent_part_id": "BOARD",
            "cause_fraction": 0.3,
        }
    )
    demand = estimate_demand(ServiceNetwork.from_tables(**clinic_tables))
    np.testing.assert_allclose(demand.per_year.sum(axis=1), [5, 13, 0])


class TestDates:
    @pytest.fixture
    def dated(self, clinic_tables):
        clinic_tables["installed_base"][0]["end_date"] = "2026-07-01"
        clinic_tables["installed_base"][3]["start_date"] = "2026-07-01"
        return ServiceNetwork.from_tables(**clinic_tables)

    @pytest.mark.parametrize(
        ("on", "tubes", "boards"),
        [("2026-06-30", 5, 9), ("2026-07-01", 2, 7), (datetime.date(2026, 7, 2), 2, 7)],
    )
    def test_machines_count_from_start_until_before_end(self, dated, on, tubes, boards):
        demand = estimate_demand(dated, on=on)
        np.testing.assert_allclose(demand.per_year.sum(axis=1), [tubes, boards])

    def test_machines_are_those_that_count(self, dated):
        assert estimate_demand(dated, on="2026-07-01").machines.tolist() == [0, 2, 1, 4]

    def test_dates_need_a_day(self, dated):
        with pytest.raises(PartsplanError, match=r"pass on='2026-01-31'"):
            estimate_demand(dated)

    @pytest.mark.parametrize("on", ["next week", 20260131, "2026-02-30"])
    def test_a_day_must_be_a_date(self, dated, on):
        with pytest.raises(ValueError, match="on must be a date, got"):
            estimate_demand(dated, on=on)

    def test_a_day_without_dates_changes_nothing(self, clinics):
        demand = estimate_demand(clinics, on="2026-01-31")
        np.testing.assert_array_equal(demand.per_year, estimate_demand(clinics).per_year)


class TestDemandTable:
    def test_replaces_the_installed_base_part_by_part(self, clinics):
        network = clinics.replace(
            demand=[{"part_id": "TUBE", "location_id": "BASEL", "per_year": 0.7}]
        )
        demand = estimate_demand(network)
        np.testing.assert_allclose(demand.per_year, [[0, 0, 0.7], [4, 9, 0]])

    def test_zero_demand_replaces_it_too(self, clinics):
        network = clinics.replace(
            demand=[{"part_id": "TUBE", "location_id": "BASEL", "per_year": 0.0}]
        )
        np.testing.assert_allclose(estimate_demand(network).per_year, [[0, 0, 0], [4, 9, 0]])

    def test_by_site_goes_to_the_location_that_serves_the_part(self, clinics):
        rows = [
            {"part_id": "BOARD", "site_id": "C", "per_year": 2.0},
            {"part_id": "BOARD", "site_id": "A", "per_year": 1.0},
        ]
        demand = estimate_demand(clinics.replace(demand=rows))
        np.testing.assert_allclose(demand.per_year, [[0, 5, 0], [2, 1, 0]])

    def test_shape_and_clustering_arrive(self, clinics):
        rows = [
            {
                "part_id": "TUBE",
                "location_id": "BERN",
                "per_year": 4.0,
                "rate_shape": 3.0,
                "variance_to_mean": 1.5,
            }
        ]
        demand = estimate_demand(clinics.replace(demand=rows))
        assert demand.rate_shape.tolist() == [3.0, np.inf]
        np.testing.assert_allclose(demand.variance_to_mean, [[1, 1.5, 1], [1, 1, 1]])

    def test_one_shape_per_part(self, clinics):
        rows = [
            {"part_id": "TUBE", "location_id": "BERN", "per_year": 4.0, "rate_shape": 3.0},
            {"part_id": "TUBE", "location_id": "BASEL", "per_year": 4.0},
        ]
        with pytest.raises(InputError, match=r"demand row 2, column rate_shape.*'TUBE'"):
            estimate_demand(clinics.replace(demand=rows))

    def test_clustering_of_two_sites_adds_up_by_variance(self, clinics):
        rows = [
            {"part_id": "TUBE", "site_id": "A", "per_year": 3.0, "variance_to_mean": 2.0},
            {"part_id": "TUBE", "site_id": "B", "per_year": 1.0},
        ]
        demand = estimate_demand(clinics.replace(demand=rows))
        assert demand.variance_to_mean[0, 1] == pytest.approx((3 * 2 + 1) / 4)

    def test_uncertainty_holds_for_the_table(self, clinics):
        rows = [{"part_id": "TUBE", "location_id": "BERN", "per_year": 4.0, "rate_shape": 3.0}]
        network = clinics.replace(demand=rows)
        mean = estimate_demand(network, uncertainty="mean")
        high = estimate_demand(network, uncertainty=0.9)
        assert np.isinf(mean.rate_shape).all()
        assert np.isinf(high.rate_shape).all()
        assert mean.per_year[0, 1] == 4.0
        expected = stats.gamma(3.0, scale=4.0 / 3.0).ppf(0.9)
        assert high.per_year[0, 1] == pytest.approx(expected, rel=1e-12)
        assert high.streams.per_year.sum() == pytest.approx(high.per_year.sum(), rel=1e-12)


class TestCounts:
    COUNTS = (
        {"part_id": "TUBE", "failures": 7, "operating_hours": 10 * 8760, "segment": "day"},
        {"part_id": "TUBE", "failures": 2, "operating_hours": 10 * 8760, "segment": "night"},
    )

    def test_posterior_scales_the_catalogue(self, clinics):
        """A has 6 tubes at 8760 h, B 4 at 4380 h: 5 failures in 70,080 h, r0 = 5/70080.

        175,200 h were seen: 12.5 failures expected, 9 counted, so theta = (1 + 9)/(1 + 12.5).
        """
        demand = estimate_demand(clinics, self.COUNTS)
        np.testing.assert_allclose(demand.per_year[0], [0, 5 * 10 / 13.5, 0], rtol=1e-13)
        np.testing.assert_allclose(demand.per_year[1], [4, 9, 0], rtol=1e-13)
        assert demand.rate_shape.tolist() == [10.0, np.inf]

    def test_argument_goes_before_the_table(self, clinics):
        other = [{"part_id": "TUBE", "failures": 100, "operating_hours": 1000}]
        network = clinics.replace(failures=other)
        assert estimate_demand(network).rate_shape[0] == 101.0
        assert estimate_demand(network, self.COUNTS).rate_shape[0] == 10.0
        frame = pd.DataFrame(self.COUNTS)
        assert estimate_demand(network, frame).rate_shape[0] == 10.0

    def test_strength_of_the_prior(self, clinics):
        weak = estimate_demand(clinics, self.COUNTS, prior_failures=1e-9)
        strong = estimate_demand(clinics, self.COUNTS, prior_failures=1e9)
        assert weak.per_year[0, 1] == pytest.approx(5 * 9 / 12.5)
        assert strong.per_year[0, 1] == pytest.approx(5.0)

    @pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
    def test_quantile_and_mean_are_taken_as_known(self, clinics, level):
        mean = estimate_demand(clinics, self.COUNTS, uncertainty="mean")
        at_level = estimate_demand(clinics, self.COUNTS, uncertainty=level)
        law = stats.gamma(10.0, scale=1 / 13.5)
        assert mean.per_year[0, 1] == pytest.approx(5 * law.mean())
        assert at_level.per_year[0, 1] == pytest.approx(5 * law.ppf(level), rel=1e-12)
        assert np.isinf(mean.rate_shape).all()
        assert np.isinf(at_level.rate_shape).all()

    def test_no_catalogue_rate_takes_jeffreys_prior(self, clinic_tables):
        """Tubes run 6 x 8760 + 4 x 4380 = 70,080 h/year; 3.5 failures per 17,520 h seen."""
        del clinic_tables["bill_of_materials"][0]["failures_per_year"]
        clinic_tables["failures"] = [
            {"part_id": "TUBE", "failures": 3, "operating_hours": 17_520},
        ]
        demand = estimate_demand(ServiceNetwork.from_tables(**clinic_tables))
        assert demand.per_year[0, 1] == pytest.approx(3.5 / 17_520 * 70_080, rel=1e-13)
        assert demand.rate_shape[0] == 3.5

    def test_row_without_a_rate_takes_the_parts_mean_rate(self, clinic_tables):
        """CT boards: 8 per year in 35,040 h; MR boards run 5 x 8760 h at the same rate: 10."""
        del clinic_tables["bill_of_materials"][1]["failures_per_year"]
        clinic_tables["failures"] = [{"part_id": "BOARD", "failures": 0, "operating_hours": 1e-9}]
        demand = estimate_demand(ServiceNetwork.from_tables(**clinic_tables))
        np.testing.assert_allclose(demand.per_year[1], [8, 10, 0], rtol=1e-9)

    def test_no_rate_at_all_is_a_finding(self, clinic_tables):
        del clinic_tables["bill_of_materials"][0]["failures_per_year"]
        clinic_tables["failures"] = [{"part_id": "TUBE", "failures": 3, "operating_hours": 9000}]
        network = ServiceNetwork.from_tables(**clinic_tables)
        message = r"bill_of_materials row 1, column failures_per_year: part 'TUBE' has neither"
        with pytest.raises(InputError, match=message):
            estimate_demand(network, [{"part_id": "BOARD", "failures": 1, "operating_hours": 9}])

    def test_unknown_part_names_the_nearest(self, clinics):
        with pytest.raises(InputError, match=r"'TUBES' is not a part.*Did you mean 'TUBE'\?"):
            estimate_demand(clinics, [{"part_id": "TUBES", "failures": 1, "operating_hours": 10.0}])

    def test_unknown_part_names_its_row(self, clinics):
        rows = [*self.COUNTS, {"part_id": "X", "failures": 1, "operating_hours": 10.0}]
        with pytest.raises(InputError, match=r"failures row 3, column part_id: 'X' is not a part"):
            estimate_demand(clinics, rows)

    def test_machines_that_do_not_run_keep_the_catalogue(self, clinic_tables):
        """No operating hours, so counts per operating hour say nothing about them."""
        for row in clinic_tables["installed_base"]:
            row["hours_per_year"] = 0
        demand = estimate_demand(ServiceNetwork.from_tables(**clinic_tables), self.COUNTS)
        np.testing.assert_allclose(demand.per_year, [[0, 5, 0], [4, 1, 0]])
        assert np.isinf(demand.rate_shape).all()

    def test_idle_machines_without_a_rate_demand_nothing(self, clinic_tables):
        del clinic_tables["bill_of_materials"][0]["failures_per_year"]
        clinic_tables["installed_base"][1]["hours_per_year"] = 0
        clinic_tables["failures"] = [{"part_id": "TUBE", "failures": 3, "operating_hours": 9000}]
        demand = estimate_demand(ServiceNetwork.from_tables(**clinic_tables))
        assert demand.per_year[0, 1] == pytest.approx(3.5 / 9000 * 6 * 8760)

    def test_failures_without_hours_are_a_finding(self, clinics):
        with pytest.raises(InputError, match=r"5 failures of part 'TUBE' in 0 operating hours"):
            estimate_demand(clinics, [{"part_id": "TUBE", "failures": 5, "operating_hours": 0}])

    def test_failures_of_what_never_fails_are_a_finding(self, clinic_tables):
        clinic_tables["bill_of_materials"][0]["failures_per_year"] = 0.0
        network = ServiceNetwork.from_tables(**clinic_tables)
        with pytest.raises(InputError, match=r"9 failures of part 'TUBE', whose failures_per_y"):
            estimate_demand(network, self.COUNTS)

    def test_counts_of_parts_with_given_demand_change_nothing(self, clinics):
        network = clinics.replace(
            demand=[{"part_id": "TUBE", "location_id": "BERN", "per_year": 0.7}]
        )
        demand = estimate_demand(network, self.COUNTS)
        assert demand.per_year[0].tolist() == [0, 0.7, 0]
        assert np.isinf(demand.rate_shape[0])


class TestMissingRates:
    """Rates that the bill of materials does not have may come from elsewhere."""

    @pytest.fixture
    def unrated(self, clinic_tables):
        del clinic_tables["bill_of_materials"][0]["failures_per_year"]
        return ServiceNetwork.from_tables(**clinic_tables)

    def test_counts_as_argument_give_them(self, unrated):
        """CT hours at BERN: 3 x 8760 + 2 x 4380, two tubes each."""
        rows = [{"part_id": "TUBE", "failures": 3, "operating_hours": 9000}]
        demand = estimate_demand(unrated, rows)
        assert demand.per_year[0, 1] == pytest.approx(3.5 / 9000 * 2 * (3 * 8760 + 2 * 4380))

    def test_given_demand_needs_none(self, unrated):
        """Shared out by operating hours: A 3 x 8760 h, B 2 x 4380 h."""
        rows = [{"part_id": "TUBE", "location_id": "BERN", "per_year": 4.0}]
        demand = DemandRates.from_table(rows).aligned(unrated)
        np.testing.assert_allclose(demand.streams.per_year, [3, 1])

    def test_without_any_the_part_is_named(self, unrated):
        message = "part 'TUBE' has neither failures_per_year nor mtbf_hours, and failures has no"
        with pytest.raises(InputError, match=message):
            estimate_demand(unrated)


class TestNothingToEstimateFrom:
    def test_neither_machines_nor_demand(self, depots):
        message = (
            "no demand and no installed_base and no bill_of_materials. Give installed_base with "
            "bill_of_materials, demand, or usage"
        )
        with pytest.raises(PartsplanError, match=message):
            estimate_demand(depots)

    def test_machines_without_parts(self, clinics):
        with pytest.raises(PartsplanError, match=r"no demand and no bill_of_materials\. Give"):
            estimate_demand(clinics.replace(bill_of_materials=None))


@pytest.mark.parametrize("uncertainty", ["median", 0.0, 1, 95, True, None])
def test_uncertainty_is_checked(clinics, uncertainty):
    with pytest.raises(ValueError, match="uncertainty must be 'predictive', 'mean' or a quantile"):
        estimate_demand(clinics, uncertainty=uncertainty)


@pytest.mark.parametrize("prior_failures", [0.0, -1.0, np.inf, np.nan])
def test_prior_failures_is_checked(clinics, prior_failures):
    with pytest.raises(ValueError, match="prior_failures must be above 0 and finite"):
        estimate_demand(clinics, prior_failures=prior_failures)


def random_tables(seed: int) -> dict[str, pd.DataFrame]:
    """Machines and bills of materials at random, with gaps, of a star of four locations."""
    rng = np.random.default_rng(seed)
    n_parts, n_sites, n_equipment = 6, 5, 4
    locations = pd.DataFrame(
        {
            "location_id": ["L0", "L1", "L2", "L3"],
            "kind": ["central", "forward", "forward", "forward"],
            "replenished_from": [None, "L0", "L0", "L0"],
            "replenishment_days": [np.nan, 1.0, 2.0, 3.0],
        }
    )
    bill = [
        (f"E{e}", f"P{p}", int(rng.integers(1, 5)), float(rng.gamma(1.0)))
        for e in range(n_equipment)
        for p in range(n_parts)
        if rng.random() < 0.6 or p == e
    ]
    base = [
        (f"S{s}", f"E{e}", int(rng.integers(0, 9)), float(rng.integers(1, 8760)))
        for s in range(n_sites)
        for e in range(n_equipment)
        if rng.random() < 0.5 or s == e
    ]
    by_hours = rng.random(len(bill)) < 0.5
    rate = np.array([row[3] for row in bill])
    return {
        "parts": pd.DataFrame(
            {"part_id": [f"P{p}" for p in range(n_parts)], "unit_cost": 1.0, "resupply_days": 9.0}
        ),
        "locations": locations,
        "sites": pd.DataFrame(
            {
                "site_id": [f"S{s}" for s in range(n_sites)],
                "served_by": rng.choice(["L0", "L1", "L2", "L3"], n_sites),
            }
        ),
        "equipment": pd.DataFrame({"equipment_id": [f"E{e}" for e in range(n_equipment)]}),
        "bill_of_materials": pd.DataFrame(
            {
                "equipment_id": [row[0] for row in bill],
                "part_id": [row[1] for row in bill],
                "quantity": [row[2] for row in bill],
                "failures_per_year": np.where(by_hours, np.nan, rate),
                "mtbf_hours": np.where(by_hours, 8760.0 / rate, np.nan),
            }
        ),
        "installed_base": pd.DataFrame(
            base, columns=["site_id", "equipment_id", "machines", "hours_per_year"]
        ),
    }


def demand_by_loops(tables: dict[str, pd.DataFrame]) -> dict[tuple[str, str], float]:
    """Machines x quantity x rate, row by row."""
    served_by = dict(zip(tables["sites"].site_id, tables["sites"].served_by, strict=True))
    total: dict[tuple[str, str], float] = {}
    for machine in tables["installed_base"].itertuples():
        for row in tables["bill_of_materials"].itertuples():
            if row.equipment_id != machine.equipment_id:
                continue
            rate = row.failures_per_year
            if np.isnan(rate):
                rate = machine.hours_per_year / row.mtbf_hours
            pair = (row.part_id, served_by[machine.site_id])
            total[pair] = total.get(pair, 0.0) + machine.machines * row.quantity * rate
    return total


@pytest.mark.parametrize("seed", range(12))
def test_joins_agree_with_plain_loops(seed):
    tables = random_tables(seed)
    demand = estimate_demand(ServiceNetwork.from_tables(**tables))
    expected = demand_by_loops(tables)
    for p, part in enumerate(demand.part_ids):
        for j, location in enumerate(demand.location_ids):
            wanted = expected.get((part, location), 0.0)
            assert demand.per_year[p, j] == pytest.approx(wanted, rel=1e-12), (part, location)
    np.testing.assert_allclose(demand.streams.per_year.sum(), sum(expected.values()), rtol=1e-12)


def test_doubtful_evidence_is_named_in_the_summary(clinics):
    counts = [{"part_id": "TUBE", "failures": 900, "operating_hours": 2_920}]
    demand = estimate_demand(clinics, counts)
    assert demand.evidence is not None
    assert len(demand.evidence.warnings) == 1
    assert "doubtful evidence                    1 warning in .evidence.warnings" in (
        demand.summary()
    )
    assert "counted failures                     900 of 1 part\n" in demand.summary()

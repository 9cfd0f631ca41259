"""Usage combined with the installed base: by hand, in limits, and against direct integration."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from partsplan.demand import DemandRates, UsageHistory, combine_usage, estimate_demand
from partsplan.errors import InputError, PartsplanError
from partsplan.evaluation import evaluate
from partsplan.network import ServiceNetwork

SPAN = {"first": "2024-01", "last": "2025-12"}


def spread_out(part, location, units):
    """Units of two years, as even over the months as can be."""
    each = np.diff(np.linspace(0, units, 25).round()).astype(int)
    return [
        {
            "part_id": part,
            "location_id": location,
            "month": f"{2024 + m // 12}-{m % 12 + 1:02d}",
            "units": int(used),
        }
        for m, used in enumerate(each)
    ]


class TestOneLocation:
    @pytest.fixture
    def bern(self):
        return ServiceNetwork.from_tables(
            parts=[{"part_id": "FAN", "unit_cost": 90, "resupply_days": 30}],
            locations=[{"location_id": "BERN", "kind": "forward"}],
        )

    @pytest.mark.parametrize(("units", "prior"), [(9, 1.0), (0, 1.0), (40, 3.5), (4, 0.2)])
    def test_is_the_conjugate_posterior(self, bern, units, prior):
        demand = DemandRates.from_arrays(["FAN"], ["BERN"], [[2.0]])
        rows = spread_out("FAN", "BERN", units)
        combined = combine_usage(bern, demand, rows, prior_failures=prior, **SPAN)
        # 4 units were expected of two years.
        factor = (prior + units) / (prior + 4)
        assert combined.demand.per_year[0, 0] == pytest.approx(2 * factor)
        assert combined.demand.rate_shape[0] == pytest.approx(prior + units)
        assert combined.demand.network is bern

    @settings(max_examples=30, deadline=None)
    @given(
        per_year=st.floats(0.01, 50),
        units=st.integers(0, 60),
        prior=st.floats(0.05, 20),
    )
    def test_lies_between_both_nearer_the_history_the_more_there_is(self, per_year, units, prior):
        network = ServiceNetwork.from_tables(
            parts=[{"part_id": "FAN", "unit_cost": 90, "resupply_days": 30}],
            locations=[{"location_id": "BERN", "kind": "forward"}],
        )
        demand = DemandRates.from_arrays(["FAN"], ["BERN"], [[per_year]])
        rows = spread_out("FAN", "BERN", units)
        combined = combine_usage(network, demand, rows, prior_failures=prior, **SPAN)
        found, history = combined.demand.per_year[0, 0], units / 2
        low, high = sorted((per_year, history))
        assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9)
        weight = 2 * per_year / (prior + 2 * per_year)
        assert found == pytest.approx(weight * history + (1 - weight) * per_year)

    def test_a_rate_shape_is_what_the_rate_is_worth(self, bern):
        demand = DemandRates.from_arrays(["FAN"], ["BERN"], [[2.0]], 6.0)
        combined = combine_usage(bern, demand, spread_out("FAN", "BERN", 10), **SPAN)
        assert combined.demand.per_year[0, 0] == pytest.approx(2 * (6 + 10) / (6 + 4))
        assert combined.demand.rate_shape[0] == pytest.approx(16)
        # Poisson mixed by Gamma(6): mean 4, variance 4 + 16 / 6
        law = stats.nbinom(6.0, 6.0 / 10.0)
        assert combined.p_value[0] == pytest.approx(2 * law.sf(9))

    def test_clustering_discounts_the_history_and_stays_in_the_demand(self, bern):
        rows = [
            {"part_id": "FAN", "location_id": "BERN", "month": month, "units": 10}
            for month in ("2024-03", "2024-11", "2025-04")
        ]
        demand = DemandRates.from_arrays(["FAN"], ["BERN"], [[2.0]])
        combined = combine_usage(bern, demand, rows, **SPAN)
        ratio = combined.variance_to_mean[0]
        assert ratio > 5
        assert combined.demand.variance_to_mean[0, 0] == pytest.approx(ratio)
        assert combined.demand.rate_shape[0] == pytest.approx(1 + 30 / ratio)
        factor = (1 + 30 / ratio) / (1 + 4 / ratio)
        assert combined.demand.per_year[0, 0] == pytest.approx(2 * factor)
        law = stats.nbinom(4 / (ratio - 1), 1 / ratio)
        assert combined.p_value[0] == pytest.approx(2 * law.sf(29), rel=1e-6)
        poisson = combine_usage(bern, demand, rows, clustering=False, **SPAN)
        assert poisson.demand.clustering is None
        assert poisson.demand.per_year[0, 0] == pytest.approx(2 * factor)

    def test_a_disagreement_is_told_in_records(self, bern):
        demand = DemandRates.from_arrays(["FAN"], ["BERN"], [[2.0]])
        combined = combine_usage(bern, demand, spread_out("FAN", "BERN", 20), **SPAN)
        whole, pair = combined.to_records()
        assert whole["location_id"] is None
        assert pair == {
            "part_id": "FAN",
            "location_id": "BERN",
            "units": 20.0,
            "expected": 4.0,
            "history_per_year": 10.0,
            "installed_base_per_year": 2.0,
            "combined_per_year": pytest.approx(2 * 21 / 5),
            "ratio": 5.0,
            "p_value": pytest.approx(2 * stats.poisson(4).sf(19)),
            "adjusted_p_value": pytest.approx(2 * stats.poisson(4).sf(19)),
            "disagrees": True,
        }
        assert combined.disagreements.to_records() == [whole, pair]
        assert (
            "FAN at BERN: 20 used, 4 expected; 2 per year before, 8.4 combined"
            in combined.summary()
        )
        assert "disagree  1 of 1 part, 1 of 1 pair of part and location" in combined.summary()
        assert isinstance(combined.to_frame(), pd.DataFrame)
        assert repr(combined).startswith("CombinedUsage(1 part, 2 disagreements, total=8.4")


class TestLocations:
    @pytest.fixture
    def places(self):
        return ServiceNetwork.from_tables(
            parts=[
                {"part_id": part, "unit_cost": 1, "resupply_days": 9} for part in ("A", "B", "C")
            ],
            locations=[{"location_id": x, "kind": "forward"} for x in ("X", "Y", "Z")],
        )

    def test_few_locations_share_their_parts_factor(self, places):
        demand = DemandRates.from_arrays(["A"], ["X", "Y"], [[1.0, 3.0]])
        rows = [*spread_out("A", "X", 6), *spread_out("A", "Y", 9)]
        combined = combine_usage(places, demand, rows, **SPAN)
        # 15 used where 8 were expected of both: one factor (1 + 15) / (1 + 8)
        np.testing.assert_allclose(
            combined.demand.per_year, np.array([[1, 3, 0], [0, 0, 0], [0, 0, 0]]) * 16 / 9
        )
        assert combined.location_spread is None
        assert "locations follow their part" in combined.summary()

    def test_a_named_location_without_a_row_was_observed(self, places):
        demand = DemandRates.from_arrays(["A", "B"], ["X", "Y", "Z"], np.ones((2, 3)))
        rows = [*spread_out("A", "X", 3), *spread_out("A", "Y", 2)]
        combined = combine_usage(places, demand, rows, **SPAN)
        # B was not used at X and Y, 4 expected; Z is not in the table and follows the others.
        by_pair = {(r["part_id"], r["location_id"]): r for r in combined.to_records()}
        assert by_pair["B", "X"]["units"] == 0.0
        assert by_pair["B", "Z"]["units"] is None
        assert by_pair["B", "Z"]["p_value"] is None
        np.testing.assert_allclose(combined.demand.per_year[0], (1 + 5) / (1 + 4))
        np.testing.assert_allclose(combined.demand.per_year[1], (1 + 0) / (1 + 4))
        only_rows = combine_usage(places, demand, rows, missing="unknown", **SPAN)
        np.testing.assert_allclose(only_rows.demand.per_year[1], 1.0)
        assert np.isinf(only_rows.demand.rate_shape[1])

    def test_use_where_nothing_was_expected(self, places):
        demand = DemandRates.from_arrays(["A"], ["X"], [[1.0]])
        rows = [*spread_out("A", "X", 2), *spread_out("A", "Z", 6), *spread_out("C", "Y", 8)]
        combined = combine_usage(places, demand, rows, **SPAN)
        np.testing.assert_allclose(combined.demand.per_year, [[1, 0, 3], [0, 0, 0], [0, 4.25, 0]])
        np.testing.assert_allclose(combined.demand.rate_shape, [3, np.inf, 8.5])
        found = {(r["part_id"], r["location_id"]) for r in combined.disagreements.to_records()}
        assert {("A", "Z"), ("C", "Y")} <= found

    def test_many_locations_are_drawn_to_their_part(self):
        rng = np.random.default_rng(23)
        parts, places = [f"P{i}" for i in range(40)], [f"L{j}" for j in range(6)]
        network = ServiceNetwork.from_tables(
            parts=[{"part_id": p, "unit_cost": 1, "resupply_days": 9} for p in parts],
            locations=[{"location_id": x, "kind": "forward"} for x in places],
        )
        before = rng.uniform(0.5, 6, (40, 6))
        of_part = rng.gamma(4, 1 / 4, (40, 1))
        true = before * of_part * rng.gamma(6, 1 / 6, (40, 6))
        units = rng.poisson(2 * true)
        rows = [
            row
            for i, j in np.ndindex(40, 6)
            for row in spread_out(parts[i], places[j], units[i, j])
        ]
        demand = DemandRates.from_arrays(parts, places, before)
        combined = combine_usage(network, demand, rows, **SPAN)
        assert combined.location_spread == pytest.approx(np.sqrt(1 / 6), abs=0.1)
        found = combined.demand.per_year
        off = {
            "combined": np.abs(found - true).mean(),
            "history": np.abs(units / 2 - true).mean(),
            "before": np.abs(before - true).mean(),
            "part": np.abs(
                before * units.sum(1, keepdims=True) / 2 / before.sum(1, keepdims=True) - true
            ).mean(),
        }
        assert off["combined"] < 0.95 * min(off["history"], off["before"], off["part"])

    def test_uncertainty_of_the_total_covers_the_truth(self):
        rng = np.random.default_rng(41)
        parts, places = [f"P{i}" for i in range(150)], [f"L{j}" for j in range(4)]
        network = ServiceNetwork.from_tables(
            parts=[{"part_id": p, "unit_cost": 1, "resupply_days": 9} for p in parts],
            locations=[{"location_id": x, "kind": "forward"} for x in places],
        )
        before = rng.uniform(0.5, 6, (150, 4))
        true = before * rng.gamma(3, 1 / 3, (150, 1)) * rng.gamma(2, 1 / 2, (150, 4))
        units = rng.poisson(true)
        rows = [
            {"part_id": parts[i], "location_id": places[j], "month": f"2025-{m:02d}", "units": u}
            for i, j in np.ndindex(150, 4)
            for m, u in enumerate(rng.multinomial(units[i, j], [1 / 12] * 12).tolist(), 1)
        ]
        demand = DemandRates.from_arrays(parts, places, before, 3.0)
        combined = combine_usage(network, demand, rows)
        assert combined.location_spread == pytest.approx(np.sqrt(1 / 2), abs=0.1)
        total, shape = combined.demand.per_year.sum(axis=1), combined.demand.rate_shape
        law = stats.gamma(shape, scale=total / shape)
        below = law.cdf(true.sum(axis=1))
        assert 0.90 <= ((below > 0.025) & (below < 0.975)).mean() <= 0.99
        assert 0.43 <= below.mean() <= 0.57

    def test_agreement_is_rarely_called_disagreement(self, places):
        rng = np.random.default_rng(31)
        false = 0
        for _ in range(40):
            before = rng.uniform(0.5, 8, (3, 3))
            units = rng.poisson(2 * before)
            rows = [
                row
                for i, j in np.ndindex(3, 3)
                for row in spread_out("ABC"[i], "XYZ"[j], units[i, j])
            ]
            demand = DemandRates.from_arrays([*"ABC"], [*"XYZ"], before)
            false += combine_usage(places, demand, rows, **SPAN).disagrees[3:].any()
        assert false <= 5


class TestMachines:
    def test_streams_follow_the_rates(self, clinics):
        demand = estimate_demand(clinics)
        rows = [*spread_out("TUBE", "BERN", 30), *spread_out("BOARD", "BERN", 18)]
        combined = combine_usage(clinics, demand, rows, **SPAN).demand
        # TUBE: 10 expected at BERN; BOARD: 18 expected at BERN, the centre is not in the table.
        tube, board = (1 + 30) / (1 + 10), (1 + 18) / (1 + 18)
        np.testing.assert_allclose(combined.per_year, [[0, 5 * tube, 0], [4 * board, 9 * board, 0]])
        factor = np.where(demand.streams.part == 0, tube, board)
        np.testing.assert_allclose(combined.streams.per_year, demand.streams.per_year * factor)
        assert combined.n_installed == demand.n_installed
        assert combined.aligned(clinics) is combined

    def test_machines_that_came_in_the_span_are_half_expected(self, clinic_tables):
        clinic_tables["installed_base"][0]["start_date"] = "2025-01-01"
        network = ServiceNetwork.from_tables(**clinic_tables)
        demand = estimate_demand(network, on="2026-01-01")
        rows = spread_out("TUBE", "BERN", 7)
        combined = combine_usage(network, demand, rows, **SPAN)
        pair = combined.to_records()[len(combined.parts) :][0]
        # clinic A: 3 a year for one of two years; clinic B: 2 a year for both
        share = 365 / 731
        assert pair["expected"] == pytest.approx(2 * (3 * share + 2))
        assert pair["installed_base_per_year"] == pytest.approx(5)
        np.testing.assert_allclose(combined.demand.per_year[0, 1], 5 * 8 / (1 + pair["expected"]))

    def test_machines_that_are_gone_leave_no_demand(self, clinic_tables):
        for row in clinic_tables["installed_base"][:2]:
            row["end_date"] = "2025-12-31"
        network = ServiceNetwork.from_tables(**clinic_tables)
        demand = estimate_demand(network, on="2026-06-01")
        combined = combine_usage(network, demand, spread_out("TUBE", "BERN", 9), **SPAN)
        assert combined.demand.per_year[0].sum() == 0.0
        warning, _ = combined.warnings
        assert str(warning) == (
            "usage, column units: 9 units of part 'TUBE' at location 'BERN' were used by machines "
            "that are gone on 2026-06-01: there is no demand now. Mend end_date of the installed "
            "base where they are not."
        )
        pair = next(r for r in combined.to_records()[len(combined.parts) :])
        # all but the last day of two years, at 5 tubes a year by the catalogue
        assert pair["expected"] == pytest.approx(2 * 5 * 730 / 731)
        assert pair["p_value"] > 0.5
        assert not combined.disagrees[: len(combined.parts)][0]

    def test_machines_that_are_gone_still_tell_of_the_others(self, clinic_tables):
        clinic_tables["installed_base"][0]["end_date"] = "2026-01-01"  # clinic A, 3 CT
        clinic_tables["sites"][0]["served_by"] = "BASEL"
        network = ServiceNetwork.from_tables(**clinic_tables)
        counts = [{"part_id": "TUBE", "failures": 19, "operating_hours": 9 * 2 * 8760 / 0.5 / 2}]
        demand = estimate_demand(network, counts, on="2026-06-01")
        times = demand.per_year[0, 1] / 2.0
        assert demand.per_year[0, 2] == 0.0
        rows = [*spread_out("TUBE", "BASEL", 12), *spread_out("TUBE", "BERN", 8)]
        combined = combine_usage(network, demand, rows, **SPAN)
        shape = demand.rate_shape[0]
        expected = 2 * (3 + 2) * times
        factor = (shape + 20) / (shape + expected)
        np.testing.assert_allclose(combined.demand.per_year[0], [0, 2 * times * factor, 0])

    def test_demand_given_by_site_is_scaled_where_it_is_served(self, clinics):
        network = clinics.replace(
            demand=[
                {"part_id": "TUBE", "site_id": "A", "per_year": 1.0, "variance_to_mean": 3.0},
                {"part_id": "TUBE", "site_id": "C", "per_year": 2.0},
            ]
        )
        demand = estimate_demand(network)
        rows = [*spread_out("TUBE", "BERN", 6), *spread_out("TUBE", "BASEL", 8)]
        combined = combine_usage(network, demand, rows, **SPAN).demand
        factor = (1 + 14) / (1 + 6)
        np.testing.assert_allclose(combined.per_year[0], [0, factor, 2 * factor])
        np.testing.assert_allclose(combined.variance_to_mean[0], [1, 3, 1])
        assert combined.streams.per_year.sum() == pytest.approx(combined.total_per_year)

    def test_new_use_at_a_location_is_a_stream_without_machines(self, clinics):
        rows = spread_out("TUBE", "BASEL", 6)
        combined = combine_usage(clinics, estimate_demand(clinics), rows, **SPAN).demand
        assert combined.per_year[0, 2] == pytest.approx(3.0)
        added = combined.streams.select(combined.streams.equipment < 0)
        assert added.per_year.tolist() == [3.0]
        assert combined.streams.per_year.sum() == pytest.approx(combined.total_per_year)


def test_parts_without_a_row_that_should_have_had_some_are_doubtful():
    demand = DemandRates.from_arrays(["FAN", "DISK"], ["BERN"], [[4.0], [10.0]])
    network = ServiceNetwork.from_tables(
        parts=[{"part_id": name, "unit_cost": 90, "resupply_days": 30} for name in ("FAN", "DISK")],
        locations=[{"location_id": "BERN", "kind": "forward"}],
    )
    rows = spread_out("FAN", "BERN", 8)
    combined = combine_usage(network, demand, rows, first="2024-01", last="2025-12")
    (warning,) = combined.warnings
    assert (warning.table, warning.value) == ("usage", "DISK")
    assert "part 'DISK' has no row, where 20 units were expected at the" in warning.rule
    first_rows_on = UsageHistory.from_table(rows, last="2025-12", missing="zero_after_first")
    mended = combine_usage(network, demand, first_rows_on)
    assert mended.warnings == ()
    assert mended.demand.per_year[1, 0] == 10.0


class TestErrors:
    def test_no_usage(self, clinics):
        with pytest.raises(PartsplanError, match="The network has no usage: give it a usage table"):
            combine_usage(clinics, estimate_demand(clinics))

    def test_unknown_ids(self, clinics):
        rows = [*spread_out("TUB", "BERN", 3), *spread_out("TUBE", "BREN", 3)]
        with pytest.raises(InputError) as caught:
            combine_usage(clinics, estimate_demand(clinics), rows)
        assert (
            "usage, column part_id: 'TUB' is not a part of the network. Did you mean 'TUBE'?"
            in (str(caught.value))
        )
        assert "'BREN' is not a location of the network. Did you mean 'BERN'?" in str(caught.value)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"prior_failures": 0}, "prior_failures must be above 0 and finite, got 0"),
            ({"false_discoveries": 1}, "false_discoveries must be strictly between 0 and 1, got 1"),
            ({"missing": "no"}, "missing must be one of"),
            ({"network": None}, "network must be a ServiceNetwork, got NoneType"),
            ({"demand": [[1.0]]}, "demand must be DemandRates, got list"),
        ],
    )
    def test_wrong_arguments(self, clinics, change, message):
        arguments = {"network": clinics, "demand": estimate_demand(clinics)}
        arguments |= {"usage": spread_out("TUBE", "BERN", 3)} | change
        with pytest.raises(ValueError, match=message):
            combine_usage(**arguments)


class TestEstimateDemand:
    """Usage through the front door."""

    def test_usage_of_the_network_corrects_the_installed_base(self, clinics):
        rows = [*spread_out("TUBE", "BERN", 30), *spread_out("BOARD", "BERN", 18)]
        network = clinics.replace(usage=rows)
        demand = estimate_demand(network)
        alone = combine_usage(clinics, estimate_demand(clinics), rows)
        np.testing.assert_allclose(demand.per_year, alone.demand.per_year)
        np.testing.assert_allclose(demand.rate_shape, [31, 19])
        np.testing.assert_allclose(demand.usage.p_value, alone.p_value)
        assert demand.usage.disagreements.to_records()[0]["part_id"] == "TUBE"
        assert "2024-01 to 2025-12, 48 units; 2 disagreements" in demand.summary()
        np.testing.assert_allclose(estimate_demand(clinics, usage=rows).per_year, demand.per_year)
        assert estimate_demand(clinics).usage is None
        assert demand.aligned(network.replace(commitments=None)).usage is demand.usage

    def test_uncertainty_is_applied_after_usage(self, clinics):
        rows = spread_out("TUBE", "BERN", 30)
        predictive = estimate_demand(clinics, usage=rows)
        mean = estimate_demand(clinics, usage=rows, uncertainty="mean")
        upper = estimate_demand(clinics, usage=rows, uncertainty=0.9)
        np.testing.assert_allclose(mean.per_year, predictive.per_year)
        assert np.isinf(mean.rate_shape).all()
        law = stats.gamma(31, scale=1 / 31)
        np.testing.assert_allclose(upper.per_year[0], mean.per_year[0] * law.ppf(0.9))
        np.testing.assert_allclose(upper.streams.per_year.sum(), upper.total_per_year)

    def test_a_rate_of_the_demand_table_stays_and_is_compared(self, clinics):
        network = clinics.replace(
            demand=[{"part_id": "TUBE", "location_id": "BERN", "per_year": 2.0}]
        )
        demand = estimate_demand(network, usage=spread_out("TUBE", "BERN", 40))
        np.testing.assert_allclose(demand.per_year[0], [0, 2, 0])
        assert np.isinf(demand.rate_shape[0])
        assert demand.usage.disagrees[0]

    def test_usage_alone_makes_demand(self, depots):
        rows = [*spread_out("TUBE", "BERN", 8), *spread_out("BOARD", "BASEL", 0)]
        demand = estimate_demand(depots.replace(usage=rows))
        np.testing.assert_allclose(demand.per_year, [[0, 8.5 / 2, 0], [0, 0, 0.5 / 2]])
        np.testing.assert_allclose(demand.rate_shape, [8.5, 0.5])
        assert depots.replace(usage=rows).warnings == ()

    def test_events_counted_twice_are_doubtful(self, clinics):
        counts = [{"part_id": "TUBE", "failures": 9, "operating_hours": 200_000}]
        demand = estimate_demand(clinics, counts, usage=spread_out("TUBE", "BERN", 12))
        *_, warning = demand.usage.warnings
        assert "failures and usage both have 1 part ('TUBE'): where they are the same events" in (
            str(warning)
        )
        factor = estimate_demand(clinics, counts)
        expected = 2 * factor.per_year[0, 1]
        shape = factor.rate_shape[0]
        ratio = (shape + 12) / (shape + expected)
        np.testing.assert_allclose(demand.per_year[0], factor.per_year[0] * ratio)

    def test_a_history_brings_its_own_span(self, clinics):
        rows = spread_out("TUBE", "BERN", 30)
        history = UsageHistory.from_table(rows, first="2025-01")
        demand = estimate_demand(clinics, usage=history)
        assert demand.usage.history is history
        np.testing.assert_allclose(demand.per_year[0, 1], 5 * (1 + 15) / (1 + 5))

    def test_nothing_to_estimate_from(self, depots):
        with pytest.raises(PartsplanError, match=r"Give installed_base with .*, demand, or usage"):
            estimate_demand(depots)
        with pytest.raises(InputError, match="the usage table has no rows"):
            estimate_demand(depots, usage=[])

    def test_a_plan_with_promises_on_response_can_leave_clustering_out(self, clinics):
        rows = [
            {"part_id": "TUBE", "location_id": "BERN", "month": f"2025-{m:02d}", "units": 6}
            for m in (1, 3, 4, 8, 12)
        ]
        network = clinics.replace(usage=rows)
        stock = {("TUBE", "BERN"): 3}
        with pytest.raises(PartsplanError, match="variance_to_mean above 1 has an exact law only"):
            evaluate(network, estimate_demand(network), stock)
        plain = estimate_demand(network, clustering=False)
        assert evaluate(network, plain, stock).is_exact
        assert plain.usage.variance_to_mean[0] > 1

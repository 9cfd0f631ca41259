"""Demand on a network: order of ids, shares of machines, and another network."""

from __future__ import annotations

import numpy as np
import pytest

from partsplan.demand import DemandRates, estimate_demand
from partsplan.demand.aligning import positions
from partsplan.errors import InputError, PartsplanError
from partsplan.network import ServiceNetwork


def test_ids_take_the_networks_order(depots):
    demand = DemandRates.from_arrays(
        ["BOARD", "TUBE"], ["BASEL", "BERN"], [[1.0, 2.0], [3.0, 0.0]], [4.0, 5.0]
    ).aligned(depots)
    assert demand.part_ids == depots.part_ids
    assert demand.location_ids == depots.location_ids
    assert demand.per_year.tolist() == [[0, 0, 3], [0, 2, 1]]
    assert demand.rate_shape.tolist() == [5.0, 4.0]
    assert demand.streams is None


def test_missing_parts_and_locations_are_zero(depots):
    demand = DemandRates.from_arrays(["BOARD"], ["BERN"], [[2.0]], [4.0]).aligned(depots)
    assert demand.per_year.tolist() == [[0, 0, 0], [0, 2, 0]]
    assert demand.rate_shape.tolist() == [np.inf, 4.0]


def test_unknown_ids_name_the_nearest(depots):
    demand = DemandRates.from_arrays(["BOARDS"], ["BERNE"], [[2.0]])
    with pytest.raises(InputError) as caught:
        demand.aligned(depots)
    assert [str(finding) for finding in caught.value.findings] == [
        "demand, column part_id: 'BOARDS' is not a part of the network. Did you mean 'BOARD'?",
        "demand, column location_id: 'BERNE' is not a location of the network. "
        "Did you mean 'BERN'?",
    ]


def test_ids_like_none_have_a_way_out(depots):
    rows = [{"part_id": "ZZZ", "site_id": "Q", "per_year": 1}]
    with pytest.raises(InputError) as caught:
        DemandRates.from_table(rows).aligned(depots)
    assert [str(finding) for finding in caught.value.findings] == [
        "demand, column part_id: 'ZZZ' is not a part of the network. Add it to parts, or leave "
        "these rows out; the network's parts are 'TUBE', 'BOARD'.",
        "demand, column site_id: 'Q' is not a site of the network. Add it to sites, or leave "
        "these rows out; the network has no sites.",
    ]


def test_a_way_out_names_a_few_ids_only():
    _, findings = positions("location_id", ["ZZZ"], {"A1": 0, "A2": 1, "A3": 2, "A4": 3})
    assert findings[0].fix.endswith("the network's locations are 'A1', 'A2', 'A3', ...")


def test_unknown_site_names_the_nearest(clinics):
    demand = DemandRates.from_table([{"part_id": "TUBE", "site_id": "a", "per_year": 1}])
    with pytest.raises(InputError, match=r"'a' is not a site of the network. Did you mean 'A'\?"):
        demand.aligned(clinics)


def test_the_same_network_gives_the_same_object(clinics):
    demand = estimate_demand(clinics)
    assert demand.aligned(clinics) is demand
    given = DemandRates.from_arrays(["BOARD"], ["BERN"], [[2.0]]).aligned(clinics)
    assert given.aligned(clinics) is given


class TestShares:
    def test_location_demand_follows_catalogue_rates(self, clinics):
        """Boards at BERN by catalogue: A 6, B 2 of CT and 1 of MR; tubes at BASEL: nobody's."""
        demand = DemandRates.from_arrays(
            ["BOARD", "TUBE"], ["BERN", "BASEL"], [[18.0, 0.0], [0.0, 3.0]]
        ).aligned(clinics)
        streams = demand.streams
        assert streams.part.tolist() == [1, 1, 1, 0]
        assert streams.site.tolist() == [0, 1, 1, -1]
        assert streams.installed_row.tolist() == [0, 1, 2, -1]
        assert streams.equipment.tolist() == [0, 0, 1, -1]
        assert streams.location.tolist() == [1, 1, 1, 2]
        np.testing.assert_allclose(streams.per_year, [12, 4, 2, 3])
        assert streams.diagnosis_hours.tolist() == [1.5, 1.5, 0, 0]
        assert streams.stopping_fraction.tolist() == [1, 1, 0.5, 0]

    def test_site_demand_follows_catalogue_rates(self, clinics):
        """At B boards fail 2 per year in CT and 1 in MR; C has no CT, hence no tubes."""
        rows = [
            {"part_id": "BOARD", "site_id": "B", "per_year": 6.0},
            {"part_id": "TUBE", "site_id": "C", "per_year": 1.0},
        ]
        demand = DemandRates.from_table(rows).aligned(clinics)
        assert demand.per_year.tolist() == [[0, 0, 1], [0, 6, 0]]
        streams = demand.streams
        assert streams.site.tolist() == [1, 1, 2]
        assert streams.equipment.tolist() == [0, 1, -1]
        assert streams.location.tolist() == [1, 1, 2]
        np.testing.assert_allclose(streams.per_year, [4, 2, 1])

    def test_without_catalogue_rates_hours_share(self, clinic_tables):
        """Boards at BERN: A runs 3 x 8760 h, B 2 x 4380 h of CT and 8760 h of MR: 3 : 1 : 1."""
        for row in clinic_tables["bill_of_materials"]:
            row.pop("mtbf_hours", None)
            if row["part_id"] == "BOARD":
                row.pop("failures_per_year", None)
        clinic_tables["failures"] = [{"part_id": "BOARD", "failures": 1, "operating_hours": 1e4}]
        network = ServiceNetwork.from_tables(**clinic_tables)
        demand = DemandRates.from_arrays(["BOARD"], ["BERN"], [[10.0]]).aligned(network)
        np.testing.assert_allclose(demand.streams.per_year, [6, 2, 2])

    def test_rates_of_zero_share_by_hours(self, clinic_tables):
        """Tubes at BERN: A 6 x 8760 h, B 4 x 4380 h, that is 3 : 1."""
        clinic_tables["bill_of_materials"][0]["failures_per_year"] = 0.0
        network = ServiceNetwork.from_tables(**clinic_tables)
        demand = DemandRates.from_arrays(["TUBE"], ["BERN"], [[8.0]]).aligned(network)
        np.testing.assert_allclose(demand.streams.per_year, [6, 2])

    def test_machines_out_of_their_dates_take_no_share(self, clinic_tables):
        clinic_tables["installed_base"][0]["end_date"] = "2026-07-01"
        network = ServiceNetwork.from_tables(**clinic_tables)
        demand = DemandRates.from_arrays(["TUBE"], ["BERN"], [[8.0]])
        with pytest.raises(PartsplanError, match="pass on="):
            demand.aligned(network)
        later = demand.aligned(network, on="2026-07-01")
        assert later.streams.site.tolist() == [1]
        assert later.streams.per_year.tolist() == [8.0]
        assert later.aligned(network) is later
        moved = later.aligned(network.replace(commitments=[]))
        assert moved.streams.site.tolist() == [1]

    def test_sites_without_machines_are_streams_too(self, clinic_tables):
        del clinic_tables["installed_base"], clinic_tables["bill_of_materials"]
        network = ServiceNetwork.from_tables(**clinic_tables)
        rows = [
            {"part_id": "BOARD", "site_id": "C", "per_year": 6.0, "variance_to_mean": 2.0},
            {"part_id": "TUBE", "location_id": "BERN", "per_year": 1.0},
        ]
        demand = DemandRates.from_table(rows).aligned(network)
        assert demand.per_year.tolist() == [[0, 1, 0], [6, 0, 0]]
        assert demand.variance_to_mean[1, 0] == 2.0
        assert demand.streams.site.tolist() == [2, -1]
        assert demand.streams.location.tolist() == [0, 1]
        assert demand.machines is None

    @pytest.mark.parametrize("seed", range(8))
    def test_shares_sum_to_what_was_given(self, clinics, seed):
        rng = np.random.default_rng(seed)
        rows = [
            {"part_id": part, place: name, "per_year": float(rng.gamma(0.5, 3.0))}
            for part in clinics.part_ids
            for place, names in (
                ("location_id", clinics.location_ids),
                ("site_id", clinics.site_ids),
            )
            for name in names
            if rng.random() < 0.6
        ]
        demand = DemandRates.from_table(rows).aligned(clinics)
        summed = np.zeros((2, 3))
        streams = demand.streams
        np.add.at(summed, (streams.part, streams.location), streams.per_year)
        np.testing.assert_allclose(summed, demand.per_year, rtol=1e-12)


class TestAnotherNetwork:
    def test_order_of_tables_does_not_matter(self, clinic_tables):
        demand = estimate_demand(ServiceNetwork.from_tables(**clinic_tables))
        for name in ("parts", "locations", "sites", "equipment"):
            clinic_tables[name] = clinic_tables[name][::-1]
        network = ServiceNetwork.from_tables(**clinic_tables)
        moved, fresh = demand.aligned(network), estimate_demand(network)
        np.testing.assert_allclose(moved.per_year, fresh.per_year)
        for column in ("part", "site", "location", "equipment", "installed_row"):
            np.testing.assert_array_equal(
                getattr(moved.streams, column), getattr(fresh.streams, column)
            )

    def test_sites_served_from_elsewhere_move_their_demand(self, clinics, clinic_tables):
        sites = [row | {"served_by": "BASEL"} for row in clinic_tables["sites"]]
        moved = estimate_demand(clinics).aligned(clinics.replace(sites=sites))
        np.testing.assert_allclose(moved.per_year, [[0, 0, 5], [4, 0, 9]])

    def test_another_installed_base_needs_another_estimate(self, clinics, clinic_tables):
        clinic_tables["installed_base"][0]["machines"] = 30
        network = clinics.replace(installed_base=clinic_tables["installed_base"])
        with pytest.raises(PartsplanError, match=r"call estimate_demand\(network\) again"):
            estimate_demand(clinics).aligned(network)

    def test_another_day_needs_another_estimate(self, clinics):
        demand = estimate_demand(clinics, on="2026-01-31")
        assert demand.aligned(clinics, on="2026-01-31") is demand
        with pytest.raises(PartsplanError, match=r"on 2026-01-31, not 2026-02-01: call est"):
            demand.aligned(clinics, on="2026-02-01")

    def test_given_demand_is_shared_out_anew(self, clinics, clinic_tables):
        clinic_tables["installed_base"][0]["machines"] = 1
        network = clinics.replace(installed_base=clinic_tables["installed_base"])
        demand = DemandRates.from_arrays(["TUBE"], ["BERN"], [[6.0]])
        np.testing.assert_allclose(demand.aligned(clinics).streams.per_year, [3.6, 2.4])
        np.testing.assert_allclose(
            demand.aligned(clinics).aligned(network).streams.per_year, [2.0, 4.0]
        )

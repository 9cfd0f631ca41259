"""Groups are made from streams, promises from routes: two ways to the same figures."""

import numpy as np
import pytest
from awkward_networks import SITES, TARGETS, awkward_tables
from numpy.testing import assert_allclose

import partsplan as pp
from partsplan.evaluation.commitments import Scopes
from partsplan.evaluation.groups import stream_service
from partsplan.evaluation.model import ServiceModel

NAMES = {
    "uptime": "uptime",
    "response": "response_within_24_hours",
    "fill_rate": "fill_rate",
    "mean_wait": "mean_wait_hours",
}


def committed(group):
    return [
        {
            "commitment_id": metric,
            "metric": metric,
            "target": TARGETS[metric],
            "within_hours": 24.0 if metric == "response" else None,
            "each": group,
        }
        for metric in NAMES
    ]


@pytest.mark.parametrize("evaluation", ["exact", "vari_metric", "metric"])
@pytest.mark.parametrize("group", ["site", "customer", "region", "location", "equipment"])
def test_groups_are_as_commitments_over_them(group, evaluation):
    tables, stock = awkward_tables(3, local_repair=True)
    network = pp.ServiceNetwork.from_tables(**tables, commitments=committed(group))
    performance = pp.evaluate(network, pp.estimate_demand(network), stock, evaluation=evaluation)
    achieved = {result.commitment_id: result.achieved for result in performance.commitments}
    rows = performance.by(group)
    assert len(achieved) == 4 * len(rows)
    for row in rows:
        for metric, name in NAMES.items():
            assert_allclose(row[name], achieved[f"{metric}:{row[group]}"], rtol=1e-10, atol=1e-14)


def test_ten_thousand_values_are_quick_to_name():
    """One row per part, in the order of the table, at the cost of one pass over the streams."""
    ids = [f"P{i}" for i in range(10_000)]
    network = pp.ServiceNetwork.from_tables(
        parts={"part_id": ids, "unit_cost": [1.0] * len(ids), "resupply_days": [10.0] * len(ids)},
        locations=[{"location_id": "DC", "kind": "central"}],
    )
    per_year = np.arange(1.0, len(ids) + 1.0)[:, None] / 1000.0
    demand = pp.DemandRates.from_arrays(ids, ["DC"], per_year)
    rows = pp.evaluate(network, demand, {}).by("part")
    assert [row["part"] for row in rows] == ids
    assert_allclose([row["demand_per_year"] for row in rows], per_year[:, 0])
    assert_allclose([row["mean_wait_hours"] for row in rows], 240.0)


def test_streams_are_served_by_one_place():
    tables, stock = awkward_tables(0)
    network = pp.ServiceNetwork.from_tables(**tables)
    model = ServiceModel(network, pp.estimate_demand(network))
    performance = pp.evaluate(network, model.demand, stock)
    service = stream_service(model, performance.stock, performance.mean_wait_days, [0.0, 1e6])
    assert (service.late[1e6] == 0.0).all()
    assert (service.late[0.0] >= service.stockout - 1e-15)[service.lane_hours == 0].all()
    assert not np.isnan(service.lane_hours).any()
    assert_allclose(service.backorders, service.streams.per_year / 365.0 * service.wait_days)


def test_machines_of_values():
    tables, _ = awkward_tables(0)
    network = pp.ServiceNetwork.from_tables(**tables)
    scopes = Scopes(network, pp.estimate_demand(network))
    machines = tables["installed_base"]
    for group, column in (("site", "site_id"), ("equipment", "equipment_id")):
        expected = [
            sum(row["machines"] for row in machines if row[column] == value)
            for value in scopes.values_of(group)
        ]
        assert scopes.machines_of(group).tolist() == expected
    assert scopes.values_of("region") == list(
        dict.fromkeys(site["region"] for site in SITES if site["region"])
    )

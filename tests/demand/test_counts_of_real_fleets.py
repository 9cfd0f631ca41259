"""Rates from counts on real data in ../shared: drives by model, machines by model."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from partsplan.demand import estimate_rates, fit_gamma_prior, garwood_interval

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BACKBLAZE = DATA / "backblaze_summary"
AZURE = DATA / "azure_pdm"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.skipif(not BACKBLAZE.is_dir(), reason="needs ../shared/data/backblaze_summary")
class TestBackblaze:
    """81 drive models: 21,512 failures in 464,594,613 drive-days, 1.69 % a year."""

    @pytest.fixture
    def drives(self):
        return rows(BACKBLAZE / "survival.csv")

    @pytest.fixture
    def rates(self, drives):
        table = {
            "part_id": [row["model"] for row in drives],
            "failures": [int(row["failed"]) for row in drives],
            "operating_hours": [24.0 * float(row["drive_days"]) for row in drives],
        }
        family = {row["model"]: "drives" for row in drives}
        return estimate_rates(table, family=family, prior="family")

    def test_the_totals_are_the_known_ones(self, rates):
        total = rates.failures.sum()
        days = rates.operating_hours.sum() / 24
        assert (len(rates), total, round(days)) == (81, 21_512, 464_594_613)
        assert total / days * 365 == pytest.approx(0.0169, abs=5e-5)

    def test_known_models_have_their_known_rate(self, rates):
        yearly = dict(zip(rates.part_ids, rates.per_hour * 8760, strict=True))
        assert yearly["st4000dm000"] == pytest.approx(0.0259, abs=1e-4)
        assert yearly["wdc wuh721816ale6l4"] == pytest.approx(0.0032, abs=1e-4)

    def test_rare_models_are_drawn_toward_all_drives(self, rates, drives):
        counts = np.array([int(row["failed"]) for row in drives], dtype=float)
        hours = np.array([24.0 * float(row["drive_days"]) for row in drives])
        prior = fit_gamma_prior(counts, hours)
        assert 0.5 < prior.shape[0] < 5
        mean, raw = prior.mean[0], counts / hours
        assert np.array_equal(np.sign(rates.per_hour - raw), np.sign(mean - raw))
        moved = np.abs(np.log(rates.per_hour / np.maximum(raw, 1e-12)))
        assert moved[counts > 300].max() < 0.01
        assert np.median(moved[(counts > 0) & (counts < 10)]) > 0.1

    def test_exact_intervals_hold_the_estimates_of_common_models(self, rates):
        many = rates.failures > 100
        lower, upper = garwood_interval(rates.failures[many], rates.operating_hours[many])
        assert ((lower < rates.per_hour[many]) & (rates.per_hour[many] < upper)).all()


@pytest.mark.skipif(not AZURE.is_dir(), reason="needs ../shared/data/azure_pdm")
class TestAzure:
    """100 machines of 4 models for a year: comp3 of models 3 and 4 never failed."""

    @pytest.fixture
    def rates(self):
        model = {row["machineID"]: row["model"] for row in rows(AZURE / "PdM_machines.csv")}
        machines = Counter(model.values())
        failed = Counter(
            (row["failure"], model[row["machineID"]]) for row in rows(AZURE / "PdM_failures.csv")
        )
        table = [
            {
                "part_id": part,
                "segment": name,
                "failures": failed[part, name],
                "operating_hours": 8760 * machines[name],
            }
            for part in ("comp1", "comp2", "comp3", "comp4")
            for name in sorted(machines)
        ]
        return estimate_rates(table)

    def test_failures_per_machine_and_year_are_the_known_ones(self, rates):
        yearly = rates.failures[:4] / rates.operating_hours[:4] * 8760
        np.testing.assert_allclose(yearly, [1.92, 2.59, 1.31, 1.79], atol=0.005)

    def test_models_that_never_failed_are_found(self, rates):
        found = {(row["part_id"], row["segment"]): row for row in
                 rates.differing_segments.to_records()}  # fmt: skip
        assert found["comp3", "model1"]["failures"] == 68
        assert found["comp3", "model2"]["failures"] == 63
        assert found["comp3", "model3"]["times_rest"] == 0
        assert found["comp3", "model4"]["times_rest"] == 0

    def test_a_model_without_failures_keeps_a_small_rate(self, rates):
        """Not 0, which would stock nothing, and far below the part's rate."""
        for row in rates.to_records():
            if row["part_id"] == "comp3" and row["segment"] in ("model3", "model4"):
                assert 0 < row["per_hour"] * 8760 < 0.15
                assert row["lower_per_hour"] < row["per_hour"] < row["upper_per_hour"]

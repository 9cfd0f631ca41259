"""LRUs whose repair waits for SRUs: exact reference cases, limits, errors."""

from __future__ import annotations

import numpy as np
import pytest

from partsplan.evaluation.indentures import indenture_figures
from partsplan.evaluation.poisson import expected_backorders

# case exact_two_indenture_single_site: computed for this project by convolution, double precision
CASES = [
    (
        ((0.5, 2.0, 2), [0.5, 0.3, 0.2], [4.0, 6.0, 10.0], [1, 1, 1]),
        [0.3678794411714423, 0.30656965974059913, 0.3678794411714423],
        (2.042328542083484, 2.403015935169824),
        (0.6135552830840836, 0.6119429443655406, 0.5667248098090714),
    ),
    (
        ((1.2, 1.0, 3), [0.6, 0.4], [5.0, 8.0], [3, 2]),
        [1.0557596904208397, 1.9655226318553258],
        (4.221282322276165, 6.4227495984764005),
        (1.6724661663659808, 1.6520903373810225, 1.5200483748335312),
    ),
]


@pytest.mark.parametrize(("inputs", "srus", "moments", "late"), CASES)
def test_reference_cases(inputs, srus, moments, late) -> None:
    lru, fractions, days, stock = inputs
    for method, expected in zip(("exact", "vari_metric", "metric"), late, strict=True):
        found = indenture_figures(
            lru, np.array(fractions), np.array(days), np.array(stock), evaluation=method
        )
        assert found.expected_backorders == pytest.approx(expected, rel=1e-9)
        assert found.sru_backorders == pytest.approx(srus, rel=1e-9)
        assert (found.pipeline_mean, found.pipeline_variance) == pytest.approx(moments, rel=1e-9)


@pytest.mark.parametrize("method", ["exact", "vari_metric", "metric"])
def test_endless_srus_leave_the_repair_time_alone(method: str) -> None:
    found = indenture_figures(
        (0.3, 4.0, 2), np.array([0.7]), np.array([9.0]), np.array([60]), evaluation=method
    )
    assert found.expected_backorders == pytest.approx(float(expected_backorders(2, 1.2)), rel=1e-9)


def test_without_sru_stock_repairs_take_the_sum_of_both_times() -> None:
    """Every repair waits for its SRU: one pipeline of rate x (T + T_j) (Palm)."""
    found = indenture_figures((0.3, 4.0, 3), np.array([1.0]), np.array([6.0]), np.array([0]))
    assert found.expected_backorders == pytest.approx(float(expected_backorders(3, 3.0)), rel=1e-9)


def test_more_sru_stock_never_means_more_late_lrus() -> None:
    late = [
        indenture_figures(
            (0.4, 2.0, 1), np.array([0.5, 0.5]), np.array([8.0, 3.0]), np.array([level, 1])
        ).expected_backorders
        for level in range(6)
    ]
    assert late == sorted(late, reverse=True)


def test_arguments_out_of_range() -> None:
    lru, days, stock = (0.4, 2.0, 1), np.array([8.0, 3.0]), np.array([1, 1])
    with pytest.raises(ValueError, match="cause_fraction must be shares that add up to at most 1"):
        indenture_figures(lru, np.array([0.8, 0.4]), days, stock)
    with pytest.raises(ValueError, match="evaluation must be one of exact, vari_metric, metric"):
        indenture_figures(lru, np.array([0.5, 0.4]), days, stock, evaluation="best")

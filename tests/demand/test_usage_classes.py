"""Classes of usage by hand, at the cut-offs, and of the authors' own 3,000 parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from partsplan.demand import usage_classes

AUTO_3000 = Path(__file__).parents[2] / "../shared/data/auto3000/auto_3000.csv"


def test_figures_by_hand():
    # From the first demand on 5 months with 3 demands, sizes 1, 4, 1: mean 2, variance 3.
    classes = usage_classes([[0, 0, 1, 4, 0, 1, 0]])
    assert classes.interval.tolist() == [pytest.approx(5 / 3)]
    assert classes.cv2.tolist() == [pytest.approx(3 / 4)]
    assert classes.names.tolist() == ["lumpy"]


def test_series_with_one_demand_or_none():
    classes = usage_classes([[0, 0, 0], [0, 5, 0], [5, np.nan, np.nan]])
    assert classes.names.tolist() == [None, "intermittent", "smooth"]
    np.testing.assert_array_equal(classes.interval, [np.nan, 2, 1])
    assert np.isnan(classes.cv2).all()
    assert classes.counts() == {
        "smooth": 1,
        "intermittent": 1,
        "erratic": 0,
        "lumpy": 0,
        "no demand": 1,
    }


def test_at_the_cut_off_a_series_is_below():
    interval_at = [[1] * 25 + [0] * 8]  # 33 / 25 = 1.32
    assert usage_classes(interval_at).interval[0] == pytest.approx(1.32, rel=1e-15)
    assert usage_classes(interval_at).names.tolist() == ["smooth"]
    assert usage_classes([[1] * 25 + [0] * 9]).names.tolist() == ["intermittent"]


def test_months_that_were_not_observed_do_not_count():
    seen = usage_classes([[0, 2, 0, 3, 1]])
    holes = usage_classes([[0, 2, np.nan, 0, np.nan, 3, 1, np.nan]])
    np.testing.assert_array_equal(seen.interval, holes.interval)
    np.testing.assert_array_equal(seen.cv2, holes.cv2)


def test_negative_units_are_refused():
    with pytest.raises(ValueError, match="units must be 0 or more"):
        usage_classes([[1, -1]])


@pytest.mark.skipif(not AUTO_3000.exists(), reason="../shared/data/auto3000 is not there")
def test_the_authors_automotive_parts():
    # ../shared/data/auto3000/SOURCE.md: Smooth 1,271, Intermittent 974, Lumpy 314, Erratic 441.
    table = np.genfromtxt(AUTO_3000, delimiter=",", skip_header=1, usecols=range(1, 27))
    units, cv2, interval = table[:, :24], table[:, 24], table[:, 25]
    classes = usage_classes(units)
    np.testing.assert_allclose(classes.interval, interval, rtol=1e-6)
    differ = np.flatnonzero(~np.isclose(classes.cv2, cv2, rtol=1e-5))
    assert (differ + 1).tolist() == [2379, 2692]  # published: 7.76 and 11.07
    assert classes.cv2[differ] == pytest.approx([0.55962, 0.33826], abs=1e-5)
    found = classes.counts()
    assert (found["intermittent"], found["lumpy"], found["no demand"]) == (974, 314, 0)
    # SKU_2692 is smooth by its months and erratic by its published CV2.
    assert (found["smooth"], found["erratic"]) == (1271 + 1, 441 - 1)
    assert classes.names[2691] == "smooth"


def test_a_table_is_not_an_array():
    with pytest.raises(ValueError, match=r"got list: UsageHistory.from_table\(table\).units makes"):
        usage_classes([{"part_id": "A", "units": 3}])

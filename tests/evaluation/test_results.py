"""Sequences of records: as records, as frames, and as a page."""

import pytest

from partsplan.evaluation import CommitmentResult, ImpossibleCommitment
from partsplan.evaluation.results import Rows

KEPT = CommitmentResult("A", "uptime", 0.9, 0.95, "share", True, 12.0)
MUTE = CommitmentResult("B", "mean_wait", 4.0, None, "hours", True, None)


def rows(*results, backend=None):
    return Rows(results, CommitmentResult, backend)


def test_a_sequence_in_order():
    results = rows(KEPT, MUTE)
    assert len(results) == 2
    assert list(results) == [KEPT, MUTE]
    assert results[-1] is MUTE
    assert results[:1] == (KEPT,)
    assert KEPT in results
    assert results.index(MUTE) == 1
    assert repr(rows(KEPT)) == f"[{KEPT!r}]"


def test_records_are_plain():
    assert rows(MUTE).to_records() == [
        {
            "commitment_id": "B",
            "metric": "mean_wait",
            "target": 4.0,
            "achieved": None,
            "unit": "hours",
            "is_met": True,
            "price": None,
        }
    ]


def test_a_result_cannot_be_changed():
    with pytest.raises(AttributeError):
        KEPT.achieved = 1.0


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("results", [(KEPT, MUTE), (MUTE,), ()])
def test_frames(library, results):
    pytest.importorskip(library)
    frame = rows(*results, backend=library).to_frame()
    assert type(frame).__module__.split(".")[0] == library
    assert len(frame) == len(results)
    columns = frame.column_names if library == "pyarrow" else list(frame.columns)
    assert columns == ["commitment_id", "metric", "target", "achieved", "unit", "is_met", "price"]


def test_numbers_stay_numbers_in_a_frame():
    pytest.importorskip("pandas")
    frame = rows(KEPT, MUTE, backend="pandas").to_frame()
    assert frame["achieved"].dtype == frame["price"].dtype == "float64"
    assert frame["is_met"].dtype == "bool"
    assert frame["achieved"].isna().tolist() == [False, True]


def test_without_a_sign_frames_are_of_pandas():
    pandas = pytest.importorskip("pandas")
    assert isinstance(rows(KEPT).to_frame(), pandas.DataFrame)


def test_impossible_commitments_too():
    impossible = ImpossibleCommitment("A", "uptime", 0.99, 0.98, "share", "lanes <alone>")
    page = Rows([impossible], ImpossibleCommitment, None)._repr_html_()
    assert "lanes &lt;alone&gt;" in page
    assert page.count("<th>") == 6

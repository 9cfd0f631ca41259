"""Findings and the one error that carries them."""

from __future__ import annotations

import pickle

from partsplan.errors import Finding, InputError, PartsplanError


def test_a_finding_names_table_row_line_column_rule_and_fix() -> None:
    finding = Finding("lanes", 7, "site_id", "X", "'X' is not a site.", "Mend it.", line=8)
    assert str(finding) == "lanes row 7 (line 8), column site_id: 'X' is not a site. Mend it."


def test_a_finding_about_a_whole_table_names_no_row() -> None:
    assert str(Finding("parts", None, None, None, "is empty.")) == "parts: is empty."


def test_a_long_list_is_cut_in_the_text_but_not_in_findings() -> None:
    error = InputError([Finding("parts", row, None, row, f"{row} is bad.") for row in range(1, 31)])
    assert str(error).startswith("30 findings\n")
    assert str(error).endswith("... and 10 more in .findings")
    assert len(error.findings) == 30


def test_what_is_said_of_many_rows_is_said_once() -> None:
    findings = [Finding("failures", row, "outcome", "F", "'F' is no outcome.") for row in (1, 4)]
    other = Finding("failures", 2, "outcome", "S", "'S' is no outcome.")
    assert str(InputError([findings[0], other, findings[1]])) == (
        "3 findings\n"
        "  failures row 1, column outcome: 'F' is no outcome. Also in row 4.\n"
        "  failures row 2, column outcome: 'S' is no outcome."
    )
    many = [Finding("parts", row, "unit_cost", None, "is empty.") for row in range(1, 1501)]
    assert str(InputError(many)) == (
        "1,500 findings\n"
        "  parts row 1, column unit_cost: is empty. Also in rows 2, 3, 4 and 1,496 more."
    )


def test_an_input_error_is_no_value_error_and_survives_pickling() -> None:
    error = InputError([Finding("parts", 1, "part_id", "x", "is bad.")])
    assert isinstance(error, PartsplanError)
    assert not isinstance(error, ValueError)
    copied = pickle.loads(pickle.dumps(error))
    assert copied.findings == error.findings
    assert str(copied) == str(error)

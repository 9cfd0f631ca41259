"""Tables that may hold one of two things, such as counts or lives: the columns tell which."""

from __future__ import annotations

from partsplan.errors import Finding
from partsplan.network.raw_tables import RawTable
from partsplan.network.schema import FORMS, TableSpec


def form_of(raw: RawTable) -> tuple[int, list[Finding]]:
    """Find out what a table holds by the columns that only one of its forms has.

    Parameters
    ----------
    raw : RawTable
        The table as given, columns renamed.

    Returns
    -------
    form : int
        Position of the form in ``FORMS``; 0, the usual one, where no column tells.
    findings : list of Finding
        One where columns of two forms are mixed.
    """
    forms = FORMS[raw.name]
    telling = [[name for name in raw.columns if _only_in(name, form, forms)] for form in forms]
    told = [form for form, names in enumerate(telling) if names]
    if len(told) > 1:
        first, second = (", ".join(telling[form]) for form in told[:2])
        rule = f"columns of two kinds of {raw.name} are mixed: {first} and {second}."
        fix = f"Give one kind in a table: {known_columns(raw.name)}."
        return 0, [Finding(raw.name, None, telling[told[1]][0], None, rule, fix)]
    return (told[0] if told else 0), []


def known_columns(name: str) -> str:
    """List the columns of every form of a table."""
    return "; or ".join(", ".join(form.columns) for form in FORMS[name])


def _only_in(name: str, form: TableSpec, forms: tuple[TableSpec, ...]) -> bool:
    """Whether a column is one of this form and of no other."""
    return [f for f in forms if name in f.columns] == [form] and len(forms) > 1

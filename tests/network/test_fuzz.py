"""Mutated table sets at the front door: never anything but a network or an `InputError`."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import math
from typing import Any

import numpy as np
import pytest

from partsplan.errors import InputError
from partsplan.network import ServiceNetwork, read_base_stock, read_limits
from partsplan.network.schema import FORMS, SCHEMA
from small_networks import FACTORIES, Tables

SETS = 2000
BATCHES = 8

JUNK: tuple[Any, ...] = (
    None,
    "",
    " ",
    "x",
    "P1",
    "F1",
    "DC",
    "DC1",
    "A",
    "M",
    "C1",
    "nan",
    "inf",
    "1,5",
    "1e400",
    "0x10",
    "1_0",
    "²",
    "\x00",
    "é" * 300,
    "2024-01-01",
    "2024-13-01",
    "true",
    "uptime",
    "response",
    "mean_wait",
    "customer",
    0,
    1,
    -1,
    2,
    95,
    10**30,
    10**400,
    0.5,
    1.5,
    -0.0,
    1e-320,
    1e308,
    math.nan,
    math.inf,
    -math.inf,
    True,
    False,
    b"P1",
    [],
    ["P1"],
    {},
    object(),
    1j,
    np.nan,
    np.float32(2.5),
    np.int8(3),
    np.datetime64("NaT", "D"),
    np.datetime64("2024-01-01"),
    np.array([1, 2]),
    dt.date(2024, 1, 1),
    dt.datetime(2024, 1, 1, 3, tzinfo=dt.UTC),
    dt.timedelta(days=1),
    decimal.Decimal("1.5"),
    decimal.Decimal("NaN"),
    decimal.Decimal("sNaN"),
)


def mutated(rng: np.random.Generator, tables: Tables) -> Tables:
    """Change one to four things in a good table set."""
    tables = copy.deepcopy(tables)
    for _ in range(rng.integers(1, 5)):
        name = str(rng.choice(list(tables) if rng.random() < 0.7 else list(SCHEMA)))
        rows: Any = tables.setdefault(name, [])
        if not isinstance(rows, list):
            continue
        columns = [column for form in FORMS[name] for column in form.columns]
        kind = rng.random()
        if kind < 0.6 and rows:
            row = rows[rng.integers(len(rows))]
            if isinstance(row, dict):
                row[str(rng.choice(columns))] = JUNK[rng.integers(len(JUNK))]
        elif kind < 0.7 and rows:
            rows.append(copy.copy(rows[rng.integers(len(rows))]))
        elif kind < 0.8 and rows:
            del rows[rng.integers(len(rows))]
        elif kind < 0.85 and rows and isinstance(rows[0], dict) and rows[0]:
            rows[0].pop(str(rng.choice(list(rows[0]))))
        elif kind < 0.9:
            rows.append({str(c): JUNK[rng.integers(len(JUNK))] for c in rng.choice(columns, 3)})
        elif kind < 0.93:
            tables[name] = JUNK[rng.integers(len(JUNK))]
        elif kind < 0.96:
            del tables[name]
        else:
            rows.append(JUNK[rng.integers(len(JUNK))])
    return tables


def swapped(rng: np.random.Generator, tables: Tables) -> Tables:
    """Give every row of one column the value of another row, so that ids get mixed up."""
    tables = copy.deepcopy(tables)
    name = str(rng.choice(list(tables)))
    column = str(rng.choice(list(tables[name][0])))
    values = [row.get(column) for row in tables[name]]
    for row in tables[name]:
        row[column] = values[rng.integers(len(values))]
    return tables


@pytest.mark.parametrize("seed", range(BATCHES))
def test_mutated_tables_give_a_network_or_an_input_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    networks = 0
    for number in range(SETS // BATCHES):
        good = FACTORIES[number % len(FACTORIES)]()
        change = swapped if number % 5 == 0 else mutated
        tables = change(rng, good)
        try:
            network = ServiceNetwork.from_tables(**tables)
        except InputError as error:
            check_findings(error)
            continue
        networks += 1
        check_is_usable(network)
    assert 0 < networks < SETS // BATCHES


def check_findings(error: InputError) -> None:
    """Each finding has a table, a place that can be, and words."""
    assert error.findings
    for finding in error.findings:
        assert finding.table in SCHEMA
        assert finding.row is None or finding.row >= 1
        assert finding.rule
        assert str(finding).startswith(finding.table)


def check_is_usable(network: ServiceNetwork) -> None:
    """Ask a network for all that kernels ask for."""
    shape = (network.n_parts, network.n_locations)
    transit = network.transit_days()
    assert transit.shape == shape
    assert np.isfinite(transit).all()
    assert np.isfinite(network.holding_rates()).all()
    assert np.isfinite(network.local_repair_days()).all()
    assert network.may_stock().shape == shape
    parts = np.concatenate([forest.parts for forest in network.forests])
    assert sorted(parts.tolist()) == list(range(network.n_parts))
    sites = np.arange(len(network.sites))
    if len(sites):
        serving = network.serving_locations(sites[:, None], np.arange(network.n_parts))
        assert (serving >= 0).all()
        assert np.isfinite(network.lane_hours(serving, sites[:, None])).all()
    read_limits(network)
    if "base_stock" in network.stock.given_columns:
        read_base_stock(network, None)
    assert network.summary()


@pytest.mark.parametrize("seed", range(3))
def test_mutated_files_give_a_network_or_an_input_error(seed: int, tmp_path: Any) -> None:
    rng = np.random.default_rng(seed)
    text = (
        b'part_id;unit_cost;resupply_days;description\n001;10;5;"a ""good"" part"\n'
        b"002;20.5;7;caf\xc3\xa9\n\n003;1;9;\n"
    )
    (tmp_path / "locations.csv").write_text("location_id,kind\nDC,central\n")
    for _ in range(100):
        spoiled = bytearray(text)
        for _ in range(rng.integers(0, 4)):
            place = int(rng.integers(len(spoiled)))
            spoiled[place : place + int(rng.integers(0, 3))] = bytes(
                rng.choice(np.frombuffer(b';,\t"\n\r\x00\xff0a-.', dtype=np.uint8), 1)
            )
        (tmp_path / "parts.csv").write_bytes(bytes(spoiled))
        try:
            network = ServiceNetwork.from_folder(tmp_path)
        except InputError as error:
            check_findings(error)
        else:
            check_is_usable(network)

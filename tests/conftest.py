"""Fixtures for all tests: the tables of the tiny named networks in `small_networks`."""

from __future__ import annotations

import pytest

import small_networks
from small_networks import Tables


@pytest.fixture(name="one_location_tables")
def _one_location_tables() -> Tables:
    return small_networks.one_location_tables()


@pytest.fixture(name="two_level_tables")
def _two_level_tables() -> Tables:
    return small_networks.two_level_tables()


@pytest.fixture(name="three_level_tables")
def _three_level_tables() -> Tables:
    return small_networks.three_level_tables()

"""Scenarios: what goes wrong, from when and for how long, in a planner's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding, InputError
from partsplan.network import ServiceNetwork
from partsplan.network.scanning import nearest
from partsplan.simulation.arguments import check_positive

Floats = NDArray[np.float64]

PerPart = float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Outage:
    """A location that hands out nothing for a time; what comes in meanwhile waits inside."""

    location_id: str
    days: float
    """Length [days]."""
    start_day: float = 0.0
    """Days after the start of the scenario."""

    def __post_init__(self) -> None:
        check_positive("days", self.days)
        _check_start(self.start_day)


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """A share of all installed units of a part must be replaced, beside the usual failures."""

    part_id: str
    share: float
    """Chance of each installed unit to be replaced."""
    days: float
    """Time over which the replacements spread evenly [days]."""
    start_day: float = 0.0
    """Days after the start of the scenario."""

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0:
            raise ValueError(f"share must be above 0 and at most 1, got {self.share!r}")
        check_positive("days", self.days)
        _check_start(self.start_day)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What goes wrong.

    Examples
    --------
    >>> Scenario("batteries", fleet_events=(FleetEvent("BATTERY", share=0.3, days=30),)).name
    'batteries'
    """

    name: str
    rate_factor: PerPart = 1.0
    """Factor on the failure rates of all parts, or of the parts named."""
    lead_time_factor: PerPart = 1.0
    """Factor on the resupply time of what is ordered outside, of all parts or those named."""
    days: float | None = None
    """How long the two factors last [days]; None: until the end."""
    outages: Sequence[Outage] = ()
    """Locations that close."""
    fleet_events: Sequence[FleetEvent] = ()
    """Replacements all over the fleet."""

    def __post_init__(self) -> None:
        for name in ("rate_factor", "lead_time_factor"):
            given = getattr(self, name)
            for value in given.values() if isinstance(given, Mapping) else [given]:
                if not 0.0 <= value < np.inf:
                    raise ValueError(f"{name} must be 0 or more, got {value!r}")
        if self.days is not None:
            check_positive("days", self.days)


@dataclass(frozen=True, eq=False)
class Effects:
    """A scenario in positions of a network."""

    rate_factor: Floats
    """Shape (n_parts,)."""
    lead_factor: Floats
    """Shape (n_parts,)."""
    days: float
    """How long the factors last [days]."""
    outages: tuple[tuple[int, float, float], ...]
    """Location, first day and last day."""
    events: tuple[tuple[int, float, float, float], ...]
    """Part, share, first day and last day."""

    @property
    def parts(self) -> NDArray[np.bool_]:
        """Shape (n_parts,): parts whose demand or resupply changes."""
        touched: NDArray[np.bool_] = (self.rate_factor != 1.0) | (self.lead_factor != 1.0)
        touched[[event[0] for event in self.events]] = True
        return touched


def effects_of(network: ServiceNetwork, scenario: Scenario) -> Effects:
    """Positions of what a scenario names.

    Raises
    ------
    InputError
        With every part and location that is not in the network.
    """
    findings: list[Finding] = []
    table = f"scenario {scenario.name!r}"

    def known(ids: Mapping[str, int], name: str, column: str, kind: str) -> bool:
        if name in ids:
            return True
        fix = nearest(str(name), list(ids)) or f"Name a {kind} of the network."
        rule = f"{name!r} is not a {kind}."
        findings.append(Finding(table, None, column, name, rule, fix))
        return False

    def factors(given: PerPart, column: str) -> Floats:
        if not isinstance(given, Mapping):
            return np.full(network.n_parts, float(given))
        array = np.ones(network.n_parts)
        for part, value in given.items():
            if known(network.part_index, part, column, "part"):
                array[network.part_index[part]] = value
        return array

    rate = factors(scenario.rate_factor, "rate_factor")
    lead = factors(scenario.lead_time_factor, "lead_time_factor")
    places, parts = network.location_index, network.part_index
    outages = tuple(
        (places[outage.location_id], outage.start_day, outage.start_day + outage.days)
        for outage in scenario.outages
        if known(places, outage.location_id, "outages", "location")
    )
    events = tuple(
        (parts[event.part_id], event.share, event.start_day, event.start_day + event.days)
        for event in scenario.fleet_events
        if known(parts, event.part_id, "fleet_events", "part")
    )
    if findings:
        raise InputError(findings)
    days = np.inf if scenario.days is None else scenario.days
    return Effects(rate, lead, days, outages, events)


def _check_start(start_day: float) -> None:
    if not 0.0 <= start_day < np.inf:
        raise ValueError(f"start_day must be 0 or more, got {start_day!r}")

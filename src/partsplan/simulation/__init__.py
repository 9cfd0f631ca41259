"""The same network run demand by demand, independent of the evaluation's formulas."""

from partsplan.simulation.confirmation import confirm
from partsplan.simulation.describing import SimulatedCommitment
from partsplan.simulation.extra_stock import ExtraStock
from partsplan.simulation.intervals import Interval
from partsplan.simulation.performance import SimulatedPerformance
from partsplan.simulation.periods import PeriodProbability, period_probabilities
from partsplan.simulation.scenarios import FleetEvent, Outage, Scenario
from partsplan.simulation.simulate import simulate
from partsplan.simulation.stress import stress
from partsplan.simulation.stress_results import StressedCommitment, StressTest
from partsplan.simulation.verdicts import AssumptionChange, Confirmation, ConfirmedCommitment

__all__ = [
    "AssumptionChange",
    "Confirmation",
    "ConfirmedCommitment",
    "ExtraStock",
    "FleetEvent",
    "Interval",
    "Outage",
    "PeriodProbability",
    "Scenario",
    "SimulatedCommitment",
    "SimulatedPerformance",
    "StressTest",
    "StressedCommitment",
    "confirm",
    "period_probabilities",
    "simulate",
    "stress",
]

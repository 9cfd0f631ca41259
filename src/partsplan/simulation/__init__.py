"""The same network run demand by demand, independent of the evaluation's formulas."""

from partsplan.simulation.confirmation import (
    AssumptionChange,
    Confirmation,
    ConfirmedCommitment,
    confirm,
)
from partsplan.simulation.intervals import Interval
from partsplan.simulation.performance import SimulatedCommitment, SimulatedPerformance
from partsplan.simulation.periods import PeriodProbability, period_probabilities
from partsplan.simulation.simulate import simulate

__all__ = [
    "AssumptionChange",
    "Confirmation",
    "ConfirmedCommitment",
    "Interval",
    "PeriodProbability",
    "SimulatedCommitment",
    "SimulatedPerformance",
    "confirm",
    "period_probabilities",
    "simulate",
]

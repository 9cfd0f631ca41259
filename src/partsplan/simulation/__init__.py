"""The same network run demand by demand, independent of the evaluation's formulas."""

from partsplan.simulation.intervals import Interval
from partsplan.simulation.performance import SimulatedCommitment, SimulatedPerformance
from partsplan.simulation.simulate import simulate

__all__ = ["Interval", "SimulatedCommitment", "SimulatedPerformance", "simulate"]

"""Which stock to hold: problem, pricing, prices, columns, branch and price, master, plan."""

from partsplan.optimization.optimize import optimize
from partsplan.optimization.period_confidence import ConfidentCommitment, PeriodConfidence
from partsplan.optimization.plan import PlannedStock, PlanStatus, StockingPlan
from partsplan.optimization.progress import Progress

__all__ = [
    "ConfidentCommitment",
    "PeriodConfidence",
    "PlanStatus",
    "PlannedStock",
    "Progress",
    "StockingPlan",
    "optimize",
]

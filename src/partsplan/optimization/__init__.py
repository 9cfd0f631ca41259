"""Which stock to hold: problem, pricing, prices, columns, branch and price, master, plan."""

from partsplan.optimization.optimize import optimize
from partsplan.optimization.plan import PlannedStock, PlanStatus, StockingPlan

__all__ = ["PlanStatus", "PlannedStock", "StockingPlan", "optimize"]

"""Service-parts planning: the least inventory that provably keeps every uptime commitment."""

import logging

from partsplan.demand import DemandRates, estimate_demand, fit_lifetimes, weak_points
from partsplan.errors import Finding, InputError, PartsplanError
from partsplan.evaluation import Performance, evaluate
from partsplan.network import ServiceNetwork, lanes_from_coordinates
from partsplan.optimization import PlanStatus, StockingPlan, optimize
from partsplan.planning import compare_stocks, stock_position
from partsplan.simulation import simulate

__version__ = "0.1.0"

__all__ = [
    "DemandRates",
    "Finding",
    "InputError",
    "PartsplanError",
    "Performance",
    "PlanStatus",
    "ServiceNetwork",
    "StockingPlan",
    "__version__",
    "compare_stocks",
    "estimate_demand",
    "evaluate",
    "fit_lifetimes",
    "lanes_from_coordinates",
    "optimize",
    "simulate",
    "stock_position",
    "weak_points",
]

logging.getLogger("partsplan").addHandler(logging.NullHandler())

"""Service-parts planning: the least inventory that provably keeps every uptime commitment."""

import logging
from importlib.metadata import version

from partsplan.demand import DemandRates, estimate_demand
from partsplan.errors import Finding, InputError, PartsplanError
from partsplan.evaluation import Performance, evaluate
from partsplan.network import ServiceNetwork
from partsplan.optimization import PlanStatus, StockingPlan, optimize

__version__ = version("partsplan")

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
    "estimate_demand",
    "evaluate",
    "optimize",
]

logging.getLogger("partsplan").addHandler(logging.NullHandler())

"""Service-parts planning: the least inventory that provably keeps every uptime commitment.

A room is loaded when the first of its names is asked for (PEP 562), so that ``import partsplan``
costs next to nothing in a job that needs little of it.
"""

import logging
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_NAMES_OF_ROOMS = {
    "demand": ("DemandRates", "estimate_demand", "fit_lifetimes", "weak_points"),
    "errors": ("Finding", "InputError", "PartsplanError"),
    "evaluation": ("Performance", "evaluate"),
    "network": ("ServiceNetwork", "lanes_from_coordinates"),
    "optimization": ("PlanStatus", "StockingPlan", "optimize"),
    "planning": ("compare_stocks", "stock_position"),
    "reporting": (),
    "simulation": ("simulate",),
}

if not TYPE_CHECKING:  # a type checker reads the imports above, and so still sees a misspelled name

    def __getattr__(name: str) -> object:
        for room, names in _NAMES_OF_ROOMS.items():
            if name == room:
                return import_module(f"partsplan.{room}")
            if name in names:
                value = getattr(import_module(f"partsplan.{room}"), name)
                return globals().setdefault(name, value)
        raise AttributeError(
            f"module 'partsplan' has no attribute {name!r}", name=name, obj=sys.modules[__name__]
        )

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *_NAMES_OF_ROOMS})


logging.getLogger("partsplan").addHandler(logging.NullHandler())

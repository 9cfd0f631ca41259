"""How often parts fail and are asked for: rates, their uncertainty, and who demands."""

from partsplan.demand.counts import GammaPosterior, gamma_poisson_posterior
from partsplan.demand.estimate import estimate_demand
from partsplan.demand.rates import DemandRates
from partsplan.demand.smoothing import SmoothedUsage, croston, one_step_forecasts, sba, tsb
from partsplan.demand.streams import DemandStreams
from partsplan.demand.usage_classes import UsageClasses, usage_classes
from partsplan.demand.usage_forecast import UsageForecast, best_smoothing, forecast_usage
from partsplan.demand.usage_history import UsageHistory

__all__ = [
    "DemandRates",
    "DemandStreams",
    "GammaPosterior",
    "SmoothedUsage",
    "UsageClasses",
    "UsageForecast",
    "UsageHistory",
    "best_smoothing",
    "croston",
    "estimate_demand",
    "forecast_usage",
    "gamma_poisson_posterior",
    "one_step_forecasts",
    "sba",
    "tsb",
    "usage_classes",
]

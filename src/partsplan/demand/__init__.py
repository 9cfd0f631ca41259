"""How often parts fail and are asked for: rates, their uncertainty, and who demands."""

from partsplan.demand.age_replacement import AgeReplacement, optimal_age_replacement
from partsplan.demand.combined_usage import CombinedUsage
from partsplan.demand.combining import combine_usage
from partsplan.demand.count_quantiles import count_quantile
from partsplan.demand.count_tests import count_p_values
from partsplan.demand.counts import GammaPosterior, gamma_poisson_posterior, garwood_interval
from partsplan.demand.differences import false_discovery_p_values, rate_difference_p_values
from partsplan.demand.duane import DuaneFit, fit_duane
from partsplan.demand.estimate import estimate_demand
from partsplan.demand.estimating_rates import estimate_rates
from partsplan.demand.fleet_figures import FleetFigures
from partsplan.demand.fleet_forecast import FleetForecast
from partsplan.demand.forecasting_fleets import forecast_fleet
from partsplan.demand.gamma_priors import GammaPriors, fit_gamma_prior
from partsplan.demand.hierarchical_rates import HierarchicalRates, hierarchical_rates
from partsplan.demand.kaplan_meier import SurvivalCurve
from partsplan.demand.last_time_buy import LastTimeBuy, last_time_buy
from partsplan.demand.life_data import LifeData
from partsplan.demand.life_laws import LifeLaws
from partsplan.demand.lifetime_fits import LifetimeFits
from partsplan.demand.lifetimes import fit_lifetimes
from partsplan.demand.mean_cumulative import MeanCumulativeFunction, mean_cumulative_function
from partsplan.demand.power_law import PowerLawFit, fit_power_law
from partsplan.demand.rate_estimates import RateEstimates
from partsplan.demand.rates import DemandRates
from partsplan.demand.renewal import renewal_count_pmf, renewal_function
from partsplan.demand.repair_history import RepairHistory
from partsplan.demand.smoothing import SmoothedUsage, croston, one_step_forecasts, sba, tsb
from partsplan.demand.streams import DemandStreams
from partsplan.demand.trend import TrendTest, laplace_trend_test
from partsplan.demand.usage_classes import UsageClasses, usage_classes
from partsplan.demand.usage_dispersion import UsageDispersion, usage_dispersion
from partsplan.demand.usage_forecast import UsageForecast, best_smoothing, forecast_usage
from partsplan.demand.usage_history import UsageHistory
from partsplan.demand.usage_rates import UsageRates, rates_from_usage
from partsplan.demand.weak_point_table import WeakPoints
from partsplan.demand.weak_points import weak_points

__all__ = [
    "AgeReplacement",
    "CombinedUsage",
    "DemandRates",
    "DemandStreams",
    "DuaneFit",
    "FleetFigures",
    "FleetForecast",
    "GammaPosterior",
    "GammaPriors",
    "HierarchicalRates",
    "LastTimeBuy",
    "LifeData",
    "LifeLaws",
    "LifetimeFits",
    "MeanCumulativeFunction",
    "PowerLawFit",
    "RateEstimates",
    "RepairHistory",
    "SmoothedUsage",
    "SurvivalCurve",
    "TrendTest",
    "UsageClasses",
    "UsageDispersion",
    "UsageForecast",
    "UsageHistory",
    "UsageRates",
    "WeakPoints",
    "best_smoothing",
    "combine_usage",
    "count_p_values",
    "count_quantile",
    "croston",
    "estimate_demand",
    "estimate_rates",
    "false_discovery_p_values",
    "fit_duane",
    "fit_gamma_prior",
    "fit_lifetimes",
    "fit_power_law",
    "forecast_fleet",
    "forecast_usage",
    "gamma_poisson_posterior",
    "garwood_interval",
    "hierarchical_rates",
    "laplace_trend_test",
    "last_time_buy",
    "mean_cumulative_function",
    "one_step_forecasts",
    "optimal_age_replacement",
    "rate_difference_p_values",
    "rates_from_usage",
    "renewal_count_pmf",
    "renewal_function",
    "sba",
    "tsb",
    "usage_classes",
    "usage_dispersion",
    "weak_points",
]

"""How often parts fail and are asked for: rates, their uncertainty, and who demands."""

from partsplan.demand.counts import GammaPosterior, gamma_poisson_posterior
from partsplan.demand.estimate import estimate_demand
from partsplan.demand.rates import DemandRates
from partsplan.demand.streams import DemandStreams

__all__ = [
    "DemandRates",
    "DemandStreams",
    "GammaPosterior",
    "estimate_demand",
    "gamma_poisson_posterior",
]

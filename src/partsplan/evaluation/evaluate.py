"""The front door of the evaluation: from network, demand and stock to the service it gives."""

from __future__ import annotations

from typing import Any

from partsplan.demand import DemandRates
from partsplan.evaluation.expedite_model import ExpediteModel
from partsplan.evaluation.expedited import expedited_performance
from partsplan.evaluation.measuring import EVALUATIONS, Evaluation
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.performance import (
    Performance,
    check_choice,
    check_network_and_demand,
    performance_of,
    service_model,
)
from partsplan.evaluation.supply import Integers
from partsplan.network import ServiceNetwork, read_base_stock


def evaluate(
    network: ServiceNetwork,
    demand: DemandRates,
    stock: Any = None,
    *,
    evaluation: Evaluation = "exact",
) -> Performance:
    """Evaluate the service of a stock.

    Parameters
    ----------
    network : ServiceNetwork
    demand : DemandRates
        Demand for this network's parts and locations, or any subset of them.
    stock : table, plan's stock, or dict {(part_id, location_id): S}
        Base stock S [units]; missing pairs are 0. ``None`` means ``network.stock``.
    evaluation : {"exact", "vari_metric", "metric"}
        How late units are computed. Fill-rate and response commitments are always exact. Where
        shortages are expedited, "exact" solves small groups of locations that help each other
        out as Markov chains; the other two take the fixed point of overflowing demand for all.

    Returns
    -------
    Performance
        `ExpeditedPerformance` where shortages are expedited.

    Raises
    ------
    InputError
        If ids are unknown or the table has no ``base_stock``.
    PartsplanError
        If demand is clustered (``variance_to_mean`` above 1) where the evaluation has no law.
    ValueError
        If an argument is not of its kind.

    Examples
    --------
    >>> import partsplan as pp
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ... )
    >>> demand = pp.DemandRates.from_table(
    ...     [{"part_id": "P1", "location_id": "DC", "per_year": 36.5}])
    >>> performance = pp.evaluate(network, demand, {("P1", "DC"): 1})
    >>> float(performance.fill_rate[0, 0].round(6))
    0.367879
    """
    check_choice("evaluation", evaluation, EVALUATIONS)
    check_network_and_demand(network, demand)
    levels = read_base_stock(network, stock)
    model = service_model(network, demand, evaluation)
    return stock_performance(model, levels, evaluation)


def stock_performance(model: ServiceModel, stock: Integers, evaluation: Evaluation) -> Performance:
    """Performance of base-stock levels by the network's rule for shortages."""
    if model.network.shortages == "expedite":
        return expedited_performance(ExpediteModel(model), stock, evaluation)
    return performance_of(model, stock, evaluation)

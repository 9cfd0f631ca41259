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
    solve_centres: bool = False,
) -> Performance:
    """Evaluate the service of a stock.

    Parameters
    ----------
    network : ServiceNetwork
    demand : DemandRates
        Demand for this network's parts and locations, or any subset of them.
    stock : table, plan's stock, dict {(part_id, location_id): S}, or array
        Base stock S [units]; missing pairs are 0. An array has the shape (n_parts, n_locations), in
        the order of the network's tables. ``None`` means ``network.stock``. Where a part
        is ordered in lots at the top (``order_quantity`` of the parts table, or the economic lot
        from ``order_cost``), S is the highest inventory position R + Q of the top location; with
        S below the lot it orders S at a time. Exact for fixed resupply times; where shortages are
        expedited a mean over the inventory positions, which is approximate.
    evaluation : {"exact", "vari_metric", "metric"}
        How late units are computed. Fill-rate and response commitments are always exact. Where
        shortages are expedited, "exact" solves small groups of locations that help each other
        out as Markov chains; the other two take the fixed point of overflowing demand for all.
        Parts within parts: see Notes.
    solve_centres : bool
        Where shortages are expedited and ``evaluation`` is "exact": whether small groups with a
        centre that supplies them (up to 2,000 states: a few units at a few locations) are also
        solved as Markov chains, in up to a tenth of a second each. The fixed point takes an empty
        centre and an empty shelf as independent, which understates what comes from outside where
        both are often empty. Plans are made without (a proven bound needs one model of all
        stocks), so their figures differ slightly from these.

    Returns
    -------
    Performance
        `ExpeditedPerformance` where shortages are expedited.

    Raises
    ------
    InputError
        If ids are unknown or the table has no ``base_stock``.
    PartsplanError
        If demand is clustered (``variance_to_mean`` above 1) where the evaluation has no law, or
        parts are ordered in lots among parts within parts.
    ValueError
        If an argument is not of its kind.

    Notes
    -----
    Parts within parts (``parent_part_id``, where shortages wait): an LRU is repaired where a share
    of its demand is repaired locally, and at the top of its replenishment, where resupply is
    repair but for the condemned share. A repair that needs an SRU waits for it, so the LRU's
    pipeline there gains its share of the SRU's backorders; the SRU is asked for there, at the
    rate of these repairs, beside its own customers (figures and ``mean_wait_days`` of an SRU count
    both, commitments customers only). ``exact`` takes these terms for independent, which holds
    unless a location repairs an LRU and is also supplied with it by one that repairs it, one SRU
    sits in an LRU by two ways, or several parts of the family have uncertain rates: ``is_exact``
    says so. ``vari_metric`` adds their means and variances.

    References
    ----------
    Muckstadt (1973), Management Science 20; Sherbrooke (1986), Operations Research 34, and
    Optimal Inventory Modeling of Systems, 2nd ed., ch. 5, for parts within parts.

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
    if not solve_centres:
        return stock_performance(model, levels, evaluation)
    if network.shortages != "expedite" or evaluation != "exact":
        raise ValueError(
            "solve_centres must be False unless shortages are expedited and evaluation is 'exact', "
            f"got {solve_centres!r}"
        )
    return expedited_performance(ExpediteModel(model), levels, evaluation, solves_centres=True)


def stock_performance(model: ServiceModel, stock: Integers, evaluation: Evaluation) -> Performance:
    """Performance of base-stock levels by the network's rule for shortages."""
    if model.network.shortages == "expedite":
        return expedited_performance(ExpediteModel(model), stock, evaluation)
    return performance_of(model, stock, evaluation)

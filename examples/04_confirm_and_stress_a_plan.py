"""Will the plan keep its promises in the quarters to come, and if a whole class is grounded?

Fifty aircraft of one class fly from eight sites. The least stock that keeps every commitment in the
long run is confirmed by simulation, judged quarter by quarter as the contracts do, and then put
under stress: one battery in three must be replaced within a month, and a store closes.
Where the figures come from is in data/aircraft_class/SOURCES.md.
"""

from pathlib import Path

import partsplan as pp
from partsplan.simulation import (
    FleetEvent,
    Outage,
    Scenario,
    period_probabilities,
    stress,
)

TABLES = Path(__file__).parent / "data" / "aircraft_class"
SEED = 1
SHARE_OF_BATTERIES = 1 / 3  # of all installed ones, to be replaced
DAYS_TO_REPLACE = 30
DAYS_CLOSED = 14


def main() -> None:
    """Plan, confirm, judge by quarter, and stress."""
    network = pp.ServiceNetwork.from_folder(TABLES)
    demand = pp.estimate_demand(network)
    plan = pp.optimize(network, demand)
    print(plan.summary(), end="\n\n")

    print(plan.confirm(rng=SEED, life_shapes={"BRAKE": 3.0}).summary())

    print("\nKept in a quarter, as the contract measures it")
    for row in period_probabilities(network, demand, plan, rng=SEED):
        print(f"  {row.commitment_id:<14} {100 * row.probability:5.1f} % of quarters")

    battery = FleetEvent("BATTERY", share=SHARE_OF_BATTERIES, days=DAYS_TO_REPLACE)
    scenarios = [
        Scenario("one battery in three", fleet_events=[battery]),
        Scenario("Narita closed", outages=[Outage("NARITA", days=DAYS_CLOSED)]),
    ]
    print()
    print(stress(network, demand, plan, scenarios, rng=SEED).summary())


if __name__ == "__main__":
    main()

"""What it is worth to plan with uncertain rates as uncertain: mean rate against predictive.

Rates are known from a catalogue worth one failure and from counts of some years; true rates are
drawn from that posterior, and every plan is evaluated under each draw. Run
``python -m benchmarks.predictive [--seeds 4] [--draws 200] [--parts 30] [--fsls 4] [--years 2]``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import scipy
from benchmarks.recipes import MEAN_WAIT_HOURS, recipe_a
from benchmarks.tables import machine, print_table
from numpy.typing import NDArray

import partsplan as pp
from partsplan.demand import GammaPosterior, gamma_poisson_posterior

GAP = 5e-3
QUANTILE = 0.9


@dataclass(frozen=True)
class Instance:
    """A network of recipe A, nominal demand, and what is known of the factors on it."""

    network: pp.ServiceNetwork
    nominal: NDArray[np.float64]
    posterior: GammaPosterior

    def demand(self, factor: NDArray[np.float64], shape: object = None) -> pp.DemandRates:
        """Demand at given factors of the parts."""
        network = self.network
        return pp.DemandRates.from_arrays(
            network.part_ids,
            network.location_ids,
            self.nominal * factor[:, np.newaxis],
            shape,  # type: ignore[arg-type]
        )


@dataclass
class Outcome:
    """What one way of planning came to, over all instances and draws."""

    cost: float = 0.0
    seconds: float = 0.0
    pairs: int = 0
    kept: int = 0
    draws: int = 0
    all_kept: int = 0
    wait_hours: float = 0.0

    def cells(self, name: str, cheapest: float, n_seeds: int) -> list[str]:
        return [
            name,
            f"{self.cost / n_seeds:,.0f}",
            f"{100 * (self.cost / cheapest - 1):+.1f} %",
            f"{100 * self.kept / self.pairs:.1f} %",
            f"{100 * self.all_kept / self.draws:.1f} %",
            f"{self.wait_hours / self.draws:.1f}",
            f"{self.seconds / n_seeds:.1f}",
        ]


def instance(seed: int, n_parts: int, n_fsls: int, years: float) -> Instance:
    """Counts of ``years`` years, of parts whose factors are drawn from the catalogue's prior."""
    network, demand = recipe_a(seed, n_parts, n_fsls)
    rng = np.random.default_rng(1_000 + seed)
    expected = demand.per_year.sum(axis=1) * years
    counted = rng.poisson(expected * rng.gamma(1.0, 1.0, n_parts))
    posterior = gamma_poisson_posterior(counted, expected, 1.0, 1.0)
    return Instance(network, demand.per_year, posterior)


def demands(case: Instance) -> dict[str, pp.DemandRates]:
    """Ways to plan with the same knowledge."""
    posterior = case.posterior
    return {
        "mean rate": case.demand(posterior.mean),
        f"{100 * QUANTILE:.0f} % quantile of each rate": case.demand(posterior.quantile(QUANTILE)),
        "predictive": case.demand(posterior.mean, posterior.shape),
    }


def evaluated(case: Instance, stock: object, draws: NDArray[np.float64], into: Outcome) -> None:
    """Evaluate a stock under each draw of the true rates."""
    for factor in draws:
        performance = pp.evaluate(case.network, case.demand(factor), stock)
        met = [result.is_met for result in performance.commitments]
        into.pairs += len(met)
        into.kept += sum(met)
        into.draws += 1
        into.all_kept += all(met)
        waits = [result.achieved for result in performance.commitments]
        into.wait_hours += float(np.mean([w for w in waits if w is not None]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--parts", type=int, default=30)
    parser.add_argument("--fsls", type=int, default=4)
    parser.add_argument("--years", type=float, default=2.0)
    options = parser.parse_args()
    outcomes: dict[str, Outcome] = {}
    shapes = []
    for seed in range(options.seeds):
        case = instance(seed, options.parts, options.fsls, options.years)
        shapes.append(case.posterior.shape)
        rng = np.random.default_rng(2_000 + seed)
        uniform = rng.random((options.draws, options.parts))
        law = case.posterior
        draws = scipy.special.gammaincinv(law.shape, uniform) / law.exposure
        for name, demand in demands(case).items():
            outcome = outcomes.setdefault(name, Outcome())
            start = perf_counter()
            plan = pp.optimize(case.network, demand, gap=GAP)
            outcome.seconds += perf_counter() - start
            if plan.stock is None or plan.annual_cost is None:
                raise SystemExit(f"seed {seed}, {name}: {plan.status}")
            outcome.cost += plan.annual_cost
            evaluated(case, plan.stock, draws, outcome)
    middle = float(np.median(np.concatenate(shapes)))
    print(
        f"Recipe A, {options.parts} parts x {options.fsls} FSLs, {options.seeds} seeds, "
        f"{options.draws} draws of the true rates each; promised: a mean wait of "
        f"{MEAN_WAIT_HOURS:g} h at every FSL"
    )
    print(f"counts of {options.years:g} years, median shape {middle:.1f}; {machine()}\n")
    head = [
        "planned with",
        "cost per year",
        "dearer by",
        "commitments kept",
        "draws that keep all",
        "mean wait, h",
        "seconds to plan",
    ]
    least = min(outcome.cost for outcome in outcomes.values())
    print_table(head, [o.cells(name, least, options.seeds) for name, o in outcomes.items()])


if __name__ == "__main__":
    main()

"""What a stock delivers: pure kernels on arrays, and the performance of a whole network."""

from partsplan.evaluation.erlang import erlang_loss
from partsplan.evaluation.evaluate import evaluate
from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.expedited import ExpeditedPerformance
from partsplan.evaluation.figures import SupplyFigures, supply_availability
from partsplan.evaluation.indentures import IndentureFigures, indenture_figures
from partsplan.evaluation.lots import economic_lot
from partsplan.evaluation.measuring import Evaluation
from partsplan.evaluation.moments import metric_figures, vari_metric_figures
from partsplan.evaluation.performance import Performance
from partsplan.evaluation.pooling import full_pooling
from partsplan.evaluation.results import CommitmentResult, ImpossibleCommitment
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.waiting import late_is_exact, late_shares

__all__ = [
    "CommitmentResult",
    "Evaluation",
    "ExpeditedPerformance",
    "ImpossibleCommitment",
    "IndentureFigures",
    "Performance",
    "SupplyFigures",
    "SupplyTree",
    "economic_lot",
    "erlang_loss",
    "evaluate",
    "exact_figures",
    "full_pooling",
    "indenture_figures",
    "late_is_exact",
    "late_shares",
    "metric_figures",
    "supply_availability",
    "vari_metric_figures",
]

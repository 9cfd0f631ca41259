"""From a plan to actions: where today's stock stands against it, and what each would deliver."""

from partsplan.network.figure_table import FigureTable
from partsplan.planning.comparison import StockComparison, compare_stocks
from partsplan.planning.position import StockPosition, stock_position

__all__ = [
    "FigureTable",
    "StockComparison",
    "StockPosition",
    "compare_stocks",
    "stock_position",
]

"""What exists: records, tables in, the validated network, ids and their positions."""

from partsplan.network.coordinates import great_circle_km, lanes_from_coordinates
from partsplan.network.forests import Forest
from partsplan.network.frames import backend_of, columns_of, frame_of
from partsplan.network.network import ServiceNetwork
from partsplan.network.records import (
    BillOfMaterialsRow,
    Commitment,
    DemandRate,
    Equipment,
    FailureCount,
    InstalledBaseRow,
    Lane,
    Life,
    Location,
    Part,
    PartLocation,
    Record,
    Site,
    Sourcing,
    StockLevel,
    Supersession,
    UsageMonth,
)
from partsplan.network.stock import StockLimits, read_base_stock, read_limits
from partsplan.network.table import Table

__all__ = [
    "BillOfMaterialsRow",
    "Commitment",
    "DemandRate",
    "Equipment",
    "FailureCount",
    "Forest",
    "InstalledBaseRow",
    "Lane",
    "Life",
    "Location",
    "Part",
    "PartLocation",
    "Record",
    "ServiceNetwork",
    "Site",
    "Sourcing",
    "StockLevel",
    "StockLimits",
    "Supersession",
    "Table",
    "UsageMonth",
    "backend_of",
    "columns_of",
    "frame_of",
    "great_circle_km",
    "lanes_from_coordinates",
    "read_base_stock",
    "read_limits",
]

"""The records of a service network: what one row of each table says, with its units.

Records are frozen and strict. Tables derive their columns from these classes, so a bound, a
default or a rule within a row is written here and nowhere else.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from partsplan.network import row_rules
from partsplan.network.fields import (
    Count,
    Date,
    Days,
    Each,
    EquipmentId,
    FleetHours,
    Fraction,
    Hours,
    Id,
    Kind,
    Latitude,
    LocationId,
    Longitude,
    Metric,
    Money,
    Month,
    Months,
    Outcome,
    PartId,
    PerYear,
    PositiveHours,
    Shape,
    SiteId,
    Target,
    TrueFalse,
    Units,
    UsedUnits,
    VarianceRatio,
    Variation,
    Weight,
    Words,
    YearHours,
    YearlyShare,
)
from partsplan.network.row_rules import RowRule
from partsplan.network.scanning import is_empty


class Record(BaseModel):
    """One row of a table; empty values mean that a field is not given."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True
    )

    table: ClassVar[str]
    """Name of the table whose rows these are."""
    key: ClassVar[tuple[str, ...]]
    """Columns that together tell the rows of the table apart."""
    repeat_fix: ClassVar[str] = "Keep one row."
    """The way out where two rows have the same key."""
    rules: ClassVar[tuple[RowRule, ...]] = ()
    """Rules that hold within one row."""

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if not is_empty(value)}

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        row = {name: getattr(self, name) for name in type(self).model_fields}
        columns = {name: _column_of_one(value) for name, value in row.items()}
        for rule in self.rules:
            if rule.broken(columns)[0]:
                words = f"{rule.reads[0]}: {' '.join(rule.explain(row))}"
                raise PydanticCustomError("row", words)
        return self


def _column_of_one(value: Any) -> np.ndarray[Any, Any]:
    if value is None:
        return np.array([np.nan])
    if isinstance(value, str):
        return np.array([value], dtype=object)
    if isinstance(value, (bool, int, float)):
        return np.array([value])
    return np.array([np.datetime64(value, "D")])


class Part(Record):
    """A stocked service part."""

    table = "parts"
    key = ("part_id",)
    rules = row_rules.PART_RULES

    part_id: PartId
    """Unique part number."""
    unit_cost: Money
    """Price of one unit [currency]."""
    resupply_days: Days | None = None
    """Order to shelf where the part enters the network [days]; instead of the repair figures."""
    repair_days: Days | None = None
    """Turn-around of a repair [days]."""
    condemnation_fraction: Fraction = 0.0
    """Share of failed units that cannot be repaired; 1 for a consumable [share]."""
    procurement_days: Days | None = None
    """Lead time of a new unit [days]."""
    resupply_cv: Variation = 0.0
    """Coefficient of variation of the resupply time [-]."""
    holding_rate: YearlyShare = 0.20
    """Yearly cost of holding a unit, as a share of its cost [1/year]."""
    description: Words = ""
    """What the part is."""
    part_group: Id = ""
    """Criticality or commodity class."""
    family: Id = ""
    """Parts with similar failure behaviour."""
    emergency_hours: Hours | None = None
    """Time of an emergency shipment from outside [hours]."""
    emergency_cost: Money | None = None
    """Cost of an emergency shipment from outside [currency]."""
    order_quantity: Count | None = None
    """Units per order where the part enters the network [units]; empty: the economic order
    quantity where there is an order_cost, else 1."""
    order_cost: Money | None = None
    """Cost of one order [currency]; it makes lots, no plan is charged with it."""


class Location(Record):
    """A place that can hold stock."""

    table = "locations"
    key = ("location_id",)
    rules = row_rules.LOCATION_RULES

    location_id: LocationId
    """Unique location code."""
    kind: Kind
    """Central, regional, forward, van or customer."""
    replenished_from: LocationId = ""
    """Location that replenishes this one; empty for the outside supply."""
    replenishment_days: Days | None = None
    """Order-and-ship time from `replenished_from` [days]."""
    latitude: Latitude | None = None
    """Latitude [degrees north]."""
    longitude: Longitude | None = None
    """Longitude [degrees east]."""
    stocks_parts: TrueFalse = True
    """Whether the location may hold stock."""
    holding_rate: YearlyShare | None = None
    """Yearly cost of holding a unit here, over the part's own [1/year]."""


class PartLocation(Record):
    """What differs for one part at one location."""

    table = "part_locations"
    key = ("part_id", "location_id")
    rules = row_rules.PART_LOCATION_RULES

    part_id: PartId
    """The part."""
    location_id: LocationId
    """The location."""
    resupply_days: Days | None = None
    """Order to shelf from outside, where the part enters the network here [days]."""
    replenished_from: LocationId = ""
    """Location that replenishes this part here."""
    replenishment_days: Days | None = None
    """Order-and-ship time of this part from there [days]."""
    holding_rate: YearlyShare | None = None
    """Yearly cost of holding a unit of this part here [1/year]."""
    stocks_part: TrueFalse | None = None
    """Whether this part may be stocked here; empty means what the location says."""
    local_repair_fraction: Fraction = 0.0
    """Share of the demand that is repaired here [share]."""
    local_repair_days: Days | None = None
    """Turn-around of a repair here [days]."""


class Site(Record):
    """A customer's place with installed machines."""

    table = "sites"
    key = ("site_id",)
    rules = row_rules.COORDINATE_RULES

    site_id: SiteId
    """Unique site code."""
    served_by: LocationId = ""
    """Location that serves the site; empty for the nearest lane by hours. Where shortages are
    expedited and no lane leads to the site, the outside supply ships everything, and this is where
    its demand counts (by default at the first location without ``replenished_from``)."""
    customer_id: Id = ""
    """The customer."""
    region: Id = ""
    """The region."""
    segment: Id = ""
    """Usage band or environment."""
    latitude: Latitude | None = None
    """Latitude [degrees north]."""
    longitude: Longitude | None = None
    """Longitude [degrees east]."""


class Sourcing(Record):
    """A part that a site gets from another location than its other parts."""

    table = "sourcing"
    key = ("site_id", "part_id")

    site_id: SiteId
    """The site."""
    part_id: PartId
    """The part."""
    served_by: LocationId
    """Location that serves the site with this part."""


class Equipment(Record):
    """A machine type."""

    table = "equipment"
    key = ("equipment_id",)

    equipment_id: EquipmentId
    """Unique machine type."""
    description: Words = ""
    """What the machine is."""


class BillOfMaterialsRow(Record):
    """A part in a machine type, and how often it fails."""

    table = "bill_of_materials"
    key = ("equipment_id", "part_id", "parent_part_id")
    rules = row_rules.BILL_OF_MATERIALS_RULES

    equipment_id: EquipmentId
    """The machine type."""
    part_id: PartId
    """The part."""
    quantity: Count = 1
    """Units of the part in one machine [units]."""
    failures_per_year: PerYear | None = None
    """Failures of one installed unit while the machine is up [1/year]."""
    mtbf_hours: PositiveHours | None = None
    """Mean operating hours between failures of one installed unit [hours]."""
    stopping_fraction: Fraction = 1.0
    """Share of failures that stop the machine [share]."""
    diagnosis_hours: Hours = 0.0
    """Time before the part is asked for [hours]."""
    repair_hours: Hours = 0.0
    """Time after the part is there [hours]."""
    parent_part_id: PartId = ""
    """The part that this one sits in (an SRU in its LRU); such a row makes no demand at sites."""
    cause_fraction: Fraction | None = None
    """Share of the parent's repairs that need this part [share]."""


class InstalledBaseRow(Record):
    """Machines of one type at one site."""

    table = "installed_base"
    key = ("site_id", "equipment_id", "start_date")
    rules = row_rules.INSTALLED_BASE_RULES

    site_id: SiteId
    """The site."""
    equipment_id: EquipmentId
    """The machine type."""
    machines: Units
    """Number of machines [machines]."""
    hours_per_year: YearHours = 8760.0
    """Operating hours of one machine [hours/year]."""
    age_hours: Hours = 0.0
    """Operating hours behind each machine [hours]."""
    start_date: Date | None = None
    """First day on which the machines count."""
    end_date: Date | None = None
    """First day on which they no longer count."""


class Lane(Record):
    """A way to move a part from a location to a site."""

    table = "lanes"
    key = ("location_id", "site_id")

    location_id: LocationId
    """From this location."""
    site_id: SiteId
    """To this site."""
    hours: Hours
    """Door-to-door time [hours]."""
    cost: Money = 0.0
    """Cost of one shipment [currency]."""


class Commitment(Record):
    """A promise to a customer; an empty scope field means all."""

    table = "commitments"
    key = ("commitment_id",)
    rules = row_rules.COMMITMENT_RULES

    commitment_id: Id
    """Unique name of the commitment."""
    metric: Metric
    """Uptime, response, fill_rate or mean_wait."""
    target: Target
    """A share strictly between 0 and 1 [share]; for mean_wait the most hours [hours]."""
    within_hours: Hours | None = None
    """Hours within which the part must be there; for response only [hours]."""
    customer_id: Id = ""
    """Scope: sites of this customer."""
    region: Id = ""
    """Scope: sites in this region."""
    site_id: SiteId = ""
    """Scope: this site."""
    equipment_id: EquipmentId = ""
    """Scope: machines of this type."""
    location_id: LocationId = ""
    """Scope: customer demand that this location serves itself."""
    part_id: PartId = ""
    """Scope: this part."""
    part_group: Id = ""
    """Scope: parts of this group."""
    each: Each = ""
    """One commitment per value of this, instead of one average over them."""
    period_months: Months | None = None
    """Months over which the customer measures [months]."""


class StockLevel(Record):
    """Stock of one part at one location: today's, a plan's, or limits for a plan."""

    table = "stock"
    key = ("part_id", "location_id")
    rules = row_rules.STOCK_RULES

    part_id: PartId
    """The part."""
    location_id: LocationId
    """The location."""
    base_stock: Units | None = None
    """Base-stock level S: on hand plus on order minus backorders [units]."""
    on_hand: Units | None = None
    """Units on the shelf [units]."""
    on_order: Units | None = None
    """Units on order or in repair [units]."""
    minimum: Units | None = None
    """Least base stock that a plan may choose [units]."""
    maximum: Units | None = None
    """Largest base stock that a plan may choose [units]."""
    fixed: Units | None = None
    """The base stock that a plan must choose [units]."""
    reason: Words = ""
    """Why the limit is there."""


class DemandRate(Record):
    """Demand for one part, given directly by location or by site."""

    table = "demand"
    key = ("part_id", "location_id", "site_id")
    rules = row_rules.DEMAND_RULES

    part_id: PartId
    """The part."""
    location_id: LocationId = ""
    """Location that serves the demand; or give `site_id`."""
    site_id: SiteId = ""
    """Site that demands; or give `location_id`."""
    per_year: PerYear
    """Mean demand [units/year]."""
    rate_shape: Shape | None = None
    """Gamma shape of the part's uncertain rate; empty where the rate is known [-]."""
    variance_to_mean: VarianceRatio = 1.0
    """Clustering of demand: variance over mean in any span of time [-]."""


class FailureCount(Record):
    """Failures of one part counted in the field."""

    table = "failures"
    key = ()

    part_id: PartId
    """The part."""
    failures: Units
    """Failures counted [failures]."""
    operating_hours: FleetHours
    """Operating hours of installed units: machines x quantity x hours [hours]."""
    segment: Id = ""
    """Usage band or environment."""


class Life(Record):
    """What is known about the life of one unit of a part, or of several alike."""

    table = "failures"
    key = ()
    rules = row_rules.LIFE_RULES

    part_id: PartId
    """The part."""
    unit_id: Id = ""
    """Serial number of the unit; one unit may have several lives."""
    entry_hours: Hours = 0.0
    """Operating hours at which the unit came under observation: late entry [hours]."""
    hours: Hours
    """Operating hours at the failure, or at the last look without one; for outcome left the hours
    before which it failed, for interval those up to which it had not failed [hours]."""
    hours_upper: Hours | None = None
    """Operating hours before which it failed; for outcome interval only [hours]."""
    outcome: Outcome
    """Failed, censored (had not failed yet), left (failed before) or interval (failed between)."""
    failure_mode: Id = ""
    """What failed, where modes compete."""
    date: Date | None = None
    """Day of the failure or of the last look."""
    segment: Id = ""
    """Usage band or environment."""
    weight: Weight = 1.0
    """Number of units with this same life [units]."""


class UsageMonth(Record):
    """Units of one part that customers used from one location in one month."""

    table = "usage"
    key = ("part_id", "location_id", "month")
    repeat_fix = "Add up the units of a month in one row."

    part_id: PartId
    """The part."""
    location_id: LocationId
    """Location that served the demand; orders between locations are not usage."""
    month: Month
    """The month, as YYYY-MM or any day in it."""
    units: UsedUnits
    """Units asked for in the month [units]."""


class Supersession(Record):
    """A part number that another one replaces."""

    table = "supersessions"
    key = ("part_id",)
    rules = row_rules.SUPERSESSION_RULES

    part_id: PartId
    """The old part number; it stays in the machines until it fails."""
    superseded_by: PartId
    """The new part number."""
    from_date: Date | None = None
    """First day on which failures take the new number; empty means that they do already."""


RECORDS: tuple[type[Record], ...] = (
    Part,
    Location,
    PartLocation,
    Site,
    Sourcing,
    Equipment,
    BillOfMaterialsRow,
    InstalledBaseRow,
    Lane,
    Commitment,
    StockLevel,
    DemandRate,
    FailureCount,
    UsageMonth,
    Supersession,
)
"""The record class of every table, in the order in which tables are read."""

OTHER_FORMS: tuple[type[Record], ...] = (Life,)
"""Record classes that a table may hold instead; its columns tell which."""

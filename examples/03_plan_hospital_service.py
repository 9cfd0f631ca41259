"""Which parts of imaging machines to hold where, if no hospital waits for the next truck?

A file of hospitals as argument plans a whole country. Figures: data/hospital_service/SOURCES.md.
"""

import csv
import sys
from pathlib import Path

import numpy as np

import partsplan as pp

DATA = Path(__file__).parent / "data"
ROAD = {"road_factor": 1.2, "speed_kmh": 80, "fixed_hours": 0.5, "furthest_hours": 4}
AIR = {"road_factor": 1.0, "speed_kmh": 400, "fixed_hours": 12}  # next flight out
BEDS_PER_MACHINE = {"CT": 150, "MR": 250, "ANGIO": 300, "XRAY": 60, "ULTRASOUND": 50}
PROMISES = {
    "commitment_id": ["4H", "NEXT-DAY", "UPTIME"],
    "metric": ["response", "response", "uptime"],
    "target": [0.95, 0.95, 0.99],
    "within_hours": [4, 24, None],
    "customer_id": ["near", "far", None],
    "each": ["region"] * 3,
}


def main(hospitals: str = "") -> None:
    """Make lanes and machines of the hospitals, and plan with shipments from elsewhere."""
    folder = DATA / ("hospital_service_us" if hospitals else "hospital_service")
    maker = pp.ServiceNetwork.from_folder(folder, shortages="expedite")
    with open(hospitals or DATA / "hospitals.csv", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["STATUS"] == "OPEN"]
    place = [{"latitude": float(r["LATITUDE"]), "longitude": float(r["LONGITUDE"])} for r in rows]
    sites = [{"site_id": r["ID"]} | at for r, at in zip(rows, place, strict=True)]
    fsls = [row for row in maker.locations if row["kind"] == "forward"]
    centres = [row for row in maker.locations if row["kind"] == "central"]
    road = pp.lanes_from_coordinates(sites=sites, locations=fsls, **ROAD, fixed_cost=100)
    air = pp.lanes_from_coordinates(sites=sites, locations=centres, **AIR, fixed_cost=200)
    near = set(road["site_id"])
    for site in sites:
        site["region"] = ("west", "middle", "east")[np.digitize(site["longitude"], (-104, -90))]
        site["customer_id"] = "near" if site["site_id"] in near else "far"
    base = [
        {"site_id": r["ID"], "equipment_id": name, "machines": int(r["BEDS"]) // beds}
        for r in rows
        for name, beds in BEDS_PER_MACHINE.items()
        if name in maker.equipment_ids and int(r["BEDS"]) >= beds
    ]
    lanes = {name: np.concatenate([road[name], air[name]]) for name in road.columns}
    network = maker.replace(sites=sites, lanes=lanes, installed_base=base, commitments=PROMISES)
    plan = pp.optimize(network, pp.estimate_demand(network))
    print(network, plan.summary(), "Who ships to customers near and far:", sep="\n")
    for row in plan.performance.sources("customer"):
        print(f"  {row['customer']:<5} {row['source']:<8} {100 * row['share']:6.2f} %")


if __name__ == "__main__":
    main(*sys.argv[1:])

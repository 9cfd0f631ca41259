"""The package as a whole: what an import loads, what it exports, what it ships."""

import importlib.metadata
import json
import subprocess
import sys
from importlib import resources

import partsplan

HEAVY = ["scipy.stats", "scipy.optimize", "pulp", "highspy"]
EXTRAS = ["pandas", "polars", "pyarrow", "matplotlib", "tqdm", "dask", "distributed"]


def modules_after_import() -> set[str]:
    code = "import json, sys, partsplan; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_import_loads_no_solver_no_extra_and_no_heavy_scipy():
    loaded = modules_after_import()
    assert sorted(loaded.intersection(HEAVY + EXTRAS)) == []


def test_import_logs_nothing_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import partsplan"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_all_names_the_everyday_set():
    assert len(partsplan.__all__) <= 25
    assert len(set(partsplan.__all__)) == len(partsplan.__all__)
    missing = [name for name in partsplan.__all__ if not hasattr(partsplan, name)]
    assert missing == []


def test_front_door_is_complete():
    front_door = {"ServiceNetwork", "DemandRates", "estimate_demand", "optimize", "evaluate"}
    errors = {"PartsplanError", "InputError"}
    assert (front_door | errors) - set(partsplan.__all__) == set()


def test_version_is_the_installed_one():
    assert partsplan.__version__ == importlib.metadata.version("partsplan")


def test_package_ships_its_types():
    assert resources.files("partsplan").joinpath("py.typed").is_file()

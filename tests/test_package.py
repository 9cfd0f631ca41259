"""The package as a whole: what an import loads, what it exports, what it ships."""

import ast
import importlib.metadata
import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import partsplan

HEAVY = ["scipy.stats", "scipy.optimize", "pulp", "highspy"]
EXTRAS = ["pandas", "polars", "pyarrow", "matplotlib", "tqdm", "dask", "distributed"]


def modules_after(code: str) -> set[str]:
    """What a fresh process has loaded after ``import partsplan`` and some code of its user."""
    lines = ["import json, sys, partsplan", code, "print(json.dumps(sorted(sys.modules)))"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_no_name_loads_a_solver_an_extra_or_a_heavy_scipy():
    loaded = modules_after("from partsplan import *")
    assert sorted(loaded.intersection(HEAVY + EXTRAS)) == []
    assert "partsplan.optimization.master" in loaded


def test_a_room_is_loaded_when_it_is_asked_for():
    assert "numpy" not in modules_after("")
    loaded = modules_after("partsplan.network.Part")
    assert "partsplan.network.records" in loaded
    assert "partsplan.demand" not in loaded


def test_names_asked_for_late_are_those_a_type_checker_reads():
    source = ast.parse(Path(partsplan.__file__).read_text(encoding="utf-8"))
    typed = {
        (node.module, alias.name)
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("partsplan.")
        for alias in node.names
    }
    late = {
        (f"partsplan.{room}", name)
        for room, names in partsplan._NAMES_OF_ROOMS.items()
        for name in names
    }
    assert late == typed
    assert {name for _, name in late} | {"__version__"} == set(partsplan.__all__)


def test_rooms_are_attributes_and_everything_is_listed():
    rooms = {path.name for path in Path(partsplan.__file__).parent.iterdir() if path.is_dir()}
    rooms = rooms - {"__pycache__"} | {"errors"}
    assert set(partsplan._NAMES_OF_ROOMS) == rooms
    assert rooms | set(partsplan.__all__) <= set(dir(partsplan))
    assert all(getattr(partsplan, room).__name__ == f"partsplan.{room}" for room in rooms)


def test_misspelled_name_is_an_attribute_error_with_a_suggestion():
    done = subprocess.run(
        [sys.executable, "-c", "import partsplan; partsplan.optimise"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "has no attribute 'optimise'. Did you mean: 'optimize'?" in done.stderr


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

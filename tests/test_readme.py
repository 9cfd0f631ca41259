"""What README.md shows is what the project does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "examples" / "golden" / "01_plan_data_centre_spares.txt"


def block(language: str, after: str) -> str:
    """The first fenced block of a language after a heading of README.md."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"## {after}\n.*?```{language}\n(.*?)```", text, flags=re.DOTALL)
    assert found is not None
    return found[1]


def test_quick_start_has_at_most_ten_statements():
    code = block("python", "Quick start")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


HEADINGS = ["Quick start", "Failure rates and demand", "Night after night, and at scale"]


@pytest.mark.parametrize("heading", HEADINGS)
def test_code_runs(heading):
    code = block("python", heading)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout != ""


def test_summary_is_the_one_the_example_prints():
    assert block("text", "What a plan contains") in GOLDEN.read_text(encoding="utf-8")


def test_rooms_are_the_folders_of_the_package():
    drawn = re.findall(r"^  (\w+) {2,}", block("text", "The rooms"), flags=re.MULTILINE)
    folders = {path.name for path in (ROOT / "src" / "partsplan").iterdir() if path.is_dir()}
    assert set(drawn) == (folders - {"__pycache__"}) | {"errors"}

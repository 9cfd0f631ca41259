"""The script of the checks: which Pythons it takes, and that it runs what README.md says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def ci_function(call: str, path: str | None = None) -> str:
    """Output of one function of .ci/run, with another PATH if given."""
    inside = f"export PATH='{path}'; {call}" if path else call
    done = subprocess.run(
        ["bash", "-c", f"source .ci/run && {inside}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def fake_python(folder: Path, name: str, status: int) -> None:
    script = folder / name
    script.write_text(f"#!/bin/sh\nexit {status}\n")
    script.chmod(0o755)


def test_takes_every_python_that_really_runs(tmp_path):
    for name, status in [("python3.11", 0), ("python3.12", 127), ("python3.13", 0)]:
        fake_python(tmp_path, name, status)
    assert ci_function("pythons", str(tmp_path)).split() == ["python3.11", "python3.13"]


def test_falls_back_to_plain_python(tmp_path):
    fake_python(tmp_path, "python3.11", 127)
    assert ci_function("pythons", str(tmp_path)).split() == ["python3"]


@pytest.mark.parametrize("name", ["run", "test"])
def test_runs_a_command_that_stands_in_the_readme(name):
    command = ci_function(f"readme_command {name}").strip()
    assert command.startswith("python3 -m venv .venv && ")
    assert "\n" not in command
    assert f"```\n{command}\n```" in (ROOT / "README.md").read_text().replace("```bash", "```")


@pytest.mark.parametrize("command", ["false", "", "true && false"])
def test_a_step_that_fails_is_remembered(command, tmp_path):
    (tmp_path / "here").mkdir()
    call = f"work='{tmp_path}'; step it in_checkout here '{command}'; echo \"${{failed[*]}}\""
    lines = ci_function(call).splitlines()
    assert lines[-2].startswith("=== it: FAILED")
    assert lines[-1] == "it"


def test_the_script_is_executable():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)

"""ruff and mypy find nothing."""

import subprocess
import sys

import pytest

from tests.structure.source import ROOT


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_nothing_to_complain_about(command: str) -> None:
    """The whole project passes with the settings in pyproject.toml."""
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

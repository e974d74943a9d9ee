"""What the README tells people to type exists."""

import re
import shlex

from posecut_core.cli.program import app
from tests.structure.source import ROOT

_BLOCKS = re.findall(r"```[a-z]*\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
LINES = [part.strip() for block in _BLOCKS for line in block.splitlines() for part in line.split("&&")]


def test_verbs_exist() -> None:
    """Every `posecut VERB` is a verb."""
    verbs = {command.name for command in app.registered_commands}
    words = [shlex.split(line, comments=True) for line in LINES if line.startswith("posecut ")]
    assert [parts[1] for parts in words if not parts[1].startswith("-") and parts[1] not in verbs] == []


def test_programs_exist() -> None:
    """Every program of the project that is called is there."""
    words = [shlex.split(line, comments=True) for line in LINES if line.startswith(("bash ", "python "))]
    programs = [parts[1] for parts in words if not parts[1].startswith("-")]
    assert [program for program in programs if not (ROOT / program).is_file()] == []

"""Commands in messages can be pasted."""

from pathlib import Path

import pytest

from posecut_core.project import command_lines
from posecut_core.project.command_lines import command_line


@pytest.mark.parametrize(
    ("system", "line"),
    [("posix", "posecut doctor --mend '/my project'"), ("nt", 'posecut doctor --mend "/my project"')],
)
def test_words_with_spaces_are_quoted(monkeypatch, system, line):
    """As the system's shell wants it; a plain word stays as it is."""
    folder = Path("/my project")
    monkeypatch.setattr(command_lines.os, "name", system)
    assert command_line("doctor", "--mend", folder) == line

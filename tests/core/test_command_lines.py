"""Commands in messages can be pasted."""

from pathlib import Path

import pytest

from posecut_core import errors
from posecut_core.errors import command_line


@pytest.mark.parametrize(
    ("system", "line"),
    [("posix", "posecut doctor --mend '/my project'"), ("nt", 'posecut doctor --mend "/my project"')],
)
def test_words_with_spaces_are_quoted(monkeypatch, system, line):
    """As the system's shell wants it; a plain word stays as it is."""
    folder = Path("/my project")
    monkeypatch.setattr(errors.os, "name", system)
    assert command_line("doctor", "--mend", folder) == line

"""`posecut demo` runs the demonstration where it is told to."""

from pathlib import Path

import pytest

from posecut_core.cli.care import demo
from posecut_core.cli.task import Task


@pytest.mark.parametrize("options", [(), ("--refine",)])
def test_the_folder_is_checked_before_anything_is_drawn(posecut, tmp_path, options):
    """A folder with other files is refused, and nothing is written."""
    (tmp_path / "thesis.txt").write_text("mine")
    code, _, err = posecut("demo", tmp_path, *options)
    assert (code, "thesis.txt" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_reading_the_command_line_does_nothing_yet(tmp_path, monkeypatch):
    """The verb only makes a task."""
    monkeypatch.chdir(tmp_path)
    assert isinstance(demo(Path("posecut-demo")), Task)
    assert list(tmp_path.iterdir()) == []

"""How a program ends."""

from napari_posecut.window import exit_code
from posecut_core.errors import ProjectError


def test_work_that_is_done_ends_well(capsys):
    """Nothing is said, and the code is 0."""
    done = []
    assert exit_code(lambda: done.append(1)) == 0
    assert done == [1]
    assert capsys.readouterr().err == ""


def test_work_that_is_refused_says_why(capsys):
    """The sentence is on stderr, and the code that of the error."""

    def refuse() -> None:
        raise ProjectError("There is no project.")

    assert exit_code(refuse) == ProjectError.exit_code
    assert capsys.readouterr().err == "There is no project.\n"

"""Commands can be pasted, and paths are short."""

import inspect
import os
from pathlib import Path

import pytest

import posecut_core
from posecut_core.cli.task import command, command_of, shorter
from posecut_core.cli.verbs import VERBS
from posecut_core.errors import Remedy
from posecut_core.results import counted, spans


def test_paths_below_the_current_folder_are_relative(tmp_path, monkeypatch):
    """Others stay absolute."""
    monkeypatch.chdir(tmp_path)
    assert shorter(tmp_path / "a" / "b") == str(Path("a") / "b")
    assert shorter(tmp_path) == "."
    assert shorter(tmp_path.parent) == str(tmp_path.parent)


def test_commands_are_quoted(tmp_path, monkeypatch):
    """A path with a space survives the shell."""
    monkeypatch.chdir(tmp_path)
    assert command("check-labels", tmp_path / "my project") == "posecut check-labels 'my project'"


def test_nouns_follow_their_number():
    """One frame, two frames."""
    assert (counted(1, "frame"), counted(2, "frame"), counted(0, "frame")) == ("1 frame", "2 frames", "0 frames")


def test_neighboring_numbers_are_joined():
    """Frame numbers are written as ranges, and not without end."""
    assert spans([3, 4, 5, 9, 11, 12]) == "3-5, 9, 11-12"
    assert spans([7]) == "7"
    assert spans(range(0, 40, 2)).endswith("20, 22 and 8 more ranges")


@pytest.mark.parametrize(
    ("remedy", "line"),
    [
        (Remedy("doctor", config="/my project", mend=True), "posecut doctor '/my project' --mend"),
        (Remedy("doctor", mend=False), "posecut doctor PROJECT"),
        (Remedy("create_new_project"), "posecut create-new-project TASK YOUR_NAME VIDEOS"),
        (Remedy("create_new_project", project="reach", experimenter="ada", videos=["a.mp4"], skeleton=[("a", "b")],
                skip_broken=True),
         "posecut create-new-project reach ada a.mp4 --skeleton a:b --skip-broken"),
        (Remedy("label_frames", config="/p"), "posecut label /p"),
        (Remedy("analyze_videos", config="/p"), "posecut analyze-videos /p VIDEOS"),
        (Remedy("filterpredictions", config="/p", videos=["/a.mp4"], shuffle=2),
         "posecut filterpredictions /p /a.mp4 --shuffle 2"),
        (Remedy("extract_frames", config="/p", frames=[0, 3], videos=["m 1"]),
         "posecut extract-frames /p --frames 0,3 --video 'm 1'"),
        (Remedy("edit_bodyparts", config="/p", add=["left paw"]), "posecut edit-bodyparts /p --add '\"left paw\"'"),
        (Remedy("edit_bodyparts", config="/p", rename={"nose": "left paw"}),
         "posecut edit-bodyparts /p --rename 'nose:left paw'"),
        (Remedy("calibrate_cameras", config="/p", rename={"A": "left"}),
         "posecut calibrate-cameras /p SOURCE --rename A:left"),
        (Remedy("import_poses", config="/p", file="/f.slp"), "posecut import-poses /p /f.slp VIDEO"),
        (Remedy("plot_trajectories", config="/p", videos=["-m1.mp4"], filtered=True),
         "posecut plot-trajectories --filtered -- /p -m1.mp4"),
        (Remedy("extract_frames", config="/p", videos=["-m1"]), "posecut extract-frames /p --video=-m1"),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name == "nt", reason="the other shell quotes otherwise")
def test_a_remedy_is_a_command(remedy, line):
    """What it does not say stands there in capitals."""
    assert command_of(remedy) == line


@pytest.mark.parametrize("verb", sorted({*VERBS} - {"demo", "label", "create-new-project"}))
def test_a_remedy_that_says_nothing_names_all_that_must_be_given(verb):
    """The command can be pasted once its capitals are filled in: nothing that the step needs is missing."""
    step = verb.replace("-", "_")
    parameters = inspect.signature(getattr(posecut_core, step)).parameters.values()
    needed = [parameter.name.upper() for parameter in parameters if parameter.default is parameter.empty]
    assert command_of(Remedy(step)).split()[1:] == [verb, *("PROJECT" if name == "CONFIG" else name for name in needed)]

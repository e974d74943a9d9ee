"""From a video to checked labels, as typed into a shell."""

import shutil

import numpy as np
import pytest

from posecut_core.errors import LabelError, ProjectError, VideoError
from posecut_core.labels.table import LabelTable
from posecut_core.project.config import read_config
from posecut_core.workflow.check_labels import write_labels


def test_a_project_is_created(posecut, video, tmp_path):
    """Bodyparts and skeleton are as typed, and the next step is told."""
    words = ["create-new-project", "Reach", "bob", video, "--working-directory", tmp_path]
    code, out, _ = posecut(*words, "--bodyparts", "hand, tip", "--skeleton", "hand:tip")
    config = read_config(next(tmp_path.glob("Reach-bob-*/config.yaml")))
    assert (code, config.bodyparts, config.skeleton) == (0, ("hand", "tip"), (("hand", "tip"),))
    assert "posecut extract-frames" in out.splitlines()[-1]
    assert "name your bodyparts" not in out


def test_placeholders_are_pointed_out(posecut, video, tmp_path):
    """Who names no bodyparts is told to; a second call changes nothing."""
    words = ["create-new-project", "Reach", "bob", video, "--working-directory", tmp_path]
    assert "name your bodyparts" in posecut(*words)[1]
    assert "exists already" in posecut(*words)[1]


def test_a_missing_video_creates_nothing(posecut, tmp_path):
    """The exit code says that it was the video."""
    code, _, err = posecut("create-new-project", "Reach", "bob", tmp_path / "no.mp4", "--working-directory", tmp_path)
    assert (code, "no.mp4" in err) == (VideoError.exit_code, True)
    assert list(tmp_path.iterdir()) == []


def test_videos_are_added(posecut_json, project, video):
    """A video that is there already is named as such."""
    code, result, _ = posecut_json("add-new-videos", project, video)
    assert (code, result["added"], len(result["already_there"])) == (0, [], 1)


def test_frames_are_extracted_from_inside_the_project(posecut_json, project, monkeypatch):
    """The project need not be named; progress goes to stderr."""
    monkeypatch.chdir(project)
    code, result, err = posecut_json("extract-frames", "--number-of-frames", "3")
    assert (code, len(result["videos"][0]["frames"])) == (0, 3)
    assert "mouse one" in err


def test_frames_are_extracted_by_number(posecut, project):
    """The sentence says how many are new, and again when none is."""
    words = ["extract-frames", project, "--video", "mouse one", "--frames", "1,4-5"]
    assert "mouse one: 3 new frames, 3 in all" in posecut(*words)[1]
    assert "0 new frames" in posecut(*words)[1]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--frames", "x", "--video", "mouse one"], 2),
        (["--frames", "8", "--video", "mouse one"], VideoError.exit_code),
        (["--video", "other"], VideoError.exit_code),
        (["--algo", "magic"], 2),
        (["--mode", "manual"], 2),
        (["--step", "0"], 2),
        (["--nope"], 2),
    ],
)
def test_bad_words_are_answered(posecut, posecut_json, project, words, code):
    """Each gives a sentence and a code, as JSON too."""
    found, out, err = posecut("extract-frames", project, *words)
    assert (found, out, "Traceback" in err) == (code, "", False)
    found, answer, _ = posecut_json("extract-frames", project, *words)
    assert (found, answer["exit_code"], set(answer)) == (code, code, {"error", "kind", "code", "exit_code", "remedies"})


def test_labels_are_checked(posecut, project):
    """Pictures are drawn once there are labels; what is missing is told."""
    assert posecut("check-labels", project)[0] == VideoError.exit_code
    posecut("extract-frames", project, "--video", "mouse one", "--frames", "1,4")
    assert posecut("check-labels", project)[0] == LabelError.exit_code
    xy = np.array([[[10.0, 10.0], [np.nan, np.nan]]])
    write_labels(project, LabelTable("mouse one", ("hand", "tip"), np.array([4]), xy))
    code, out, _ = posecut("check-labels", project)
    assert (code, "1 picture" in out, "tip has no label in 1 frame" in out) == (0, True, True)
    assert "create-training-dataset" in out.splitlines()[-1]


def test_a_part_that_fails_is_told_after_what_is_done(posecut, posecut_json, project, video, tmp_path):
    """Kind: one bad item among several. The result of the others is shown, then the bad one; the exit code is its."""
    for name in ("m1.mp4", "m2.mp4"):
        shutil.copy(video, tmp_path / name)
    (tmp_path / "bad.mp4").write_bytes(b"")
    code, out, _ = posecut("add-new-videos", project, tmp_path, "--skip-broken")
    assert (code, out.count("Added "), "Left out: " in out, "bad.mp4" in out) == (0, 2, True, True)
    (tmp_path / "m1.mp4").write_bytes(b"")
    code, out, err = posecut("extract-frames", project, "--algo", "uniform", "--number-of-frames", "2")
    assert (code, "m2: 2 new frames" in out) == (VideoError.exit_code, True)
    assert "1 of 3 videos gave no frames; the others are done" in err
    assert "m1.mp4" in err.splitlines()[-1]
    code, answer, _ = posecut_json("extract-frames", project, "--algo", "uniform", "--number-of-frames", "2")
    assert (code, answer["kind"], len(answer["done"]["videos"])) == (VideoError.exit_code, "VideoError", 2)


def test_images_are_exported(posecut, project):
    """The images' folder is told."""
    posecut("extract-frames", project, "--video", "mouse one", "--frames", "1,4")
    code, out, _ = posecut("export-deeplabcut", project)
    assert (code, "2 new images" in out) == (0, True)


def test_no_project_is_a_project_error(posecut, tmp_path):
    """A folder without config.yaml is named."""
    assert posecut("check-labels", tmp_path / "nowhere")[0] == ProjectError.exit_code

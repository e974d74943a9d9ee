"""The demonstration runs every step, and only what is missing when it is run again."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.cameras.camera import project
from posecut_core.demo import run as demo
from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.rig import points_of, scene_images, true_cameras
from posecut_core.demo.run import Cast, Steps, StepTime, run_demo, run_demo_in_space
from posecut_core.demo.scene import TO_LABEL, UNSEEN
from posecut_core.errors import ArgumentError
from posecut_core.labels.store import read_labels
from posecut_core.progress import Notice
from posecut_core.project.opening import open_project

SHORT = Cast(tuple(replace(scene, frames=12) for scene in TO_LABEL), replace(UNSEEN, frames=5))


def test_steps_are_announced_and_timed():
    """Each step has a heading with its number and a time, and hands on its result."""
    seen = []
    steps = Steps(seen.append, 3)
    assert steps("adding", lambda: 1 + 1) == 2
    assert seen == [Notice("Step 1 of 3: adding")]
    assert isinstance(steps.times[0], StepTime)


def test_the_whole_demonstration_on_a_few_frames(tmp_path, monkeypatch):
    """Every step runs through the public functions; a second run trains, labels and analyzes nothing again."""
    monkeypatch.setattr(demo, "_SETTINGS", {**demo._SETTINGS, "batch_size": 1, "crop_size": 64, "global_scale": 0.25})
    seen = []
    first = run_demo(tmp_path / "demo", cast=SHORT, steps=2, frames_to_label=2, report=seen.append)
    headings = [report for report in seen if isinstance(report, Notice) and report.text.startswith("Step ")]
    assert len(headings) == len(first.times) == demo._STEP_COUNT
    assert all(path.exists() for path in first.files.values())
    assert len(list(first.files["checked labels"].glob("*.png"))) == 2
    assert [report.text for report in seen if isinstance(report, Notice) and "settings.yaml" in report.text] == []
    assert np.isfinite([first.unseen_error, first.train_error, first.frames_per_second, *first.unseen_errors]).all()
    again = run_demo(tmp_path / "demo", cast=SHORT, steps=2, frames_to_label=2)
    assert (again.unseen_error, again.test_error) == (first.unseen_error, first.test_error)
    assert again.frames_per_second == 0
    assert np.isnan(again.seconds_per_training_step)


def test_the_demonstration_in_space_on_a_few_frames(tmp_path, monkeypatch):
    """Three cameras film, one network learns from all views, and points are held against the truth."""
    monkeypatch.setattr(demo, "_SETTINGS", {**demo._SETTINGS, "batch_size": 1, "crop_size": 64, "global_scale": 0.25})
    cast = Cast((replace(TO_LABEL[0], name="walk", frames=6),), replace(TO_LABEL[0], name="other", frames=3))
    seen = []
    found = run_demo_in_space(tmp_path / "demo", cast=cast, steps=2, frames_to_label=2, report=seen.append)
    headings = [report for report in seen if isinstance(report, Notice) and report.text.startswith("Step ")]
    assert len(headings) == len(found.times) == demo._STEP_COUNT_IN_SPACE
    assert all(path.exists() for path in found.files.values())
    assert set(found.reprojection) == {"left", "middle", "right"}
    assert "mm from the truth" in found.summary().text
    labels = [
        read_labels(open_project(found.config_path), f"walk_{name}").numbers.tolist() for name in found.reprojection
    ]
    assert labels[0] == labels[1] == labels[2]
    with pytest.raises(ArgumentError, match="views is 2, expected 1, or 3 without refine"):
        demo.demo(tmp_path, views=2)


def test_the_cameras_film_the_truth():
    """The mark on the back is where the truth says, in most views of most frames; the rest of the body hides it."""
    scene = replace(TO_LABEL[0], frames=20)
    points = points_of(scene)[:, BODYPARTS.index("centre")]
    hits = [
        image[round(y), round(x), 2] > 0.4 > image[round(y), round(x), 0]
        for camera in true_cameras()
        for (x, y), image in zip(project(camera, points), scene_images(scene, camera), strict=True)
    ]
    assert np.mean(hits) > 0.8

"""The demonstration runs every step, and only what is missing when it is run again."""

from dataclasses import replace

import numpy as np

from posecut_core.demo import run as demo
from posecut_core.demo.run import Cast, Steps, StepTime, run_demo
from posecut_core.demo.scene import TO_LABEL, UNSEEN
from posecut_core.progress import Notice

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
    assert np.isfinite([first.unseen_error, first.train_error, first.frames_per_second, *first.unseen_errors]).all()
    again = run_demo(tmp_path / "demo", cast=SHORT, steps=2, frames_to_label=2)
    assert (again.unseen_error, again.test_error) == (first.unseen_error, first.test_error)
    assert again.frames_per_second == 0
    assert np.isnan(again.seconds_per_training_step)

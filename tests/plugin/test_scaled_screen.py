"""Screens of high resolution: where Qt counts in larger pixels than the screen has."""

import os
import subprocess
import sys

LABELING = "tests/plugin/test_interaction_cost.py::test_a_cold_frame_costs_a_click_per_bodypart"


def test_clicks_label_where_they_are_made_on_a_screen_of_high_resolution(pytestconfig):
    """Of two pixels each way for one of Qt's, told to a process of its own, as Qt reads that once."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", LABELING]
    environment = {**os.environ, "QT_SCALE_FACTOR": "2"}
    done = subprocess.run(command, env=environment, cwd=pytestconfig.rootpath, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "1 passed" in done.stdout

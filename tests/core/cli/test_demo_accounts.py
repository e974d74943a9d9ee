"""The demonstration ends with a table of errors, times and files."""

import io
import math
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from posecut_core.cli.demonstration import outcome_of_demo
from posecut_core.demo.run import DemoResult, RefinedDemo, Round, StepTime

RESULT = DemoResult(
    folder=Path("/d"),
    config_path=Path("/d/p/config.yaml"),
    bodyparts=("snout", "tail [tip]"),
    train_error=1.25,
    test_error=1.5,
    unseen_errors=(1.75, 2.25),
    unseen_error=2.0,
    hidden_share=0.07,
    seconds_per_training_step=0.25,
    frames_per_second=40.0,
    times=(StepTime("training a network", 61.0),),
    files={"labeled video": Path("/d/results/x.mp4")},
)

REFINED = RefinedDemo(
    folder=Path("/d"),
    config_path=Path("/d/p/config.yaml"),
    bodyparts=("snout", "tail [tip]"),
    before=Round(24, (5.5, 9.25), 7.375),
    after=Round(30, (2.5, 4.25), 3.375),
    video="gray-mouse",
    corrected=(1, 4, 5, 8, 9, 11),
    times=(StepTime("training a network", 61.0), StepTime("training again", 60.0)),
    files={"labeled video, after": Path("/d/results/round-2/x.mp4")},
)


def shown(result):
    stream = io.StringIO()
    for line in outcome_of_demo(result).lines:
        Console(file=stream, width=100).print(line)
    return stream.getvalue()


def test_everything_that_was_measured_is_shown():
    """Errors per bodypart and overall, speeds, times and files."""
    text = shown(RESULT)
    for words in ("1.25", "1.50", "snout", "1.75", "2.25", "2.00", "0.25 seconds per step", "40.0 frames/s"):
        assert words in text
    assert "1 min 01 s" in text
    assert "/d/results/x.mp4" in text


def test_names_with_brackets_are_shown():
    """A bodypart's name is not taken for a color."""
    assert "tail [tip]" in shown(RESULT)


def test_what_an_earlier_run_did_is_said():
    """Speeds that were not measured are not shown as numbers."""
    text = shown(replace(RESULT, seconds_per_training_step=math.nan, frames_per_second=0.0))
    assert text.count("done in an earlier run") == 2


def test_both_rounds_are_shown():
    """Frames and errors of each round, also per bodypart, times and files."""
    text = shown(REFINED)
    for words in (
        "24 labeled frames",
        "trained on 30: with 6 frames of gray-mouse",
        "5.50",
        "4.25",
        "7.38 px before, 3.38 px after",
    ):
        assert words in text
    for words in ("tail [tip]", "2 min 01 s", "training again", "/d/results/round-2/x.mp4"):
        assert words in text

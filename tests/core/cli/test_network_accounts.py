"""Training output suggests the correct next command."""

from functools import partial
from pathlib import Path

import pytest

from posecut_core.cli.summaries import outcome_of
from posecut_core.evaluation.errors import MeanErrors, Spread
from posecut_core.evaluation.reliability import Calibration
from posecut_core.types import FrameRef
from posecut_core.workflow.create_training_dataset import CreatedDataset, CreatedShuffle
from posecut_core.workflow.cross_validate import CrossValidation, ValidatedFold
from posecut_core.workflow.evaluate_network import EvaluatedSnapshot, Evaluation
from posecut_core.workflow.train_network import TrainedNetwork

GIVEN = {"config": Path("/p")}
tell = partial(outcome_of, given=GIVEN)


def trained(first, last, **others):
    return TrainedNetwork(2, 1, first, last, 0.01, 0.2, Path("m"), Path("m/s"), Path("log.csv"), (), **others)


def test_each_shuffle_is_trained_by_its_own_command():
    """Shuffle and fraction are named where they are not the first."""
    shuffles = tuple(CreatedShuffle(n, n - 1, 9, 1, 0, Path("s"), Path("t")) for n in (1, 2))
    told = tell(CreatedDataset(shuffles, Path("labels"), 10))
    assert told.following == (
        "posecut train-network /p",
        "posecut train-network /p --shuffle 2 --trainingsetindex 1",
    )
    assert "9 training frames and 1 test frame" in told.lines[0]


def test_a_network_of_an_earlier_iteration_is_begun_with():
    """Where training may go on from one, the command that comes next does."""
    made = CreatedShuffle(2, 0, 9, 1, 0, Path("s"), Path("t"), previous=Path("snapshot-000020"))
    told = tell(CreatedDataset((made,), Path("labels"), 10))
    assert told.following == ("posecut train-network /p --shuffle 2 --weights previous",)


def test_training_says_where_it_began():
    """New, continued and finished trainings are told apart."""
    assert tell(trained(0, 100)).lines[-1] == "Trained to step 100; loss 0.0100."
    assert "from the snapshot of step 50" in tell(trained(50, 100)).lines[-1]
    assert "raise its number of steps" in tell(trained(100, 100)).lines[-1]


def test_skipped_steps_lead_to_frames():
    """Where steps were skipped, the first suspects are named; else nothing is said of them."""
    frames = tuple(FrameRef("m4s1", number) for number in range(9))
    lines = tell(trained(0, 100, skipped=(3, 4), suspect_names=tuple(map(str, frames)))).lines
    assert "2 steps had no finite loss" in lines[-1]
    assert lines[-1].endswith("check frame 0 of m4s1, frame 1 of m4s1, frame 2 of m4s1.")
    assert "finite" not in tell(trained(0, 100)).lines[-1]


SOUND = Calibration(17.0, 20, 20, 0.0512, float("nan"), ())


def evaluated(calibration, train=1.0, test=2.0, likely=1.0, left_out=(), tested=9):
    errors, path = MeanErrors(train, test, likely, float("nan"), 9, 1), Path("e")
    row = EvaluatedSnapshot(
        "net_10", 1, 10, 95, 9, tested, 0.6, errors, ("a",), (errors,), calibration, *[path] * 6, (),
        Path("e") / "report.html", left_out,
    )  # fmt: skip
    return Evaluation((row, row), Path("e") / "all.csv")


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        (Calibration(17.0, 20, 18, 0.0512, 0.43, ()), "a pcutoff of 0.43 separates them best"),
        (SOUND, "no other pcutoff than 0.6"),
        (Calibration(17.0, 0, 0, float("nan"), float("nan"), ()), "no test frame has points"),
    ],
)
def test_a_pcutoff_is_suggested_where_there_is_reason(calibration, words):
    """Calibration and the suggestion stand below the errors; the report is named once."""
    lines = tell(evaluated(calibration)).lines
    assert words in lines[1]
    assert ("0.051" in lines[1]) == (calibration.points > 0)
    assert [line for line in lines if "report.html" in line] == ["All on one page: e/report.html"]


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (2.0, 3.0, "not much above the training error: if it is accurate enough, the network is ready"),
        (1.0, 3.0, "more than 2 times the training error"),
        (290.0, 300.0, "above 17 px (pos_dist_thresh), beyond which a prediction counts as wrong: the network is not"),
        (2.0, float("nan"), "nothing is known about new frames"),
    ],
)
def test_a_network_is_called_ready_only_when_it_is(train, test, words):
    """Large errors, errors that grow on new frames and errors that are not known have words of their own."""
    lines = tell(evaluated(SOUND, train, test)).lines
    assert words in lines[-1]
    assert "nan" not in " ".join(lines).replace("nan_", "")
    assert "n/a (no points)" in lines[0]


@pytest.mark.parametrize(("train", "test"), [(2.0, 3.0), (1.0, 3.0), (1.0, 30.0)])
def test_few_test_frames_call_no_network_ready_or_overfitted(train, test):
    """Neither does their likelihood suggest a pcutoff; more labels, or several splits, come next."""
    told = tell(evaluated(Calibration(17.0, 2, 1, 0.0512, 0.43, ()), train, test, tested=2))
    assert told.lines[-1].startswith("The error of only 2 test frames says little about new frames; label more frames")
    assert "1 of 2 predictions" in told.lines[1]
    assert "pcutoff of" not in told.lines[1]
    assert "posecut cross-validate /p" in told.following
    far = tell(evaluated(SOUND, 290.0, 300.0, tested=2)).lines[-1]
    assert far.startswith("The training error is above 17 px")


def test_what_is_unknown_is_said_once():
    """Where neither training nor test frames have likely points, one phrase is enough; nothing would be drawn then."""
    lines = tell(evaluated(SOUND, likely=float("nan"))).lines
    assert lines[0].endswith("(with likelihood 0.6 or more: n/a (no points))")
    assert lines[-1].startswith("No prediction reaches the pcutoff of 0.6")
    assert "not ready" in lines[-1]
    assert evaluated(SOUND, likely=float("nan")).summary().is_warning
    assert not evaluated(SOUND).summary().is_warning


def test_bodyparts_that_were_not_measured_are_named():
    """An error that leaves a bodypart out says of which bodyparts it is."""
    lines = tell(evaluated(SOUND, left_out=("ear", "old"))).lines
    assert lines[1] == "net_10: these errors are those of a; not measured: ear, old."
    assert "not measured" not in " ".join(tell(evaluated(SOUND)).lines)


def test_splits_are_told_one_by_one_and_together():
    """Each split has its line; mean, deviation and interval come after; one split has no interval."""
    folds = (ValidatedFold("seed 4", 2, 100, 9, 1, 1.5, 2.25),)
    told = tell(CrossValidation(folds, Spread(2.5, 0.5, 2.0, 3.0, 2), 0.9, Path("t.csv")))
    assert told.lines[0] == "seed 4 (shuffle 2): 2.25 px on 1 test frame, 1.50 px on 9 training frames"
    assert (
        "mean 2.50 px, standard deviation 0.50 px, 90% confidence interval of the mean 2.00 to 3.00 px"
        in told.lines[-1]
    )
    nan = float("nan")
    alone = tell(CrossValidation(folds, Spread(2.5, nan, nan, nan, 1), 0.9, Path("t.csv")))
    assert alone.lines[-1] == "Test error over 1 split: mean 2.50 px."

"""What is told about networks names the right next step."""

from pathlib import Path

from posecut_core.cli.network_accounts import tell_dataset, tell_trained
from posecut_core.dataset.split import FrameRef
from posecut_core.workflow.datasets import CreatedDataset, CreatedShuffle
from posecut_core.workflow.training import TrainedNetwork

PROJECT = Path("/p")


def trained(first, last, **others):
    return TrainedNetwork(2, 1, first, last, 0.01, 0.2, Path("m"), Path("m/s"), Path("log.csv"), (), **others)


def test_each_shuffle_is_trained_by_its_own_command():
    """Shuffle and fraction are named where they are not the first."""
    shuffles = tuple(CreatedShuffle(n, n - 1, 9, 1, 0, Path("s"), Path("t")) for n in (1, 2))
    told = tell_dataset(PROJECT, CreatedDataset(shuffles, Path("labels"), 10))
    assert told.following == (
        "posecut train-network /p",
        "posecut train-network /p --shuffle 2 --trainingsetindex 1",
    )
    assert "9 training frames and 1 test frame" in told.lines[0]


def test_training_says_where_it_began():
    """New, continued and finished trainings are told apart."""
    assert tell_trained(PROJECT, trained(0, 100)).lines[0] == "Trained to step 100; loss 0.0100."
    assert "from the snapshot of step 50" in tell_trained(PROJECT, trained(50, 100)).lines[0]
    assert "give a larger --maxiters" in tell_trained(PROJECT, trained(100, 100)).lines[0]


def test_skipped_steps_lead_to_frames():
    """Where steps were skipped, the first suspects are named; else nothing is said of them."""
    frames = tuple(FrameRef("m4s1", number) for number in range(9))
    lines = tell_trained(PROJECT, trained(0, 100, skipped=(3, 4), suspects=frames)).lines
    assert lines[3].startswith("2 steps gave no finite loss")
    assert lines[3].endswith("look at frame 0 of m4s1, frame 1 of m4s1, frame 2 of m4s1.")
    assert len(tell_trained(PROJECT, trained(0, 100)).lines) == 3

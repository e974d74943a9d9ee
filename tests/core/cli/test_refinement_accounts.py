"""What is told about outliers says where they are and what happens next."""

from dataclasses import replace
from pathlib import Path

from posecut_core.cli.summaries import outcome_of
from posecut_core.errors import VideoError
from posecut_core.refinement.candidates import Criteria
from posecut_core.workflow.extract_outlier_frames import ExtractedOutliers, OutlierVideo
from posecut_core.workflow.merge_datasets import MergedDatasets


def video(name, **options):
    return OutlierVideo(Path(f"/v/{name}.mp4"), Criteria(), 100, 7, Path(f"/v/{name}_outliers.csv"), **options)


def told(*videos):
    result = ExtractedOutliers(Path("/p/config.yaml"), "net", "kmeans", 0, videos)
    return outcome_of(result, {"config": Path("/p")})


def test_each_video_has_its_count_and_its_files():
    """Found and extracted frames are told apart, and so is why nothing was extracted."""
    one = video("a", confirmed=True, added=(3,), drafts=4)
    outcome = told(one, video("b", confirmed=False), video("c", confirmed=True))
    assert outcome.lines[:6] == (
        "a.mp4: 7 of 100 frames found, all in /v/a_outliers.csv",
        "  1 new frame, with 4 suggestions",
        "b.mp4: 7 of 100 frames found",
        "  canceled: nothing was extracted or written",
        "c.mp4: 7 of 100 frames found, all in /v/c_outliers.csv",
        "  none was extracted: the project has them all",
    )
    assert outcome.following == ("posecut label /p", "posecut merge-datasets /p")


def test_why_nothing_was_extracted_is_said_truly():
    """Kind: one sentence for several reasons. Damaged frames are none that the project has, and an error."""
    damaged = told(video("a", confirmed=True, damaged=(5, 6)))
    assert damaged.lines[1] == "  none was extracted: left out because they are damaged: 5-6"
    assert damaged.exit_code == VideoError.exit_code
    none = OutlierVideo(Path("/v/a.mp4"), Criteria(), 100, 0, Path("/v/a_outliers.csv"), True)
    assert (told(none).lines[1], told(none).exit_code) == ("  so there is nothing to extract", 0)


def test_without_new_frames_other_criteria_are_suggested():
    """Nothing to label means nothing to check; whoever said no has found enough."""
    outcome = told(video("c", confirmed=True))
    assert "Another threshold" in outcome.lines[-1]
    assert "Another threshold" not in told(video("c", confirmed=False)).lines[-1]
    assert outcome.following == ()


def test_the_next_iteration_is_told_with_its_drafts():
    """Whoever accepted drafts unseen, or left some, reads how many; then come dataset and training."""
    merged = MergedDatasets(Path("/p/config.yaml"), 2, 30, 5, 0, goes_on=True)
    outcome = outcome_of(merged, {})
    assert outcome.lines == (
        "Iteration 2 begins, with 30 labeled frames. 5 suggestions accepted without review, as requested.",
    )
    assert outcome.following == (
        "posecut create-training-dataset /p",
        "posecut train-network /p --weights previous",
    )
    assert outcome_of(replace(merged, goes_on=False), {}).following[-1] == "posecut train-network /p"
    assert "3 suggestions left out of training" in replace(merged, accepted=0, left=3).summary().text

"""What is told about videos names files and damage."""

from pathlib import Path

from posecut_core.cli.summaries import outcome_of
from posecut_core.inference.video import AnalyzedVideo
from posecut_core.video.index import Gap
from posecut_core.workflow.analyze_videos import AnalyzedVideos
from posecut_core.workflow.plot_trajectories import PlottedTrajectories


def test_damage_and_earlier_work_are_told():
    """Frames that are damaged or missing are named; a video that was skipped is said."""
    damaged = AnalyzedVideo(Path("/v/a.mp4"), (Path("/v/a.h5"),), 10, (3, 4, 8), 50.0, False, (Gap(9, 1),))
    skipped = AnalyzedVideo(Path("/v/b.mp4"), (Path("/v/b.h5"),), 10, (), 0.0, True)
    given = {"config": Path("/p"), "videos": ["/v"]}
    told = outcome_of(AnalyzedVideos("net", (damaged, skipped)), given)
    assert told.lines == (
        "a.mp4: 10 frames, 50.0 frames/s: /v/a.h5",
        "  a.mp4: frames without predictions, because they are damaged: 3-4, 8",
        "  a.mp4: 1 frame is missing after frame 9, where the file is damaged or truncated",
        "b.mp4 had been analyzed before: /v/b.h5",
        "2 videos analyzed by net. Results of earlier analyses were kept; overwrite them to analyze again.",
    )
    assert told.following[0] == "posecut plot-trajectories /p /v/a.mp4 /v/b.mp4"
    plotted = outcome_of(PlottedTrajectories("net", (), ()), {**given, "filtered": True, "pcutoff": 0.0})
    assert plotted.following == ("posecut create-labeled-video /p /v --filtered --pcutoff 0",)
    again = outcome_of(AnalyzedVideos("net", (damaged,)), {**given, "shuffle": 3, "snapshot": None})
    assert again.following[1] == "posecut create-labeled-video /p /v/a.mp4 --shuffle 3"

"""Words about videos reach the steps of the workflow."""

from pathlib import Path

from posecut_core.errors import ModelError
from posecut_core.inference.video import AnalysedVideo
from posecut_core.workflow.analyze_videos import AnalysedVideos
from posecut_core.workflow.plot_trajectories import LabeledVideos, PlottedTrajectories

DONE = AnalysedVideo(Path("a.mp4"), (Path("a.h5"),), 10, (), 50.0, False)


def test_videos_are_analysed_as_asked(posecut, step, project):
    """Options reach the step; pictures of the predictions come next."""
    calls = step("posecut_core.workflow.analyze_videos.analyze_videos", AnalysedVideos("net", (DONE,)))
    words = ["--save-as-csv", "--batch-size", "4", "--destfolder", "out", "--snapshot", "200", "--videotype", "avi"]
    code, out, _ = posecut("analyze-videos", project, "a.mp4", "b", *words)
    expected = {
        "config": project,
        "videos": ["a.mp4", "b"],
        "save_as_csv": True,
        "batch_size": 4,
        "destfolder": Path("out"),
        "snapshot": 200,
        "videotype": "avi",
    }
    assert (code, {name: calls[0][name] for name in expected}) == (0, expected)
    assert "create-labeled-video" in out.splitlines()[-1]
    assert out.splitlines()[-1].endswith("--snapshot 200 --destfolder out")


def test_trajectories_are_drawn_as_asked(posecut, step, project, monkeypatch):
    """Inside the project only the videos are named."""
    monkeypatch.chdir(project)
    plotted = PlottedTrajectories("net", (Path("plots"),), ())
    calls = step("posecut_core.workflow.plot_trajectories.plot_trajectories", plotted)
    code, out, _ = posecut("plot-trajectories", "a.mp4", "--bodyparts", "hand,tip", "--pcutoff", "0.2", "--filtered")
    expected = {"bodyparts": "hand,tip", "pcutoff": 0.2, "filtered": True}
    assert (code, {name: calls[0][name] for name in expected}) == (0, expected)
    assert "Figures: plots" in out


def test_labeled_videos_are_drawn_as_asked(posecut, step, project):
    """Skeleton, trails and sizes reach the step; videos that exist are named as such."""
    labeled = LabeledVideos("net", (Path("a.mp4"), Path("b.mp4")), (Path("b.mp4"),))
    calls = step("posecut_core.workflow.plot_trajectories.create_labeled_video", labeled)
    words = ["--draw-skeleton", "--trailpoints", "5", "--dotsize", "3", "--snapshot", "last"]
    code, out, _ = posecut("create-labeled-video", project, "a.mp4", *words)
    expected = {"draw_skeleton": True, "trailpoints": 5, "dotsize": 3.0, "snapshot": "last", "colormap": None}
    assert (code, {name: calls[0][name] for name in expected}) == (0, expected)
    assert "Exists already: b.mp4" in out
    assert "extract-outlier-frames" in out.splitlines()[-1]
    assert out.splitlines()[-1].endswith("a.mp4 --snapshot last")


def test_without_a_network_the_step_that_makes_one_is_named(posecut, project, video):
    """The exit code says that the network is missing."""
    code, _, err = posecut("analyze-videos", project, video)
    assert code == ModelError.exit_code
    assert "train" in err.splitlines()[-1]

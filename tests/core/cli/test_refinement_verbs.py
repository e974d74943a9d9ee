"""Outliers are extracted where somebody agrees."""

import io
from pathlib import Path

import pytest

from posecut_core.errors import ArgumentError, ModelError
from posecut_core.refinement.candidates import Candidate, Criteria
from posecut_core.workflow.extract_outlier_frames import ExtractedOutliers, FoundOutliers, OutlierFrames, OutlierVideo
from posecut_core.workflow.merge_datasets import MergedDatasets

DONE = OutlierVideo(Path("a.mp4"), Criteria(), 100, 7, Path("a_outliers.csv"), True, (3, 5), 2)
STEP = "posecut_core.workflow.extract_outlier_frames.extract_outlier_frames"
FIND = "posecut_core.workflow.extract_outlier_frames.find_outlier_frames"


def found(*frames):
    """Return what is found of a video in which these frames look wrong."""
    candidates = tuple(Candidate(number, "jump", 40.0, ("snout",)) for number in frames)
    video = FoundOutliers(Path("a.mp4"), Criteria(), candidates, 100, frames, 20, Path("a.h5"), "")
    return OutlierFrames("net", (video,))


def test_outliers_are_extracted_as_asked(posecut, step, project):
    """Nobody is asked with --yes; labeling comes next."""
    calls = step(STEP, ExtractedOutliers(project / "config.yaml", "net", "kmeans", 0, (DONE,)))
    code, out, _ = posecut("extract-outlier-frames", project, "a.mp4", "--yes")
    assert (code, calls[0]["confirm"], "2 new frames" in out) == (0, None, True)
    assert ["posecut label" in out.splitlines()[-2], "merge-datasets" in out.splitlines()[-1]] == [True, True]


def test_results_are_json(posecut_json, step, project):
    """Programs get numbers of frames, not sentences."""
    step(STEP, ExtractedOutliers(project / "config.yaml", "net", "kmeans", 0, (DONE,)))
    code, result, _ = posecut_json("extract-outlier-frames", project, "a.mp4", "--yes")
    assert (code, result["videos"][0]["candidates"], result["videos"][0]["added"]) == (0, 7, [3, 5])
    assert result["videos"][0]["criteria"]["epsilon"] == 20


def test_without_a_terminal_nothing_is_done(posecut, step, project, monkeypatch):
    """It says so, what to add, and what would be extracted then; frames chosen by hand need no question."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    calls = step(STEP, ExtractedOutliers(project / "config.yaml", "net", "kmeans", 0, (DONE,)))
    looked = step(FIND, found(3, 5))
    code, _, err = posecut("extract-outlier-frames", project, "a.mp4", "--epsilon", "30", "--seed", "1")
    assert (code, calls) == (ArgumentError.exit_code, [])
    assert "--yes" in err.splitlines()[-1]
    assert looked[0]["epsilon"] == 30
    assert found(3, 5).summary().text in err
    manual = ["--outlieralgorithm", "manual", "--frames", "3,5"]
    assert posecut("extract-outlier-frames", project, "a.mp4", *manual)[0] == 0
    assert calls[0]["confirm"] is None


def test_without_a_terminal_nothing_need_be_found(posecut, step, project, monkeypatch):
    """Where nothing would be extracted there is nothing to confirm: a script over many videos goes on."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    calls = step(STEP, ExtractedOutliers(project / "config.yaml", "net", "kmeans", 0, (DONE,)))
    step(FIND, found())
    code, _, err = posecut("extract-outlier-frames", project, "a.mp4")
    assert (code, calls[0]["confirm"], "--yes" in err) == (0, None, False)


@pytest.mark.parametrize("options", [(), ("--cluster", "slurm")])
def test_nobody_is_asked_about_what_cannot_be_found(posecut, project, video, monkeypatch, options):
    """Kind: an option was asked for, and then said that no network is trained."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, err = posecut("extract-outlier-frames", project, video, *options)
    assert code == ModelError.exit_code
    assert "--yes" not in err


def test_a_terminal_is_asked(posecut, step, project, monkeypatch):
    """The step gets a function that asks."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    calls = step(STEP, ExtractedOutliers(project / "config.yaml", "net", "kmeans", 0, (DONE,)))
    assert posecut("extract-outlier-frames", project, "a.mp4")[0] == 0
    assert callable(calls[0]["confirm"])


def test_the_next_iteration_begins_as_asked(posecut, step, project):
    """What becomes of drafts is passed on; training from the network before is suggested."""
    merged = MergedDatasets(project / "config.yaml", 1, 9, 2, 0, goes_on=True)
    calls = step("posecut_core.workflow.merge_datasets.merge_datasets", merged)
    code, out, _ = posecut("merge-datasets", project, "--unreviewed", "accept")
    assert (code, calls[0]["unreviewed"]) == (0, "accept")
    assert "--weights previous" in out.splitlines()[-1]

"""filterpredictions."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import AnalysisError, ArgumentError
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.poses.predictions import read_origin
from posecut_core.progress import Notice
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import plot_trajectories


@pytest.fixture
def table(spot_project, spot_video):
    """Predictions of the project's video with one error, in frame 5."""
    path = analyze_videos(spot_project, spot_video).files[0]
    predictions = read_predictions(path)
    xy = predictions.xy.copy()
    xy[5, 0] += 40.0
    write_predictions(path, replace(predictions, xy=xy))
    return path


def test_filtered_predictions_lie_beside_the_others(spot_project, spot_video, table):
    """A single error is gone; the originals stay as they were, and so do likelihoods."""
    before = read_predictions(table)
    done = filterpredictions(spot_project, spot_video)
    assert [path.name for path in done.files] == ["spotFake_10_filtered.h5", "spotFake_10_filtered.csv"]
    found = read_predictions(done.files[0])
    assert np.abs(found.xy[5, 0] - (before.xy[5, 0] - 40.0)).max() < 4
    np.testing.assert_array_equal(read_predictions(table).xy, before.xy)
    np.testing.assert_array_equal(found.likelihood, before.likelihood)


def test_arima_needs_more_frames_than_these(spot_project, spot_video, table):
    """11 frames are just enough for a model; every frame keeps a position."""
    done = filterpredictions(spot_project, spot_video, filtertype="arima", save_as_csv=False)
    assert len(done.files) == 1
    assert np.isfinite(read_predictions(done.files[0]).xy).all()


@pytest.mark.parametrize("filtertype", ["spline", "kalman"])
def test_gaps_are_filled_up_to_a_length(spot_project, spot_video, table, filtertype):
    """A frame below pcutoff takes its place between its neighbors, two in a row stay empty; the file says how."""
    found = read_predictions(table)
    likelihood = np.full_like(found.likelihood, 0.9)
    likelihood[[3, 7, 8]] = 0.1
    write_predictions(table, replace(found, likelihood=likelihood))
    done = filterpredictions(spot_project, spot_video, filtertype=filtertype, pcutoff=0.5, max_gap=1)
    filled = read_predictions(done.files[0])
    assert np.isnan(filled.xy[[7, 8]]).all()
    assert np.isfinite(np.delete(filled.xy, [7, 8], axis=0)).all()
    np.testing.assert_array_equal(filled.likelihood, likelihood)
    settings = read_origin(done.files[0]).settings
    assert settings == {"filtertype": filtertype, "pcutoff": 0.5, "max_gap": 1}


def test_the_filter_is_known_to_what_comes_next(spot_project, spot_video):
    """Kind: filled positions were not drawn by the next command; another filter's file was replaced without a word."""
    said = []
    analyze_videos(spot_project, spot_video)
    assert filterpredictions(spot_project, spot_video).summary().following[0].arguments == {"filtered": True}
    done = filterpredictions(spot_project, spot_video, filtertype="spline", report=said.append)
    assert all(step.arguments == {"filtered": True, "pcutoff": 0} for step in done.summary().following)
    (notice,) = [one.text for one in said if isinstance(one, Notice)]
    assert notice == "spotFake_10_filtered.h5, which was filtered by median (windowlength 5), is replaced"
    with pytest.raises(ArgumentError, match="expected an odd number"):
        filterpredictions(spot_project, spot_video, windowlength=4, report=said.append)
    assert [one for one in said if isinstance(one, Notice)] == [Notice(notice)]
    said.clear()
    filterpredictions(spot_project, spot_video, filtertype="spline", report=said.append)
    assert not [one for one in said if isinstance(one, Notice)]
    page = plot_trajectories(spot_project, spot_video, filtered=True).files[-1].read_text("utf-8")
    assert "Predictions of Fake_10, computed by xla, filtered by spline (max_gap 10, pcutoff 0.6)." in page
    assert "<h1>spot.mp4, Fake_10, filtered</h1>" in page
    page = plot_trajectories(spot_project, spot_video).files[-1].read_text("utf-8")
    assert "filtered" not in page


def test_a_window_longer_than_the_video_is_told(spot_project, spot_video, table):
    """Kind: a slip of the keyboard made every trajectory constant without a word."""
    said = []
    filterpredictions(spot_project, spot_video, windowlength=11, report=said.append)
    assert not any("fewer than" in one.text for one in said if isinstance(one, Notice))
    filterpredictions(spot_project, spot_video, windowlength=9999, report=said.append)
    assert any("has 11 frames, fewer than the window of 9,999" in one.text for one in said if isinstance(one, Notice))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filtertype": "mean"}, "filtertype is 'mean'"),
        ({"windowlength": 4}, "windowlength is 4"),
        ({"filtertype": "arima", "ARdegree": 0}, "ARdegree is 0"),
        ({"filtertype": "spline", "max_gap": -1}, "max_gap is -1"),
    ],
)
def test_impossible_wishes_are_refused(spot_project, spot_video, table, options, message):
    """The message says what was expected, and nothing is written."""
    with pytest.raises(ArgumentError, match=message):
        filterpredictions(spot_project, spot_video, **options)
    assert not table.with_name("spotFake_10_filtered.h5").exists()


def test_what_was_not_analyzed_is_one_sentence(spot_project, spot_video):
    """The message names the step before."""
    with pytest.raises(AnalysisError, match="analyze the video first"):
        filterpredictions(spot_project, spot_video)

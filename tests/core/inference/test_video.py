"""The analysis of one video."""

import numpy as np
import pytest

from posecut_core.errors import AnalysisError, StorageError
from posecut_core.inference import video as analysis
from posecut_core.inference.video import analyze_video
from posecut_core.poses.files import read_predictions
from posecut_core.types import Crop


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out" / "spotPoseCut_fakeshuffle1_10.h5"


def check_positions(path, truth):
    found = read_predictions(path)
    np.testing.assert_allclose(found.xy[:, 0], [truth(n) for n in range(11)], atol=0.3)
    np.testing.assert_allclose(found.xy[:, 1] - found.xy[:, 0], [[3, 0]] * 11, atol=1e-9)
    np.testing.assert_array_equal(found.likelihood, 0.9)


@pytest.mark.parametrize("batch_size", [1, 4, 11, 16])
def test_every_frame_has_a_row_and_the_network_one_shape(spot_video, target, network, truth, batch_size):
    """Row n is frame n whatever the batch size, and the last batch is padded to it."""
    result = analyze_video(network, spot_video, target, batch_size=batch_size)
    check_positions(target, truth)
    assert set(network.shapes) == {(batch_size, 48, 64, 3)}
    assert (result.frame_count, result.undecodable, result.files) == (11, (), (target,))
    assert sorted(path.name for path in target.parent.iterdir()) == [target.name]


def test_a_crop_is_analyzed_and_given_in_pixels_of_the_full_frame(spot_video, target, network, truth):
    """The network sees the window only; its positions are shifted by the window's corner."""
    analyze_video(network, spot_video, target, batch_size=4, crop=Crop(4, 60, 6, 40))
    assert set(network.shapes) == {(4, 34, 56, 3)}
    check_positions(target, truth)


def test_an_interrupted_analysis_goes_on_where_it_stopped(spot_video, target, make_network, truth):
    """After Ctrl-C in the third batch the first two are not analyzed again, and the result is the same."""
    with pytest.raises(KeyboardInterrupt):
        analyze_video(make_network(fail_at=2), spot_video, target, batch_size=3)
    assert not target.exists()
    network, reports = make_network(), []
    analyze_video(network, spot_video, target, batch_size=3, report=reports.append)
    assert len(network.shapes) == 2
    assert [progress.done for progress in reports] == [9, 11]
    assert [progress.values["seconds_left"] > 0 for progress in reports] == [True, False]
    check_positions(target, truth)
    assert not list(target.parent.glob(".*"))


@pytest.mark.parametrize("change", [{"scorer": "PoseCut_fakeshuffle1_20"}, {"bodyparts": ("nose", "tail")}])
def test_rows_of_another_network_are_not_continued(spot_video, target, make_network, change):
    """What an interrupted analysis left is used by the same network only."""
    with pytest.raises(KeyboardInterrupt):
        analyze_video(make_network(fail_at=2), spot_video, target, batch_size=3)
    network = make_network(**change)
    analyze_video(network, spot_video, target, batch_size=3)
    assert len(network.shapes) == 4


def test_undecodable_frames_are_nan_and_named(spot_video, target, network, monkeypatch, truth):
    """Damaged frames keep their rows, as NaN with likelihood 0, and the frames behind them theirs."""
    decode = analysis.VideoReader.frames

    def damaged(self, numbers=None, **how):
        for number, image in decode(self, numbers, **how):
            yield number, None if number in (0, 4, 5, 6, 7, 10) else image

    monkeypatch.setattr(analysis.VideoReader, "frames", damaged)
    result = analyze_video(network, spot_video, target, batch_size=4, csv=True)
    found = read_predictions(target.with_suffix(".csv"))
    assert result.undecodable == (0, 4, 5, 6, 7, 10)
    assert np.isnan(found.xy[list(result.undecodable)]).all()
    assert (found.likelihood[list(result.undecodable)] == 0).all()
    np.testing.assert_allclose(found.xy[9, 0], truth(9), atol=0.3)


@pytest.mark.parametrize("crop", [Crop(0, 65, 0, 48), Crop(10, 10, 0, 48), Crop(0, 64, -1, 48)])
def test_a_crop_beyond_the_frame_is_one_sentence(spot_video, target, network, crop):
    """The message gives the crop and the size of the frame, and nothing is written."""
    with pytest.raises(AnalysisError, match=r"does not fit into spot\.mp4, which is 64 x 48 pixels"):
        analyze_video(network, spot_video, target, crop=crop)
    assert not target.parent.exists()


def test_a_folder_that_cannot_be_written_is_found_before_the_first_batch(spot_video, tmp_path, network):
    """The disk's refusal comes at once, not after hours of analysis."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        analyze_video(network, spot_video, tmp_path / "file" / "x.h5")
    assert network.shapes == []


@pytest.mark.parametrize("crop", [None, Crop(4, 60, 6, 40)])
@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_a_network_sees_the_frames_around_each(spot_video, target, make_network_around, truth, batch_size, crop):
    """Whatever the batch size; at both ends of the video the frame itself stands in."""
    analyze_video(make_network_around(), spot_video, target, batch_size=batch_size, crop=crop)
    found = read_predictions(target)
    np.testing.assert_allclose(found.xy[:, 0], [truth(max(n - 1, 0)) for n in range(11)], atol=0.3)
    np.testing.assert_allclose(found.xy[:, 1], [truth(min(n + 1, 10)) for n in range(11)], atol=0.3)


def test_an_analysis_with_neighbors_goes_on_to_the_same_bytes(spot_video, target, make_network_around):
    """The first frame after an interruption sees the frames before it, which were analyzed already."""
    analyze_video(make_network_around(), spot_video, target, batch_size=3)
    expected = read_predictions(target)
    target.unlink()
    with pytest.raises(KeyboardInterrupt):
        analyze_video(make_network_around(fail_at=4), spot_video, target, batch_size=3)
    analyze_video(make_network_around(), spot_video, target, batch_size=3)
    np.testing.assert_array_equal(read_predictions(target).xy, expected.xy)

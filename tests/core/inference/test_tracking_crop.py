"""The tracking crop: windows around the animal, on a bright spot whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.dataset.frames import scaled_size
from posecut_core.errors import ArgumentError
from posecut_core.inference import video as analysis
from posecut_core.inference.tracking_crop import COLUMNS, SEGMENT, Tracker, TrackingCrop, Windows, given_tracking
from posecut_core.inference.video import analyze_video
from posecut_core.poses.files import read_predictions
from posecut_core.poses.predictions import read_origin
from posecut_core.types import Crop
from posecut_core.video.writer import VideoWriter

HEIGHT, WIDTH, FRAMES, JUMP = 240, 320, 110, 70


def center(number):
    """Where the spot is; at frame 70 it jumps to another corner."""
    x, y = (40 + number, 60) if number < JUMP else (290 - number, 170)
    return np.array([x, y]) + 0.5


def frame(number):
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left, top = (center(number) - 3.5).astype(int)
    image[top : top + 8, left : left + 8] = 255
    return image


@pytest.fixture(scope="module")
def jumping_video(tmp_path_factory):
    path = tmp_path_factory.mktemp("jumping") / "spot.mp4"
    with VideoWriter(path, fps=25, width=WIDTH, height=HEIGHT) as writer:
        for number in range(FRAMES):
            writer.write(frame(number))
    return path


@pytest.fixture
def few_segments(monkeypatch):
    """As little memory as holds three segments."""
    monkeypatch.setattr(analysis, "side_by_side", lambda batch_size, frame_bytes: min(batch_size, 3))


def whole(network):
    return sum(shape[0] for shape in network.shapes if shape[1:3] == (HEIGHT, WIDTH))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ((True, 0.4, 20), TrackingCrop(0.4, 20.0)),
        ([True, 0.4, 20], TrackingCrop(0.4, 20.0)),
        ("True, 0.4, 20", TrackingCrop(0.4, 20.0)),
        ("(true,0.4,20)", TrackingCrop(0.4, 20.0)),
        (True, TrackingCrop()),
        ("true", TrackingCrop()),
        ((False, 0.5, 10), None),
        (False, None),
        (None, None),
    ],
)
def test_dynamic_is_understood_as_people_give_it(given, found):
    """(state, threshold, margin) as DeepLabCut has it, as a text, and the state alone."""
    assert given_tracking(given) == found


@pytest.mark.parametrize(
    "wrong", [(True, 0.5, 10, 3), (0.5, 10), "perhaps", "yes", (), (True, "a"), (True, 1.5, 10), (True, 0.5, -1)]
)
def test_what_is_no_dynamic_is_one_sentence(wrong):
    """It says what was expected."""
    with pytest.raises(ArgumentError, match=r"dynamic .*expected"):
        given_tracking(wrong)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_positions_are_those_of_the_full_frame(jumping_video, tmp_path, network, few_segments, batch_size):
    """Few frames are seen whole: the first of each segment, and where the animal was lost; windows have few sizes."""
    result = analyze_video(network, jumping_video, tmp_path / "a.h5", batch_size=batch_size, tracking=TrackingCrop())
    found = read_predictions(tmp_path / "a.h5")
    np.testing.assert_allclose(found.xy[:, 0], [center(n) for n in range(FRAMES)], atol=0.3)
    told = result.tracking
    assert (told.frames, told.full_frames, told.losses) == (FRAMES, 5, 1)  # 71 too, as a jump looks like speed
    assert told.compared == 4  # both bodyparts in the first frames of the second and the third segment
    assert told.median_difference < 0.01
    assert whole(network) == 5
    assert {shape[1:3] for shape in network.shapes} <= {
        (HEIGHT, WIDTH),
        *Windows(TrackingCrop(), HEIGHT, WIDTH, 1).sizes,
    }
    assert "lost once" in told.sentence()
    assert told.p99_difference is None  # of four positions
    assert told.sentence().endswith("px of the video (median)")
    origin = read_origin(tmp_path / "a.h5")
    assert origin.analysis.dynamic == (0.5, 10.0)
    assert origin.settings["tracking_crop"]["full_frames"] == 5


@pytest.mark.parametrize(("batch_size", "fail_at"), [(1, 37), (1, 80), (3, 30)])
def test_a_resumed_analysis_equals_an_undisturbed_one(
    jumping_video, tmp_path, make_network, few_segments, batch_size, fail_at
):
    """Rows, and what is told about the crop, are the same to the bit, in a window of the frame too."""
    how = {"batch_size": batch_size, "tracking": TrackingCrop(), "crop": Crop(3, 318, 5, 236)}
    undisturbed = analyze_video(make_network(), jumping_video, tmp_path / "a.h5", **how)
    with pytest.raises(KeyboardInterrupt):
        analyze_video(make_network(fail_at=fail_at), jumping_video, tmp_path / "b.h5", **how)
    resumed = analyze_video(make_network(), jumping_video, tmp_path / "b.h5", **how)
    assert resumed.tracking == undisturbed.tracking
    a, b = read_predictions(tmp_path / "a.h5"), read_predictions(tmp_path / "b.h5")
    np.testing.assert_array_equal(a.xy, b.xy)
    np.testing.assert_array_equal(a.likelihood, b.likelihood)


def test_damaged_frames_are_nan_and_the_next_one_is_seen_whole(jumping_video, tmp_path, network, monkeypatch):
    """The window follows from the frame before, of which nothing is known then."""
    decode = analysis.VideoReader.frames

    def damaged(self, numbers=None, **how):
        for number, image in decode(self, numbers, **how):
            yield number, None if number in (48, 60) else image

    monkeypatch.setattr(analysis.VideoReader, "frames", damaged)
    result = analyze_video(network, jumping_video, tmp_path / "a.h5", tracking=TrackingCrop(), batch_size=1)
    assert result.undecodable == (48, 60)
    assert whole(network) == 6  # 0, 49, 61, 70, 71, 96
    assert (read_predictions(tmp_path / "a.h5").likelihood[[48, 60]] == 0).all()


def test_frames_one_by_one_give_the_same(jumping_video, tmp_path, network):
    """A stream of frames is followed as a video is."""
    tracker = Tracker(network, Windows(TrackingCrop(), HEIGHT, WIDTH, 1.0))
    rows = np.stack([tracker(frame(number)) for number in range(SEGMENT + 2)])
    np.testing.assert_allclose(rows[:, 0, :2], [center(n) for n in range(SEGMENT + 2)], atol=1e-9)
    assert whole(network) == 2
    assert (tracker.report.frames, tracker.report.full_frames, tracker.report.losses) == (SEGMENT + 2, 2, 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(33, 1200),
    st.integers(33, 1200),
    st.sampled_from([0.4, 0.5, 0.625, 1.0]),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_windows_lie_in_the_frame_and_hold_the_pose(height, width, scale, right, down):
    """They have the scale of the full frame to half a pixel, whatever the frame's size."""
    windows = Windows(TrackingCrop(), height, width, scale)
    row = np.full((2, COLUMNS), np.nan)
    row[0, :3] = right * (width - 1), down * (height - 1), 0.9
    needed = windows.needed(row, np.full((2, COLUMNS), np.nan))
    index = windows.size_for(needed)
    full = np.array(scaled_size(height, width, scale=scale)) / (height, width)
    for size in windows.sizes:
        np.testing.assert_array_less(np.abs(np.array(scaled_size(*size, scale=scale)) - full * size), 1.01)
    if index is not None:
        crop = windows.placed(needed, windows.sizes[index])
        assert crop.lies_in(width, height)
        assert crop.x1 <= row[0, 0] <= crop.x2
        assert crop.y1 <= row[0, 1] <= crop.y2


@pytest.mark.parametrize("batch_size", [1, 8])
def test_a_window_shows_the_frames_around_it_too(jumping_video, tmp_path, make_network_around, batch_size):
    """All channels of a frame are cut alike, and the frames around the first of a segment are those of the video."""
    network, target = make_network_around(), tmp_path / "spot.h5"
    analyze_video(network, jumping_video, target, batch_size=batch_size, tracking=TrackingCrop(margin=20))
    found = read_predictions(target).xy
    steady = [number for number in range(1, FRAMES - 1) if abs(number - JUMP) > 2]
    for part, step in ((0, -1), (1, 1)):
        np.testing.assert_allclose(found[steady, part], [center(number + step) for number in steady], atol=0.5)
    assert {shape[-1] for shape in network.network.shapes} == {3}
    assert any(shape[1:3] != (HEIGHT, WIDTH) for shape in network.network.shapes)

"""Score maps of one frame."""

import numpy as np
import pytest

from posecut_core.errors import ModelError, VideoError
from posecut_core.inference.predictor import ImageScoremaps
from posecut_core.workflow import scoremaps
from posecut_core.workflow.scoremaps import frame_scoremaps


class MapsOfBrightness:
    """Stand in for a network: its only bodypart is the brightness of every second pixel."""

    scorer, bodyparts, context = "Fake_10", ("spot",), 0

    @classmethod
    def load(cls, model_folder, *, snapshot="last"):
        assert snapshot == 10
        return cls()

    def scoremaps(self, image):
        return ImageScoremaps(
            np.float32(image[::2, ::2, :1] / 255), cell=np.array([2.0, 2.0]), origin=np.array([0.0, 0.0])
        )


@pytest.fixture
def maps_of_brightness(monkeypatch):
    monkeypatch.setattr(scoremaps, "Predictor", MapsOfBrightness)


@pytest.mark.usefixtures("maps_of_brightness")
@pytest.mark.parametrize("crop", [None, (4, 64, 6, 48)])
def test_maps_lie_where_the_frame_shows_it(spot_project, edit, tmp_path, crop):
    """The brightest cells lie at the square of the frame asked for, also where only a crop is looked at."""
    if crop:
        edit(cropping=True, **dict(zip(("x1", "x2", "y1", "y2"), crop, strict=True)))
    result = frame_scoremaps(spot_project, "spot", 6, tmp_path / "maps.npy")
    likelihood = np.load(result.file, allow_pickle=False)[..., 0]
    rows, columns = np.nonzero(likelihood > 0.5)
    middle = np.array([columns.mean(), rows.mean()]) * result.cell + result.origin
    np.testing.assert_allclose(middle, (10.5 + 2 * 6, 12.5 + 6), atol=1.0)
    assert (result.frame, result.bodyparts, result.scorer) == (6, ("spot",), "Fake_10")


@pytest.mark.usefixtures("maps_of_brightness")
def test_what_is_not_there_is_named(spot_project, tmp_path):
    """A frame that the video lacks and a shuffle without a network are refused."""
    with pytest.raises(VideoError, match="Frame 11 is out of range"):
        frame_scoremaps(spot_project, "spot", 11, tmp_path / "maps.npy")
    with pytest.raises(ModelError, match="no snapshot"):
        frame_scoremaps(spot_project, "spot", 0, tmp_path / "maps.npy", shuffle=7)
    assert not (tmp_path / "maps.npy").exists()

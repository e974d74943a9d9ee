"""analyzeskeleton."""

import pandas as pd
import pytest

from posecut_core.errors import AnalysisError, ArgumentError
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.analyzeskeleton import analyzeskeleton


def test_the_skeleton_lies_beside_the_predictions(spot_project, spot_video):
    """One bone, a row per frame, as .h5 and .csv."""
    analyze_videos(spot_project, spot_video)
    done = analyzeskeleton(spot_project, spot_video, save_as_csv=True)
    assert [path.name for path in done.files] == ["spotFake_10_skeleton.h5", "spotFake_10_skeleton.csv"]
    table = pd.read_hdf(done.files[0])
    assert table.shape == (11, 3)
    assert (table["spot_beside", "length"] > 0).all()


def test_without_bones_or_predictions_there_is_a_sentence(spot_project, spot_video, edit):
    """It names the step before, or the key to fill in."""
    with pytest.raises(AnalysisError, match="analyze the video first"):
        analyzeskeleton(spot_project, spot_video)
    analyze_videos(spot_project, spot_video)
    edit(skeleton=[])
    with pytest.raises(ArgumentError, match="has no bones between bodyparts"):
        analyzeskeleton(spot_project, spot_video)

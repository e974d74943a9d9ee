"""Frames become images that DeepLabCut reads."""

import imageio.v3 as iio
import numpy as np

from posecut_core.video.store import FrameStore
from posecut_core.workflow.exporting import export_deeplabcut
from posecut_core.workflow.opening import open_project


def test_every_stored_frame_becomes_an_image(spot_project):
    """Each image holds exactly the pixels of its frame; a second export writes nothing."""
    exported = export_deeplabcut(spot_project)
    assert [(video.video, video.written) for video in exported.videos] == [("spot", 4)]
    project = open_project(spot_project)
    images = sorted(project.frame_folder("spot").glob("img*.png"))
    store = FrameStore.open(project.frame_store("spot"))
    assert len(images) == 4
    for path, number in zip(images, store.numbers.tolist(), strict=True):
        np.testing.assert_array_equal(iio.imread(path), store.read(number))
    assert export_deeplabcut(spot_project, videos=["spot"]).videos[0].written == 0

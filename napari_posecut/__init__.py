"""The napari plugin of PoseCut; it imports `posecut_core`, never the reverse.

napari_posecut.label_frames("reaching-ada-2026-01-31")     # label, in a window
napari_posecut.refine_labels("reaching-ada-2026-01-31")    # correct the frames in which the network errs
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari import Viewer

__all__ = ["label_frames", "refine_labels"]


def label_frames(config: str | os.PathLike[str], *, block: bool = True) -> "Viewer":
    """Open a project in a window to label its frames; every edit is kept at once.

    Args:
        config: path of config.yaml, or of the project's folder.
        block: whether to wait until the window is closed; a notebook after `%gui qt` never waits.

    Returns:
        napari's viewer.

    Raises:
        ProjectError: there is no project, or its config.yaml is malformed.
        VideoError: a frame store is damaged.
        LabelError: labels are damaged or do not fit the project.
    """
    from napari_posecut.window import LABEL, work

    return work(config, dock=LABEL, block=block)


def refine_labels(config: str | os.PathLike[str], *, block: bool = True) -> "Viewer":
    """Open a project in a window to correct what a network proposed for outlier frames.

    Args:
        config: path of config.yaml, or of the project's folder.
        block: whether to wait until the window is closed; a notebook after `%gui qt` never waits.

    Returns:
        napari's viewer.

    Raises:
        ProjectError, VideoError, LabelError: as for `label_frames`.
    """
    from napari_posecut.window import REFINE, work

    return work(config, dock=REFINE, block=block)

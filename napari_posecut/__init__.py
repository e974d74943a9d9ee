"""The napari plugin of PoseCut; it imports `posecut_core`, never the reverse.

napari_posecut.label_frames("reaching-ada-2026-01-31")     # label, in a window
napari_posecut.refine_labels("reaching-ada-2026-01-31")    # correct the frames in which the network errs
napari_posecut.train_widget("reaching-ada-2026-01-31")     # settings and a button, for a notebook or another plugin
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari import Viewer

    from napari_posecut.widgets.forms.training import TrainWidget

__all__ = ["label_frames", "refine_labels", "train_widget"]


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


def train_widget(config: str | os.PathLike[str]) -> "TrainWidget":
    """Make a magicgui container that trains a project's network: its settings, and a button.

    Show it in a notebook, or add `.native` to a window. The button makes the next training dataset of all labels, with
    the settings of the one before as far as the form leaves them, and trains in a process of its own; `.job` follows
    it.

    Args:
        config: path of config.yaml, or of the project's folder.

    Raises:
        ProjectError: there is no project, or its config.yaml is malformed.
        LabelError: labels are damaged or do not fit the project.
    """
    from napari_posecut.widgets.forms.training import TrainWidget

    return TrainWidget(config)

"""A window of napari in which a project is labeled: viewer, row of buttons, docks, opened project."""

import os
import sys
from collections.abc import Callable

import napari
from napari import Viewer
from napari.settings import get_settings
from qtpy.QtCore import QRect
from qtpy.QtGui import QGuiApplication

from napari_posecut.loading import loading
from napari_posecut.preferences import preferences
from napari_posecut.session import session_of
from napari_posecut.widgets.flow import FlowBar
from posecut_core.errors import PosecutError
from posecut_core.project.opening import config_path

PROJECT, FRAMES, LABEL, REFINE = "1 Project", "2 Frames", "3 Label", "8 Refine"
_SIZE = (1280, 800)  # pixels, where napari remembers no other size
_FRAME = 30  # pixels for the frame of the window


def add_flow_bar(viewer: Viewer) -> FlowBar:
    """Add the row of buttons to a viewer, or find it there."""
    bars = (docked for docked in viewer.window.dock_widgets.values() if isinstance(docked, FlowBar))
    bar = next(bars, None)
    if bar is None:
        bar = FlowBar(viewer)
        viewer.window.add_dock_widget(bar, name="PoseCut", area="top", add_vertical_stretch=False)
    return bar


def open_here(viewer: Viewer, config: str | os.PathLike[str], *, dock: str = LABEL) -> None:
    """Open a project in a viewer that is there already, with the docks to work on it.

    Args:
        viewer: napari's.
        config: path of config.yaml, or of the project's folder.
        dock: title of the dock to bring to the front; 2 Frames where there are no frames to label yet.

    Raises:
        ProjectError, VideoError, LabelError: as for `Session.open`.
    """
    bar = add_flow_bar(viewer)
    session = session_of(viewer)
    session.open(config)
    if dock == LABEL and session.labeling is not None and not session.labeling.index.frames:
        dock = FRAMES
    for title in (PROJECT, dock):
        bar.open(title)


@loading()
def open_window(config: str | os.PathLike[str] | None = None, *, dock: str = LABEL, show: bool = True) -> Viewer:
    """Open a window, and a project in it.

    Args:
        config: path of config.yaml, or of the project's folder; None to begin without a project.
        dock: title of the dock to bring to the front where there is a project.
        show: whether the window is to be seen.

    Raises:
        ProjectError, VideoError, LabelError: as for `Session.open`; then no window is left.
    """
    if config is not None:
        config_path(config)  # before a window comes up only to go away
    viewer = Viewer(title="PoseCut", show=show, show_welcome_screen=False)
    screen = QGuiApplication.primaryScreen()
    room = screen.availableGeometry() if screen is not None else QRect(0, 0, *_SIZE)
    width, height = get_settings().application.window_size or _SIZE
    viewer.window.resize(min(width, room.width()), min(height, room.height() - _FRAME))
    bar = add_flow_bar(viewer)
    bar.show_panels(preferences().panels)
    try:
        bar.open(PROJECT) if config is None else open_here(viewer, config, dock=dock)
    except BaseException:
        viewer.close()
        raise
    return viewer


def work(config: str | os.PathLike[str] | None, *, dock: str = LABEL, block: bool = True) -> Viewer:
    """Open a window, and wait until it is closed unless `block` is False or a notebook runs the window already."""
    viewer = open_window(config, dock=dock)
    if block:
        napari.run()
    return viewer


def exit_code(work: Callable[[], object]) -> int:
    """Run a program's work, write to stderr why it is refused, and return the exit code."""
    try:
        work()
    except PosecutError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0

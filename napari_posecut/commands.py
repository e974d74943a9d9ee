"""What PoseCut adds to napari's own menus."""

from napari import Viewer
from qtpy.QtWidgets import QFileDialog

from napari_posecut.desk import desk_of
from napari_posecut.jobs import Job
from napari_posecut.window import furnish, open_here


def ask_for_project(viewer: Viewer) -> None:
    """Let a person choose a config.yaml, and open its project."""
    bar = furnish(viewer)
    path, _ = QFileDialog.getOpenFileName(bar, "Open a project of PoseCut or DeepLabCut", "", "config.yaml (*.yaml)")
    if path:
        desk_of(viewer).attempt(lambda: open_here(viewer, path))


def export_deeplabcut(viewer: Viewer) -> None:
    """Write the frames of the open project as images, in the background."""
    desk = desk_of(viewer)
    config = desk.attempt(desk.require_project)
    if config is None:
        return
    job = desk.attempt(lambda: desk.start("export_deeplabcut", {}))
    if job is None:
        return

    def tell(ended: Job) -> None:
        if ended is job:
            desk.board.ended.disconnect(tell)
            done = f"The frames are beside the labels, in {config.labeled_data}; DeepLabCut opens config.yaml now."
            desk.tell(done if ended.state == "done" else ended.message or "Writing the images was stopped.")

    desk.board.ended.connect(tell)

"""Work in a child that edits labels: the window lets go of them meanwhile."""

from collections.abc import Mapping

from napari_posecut.desk import Desk
from napari_posecut.jobs import Job

VERBS = ("extract_outliers", "merge_datasets")


def start_on_labels(desk: Desk, verb: str, arguments: Mapping[str, object]) -> Job | None:
    """Let go of the labels and start work that edits them; where it is refused, tell why and take them up again.

    Whoever starts it calls `desk.refresh` when it has ended, however it ended.
    """
    labelling = desk.labelling
    if labelling is None:
        return None
    desk.attempt(labelling.pause)
    job = desk.attempt(lambda: desk.board.start(verb, arguments))
    if job is None:
        desk.attempt(desk.refresh)
    return job


def labels_are_busy(desk: Desk) -> bool:
    """Tell whether such work runs."""
    return desk.board.of(*VERBS) is not None

"""What people should know about a project although it stops nothing: told through `report`, as headings are."""

from collections.abc import Iterable

from posecut_core.labels.placement import outside
from posecut_core.labels.store import removed_bodyparts
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Progress, Report
from posecut_core.project.bodyparts import foreign_bodyparts
from posecut_core.project.config import ProjectConfig
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore
from posecut_core.workflow.opening import frame_folders

_NAMED = 5  # labels in a note; check_labels has all


def note_bodyparts(config: ProjectConfig, found: Iterable[str], *, source: str, report: Report) -> None:
    """Tell that a network, or what it is trained on, knows bodyparts that config.yaml does not have (any more)."""
    remedy = "create a training dataset with the new names and train again (posecut create-training-dataset)"
    sentence = foreign_bodyparts(found, config.bodyparts, source=source, remedy=remedy)
    if sentence:
        report(Progress(sentence.removesuffix("."), 0, 0))


def note_removed(project: Project, *, report: Report) -> None:
    """Tell that config.yaml no longer lists bodyparts of which there are labels.

    Raises:
        LabelError: the labels cannot be read.
    """
    names = removed_bodyparts(project, [folder.name for folder in frame_folders(project)])
    if names:
        word = "it" if len(names) == 1 else "them"
        text = (
            f"Labels of {', '.join(map(repr, names))} are kept but not used, because `bodyparts` in "
            f"{project.config_path} does not list {word} any more; add {word} there again to have the labels back"
        )
        report(Progress(text, 0, 0))


def note_skeleton(project: Project, *, report: Report) -> None:
    """Tell that the skeleton names what is no bodypart: its lines cannot be drawn."""
    bodyparts = project.config.bodyparts
    unknown = dict.fromkeys(name for bone in project.config.skeleton for name in bone if name not in bodyparts)
    if unknown:
        text = (
            f"skeleton in {project.config_path} names {', '.join(map(repr, unknown))}, expected bodyparts "
            f"({', '.join(bodyparts)}): these lines are not drawn; correct or remove them"
        )
        report(Progress(text, 0, 0))


def note_outside(project: Project, table: LabelTable, *, report: Report) -> None:
    """Tell which labels of a video lie outside their frame: a network cannot learn them."""
    path = project.frame_store(table.video)
    places = outside(table, FrameStore.open(path)) if path.exists() else ()
    if places:
        more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
        text = (
            f"{table.video}: labels outside their frame: {', '.join(places[:_NAMED])}{more}; correct or remove them "
            "(posecut check-labels draws all)"
        )
        report(Progress(text, 0, 0))

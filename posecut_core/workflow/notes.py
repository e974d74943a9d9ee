"""What people should know about a project although it stops nothing: told through `report`, as headings are."""

from collections.abc import Iterable, Sequence

from posecut_core.errors import LabelError
from posecut_core.labels.identities import Identities, read_identities
from posecut_core.labels.placement import labels_named, uncounted
from posecut_core.labels.store import removed_bodyparts
from posecut_core.labels.stored_images import frame_words, image_places
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Progress, Report
from posecut_core.project.bodyparts import foreign_bodyparts, shown
from posecut_core.project.layout import Project
from posecut_core.workflow.opening import frame_folders, strange_folders

_RETRAIN = "create a training dataset with the new names and train again (posecut create-training-dataset)"
_NAMED = 5  # labels in a note; check_labels has all


def note_bodyparts(project: Project, found: Iterable[str], *, source: str, report: Report) -> None:
    """Tell that a network, or what it is trained on, knows bodyparts that config.yaml does not have (any more)."""
    listed = project.config.bodyparts
    foreign = [name for name in found if name not in listed]
    known = _identities(project) if foreign else Identities({})
    renamed = {name: new for name in foreign if (new := known.renamed(name)) in listed}
    if renamed:
        pairs = ", ".join(f"{name!r} for what is {new!r} now" for name, new in renamed.items())
        text = (
            f"{source} has {pairs}: its results keep the old name, and evaluations leave it out; {_RETRAIN}, or rename "
            f"it back (posecut edit-bodyparts --rename {','.join(f'{new}:{name}' for name, new in renamed.items())})"
        )
        report(Progress(text, 0, 0))
    rest = [name for name in foreign if name not in renamed]
    sentence = foreign_bodyparts(rest, listed, source=source, remedy=_RETRAIN)
    _tell((sentence or "").removesuffix("."), report)


def _tell(text: str, report: Report) -> None:
    if text:
        report(Progress(text, 0, 0))


def _identities(project: Project) -> Identities:
    try:
        return read_identities(project)
    except LabelError:  # told where labels are read; a network can do without
        return Identities({})


def note_removed(project: Project, *, videos: Iterable[str] | None = None, report: Report) -> None:
    """Tell that config.yaml no longer lists bodyparts of which there are labels, of these videos or of all.

    Raises:
        LabelError: the labels cannot be read.
    """
    stems = [folder.name for folder in frame_folders(project)] if videos is None else list(videos)
    _tell(unlisted_labels(project, stems), report)


def unlisted_labels(project: Project, videos: list[str]) -> str:
    """Say of which bodyparts there are labels that config.yaml does not list; "" where there are none.

    Raises:
        LabelError: the labels cannot be read.
    """
    names = removed_bodyparts(project, videos)
    if not names:
        return ""
    word = "it" if len(names) == 1 else "them"
    return (
        f"Labels of {', '.join(map(repr, names))} are kept but not used, because `bodyparts` in "
        f"{project.config_path} does not list {word} any more; add {word} there again to have the labels back"
    )


def note_strangers(project: Project, *, report: Report) -> None:
    """Tell which folders and tables of labels are of no video or scorer of the project: nothing of them is used."""
    _tell(strange_labels(project), report)
    _tell(other_tables(project), report)


def other_tables(project: Project) -> str:
    """Say which tables of labels are of other scorers than config.yaml's; "" where none is."""
    own = {f"CollectedData_{project.config.scorer}{suffix}" for suffix in (".h5", ".csv")}
    found = [
        f"{folder.name}/{path.name}"
        for folder in frame_folders(project)
        for path in sorted(folder.glob("CollectedData_*"))
        if path.suffix in (".h5", ".csv") and path.name not in own
    ]
    if not found:
        return ""
    plural, them = ("s", "them") if len(found) > 1 else ("", "it")
    return (
        f"{project.labeled_data} holds {_some(found)}, expected tables of scorer {project.config.scorer!r} of "
        f"config.yaml only; nothing of the table{plural} is used: move {them} elsewhere, or, if the labels in {them} "
        "count, copy their rows into that scorer's table"
    )


def strange_labels(project: Project) -> str:
    """Say which folders of labels or frames are of no video of the project; "" where there are none."""
    names = [folder.name for folder in strange_folders(project)]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    belong, them = ("belongs", "it") if len(names) == 1 else ("belong", "them")
    return (
        f"{', '.join(map(repr, names[:_NAMED]))}{more} in {project.labeled_data} {belong} to no video of `video_sets` "
        f"in {project.config_path}, and nothing of {them} is used; if that is not meant, list the video there (a line "
        f"`videos/NAME.mp4:` with the folder's name will do), else move {them} out of labeled-data"
    )


def note_skeleton(project: Project, *, report: Report) -> None:
    """Tell that the skeleton names what is no bodypart, or holds what is no bone: its lines cannot be drawn."""
    _tell(odd_skeleton(project), report)


def odd_skeleton(project: Project) -> str:
    """Say which bones of config.yaml are none; "" where all are pairs of bodyparts."""
    bodyparts, odd = project.config.bodyparts, project.config.odd_bones
    unknown = dict.fromkeys(name for bone in project.config.skeleton for name in bone if name not in bodyparts)
    told = (
        [f"names {', '.join(map(repr, unknown))}, expected bodyparts ({', '.join(map(shown, bodyparts))})"]
        if unknown
        else []
    )
    told += [f"holds {', '.join(odd)}, expected pairs of different bodyparts such as `- [nose, tail]`"] if odd else []
    if not told:
        return ""
    return f"skeleton in {project.config_path} {' and '.join(told)}: these lines are not drawn; correct or remove them"


def note_outside(project: Project, table: LabelTable, *, report: Report) -> None:
    """Tell which labels of a video lie outside their frame, or say "not visible": a network cannot learn them."""
    _tell(labels_outside(project, table), report)


def labels_outside(project: Project, table: LabelTable) -> str:
    """Say which labels of a video lie outside their frame, or at (0, 0); "" where none does."""
    origins, sizes = image_places(project, table.video, table.numbers)
    invisible, outside = uncounted(table, origins, sizes)
    words = frame_words(project, table.video, table.numbers[(invisible | outside).any(axis=1)].tolist())
    told = []
    if outside.any():
        named = _some(labels_named(table, outside, words))
        told.append(f"labels outside their frame: {named}; correct or remove them (posecut check-labels draws all)")
    if invisible.any():
        named = _some(labels_named(table, invisible, words))
        told.append(f"labels at (0, 0), with which other programs say 'not visible', are left out of training: {named}")
    return f"{table.video}: {'; '.join(told)}" if told else ""


def _some(places: Sequence[str]) -> str:
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"{', '.join(places[:_NAMED])}{more}"

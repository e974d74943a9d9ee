"""What people should know about labels although it stops nothing: told through `report`."""

import itertools
from collections.abc import Iterable

from posecut_core.errors import LabelError, Remedy
from posecut_core.formats.deeplabcut.frames import frame_words, image_places, odd_sizes
from posecut_core.labels.bodypart_ids import Identities, read_identities
from posecut_core.labels.store import removed_bodyparts
from posecut_core.labels.table import LabelTable
from posecut_core.labels.validation import labels_named, uncounted
from posecut_core.progress import Notice, Report
from posecut_core.project.given import (
    foreign_bodyparts,
    legible,
    named_few,
)
from posecut_core.project.opening import frame_folders
from posecut_core.project.paths import Project

_NAMED = 5  # labels in a note; check_labels has all
_RETRAIN = "create a training dataset with the new names and train again"


def note_bodyparts(project: Project, found: Iterable[str], *, source: str, report: Report) -> None:
    """Tell that a network, or what it is trained on, knows bodyparts that config.yaml does not have (any more)."""
    listed, retrain = project.config.bodyparts, Remedy("create_training_dataset", config=project.root)
    foreign = [name for name in found if name not in listed]
    known = _identities(project) if foreign else Identities({})
    renamed = {name: new for name in foreign if (new := known.renamed(name)) in listed}
    if renamed:
        pairs = ", ".join(f"{name!r} for {new!r}" for name, new in renamed.items())
        text = (
            f"{source} has {pairs}: its results keep the old name, and evaluations leave it out; {_RETRAIN}, or rename "
            "it back"
        )
        back = {new: name for name, new in renamed.items()}
        report(Notice(text, (retrain, Remedy("edit_bodyparts", config=project.root, rename=back))))
    rest = [name for name in foreign if name not in renamed]
    sentence = foreign_bodyparts(rest, listed, source=source, remedy=_RETRAIN)
    if sentence:
        report(Notice(sentence.removesuffix("."), (retrain,)))


def _tell(text: str, report: Report) -> None:
    if text:
        report(Notice(text))


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
        f"Labels of {', '.join(map(repr, names))} are kept but not used, because `bodyparts` in {project.config_path} "
        f"no longer lists {word}; add {word} there again to use these labels"
    )


def note_skeleton(project: Project, *, report: Report) -> None:
    """Tell that the skeleton names what is no bodypart, or holds what is no bone: its lines cannot be drawn."""
    _tell(odd_skeleton(project), report)


def odd_skeleton(project: Project) -> str:
    """Say which bones of config.yaml are none; "" where all are pairs of bodyparts."""
    bodyparts, odd = project.config.bodyparts, project.config.odd_bones
    unknown = dict.fromkeys(name for bone in project.config.skeleton for name in bone if name not in bodyparts)
    told = (
        [f"names {', '.join(map(repr, unknown))}, expected bodyparts ({', '.join(map(legible, bodyparts))})"]
        if unknown
        else []
    )
    told += [f"holds {', '.join(odd)}, expected pairs of different bodyparts such as `- [nose, tail]`"] if odd else []
    if not told:
        return ""
    return f"skeleton in {project.config_path} {' and '.join(told)}: these lines are not drawn; correct or remove them"


def note_outside(project: Project, table: LabelTable, *, report: Report) -> None:
    """Tell which labels of a video lie outside their frame, or say "not visible": a network cannot learn them."""
    told = labels_outside(project, table)
    if told:
        report(told)


def note_sizes(project: Project, video: str, *, report: Report) -> None:
    """Tell which images of a video have another size than its frames or than the others: labels may lie wrong there."""
    for told in itertools.chain(*odd_sizes(project, video)):
        report(Notice(told, (Remedy("check_labels", config=project.root, videos=[video]),)))


def labels_outside(project: Project, table: LabelTable) -> Notice | None:
    """Say which labels of a video lie outside their frame, or at (0, 0); None where none does."""
    origins, sizes = image_places(project, table.video, table.numbers)
    invisible, outside = uncounted(table, origins, sizes)
    words = frame_words(project, table.video, table.numbers[(invisible | outside).any(axis=1)].tolist())
    told = []
    if outside.any():
        named = named_few(labels_named(table, outside, words), most=_NAMED)
        told.append(f"labels outside their frame: {named}; correct or remove them")
    if invisible.any():
        named = named_few(labels_named(table, invisible, words), most=_NAMED)
        told.append(
            f"labels at (0, 0), which other programs write for 'not visible', are left out of training: {named}"
        )
    draw = (Remedy("check_labels", config=project.root, videos=[table.video]),) if outside.any() else ()
    return Notice(f"{table.video}: {'; '.join(told)}", draw) if told else None

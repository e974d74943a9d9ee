"""Steps D and E: write labels from a program, and look at labels as pictures (`check_labels`)."""

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from posecut_core.errors import ArgumentError, LabelError, Remedy, VideoError, treat_all, treat_each
from posecut_core.formats.deeplabcut.frames import frame_words, image_names, image_places
from posecut_core.interchange.project_labels import table_of_file
from posecut_core.interchange.registry import format_of
from posecut_core.labels.agreement import LabelComparison, compare_labels, write_agreement
from posecut_core.labels.images import adopt_project
from posecut_core.labels.notices import note_removed, note_sizes, note_skeleton
from posecut_core.labels.store import lost_pictures, read_drafts, read_labels
from posecut_core.labels.store import write_labels as write_project_labels
from posecut_core.labels.suspects import Suspect, in_one_place, rank_labels
from posecut_core.labels.table import LabelTable
from posecut_core.labels.validation import labels_named, uncounted
from posecut_core.plots.frames import draw_check_image
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.given import forgiving, given_path
from posecut_core.project.opening import chosen_stems, frame_folders, note_strangers, open_project, videos_with_frames
from posecut_core.project.paths import Project
from posecut_core.project.state import look_of
from posecut_core.results import Summary, counted
from posecut_core.video.frame_store import FrameStore

_STRANGE = 5.0  # standard deviations; labels of more surprise are named
_NAMED = 10  # of them at most; the result has more
_SUSPECTED = 0.1  # of all labels
_FAR = 3.0  # times the mean distance of two people's labels; farther ones are named


@dataclass(frozen=True)
class WrittenLabels:
    """What was written, and where."""

    video: str
    frames: int  # of the table
    points: int  # labels that are not missing
    files: tuple[Path, ...]  # .h5, .csv

    def summary(self) -> Summary:
        """Say how many labels there are now, and where."""
        text = f"{self.video} has {counted(self.points, 'label')} in {counted(self.frames, 'frame')}."
        return Summary(text, tuple(map(str, self.files)), (Remedy("check_labels"),))


@dataclass(frozen=True)
class CheckedVideo:
    """The pictures of one video's labels."""

    video: str
    folder: Path
    images: int  # pictures drawn, one per frame with labels or drafts
    unlabelled: int  # extracted frames without any label
    missing: dict[str, int]  # bodypart -> labeled frames in which it has no label
    outside: tuple[str, ...]  # labels outside their frame, as "frame 12 snout"
    drafts: int = 0  # positions that a network proposes and no person has looked at
    invisible: tuple[str, ...] = ()  # labels at (0, 0) of their image, named likewise: "not visible" elsewhere

    def _lines(self) -> list[str]:
        """Say where the pictures are, and what a person should look at."""
        lines = [f"{self.video}: {counted(self.images, 'picture')} in {self.folder}"]
        if self.unlabelled:
            lines.append(f"  {counted(self.unlabelled, 'extracted frame')} without labels")
        if self.drafts:
            lines.append(f"  {counted(self.drafts, 'suggestion')}, drawn as x: not used for training before review")
        lines += [f"  {part} has no label in {counted(count, 'frame')}" for part, count in self.missing.items()]
        lines += [f"  a label lies outside its frame: {place}" for place in self.outside]
        return lines + [
            f"  a label at (0, 0), for 'not visible', is left out of training: {place}" for place in self.invisible
        ]


@dataclass(frozen=True)
class CheckedLabels:
    """What `check_labels` drew."""

    config_path: Path
    videos: tuple[CheckedVideo, ...]
    suspects: tuple[Suspect, ...] = ()  # the tenth of the labels that is most probably wrong, the worst first
    compared: LabelComparison | None = None  # with the labels of another person
    agreement: Path | None = None  # .csv of how far both lie apart, by bodypart
    in_one_place: tuple[tuple[str, ...], ...] = ()  # bodyparts that no frame shows apart, those of one place together

    def summary(self) -> Summary:
        """Say where the pictures are, and what a person should look at."""
        strange = [one for one in self.suspects if one.surprise >= _STRANGE][:_NAMED]
        lines = [line for video in self.videos for line in video._lines()]
        lines += [
            f"{', '.join(parts)} lie in one place in every frame: place each of them where it is"
            for parts in self.in_one_place
        ]
        lines += map(_told, strange)
        if self.suspects and not strange and not self.in_one_place:
            lines.append("no label stands out as wrong")
        return Summary(
            "Look at the pictures; correct the labels where they are wrong.",
            (*lines, *self._compared()),
            (Remedy("create_training_dataset", config=self.config_path.parent),),
        )

    def _compared(self) -> list[str]:
        """Say how far two people's labels lie apart, and where they do most."""
        if self.compared is None:
            return []
        found = self.compared
        lines = [f"Two people's labels of {counted(found.frames, 'frame')} are {found.overall.sentence()}"]
        lines += [f"  {part}: {one.sentence()}" for part, one in found.bodyparts.items()]
        if found.overall.one_sided:
            lines.append(f"  {counted(found.overall.one_sided, 'label')} only one of them has placed")
        far = [one for one in found.differences if one.distance > _FAR * found.overall.mean][:_NAMED]
        lines += [
            f"  farthest apart: frame {one.number} of {one.video}, {one.bodypart}, {one.distance:.1f} px" for one in far
        ]
        return [*lines, f"Table: {self.agreement}"]


def _told(suspect: Suspect) -> str:
    place = f"frame {suspect.number} of {suspect.video}, {suspect.bodypart}"
    if suspect.exchanged_with:
        return f"look first at {place}: it may be exchanged with {suspect.exchanged_with}"
    return f"look first at {place}: the frame's other labels lead one to expect it elsewhere"


@forgiving
def write_labels(config: str | os.PathLike[str], table: LabelTable, *, remove_others: bool = False) -> WrittenLabels:
    """Make the labels of a video's frames as a table has them, in one edit that can be undone.

    The window undoes it, and so does `undo_labels`.

    Frames and bodyparts that are not in the table stay as they are. NaN is missing: the bodypart is absent from that
    frame if `table.annotated` says that somebody looked for it, and unset if not.

    Args:
        config: path of config.yaml.
        table: labels in pixels of the full frame.
        remove_others: whether to unset the labels of the video's other frames.

    Raises:
        LabelError: a bodypart is not of the project, a frame was not extracted, a label lies far outside its frame, or
            somebody else edits the labels;
            nothing is then written.
        VideoError: the project has no frames of such a video.
        StorageError: the disk refuses.
    """
    project = adopt_project(config)
    (video,) = chosen_stems((folder.name for folder in frame_folders(project)), [table.video])
    table = replace(table, video=video)
    write_project_labels(project, table, remove_others=remove_others)
    points = int((~np.isnan(table.xy[..., 0])).sum())
    files = (project.collected_data(table.video), project.collected_data(table.video, ".csv"))
    return WrittenLabels(table.video, len(table.numbers), points, files)


@forgiving
def check_labels(
    config: str | os.PathLike[str],
    *,
    videos: str | Sequence[str] | None = None,
    other: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> CheckedLabels:
    """Draw the labels onto the frames, to see whether they are right.

    Every frame with labels, or with suggestions of them, is drawn into `labeled-data/<video>_labeled/`. Labels that lie
    elsewhere than the other labels of their frame lead one to expect are named first, as are bodyparts that lie in one
    place in every frame; no network is needed for that.
    With the labels of another person, the distance between both is measured, and written to `label-agreement.csv`:
    evaluations then name it beside the errors of a network.

    Args:
        config: path of config.yaml; its colormap, dotsize, alphavalue and skeleton give the look.
        videos: only these videos of the project; by default all that have extracted frames.
        other: another person's labels of the same frames: a project, or a file that `import_labels` reads, such as
            CollectedData_*.h5.
        report: called after each picture.

    Raises:
        ArgumentError: `other` is this project, or has several animals.
        LabelError: no frame has labels or suggestions, none of those that have any has a picture, or the labels do not
            fit the project; of several videos, the others are done. Or the other labels are of none of these frames.
        VideoError: a video is not of the project, or no frames were extracted.
        StorageError: the disk refuses.
    """
    project = adopt_project(config, report=report)
    note_skeleton(project, report=report)
    note_strangers(project, report=report)
    stems = chosen_stems((folder.name for folder in frame_folders(project)), videos)
    read, failed = treat_each(stems, lambda video: (video, read_labels(project, video, report=report)))
    labels = dict(read)
    note_removed(project, videos=tuple(labels), report=report)
    lost = lost_pictures(project, labels)
    if lost and not failed and not any(len(table.numbers) for table in labels.values()):
        raise lost
    found, others = treat_each(
        (video for video in videos_with_frames(project, videos) if video in labels),
        lambda video: (labels[video], read_drafts(project, video)),
    )
    if not failed | others and not any(len(table.numbers) for pair in found for table in pair):
        raise LabelError(
            f"Found no labels of {', '.join(table.video for table, _ in found)}; label the extracted frames first, "
            "here or, after an export, in DeepLabCut.",
            Remedy("label_frames", config=project.root),
            Remedy("export_deeplabcut", config=project.root),
        )
    tables = [table for table, _ in found]
    ranked, together = rank_labels(tables), in_one_place(tables)
    suspects = ranked[: math.ceil(_SUSPECTED * len(ranked))]
    compared = None if other is None else _compared(project, tables, other, report)
    agreement = None if compared is None else project.label_agreement
    return treat_all(
        found,
        lambda pair: _check(project, pair[0], pair[1], report),
        lambda checked: CheckedLabels(project.config_path, tuple(checked), suspects, compared, agreement, together),
        name=lambda pair: pair[0].video,
        what="videos have labels or frames that cannot be drawn",
        kind=LabelError,
        failed={**failed, **others},
    )


def _compared(
    project: Project, tables: Sequence[LabelTable], other: str | os.PathLike[str], report: Report
) -> LabelComparison:
    """Compare labels with those of another person, and keep how far both lie apart."""
    theirs = _labels_of(project, given_path(other), report)
    found = compare_labels([(table, theirs[table.video]) for table in tables if table.video in theirs])
    if not found.overall.pairs:
        raise LabelError(
            f"Found no bodypart that {os.fspath(other)} and this project have labeled in the same frame of a video; "
            "give labels of the same frames, of bodyparts of the same names."
        )
    write_agreement(project.label_agreement, found)
    return found


def _labels_of(project: Project, path: Path, report: Report) -> dict[str, LabelTable]:
    """Read another person's labels of the project's videos, from a project or a file."""
    if path.is_dir() or path.name == "config.yaml":
        theirs = open_project(path)
        if theirs.root.resolve() == project.root.resolve():
            raise ArgumentError(f"{path} is this project itself; give the labels of another person.")
        return {folder.name: read_labels(theirs, folder.name, report=report) for folder in frame_folders(theirs)}
    labels = format_of(path, "labels").function("read_labels")(path)
    if len(labels.animals) > 1:
        raise ArgumentError(f"{path} has labels of several animals ({', '.join(labels.animals)}), expected one.")
    videos = labels.of_animal(labels.animals[0]).videos if labels.animals else ()
    known, found = [folder.name for folder in frame_folders(project)], {}
    for one in videos:
        with suppress(VideoError):  # of another project's video
            (stem,) = chosen_stems(known, [Path(one.video).name])
            found[stem] = table_of_file(project, stem, one)
    return found


def _check(project: Project, table: LabelTable, drafts: LabelTable, report: Report) -> CheckedVideo:
    store = FrameStore.open(project.frame_store(table.video))
    folder = project.checked_labels(table.video)
    note_sizes(project, table.video, report=report)
    missing = np.isnan(table.xy[..., 0]).sum(axis=0).tolist()
    words = frame_words(project, table.video, table.numbers.tolist())
    invisible, outside = uncounted(table, *image_places(project, table.video, table.numbers))
    return CheckedVideo(
        video=table.video,
        folder=folder,
        images=_draw(project, table, drafts, store, folder, report),
        unlabelled=len(store.numbers) - len(table.numbers),
        missing={part: count for part, count in zip(table.bodyparts, missing, strict=True) if count},
        outside=labels_named(table, outside, words),
        invisible=labels_named(table, invisible, words),
        drafts=int((~np.isnan(drafts.xy[..., 0])).sum()),
    )


def _draw(
    project: Project, table: LabelTable, drafts: LabelTable, store: FrameStore, folder: Path, report: Report
) -> int:
    """Draw labels and drafts, and return how many pictures there are."""
    config = look_of(project)
    numbers = np.intersect1d(np.union1d(table.numbers, drafts.numbers), store.numbers)
    table, drafts = (one.rows(np.isin(one.numbers, numbers)) for one in (table, drafts))
    labels, proposed = (_at(numbers, one) for one in (table, drafts))
    names = image_names(project, table.video, numbers.tolist())
    words = frame_words(project, table.video, numbers.tolist())

    def draw(row: int) -> None:
        number = int(numbers[row])
        image = store.read(number)
        origin = store.origins[np.searchsorted(store.numbers, number)]
        draw_check_image(
            folder / names[number],
            image,
            labels[row] - origin,
            drafts=proposed[row] - origin,
            bodyparts=table.bodyparts,
            title=f"{table.video}, {words[number]}",
            skeleton=config.skeleton,
            skeleton_color=config.skeleton_color,
            colormap=config.colormap,
            dotsize=config.dotsize,
            alphavalue=config.alphavalue,
        )
        report(Progress(f"drawing labels of {table.video}", row + 1, len(numbers)))

    _, failed = treat_each(range(len(numbers)), draw)
    if failed:
        raise next(iter(failed.values()))
    return len(numbers)


def _at(numbers: Int64[np.ndarray, " N"], table: LabelTable) -> Float64[np.ndarray, "N K 2"]:
    """Return the positions of a table at frame numbers; NaN where it has none of them."""
    xy = np.full((len(numbers), len(table.bodyparts), 2), np.nan)
    xy[np.searchsorted(numbers, table.numbers)] = table.xy
    return xy

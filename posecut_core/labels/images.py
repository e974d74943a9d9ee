"""Images of labeled frames, `img0123.png`, into the frame store and out of it, one at a time.

Nothing is overwritten: a frame that the target has already stays as it is.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
from PIL import Image

from posecut_core.errors import LabelError, PosecutError, Remedy, StorageError, VideoError
from posecut_core.formats.deeplabcut.frames import (
    image_names,
    image_origin,
    labeled_rows,
    number_images,
)
from posecut_core.formats.deeplabcut.images import (
    common_levels,
    frame_number,
    image_files,
    images_in,
    no_files,
    numbers_of,
    read_picture,
    read_range,
    read_record,
    read_size,
    record_path,
    write_record,
)
from posecut_core.formats.deeplabcut.tables import read_rows
from posecut_core.labels.replaced_images import (
    ReadImage,
    look_at,
    note_images,
    read_settled,
    settle_images,
    unlike_video,
)
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.config import edit_config
from posecut_core.project.given import forgiving
from posecut_core.project.opening import Config, frame_folders, open_with_repairs
from posecut_core.project.paths import Project
from posecut_core.storage.files import write_bytes
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore, StoredFrame, numbers_in


@forgiving
def adopt_project(config: Config, *, report: Report = silent) -> Project:
    """Open a project for work that writes to it: keep corrected paths in config.yaml, and read images from DeepLabCut.

    Images that the frame store lacks (DeepLabCut's `img*.png`) are copied into it; one that cannot be read is left out
    with a notice. A video whose frame store or record of image names is damaged gets a notice as well, and only steps
    that need it fail. Adopting a second time changes nothing. What cannot be written to is only read.

    Args:
        config: Path of config.yaml, or of the folder that holds it.
        report: Notified about images that are copied or cannot be read.

    Raises:
        ProjectError: there is no project, or its config.yaml is malformed.
        StorageError: images cannot be copied because the disk is full.
    """
    project, changes = open_with_repairs(config)
    if changes:
        with contextlib.suppress(StorageError):
            edit_config(project.config_path, changes)
    for folder in frame_folders(project):
        if os.access(folder, os.W_OK):
            try:
                _import_images(project, folder.name, report=report)
            except (LabelError, VideoError) as error:
                if not image_files(folder):
                    continue  # the steps that need the frame store say what is wrong with it
                told = f"New images of {folder.name} are not read: {Notice.of(error).text}"
                report(Notice(told, error.remedies))
    return project


def _import_images(project: Project, video: str, *, report: Report = silent) -> int:
    """Copy the images in a video's folder into its frame store; return how many were new.

    An image of exactly the size of the video's crop in config.yaml is taken as that window, any other as a full frame.
    One that cannot be read is left out and told, at every call until it is mended. One that shows another picture than
    when it was read is read anew, unless its frame is labeled: then both are kept, which is reported too.

    Args:
        project: The project.
        video: Stem of the video's file name; the video itself need not exist.
        report: Told how many images are done, which are left out, how images of more than 8 bits are stored, and,
            where the folder is read for the first time, of an image that is not the frame of the video that it names.

    Raises:
        LabelError: `images.json` beside the images is damaged.
        VideoError: the frame store is damaged.
        StorageError: the disk refuses.
    """
    done = 0 if _is_known(project, video) else _import_new(project, video, report)  # every adoption comes here
    settle_images(project, video, report=report)
    return done


def _import_new(project: Project, video: str, report: Report) -> int:
    folder = project.frame_folder(video)
    _tell(number_images(project, video), report)
    images, problems = _new_images(project, video)
    ranges = dict[int, tuple[float, float]]()
    for number, path in list(images.items()):
        try:
            read_size(path)  # says why, where it cannot be read
            found = read_range(path)
        except VideoError as error:
            problems.append(str(error))
            del images[number]
        else:
            ranges |= {number: found} if found else {}
    done = 0
    if images:
        levels = _common_levels(folder, video, list(ranges.values()), report)
        adopted = not project.frame_store(video).exists()
        store = FrameStore.open(project.frame_store(video), create=True)
        read = dict[str, ReadImage]()
        done = store.append(_read_images(images, levels, problems, read, project, video, report))
        store.delete_if_empty()
        note_images(folder, read)
        if adopted and done:
            _tell([unlike_video(project, video, report=report)], report)
    _tell(problems, report)
    return done


def unreadable_images(project: Project, video: str) -> tuple[str, ...]:
    """Say of each image that is not in the frame store and cannot be read why that is, and what to do.

    Raises:
        LabelError: `images.json` beside the images is damaged.
        VideoError: the frame store is damaged.
    """
    images, problems = _new_images(project, video)
    for path in images.values():
        try:
            read_picture(path)
        except VideoError as error:
            problems.append(str(error))
    return tuple(problems)


def export_images(project: Project, video: str, *, report: Report = silent) -> int:
    """Write the frames of a video as images, so that DeepLabCut can label and train on them; return how many were new.

    Raises:
        VideoError: the video has no frame store, or it is damaged.
        StorageError: the disk refuses.
    """
    store_path = project.frame_store(video)
    if not store_path.exists():
        raise VideoError(
            f"Video {video} has no extracted frames; extract some first.",
            Remedy("extract_frames", config=project.root, videos=[video]),
        )
    store = FrameStore.open(store_path)
    folder = project.frame_folder(video)
    there = images_in(folder)
    missing = [number for number in store.numbers.tolist() if number not in there]
    names = image_names(project, video, missing)
    for done, number in enumerate(missing, start=1):
        # encoded before it is written: where the disk is full, imageio would complain a second time on its own
        write_bytes(folder / names[number], iio.imwrite("<bytes>", store.read(number), extension=".png"))
        report(Progress(f"writing images of {video}", done, len(missing)))
    note_images(folder, {name: look_at(folder / name) for name in names.values()})
    return len(missing)


def _is_known(project: Project, video: str) -> bool:
    """Tell whether a folder has only images that DeepLabCut has named, each of another frame, and all are stored."""
    folder, path = project.frame_folder(video), project.frame_store(video)
    files = image_files(folder)
    numbers = {frame_number(name) for name in files}
    if None in numbers or len(numbers) < len(files) or no_files(folder) or record_path(folder).exists():
        return False
    return not files or numbers <= {*numbers_in(path)}


def _new_images(project: Project, video: str) -> tuple[dict[int, Path], list[str]]:
    """Return frame number -> image that the frame store lacks, and what is wrong with such images that are no files."""
    folder, store_path = project.frame_folder(video), project.frame_store(video)
    images, files, others = images_in(folder), image_files(folder), no_files(folder)
    if not files and not others:
        return {}, []
    known = {*numbers_in(store_path)}
    if len(images) < len(files):  # several of one frame
        images = images_in(folder, first=labeled_rows(read_rows(folder, project.config.scorer)))
    strange = numbers_of(folder, others)
    problems = [_problem(folder / name) for name, number in strange.items() if number not in known | images.keys()]
    return {number: path for number, path in images.items() if number not in known}, [text for text in problems if text]


def _problem(path: Path) -> str:
    try:
        read_size(path)
    except VideoError as error:
        return str(error)
    return ""


def _common_levels(
    folder: Path, video: str, ranges: Sequence[tuple[float, float]], report: Report
) -> tuple[float, float] | None:
    """Return which values of images of more than 8 bits become black and white: the same for all of a video, told."""
    record = read_record(folder)
    if not ranges:
        return record.levels
    levels = record.levels or common_levels(ranges)
    if record.levels is None:
        write_record(folder, replace(record, levels=levels))
    low, high = min(pair[0] for pair in ranges), max(pair[1] for pair in ranges)
    text = (
        f"{video}: {len(ranges)} images have more than 8 bits (values {low:g} to {high:g}); for the whole video, "
        f"{levels[0]:g} is stored as black and {levels[1]:g} as white"
    )
    report(Notice(text))
    return levels


def _read_images(
    images: Mapping[int, Path],
    levels: tuple[float, float] | None,
    problems: list[str],
    read: dict[str, ReadImage],
    project: Project,
    video: str,
    report: Report,
) -> Iterator[StoredFrame]:
    """Yield the images one by one; what each held is added to `read`, why one cannot be read to `problems`."""
    for done, (number, path) in enumerate(images.items(), start=1):
        try:
            image, read[path.name] = read_settled(path, levels=levels)
        except VideoError as error:
            problems.append(str(error))
            continue
        yield number, image, image_origin(project, video, (image.shape[0], image.shape[1]))
        report(Progress(f"reading images of {video}", done, len(images)))


def _tell(sentences: Iterable[str], report: Report) -> None:
    for sentence in filter(None, sentences):
        report(Notice(sentence.removesuffix(".")))


def frame_window(project: Project, video: str) -> Crop | None:
    """Return the full frame of a video by what was extracted of it; None where that does not tell."""
    path, images = project.frame_store(video), images_in(project.frame_folder(video))
    with contextlib.suppress(PosecutError, OSError, ValueError, SyntaxError):
        if path.exists() and (store := FrameStore.open(path)).numbers.size:
            height, width = store.sizes.max(axis=0).tolist()
            return None if store.origins.any() else Crop.of_frame(width, height)
        if images:
            with Image.open(next(iter(images.values()))) as image:
                return Crop.of_frame(image.width, image.height)
    return None

"""Images that another picture has taken the place of since they were read into the frame store.

What each image held when it was read is noted in `images-read.json` beside it. Its content is looked at again only
where its size or a time of writing differs, so that adopting stays fast; where nothing is noted, as in projects of
0.1.0, it is compared once with the stored picture. Copied files and pictures saved anew show the same as before.

A few of the images that a project comes with are compared with the video: names may count frames otherwise.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from posecut_core.errors import PosecutError, Remedy, StorageError, VideoError
from posecut_core.formats.deeplabcut.frames import image_origin, labeled_rows, video_path
from posecut_core.formats.deeplabcut.images import (
    Levels,
    image_files,
    images_in,
    read_picture,
    read_range,
    read_record,
    read_size,
)
from posecut_core.formats.deeplabcut.tables import read_rows
from posecut_core.labels.contents import read_contents
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.paths import Project
from posecut_core.storage.files import file_sha256, parse_json, read_text, write_text
from posecut_core.storage.locks import Lock, acquire, hold
from posecut_core.video.frame_store import FrameStore, picture_hash
from posecut_core.video.reader import VideoReader

_SCHEMA = 1
_BLOCK, _NEAR = 8, 6.0  # pixels; levels of 255 by which means of blocks differ where only the coding does
_OTHER = 20.0  # the same in brightness, after their contrast was made equal, where pictures are clearly others
_CHEAP = 2**30  # bytes of a video that are gone through to compare three of its frames

Picture = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class ReadImage:
    """What an image file held when it was read."""

    size: int  # bytes
    written: int  # nanoseconds
    changed: int  # as above; renaming changes it too
    sha256: str


@dataclass(frozen=True)
class ReplacedImage:
    """An image that shows another picture than the one that is stored of its frame."""

    number: int
    path: Path
    picture: str  # hash of its pixels
    labeled: bool  # labels of the frame were made on the stored picture


@dataclass(frozen=True)
class Review:
    """What the images of a folder show beside what is stored of them."""

    same: Mapping[str, ReadImage] = field(default_factory=dict)  # those whose content was looked at
    replaced: tuple[ReplacedImage, ...] = ()

    @property
    def disputed(self) -> tuple[ReplacedImage, ...]:
        """List those of which a person has to decide."""
        return tuple(image for image in self.replaced if image.labeled)


def read_settled(path: Path, *, levels: Levels | None = None) -> tuple[Picture, ReadImage]:
    """Read an image, and what is noted of it; see `read_picture`.

    Raises:
        VideoError: it cannot be read, or another program writes it meanwhile.
    """
    before = look_at(path)
    picture = read_picture(path, levels=levels)
    if not _is_noted(path, before):
        raise VideoError(f"{path} changed while it was read; try again in a moment.")
    return picture, before


def look_at(path: Path) -> ReadImage:
    """Return what is noted of an image.

    Raises:
        VideoError: it cannot be read.
    """
    try:
        status = path.stat()
        return ReadImage(status.st_size, status.st_mtime_ns, status.st_ctime_ns, file_sha256(path))
    except OSError:
        read_size(path)  # says why
        raise VideoError(f"{path} cannot be read; restore it from a copy or remove it.") from None


def note_images(folder: Path, found: Mapping[str, ReadImage]) -> None:
    """Note what images held when they were read; where the disk refuses, they are looked at again next time."""
    if not found:
        return
    known, files = {**_noted(folder), **found}, image_files(folder)
    images = {name: asdict(known[name]) for name in files if name in known}
    with suppress(StorageError), hold(folder / "images.lock"):
        write_text(_path(folder), json.dumps({"schema": _SCHEMA, "images": images}, indent=1) + "\n")


def _are_noted(folder: Path, names: Iterable[str]) -> bool:
    """Tell whether images are as they were read, by their sizes and times."""
    known = _noted(folder)
    return all(name in known and _is_noted(folder / name, known[name]) for name in names)


def review_images(project: Project, video: str, *, report: Report = silent) -> Review:
    """Compare the images of a folder with what is stored of them, where they may have changed; nothing is written.

    Raises:
        LabelError: labels or the record of images' names are damaged.
        VideoError: the frame store is damaged.
    """
    folder, store_path = project.frame_folder(video), project.frame_store(video)
    files = image_files(folder)
    if not files or not store_path.exists() or _are_noted(folder, files):
        return Review()
    images, known, store = images_in(folder), _noted(folder), FrameStore.open(store_path)
    if len(images) < len(files):  # several of one frame
        images = images_in(folder, first=labeled_rows(read_rows(folder, project.config.scorer)))
    stored = {*store.numbers.tolist()}
    fresh = {
        number: path
        for number, path in images.items()
        if number in stored and not (path.name in known and _is_noted(path, known[path.name]))
    }
    if not fresh:
        return Review()
    kept, dropped = _labeled_pictures(project, video)
    fresh = {number: path for number, path in fresh.items() if number not in dropped}
    same, replaced = dict[str, ReadImage](), list[ReplacedImage]()
    levels = read_record(folder).levels
    for done, (number, path) in enumerate(fresh.items(), start=1):
        try:
            found = _compared(path, known.get(path.name), store, number, levels)
        except VideoError:
            continue  # broken, or written at the moment: it shows no other picture, and what is stored is used
        if isinstance(found, ReadImage):
            same[path.name] = found
        else:
            picture = found
            labeled = kept is None or (number in kept and kept[number] != picture)
            replaced.append(ReplacedImage(number, path, picture, labeled))
        report(Progress(f"comparing images of {video} with what is stored", done, len(fresh)))
    return Review(same, tuple(replaced))


def disputed_frames(project: Project, video: str) -> tuple[int, ...]:
    """List the frames of which a person has to decide which picture counts; nothing can be learned from them.

    Raises:
        LabelError: the record of images' names is damaged.
        VideoError: the frame store is damaged.
    """
    return tuple(image.number for image in review_images(project, video).disputed)


def settle_images(project: Project, video: str, *, report: Report = silent) -> None:
    """Read images anew that were replaced, unless their frames are labeled; what the user should know is reported.

    Raises:
        LabelError: labels or the record of images' names are damaged.
        VideoError: the frame store is damaged.
        StorageError: the disk refuses.
    """
    folder = project.frame_folder(video)
    found = review_images(project, video, report=report)
    note_images(folder, found.same)
    if any(not image.labeled for image in found.replaced):
        lock = acquire(project.label_lock(video))
        if isinstance(lock, Lock):  # else somebody may be labeling what is stored; next time
            try:
                again = review_images(project, video).replaced
                _read_anew(project, video, [image for image in again if not image.labeled], report)
            finally:
                lock.release()
    disputed = disputed_images(project, video, found)
    if disputed:
        report(disputed)


def take_images(project: Project, video: str, images: Iterable[ReplacedImage]) -> None:
    """Store what replaced images show in the place of what was stored; the labels are locked by whoever calls.

    Raises:
        VideoError: the frame store is damaged.
        StorageError: the disk refuses.
    """
    _read_anew(project, video, images, silent)


def disputed_images(project: Project, video: str, found: Review) -> Notice | None:
    """Say which images show another picture than what was labeled, and how to decide; None where none does."""
    disputed = found.disputed
    if not disputed:
        return None
    count, names = len(disputed), ", ".join(image.path.name for image in disputed)
    frames = ", ".join(str(image.number) for image in disputed)
    shows, was, it = ("shows", "it was", "it") if count == 1 else ("show", "they were", "them")
    plural = "" if count == 1 else "s"
    return Notice(
        f"{project.frame_folder(video)}: {names} {shows} another picture than when {was} read and labeled as "
        f"frame{plural} {frames} of {video}: it is left out of training until you decide; restore the former "
        f"image{plural}, or delete {it} to keep the picture{plural} that {project.frame_store(video).name} "
        f"holds, or, to take the new picture{plural}, delete the labels of the frame{plural} and open the project "
        "again, or label again in DeepLabCut and accept those labels",
        (Remedy("merge_labels", config=project.root, take=True),),
    )


def unlike_video(project: Project, video: str, *, report: Report = silent) -> str:
    """Say which image shows another picture than the frame that its name tells; "" where none does.

    The first, the middle and the last image are looked at, where the video is there, can be read and is not huge.

    Raises:
        LabelError: the record of images' names is damaged.
        VideoError: the frame store is damaged.
    """
    path, images = video_path(project, video), images_in(project.frame_folder(video))
    if path is None or not path.is_file() or path.stat().st_size > _CHEAP:
        return ""
    store = FrameStore.open(project.frame_store(video))
    with suppress(PosecutError), VideoReader(path, sure=False) as reader:
        count = reader.index.frame_count
        numbers = [number for number in store.numbers.tolist() if number in images and number < count]
        chosen = {numbers[at] for at in (0, len(numbers) // 2, -1) if numbers}
        for done, number in enumerate(sorted(chosen), start=1):
            report(Progress(f"comparing images of {video} with {path.name}", done, len(chosen)))
            window = _window(project, video, store, number, (reader.index.height, reader.index.width))
            if window is None or look_alike(store.read(number), reader.read(number)[window]):
                continue
            near = [n for n in (number - 1, number + 1) if 0 <= n < count]
            alike = [n for n in near if look_alike(store.read(number), reader.read(n)[window])]
            looks = f", but what frame {alike[0]} does" if alike else ""
            return (
                f"{images[number]} differs from frame {number} of {path.name}, which it should be according to its "
                f"name{looks}; labels stay on the labeled images, but check that {path} is the recording of these "
                "images, and that their names count frames from 0"
            )
    return ""


def _window(
    project: Project, video: str, store: FrameStore, number: int, frame: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Return rows and columns of the full frame that a stored picture shows; None where that is not known."""
    at = int(np.searchsorted(store.numbers, number))
    (x, y), (height, width) = store.origins[at].tolist(), store.sizes[at].tolist()
    crop = project.config.crop_of(video)
    sizes = [frame] if (x, y) == (0, 0) else []
    if crop and (x, y) == (crop.x1, crop.y1):
        sizes.append((min(crop.y2, frame[0]) - y, min(crop.x2, frame[1]) - x))
    return (slice(y, y + height), slice(x, x + width)) if (height, width) in sizes else None


def look_alike(one: Picture, other: Picture) -> bool:
    """Tell whether two pictures may be one: decoders differ in colors, brightness and contrast, not in places."""
    pixels = _block_sums(np.ones(one.shape[:2], np.float32))
    this, that = (_block_sums(image.mean(axis=2, dtype=np.float32)) / pixels for image in (one, other))
    this, that = this - this.mean(), that - that.mean()
    contrast = np.clip(float((this * that).sum()) / max(float((this**2).sum()), 1e-9), 0.7, 1.4)
    return bool(np.abs(contrast * this - that).max() <= _OTHER)


def _labeled_pictures(project: Project, video: str) -> tuple[dict[int, str] | None, set[int]]:
    """Return frame -> hash of the picture that its labels in the journal were made on, and the frames that are dropped.

    None where the labels cannot be read, which is reported elsewhere: any frame may be labeled then.
    """
    if not project.label_journal(video).exists():
        return {}, set()
    try:
        contents = read_contents(project, video)
    except PosecutError:
        return None, set()
    frames, drafts = contents.history.state.frames, {draft.frame for draft in contents.drafts}
    kept = {number: frame.image for number, frame in frames.items() if frame.points and number not in drafts}
    return kept, {number for number, frame in frames.items() if frame.dropped}


def _compared(
    path: Path, known: ReadImage | None, store: FrameStore, number: int, levels: Levels | None
) -> ReadImage | str:
    """Return what is to be noted of an image, or, where it shows another picture than the store, that one's hash."""
    if known and known.sha256 == (found := look_at(path)).sha256 and _is_noted(path, found):
        return found
    picture, found = read_settled(path, levels=levels)
    if known is None and levels is None and read_range(path) is not None:
        return found  # of 0.1.0, which stored more than 8 bits otherwise
    return found if _show_the_same(picture, store.read(number)) else picture_hash(picture)


def _show_the_same(one: UInt8[np.ndarray, "_ _ 3"], other: UInt8[np.ndarray, "_ _ 3"]) -> bool:
    """Tell whether two pictures differ in nothing but their coding (JPEG, another decoder): block by block on average.

    An animal that has moved by a few pixels changes blocks by much more.
    """
    if one.shape != other.shape:
        return False
    if np.array_equal(one, other):
        return True
    sums = _block_sums(one.astype(np.float32) - other)
    return bool(np.abs(sums).max() <= _NEAR * min(_BLOCK, *one.shape[:2]) ** 2)


def _block_sums(values: Float32[np.ndarray, "H W *C"]) -> Float32[np.ndarray, "h w *C"]:
    size = min(_BLOCK, *values.shape[:2])
    for axis in (0, 1):
        values = np.add.reduceat(values, np.arange(0, values.shape[axis], size), axis=axis)
    return values


def _read_anew(project: Project, video: str, images: Iterable[ReplacedImage], report: Report) -> None:
    folder, store = project.frame_folder(video), FrameStore.open(project.frame_store(video))
    levels = read_record(folder).levels
    for image in images:
        picture, read = read_settled(image.path, levels=levels)
        store.remove([image.number])  # where this is killed, the image is read at the next opening, as a new one
        store.append([(image.number, picture, image_origin(project, video, (picture.shape[0], picture.shape[1])))])
        note_images(folder, {image.path.name: read})
        text = (
            f"{image.path} has changed since it was read: it now counts as frame {image.number} of {video}, and its "
            "labels in CollectedData are assumed to belong to the new image; check them"
        )
        report(Notice(text, (Remedy("check_labels", config=project.root),)))


def _path(folder: Path) -> Path:
    return folder / "images-read.json"


def _noted(folder: Path) -> dict[str, ReadImage]:
    """Read what is noted of images; nothing where it cannot be read: they are compared again."""
    try:
        content = parse_json(read_text(_path(folder)))
        if content["schema"] != _SCHEMA:
            return {}
        return {str(name): ReadImage(**values) for name, values in content["images"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _is_noted(path: Path, known: ReadImage) -> bool:
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns) == (known.size, known.written, known.changed)

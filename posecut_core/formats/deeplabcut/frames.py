"""The stored images of a video's frames: which frames they are, their names, and where they lie in the full frame."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from posecut_core.errors import LabelError, PosecutError, Remedy, VideoError
from posecut_core.formats.deeplabcut.images import (
    DIGITS,
    OWN,
    digits_for,
    digits_of,
    frame_number,
    image_files,
    image_name,
    images_in,
    meant_number,
    numbered,
    numbers_of,
    read_picture,
    read_record,
    read_size,
    record_path,
    write_record,
)
from posecut_core.formats.deeplabcut.tables import read_rows, same_labels
from posecut_core.project.config import video_stem
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.storage.locks import hold
from posecut_core.types import FrameRef
from posecut_core.video.demux import open_video
from posecut_core.video.frame_store import FrameStore, numbers_in, picture_hash


def image_names(project: Project, video: str, numbers: Iterable[int]) -> dict[int, str]:
    """Return frame number -> image name: as the folder or the labels have it, else padded as those are."""
    folder = project.frame_folder(video)
    rows, record = read_rows(folder, project.config.scorer), read_record(folder).numbers
    labeled, files = labeled_rows(rows), image_files(folder)
    known = {number: name for name, number in record.items()}
    known |= {number: name for name, number in reversed(numbers_of(folder, [*rows]).items())}
    known |= {number: name for name, number in numbers_of(folder, [*labeled]).items()}
    there = images_in(folder, first=labeled, named=rows)
    known |= {number: path.name for number, path in there.items() if known.get(number) not in files}
    wanted = [*numbers]
    if all(number in known for number in wanted):
        return {number: known[number] for number in wanted}
    length = _frame_count(project, video)
    digits = digits_of((*files, *rows), otherwise=digits_for(length) if length else DIGITS)
    return {number: known.get(number) or image_name(number, digits=digits) for number in wanted}


def image_paths(project: Project, video: str) -> dict[int, Path]:
    """Return frame number -> image file of a video's folder, also before names of other forms are recorded.

    Raises:
        LabelError: `images.json` is damaged.
    """
    folder = project.frame_folder(video)
    if record_path(folder).exists() or None not in map(frame_number, image_files(folder)):
        return images_in(folder)
    rows = read_rows(folder, project.config.scorer)
    return images_in(folder, first=labeled_rows(rows), named=rows)


def labeled_rows(rows: Mapping[str, Float64[np.ndarray, " _"]]) -> tuple[str, ...]:
    """List the images that have a label."""
    return tuple(name for name, row in rows.items() if not np.isnan(row).all())


def number_images(project: Project, video: str) -> tuple[str, ...]:
    """Write down which frame each image is whose name does not say it; return what a person should know of new ones.

    Names that stand for one frame (`img13.png`, `img013.png`) are one image, unless they are labeled differently.

    Raises:
        LabelError: `images.json` is damaged.
        StorageError: the disk refuses.
    """
    folder, files = project.frame_folder(video), image_files(project.frame_folder(video))
    rows = read_rows(folder, project.config.scorer)
    names = tuple(dict.fromkeys((*files, *rows)))
    numbers = [frame_number(name) for name in names]
    if None not in numbers and len(set(numbers)) == len(names):
        return ()
    with hold(folder / "images.lock"):
        record = read_record(folder)
        known = {**record.numbers, **_recognized(project, video, files, record.numbers)}
        frames = _frame_count(project, video)
        first = numbered(names, known, frames=frames)
        doubles = _labeled_apart(rows, first, record.numbers)
        others = {*doubles, *_other_pictures(project, video, files, first, known)}
        found = numbered(names, known, frames=frames, apart=others)
        kept = {name: number for name, number in found.items() if number != frame_number(name) or name in known}
        told = numbered(names, kept)
        kept |= {name: number for name, number in found.items() if told.get(name, number) != number}
        if kept != record.numbers:
            write_record(folder, replace(record, numbers=kept))
    return double_frames(project, video) if doubles else ()


def double_frames(project: Project, video: str) -> tuple[str, ...]:
    """Say which images are one frame of the video by their names, and are labeled differently.

    Raises:
        LabelError: `images.json` is damaged.
    """
    folder = project.frame_folder(video)
    doubles = {name: own for name, own in read_record(folder).numbers.items() if own != meant_number(name) is not None}
    if not doubles:
        return ()
    rows = read_rows(folder, project.config.scorer)
    labeled = {name: row for name, row in rows.items() if not np.isnan(row).all()}
    numbers, told = numbers_of(folder, [*labeled]), []
    for name, own in doubles.items():
        first = next((other for other in labeled if numbers[other] == meant_number(name)), None)
        if first is not None and name in labeled and not same_labels(labeled[first], labeled[name]):
            told.append(
                f"{folder} has frame {numbers[first]} twice, as {first} and {name}, which are labeled differently: "
                f"both are used, {name} as frame {own}; drop the one that is wrong, or delete its row and its image"
            )
    return tuple(told)


def _labeled_apart(
    rows: Mapping[str, Float64[np.ndarray, " _"]], numbers: Mapping[str, int], recorded: Mapping[str, int]
) -> dict[str, str]:
    """Return image -> the one that has its frame, for new images that are labeled differently than that one."""
    groups: dict[int, list[str]] = defaultdict(list)
    for name in labeled_rows(rows):
        groups[numbers[name]].append(name)
    digits = digits_of(numbers, otherwise=DIGITS)
    found = dict[str, str]()
    for number, group in groups.items():
        usual = image_name(number, digits=digits)
        first, *others = sorted(group, key=lambda name: (name not in recorded, name != usual))
        found |= {name: first for name in others if not same_labels(rows[first], rows[name])}
    return found


def _other_pictures(
    project: Project, video: str, files: Iterable[str], numbers: Mapping[str, int], known: Mapping[str, int]
) -> set[str]:
    """Return new images of others whose digits are a frame that is there already and looks otherwise."""
    path, folder = project.frame_store(video), project.frame_folder(video)
    foreign = [name for name in files if name not in known and frame_number(name) is None]
    store = FrameStore.open(path) if foreign and path.exists() else None
    stored = {*store.numbers.tolist()} if store else set[int]()
    usual = {numbers[name]: name for name in files if frame_number(name) == numbers[name]} if foreign else {}
    found = set[str]()
    for name in foreign:
        number = numbers[name]
        if store and number in stored:
            look = store.fingerprint(number)
        elif number in usual:
            look = _picture_hash(folder / usual[number])
        else:
            continue
        found |= {name} if _picture_hash(folder / name) != look else set()
    return found


def _recognized(project: Project, video: str, files: Iterable[str], known: Mapping[str, int]) -> dict[str, int]:
    """Return name -> number of new images that are stored already: as another name's, or by a record that got lost."""
    path, folder = project.frame_store(video), project.frame_folder(video)
    fresh = [name for name in files if name not in known]
    if not fresh or not path.exists():
        return {}
    store, numbers = FrameStore.open(path), {*known.values()}
    others = {number for name, number in known.items() if frame_number(name) is None}
    lost = {number for number in store.numbers.tolist() if number >= OWN and number not in numbers}
    looks = {store.fingerprint(number): number for number in lost | others.intersection(store.numbers.tolist())}
    wanted = [name for name in fresh if frame_number(name) in others or (lost and frame_number(name) is None)]
    found = {name: _picture_hash(folder / name) for name in wanted}
    return {name: looks[look] for name, look in found.items() if look in looks}


def _picture_hash(path: Path) -> str:
    try:
        return picture_hash(read_picture(path))
    except VideoError:
        return ""


def image_origin(project: Project, video: str, size: tuple[int, int]) -> tuple[int, int]:
    """Return x, y of an image's top-left pixel in the full frame, as `window_origin` does; 0, 0 where that knows none.

    Args:
        project: The project.
        video: Stem of the video's file name.
        size: Height and width of the image in pixels.
    """
    return window_origin(project, video, size) or (0, 0)


def window_origin(project: Project, video: str, size: tuple[int, int]) -> tuple[int, int] | None:
    """Return x, y of an image's top-left pixel in the full frame; None where the size is neither the crop's nor its.

    DeepLabCut does not record which images it cropped; an image of exactly the crop's size is taken as that window,
    which ends where the frame does.
    """
    crop = project.config.crop_of(video)
    if crop and size == (crop.y2 - crop.y1, crop.x2 - crop.x1):
        return crop.x1, crop.y1
    head = _head(project, video)
    if head is None or size == (head.height, head.width):
        return None if head is None else (0, 0)
    if crop and size == (min(crop.y2, head.height) - crop.y1, min(crop.x2, head.width) - crop.x1):
        return crop.x1, crop.y1
    return None


def odd_sizes(project: Project, video: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say which images have another scale than the video's frames, and which only seem so or lie nobody knows where.

    Raises:
        LabelError: `images.json` is damaged.
        VideoError: the frame store is damaged.
    """
    numbers = np.array([*image_paths(project, video)], dtype=np.int64)
    origins, sizes = image_places(project, video, numbers)
    known = ~np.isnan(sizes).any(axis=1) & ~origins.any(axis=1)  # others are known to be a window
    found = Counter[tuple[int, int]]((int(height), int(width)) for height, width in sizes[known].tolist())
    head = _head(project, video)
    if head:
        return _beside_frame(project, video, found, head)
    told = _beside_others(video, found)
    return (), (told,) if told else ()


def _beside_frame(
    project: Project, video: str, sizes: Counter[tuple[int, int]], head: "_Head"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hold sizes of images, height and width, against that of the video's frames."""
    frame = (head.height, head.width)
    odd = [size for size in sizes if size != frame and (head.decoded or size != frame[::-1])]
    odd = [size for size in odd if image_origin(project, video, size) == (0, 0)]
    near = [size for size in odd if _is_near(size, frame)]
    larger = [size for size in odd if size not in near and _exceeds(size, frame, turned=not head.decoded)]
    scaled = [size for size in odd if size not in (*near, *larger) and _is_scaled(size, frame)]
    rest = [size for size in odd if size not in (*larger, *scaled)]
    of_video = f"than the video's frames ({_named([frame])})"
    wrong = f"{_listed(video, sizes, larger)} larger {of_video}, so they were rescaled, not cropped"
    maybe = f"{_listed(video, sizes, scaled)} smaller {of_video} and of the same aspect ratio, so probably rescaled"
    lost = (
        f"{_listed(video, sizes, rest)} neither of the size of the video's frames ({_named([frame])}) nor of its crop "
        "in config.yaml; their labels are used as they are, but the position of the images in the frame is unknown; "
        "their top left corner is assumed to be that of the frame"
    )
    told = (f"{maybe}, unless they were cropped; {_RIGHT}",) if scaled else ()
    return (f"{wrong}; {_RIGHT}",) if larger else (), (*told, lost) if rest else told


def _beside_others(video: str, sizes: Counter[tuple[int, int]]) -> str:
    """Hold sizes of images, height and width, against that of most of them; "" where they are alike."""
    if len(sizes) < 2:
        return ""
    usual, _ = sizes.most_common(1)[0]
    odd = [size for size in sizes if size != usual]
    scaled = [size for size in odd if _is_scaled(size, usual) and not _is_near(size, usual)]
    if scaled:
        most = f"the others ({_named([usual])}) but of the same aspect ratio, so probably rescaled"
        return f"{_listed(video, sizes, scaled)} not of the size of {most}; {_RIGHT}"
    return f"{_listed(video, sizes, odd)} not of the size of the others ({_named([usual])}); {_RIGHT}"


_RIGHT = (
    "their labels are right only if they were placed in images of this size: check them, and if they are wrong, "
    "replace the images by those that were labeled"
)
_PADDING = 16  # pixels that a codec adds to a frame or takes off


def _exceeds(size: tuple[int, int], frame: tuple[int, int], *, turned: bool) -> bool:
    """Tell whether an image is no piece of a frame, nor of one on its side where it may be `turned`."""
    ways = (frame, frame[::-1]) if turned else (frame,)
    return all(size[0] > height or size[1] > width for height, width in ways)


def _is_near(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether a size differs from another by no more than a codec pads or cuts."""
    return all(abs(one - two) <= min(_PADDING, two / 10) for one, two in zip(size, other, strict=True))


def _is_scaled(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether two sizes have one ratio of height to width, as far as whole pixels can."""
    return abs(size[0] * other[1] - size[1] * other[0]) * 2 <= sum(other)


def _named(sizes: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"{width} x {height}" for height, width in sizes)


def _listed(video: str, sizes: Counter[tuple[int, int]], chosen: Sequence[tuple[int, int]]) -> str:
    count = sum(sizes[size] for size in chosen)
    return f"{video}: {count} image{'s'[: count != 1]} ({_named(chosen)} pixels) {'is' if count == 1 else 'are'}"


@dataclass(frozen=True)
class _Head:
    """What is known of a video without decoding it."""

    frames: int | None
    height: int
    width: int
    decoded: bool  # whether these are of a decoded frame: a file may say that its frames are to be turned


def _head(project: Project, video: str) -> _Head | None:
    """Return what posecut.yaml or else the head of the file says of a video; None where neither says anything."""
    record = read_state(project.settings_path).videos.get(video)
    if record:
        return _Head(record.frames, record.height, record.width, decoded=True)
    path = video_path(project, video)
    with suppress(PosecutError):
        container, stream = open_video(path or Path(""))
        with container:
            return _Head(stream.frames or None, stream.height, stream.width, decoded=False)
    return None


def video_path(project: Project, video: str) -> Path | None:
    """Return the path of a video by its stem as `video_sets` has it, where nothing need be; None where it does not."""
    return next((Path(path) for path in project.config.video_sets if video_stem(path) == video), None)


def _frame_count(project: Project, video: str) -> int | None:
    head = _head(project, video)
    return head.frames if head else None


def image_origins(project: Project, video: str, numbers: Int64[np.ndarray, " F"]) -> Float64[np.ndarray, "F 2"]:
    """Return x, y of the stored images' top-left pixels in the full frame.

    Where the project may only be read, images that could not be copied into the frame store count as stored. Images
    that are gone are taken to have lain where all others lie, or else at 0, 0.

    Raises:
        VideoError: the frame store is damaged.
    """
    return image_places(project, video, numbers)[0]


def image_places(
    project: Project, video: str, numbers: Int64[np.ndarray, " F"]
) -> tuple[Float64[np.ndarray, "F 2"], Float64[np.ndarray, "F 2"]]:
    """Return what `image_origins` does, and height and width of the images; NaN of those that are gone.

    Raises:
        VideoError: the frame store is damaged.
    """
    path = project.frame_store(video)
    known: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {}
    if path.exists():
        store = FrameStore.open(path)
        places = zip(store.numbers.tolist(), store.origins.tolist(), store.sizes.tolist(), strict=True)
        known = {number: ((x, y), (height, width)) for number, (x, y), (height, width) in places}
    missing = {number for number in numbers.tolist() if number not in known}
    for number, image in image_paths(project, video).items() if missing else ():
        if number in missing:
            with suppress(VideoError):
                size = read_size(image)
                known[number] = (image_origin(project, video, size), size)
    others = {origin for origin, _ in known.values()}
    usual = (others.pop() if len(others) == 1 else (0, 0), (np.nan, np.nan))
    found = np.array([known.get(number, usual) for number in numbers.tolist()], dtype=np.float64).reshape(-1, 2, 2)
    return found[:, 0], found[:, 1]


def frame_words(project: Project, video: str, numbers: Iterable[int]) -> dict[int, str]:
    """Return frame number -> what a sentence calls it: its image's name where it is no frame of the video."""
    wanted = [*numbers]
    own = [number for number in wanted if number >= OWN]
    names = image_names(project, video, own) if own else {}
    return {number: f"image {names[number]}" if number in names else f"frame {number}" for number in wanted}


def frame_name(project: Project, frame: FrameRef) -> str:
    """Return what a sentence calls a frame, as "frame 3 of m1" or "image cam1_a.png of m1"."""
    return f"{frame_words(project, frame.video, [frame.number])[frame.number]} of {frame.video}"


def frames_listed(project: Project, video: str, numbers: Sequence[int]) -> str:
    """Return what a sentence calls several frames of a video, as "frames 3,5, image cam1_a.png"."""
    words = frame_words(project, video, numbers)
    frames = ",".join(str(number) for number in numbers if number < OWN)
    of_video = [f"frame{'s' * (',' in frames)} {frames}"] if frames else []
    return ", ".join([*of_video, *(words[number] for number in numbers if number >= OWN)])


def without_picture(project: Project, video: str, numbers: Iterable[int]) -> tuple[int, ...]:
    """List the frames that have no picture in the frame store; without a store, no image file.

    Raises:
        VideoError: the frame store is damaged.
    """
    path = project.frame_store(video)
    known = {*numbers_in(path)} if path.exists() else {*image_paths(project, video)}
    return tuple(number for number in numbers if number not in known)


def never_extracted(project: Project, video: str, numbers: Sequence[int]) -> LabelError:
    """Say that frames are labeled whose pictures are not there, and how they come back."""
    listed = frames_listed(project, video, numbers)
    state = "is labeled but was" if len(numbers) == 1 else "are labeled but were"
    found = f"{listed[0].upper()}{listed[1:]} of {video} {state} never extracted, or its image is lost"
    folder, count = project.frame_folder(video), _frame_count(project, video)
    in_video = [number for number in numbers if number < (count or OWN)]
    names = image_names(project, video, [number for number in numbers if number not in in_video])
    advice = []
    if in_video:
        advice.append(f"extract what is missing, or put images into {folder}")
    if names:
        advice.append(f"put {', '.join(names.values())} (no frame of the video) back into {folder}")
    extract = Remedy("extract_frames", config=project.root, frames=in_video, videos=[video])
    problem = f"{found}, expected a picture of each labeled frame; {'; '.join(advice)}."
    return LabelError(problem, *([extract] if in_video else []))

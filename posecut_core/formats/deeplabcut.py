"""DeepLabCut's images of labelled frames, `img0123.png`, into the frame store and out of it, one at a time.

Nothing is overwritten: a frame that the target has already stays as it is.
"""

from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from jaxtyping import UInt8

from posecut_core.errors import VideoError
from posecut_core.labels.image_names import images_in
from posecut_core.labels.image_origins import image_origin
from posecut_core.labels.stored_images import image_names
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.atomic import write_bytes
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore


def import_images(project: Project, video: str, *, report: Report = silent) -> int:
    """Copy the images in a video's folder into its frame store; return how many were new.

    An image of exactly the size of the video's crop in config.yaml is taken as that window, any other as a full frame.

    Args:
        project: The project.
        video: Stem of the video's file name; the video itself need not exist.
        report: Told how many images are done.

    Raises:
        LabelError: two images stand for one frame.
        VideoError: an image cannot be read.
        StorageError: the disk refuses.
    """
    images = images_in(project.frame_folder(video))
    store_path = project.frame_store(video)
    known = set(FrameStore.open(store_path).numbers.tolist()) if store_path.exists() else set()
    new = {number: path for number, path in images.items() if number not in known}
    if not new:
        return 0
    return FrameStore.open(store_path, create=True).append(_read_images(new, project, video, report))


def export_images(project: Project, video: str, *, report: Report = silent) -> int:
    """Write the frames of a video as images, so that DeepLabCut can label and train on them; return how many were new.

    Raises:
        VideoError: the video has no frame store, or it is damaged.
        StorageError: the disk refuses.
    """
    store_path = project.frame_store(video)
    if not store_path.exists():
        raise VideoError(f"Video {video} has no extracted frames; extract some first (posecut extract-frames).")
    store = FrameStore.open(store_path)
    folder = project.frame_folder(video)
    there = images_in(folder)
    missing = [number for number in store.numbers.tolist() if number not in there]
    names = image_names(project, video, missing)
    for done, number in enumerate(missing, start=1):
        # encoded before it is written: where the disk is full, imageio would complain a second time on its own
        write_bytes(folder / names[number], iio.imwrite("<bytes>", store.read(number), extension=".png"))
        report(Progress(f"writing images of {video}", done, len(missing)))
    return len(missing)


def _read_images(
    images: dict[int, Path], project: Project, video: str, report: Report
) -> Iterator[tuple[int, UInt8[np.ndarray, "_ _ 3"], tuple[int, int]]]:
    for done, (number, path) in enumerate(images.items(), start=1):
        image = _read_image(path)
        height, width = image.shape[:2]
        yield number, image, image_origin(project, video, (height, width))
        report(Progress(f"reading images of {video}", done, len(images)))


def _read_image(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    try:
        return iio.imread(path, plugin="pillow", mode="RGB")
    except (OSError, ValueError, SyntaxError, TypeError) as error:
        raise VideoError(f"{path} is not a readable image; restore it from a copy or remove it.") from error

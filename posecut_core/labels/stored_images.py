"""The stored images of a video's frames: how they are named, and where they lie in the full frame."""

from collections.abc import Iterable, Sequence

import imageio.v3 as iio
import numpy as np
from jaxtyping import Float64, Int64

from posecut_core.errors import LabelError
from posecut_core.labels.collected_data import read_row_names
from posecut_core.labels.image_names import DIGITS, digits_for, image_name, images_in
from posecut_core.labels.image_origins import image_origin
from posecut_core.project.command_lines import command_line
from posecut_core.project.layout import Project
from posecut_core.project.settings import read_settings
from posecut_core.video.store import FrameStore


def image_names(project: Project, video: str, numbers: Iterable[int]) -> dict[int, str]:
    """Return frame number -> image name: as the folder or the labels have it, else padded by the video's length."""
    folder = project.frame_folder(video)
    known = read_row_names(folder, project.config.scorer)
    known.update((number, path.name) for number, path in images_in(folder).items())
    record = read_settings(project.settings_path).videos.get(video)
    digits = digits_for(record.frames) if record else DIGITS
    return {number: known.get(number) or image_name(number, digits=digits) for number in numbers}


def image_origins(project: Project, video: str, numbers: Int64[np.ndarray, " F"]) -> Float64[np.ndarray, "F 2"]:
    """Return x, y of the stored images' top-left pixels in the full frame.

    Where the project may only be read, images that could not be copied into the frame store count as stored.
    """
    path = project.frame_store(video)
    known: dict[int, tuple[int, int]] = {}
    if path.exists():
        store = FrameStore.open(path)
        known = {int(number): (int(x), int(y)) for number, (x, y) in zip(store.numbers, store.origins, strict=True)}
    missing = [number for number in numbers.tolist() if number not in known]
    if missing:
        known.update(_origins_of_images(project, video, missing))
    return np.array([known[number] for number in numbers.tolist()], dtype=np.float64).reshape(-1, 2)


def never_extracted(project: Project, video: str, numbers: Sequence[int]) -> LabelError:
    """Say that frames are labelled whose pictures are not there, and which command extracts them."""
    listed = ",".join(map(str, numbers))
    if len(numbers) == 1:
        found = f"Frame {listed} of {video} is labelled but was never extracted or got lost"
    else:
        found = f"Frames {listed} of {video} are labelled but were never extracted or got lost"
    command = command_line("extract-frames", project.root, "--frames", listed, "--video", video)
    return LabelError(
        f"{found}, expected a picture of each labelled frame; extract what is missing: {command}, or put images into "
        f"{project.frame_folder(video)}."
    )


def _origins_of_images(project: Project, video: str, numbers: list[int]) -> dict[int, tuple[int, int]]:
    images = images_in(project.frame_folder(video))
    absent = [number for number in numbers if number not in images]
    if absent:
        raise never_extracted(project, video, absent)
    sizes = {number: iio.improps(images[number], plugin="pillow").shape for number in numbers}
    return {number: image_origin(project, video, (size[0], size[1])) for number, size in sizes.items()}

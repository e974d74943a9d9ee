"""Videos and extracted frames one by one: removing a video, its crop, taking a frame, deleting one."""

from collections.abc import Mapping
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from posecut_core.errors import VideoError
from posecut_core.labels.store import check_editable, known_frames
from posecut_core.poses.predictions import Predictions
from posecut_core.project.config import edit_config, video_entry, video_stem
from posecut_core.project.given import natural_key
from posecut_core.project.opening import project_videos
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.refinement.drafts import draft_predictions
from posecut_core.storage.yaml_files import load_mapping, read_yaml
from posecut_core.types import Crop
from posecut_core.video.demux import Source
from posecut_core.video.extraction import kept_window
from posecut_core.video.frame_store import FrameStore

# --- videos -----------------------------------------------------------------------------------------------------------
# The videos that config.yaml lists.


def listed_videos(project: Project) -> dict[str, Path]:
    """Return stem -> path of the project's videos as lists show them: session2 before session10."""
    videos = project_videos(project)
    return {video: videos[video] for video in sorted(videos, key=natural_key)}


def remove_video(project: Project, video: str) -> None:
    """Take a video out of config.yaml, and leave its file, frames and labels where they are: they count no more.

    Raises:
        VideoError: config.yaml does not list the video, or no other one.
        ProjectError: config.yaml cannot be read.
        StorageError: it cannot be written.
    """
    path, listed = _entry(project, video)
    if len(listed) == 1:  # without any, all folders of frames would count
        raise VideoError(f"{video} is the only video of the project; add another one before you remove it.")
    edit_config(project.config_path, {"video_sets": {one: entry for one, entry in listed.items() if one != path}})


def _entry(project: Project, video: str) -> tuple[object, dict[object, object]]:
    """Return the key of a video in `video_sets`, and all of these as they stand in config.yaml."""
    entries: object = load_mapping(read_yaml(project.config_path), project.config_path).get("video_sets")
    listed = dict(entries) if isinstance(entries, Mapping) else {}
    path = next((path for path in listed if video_stem(str(path)) == video), None)
    if path is None:
        raise VideoError(f"{project.config_path} lists no video {video} in video_sets; add the video to the project.")
    return path, listed


# --- crop -------------------------------------------------------------------------------------------------------------
# The crop of a project's video in config.yaml: the window of its frames that extraction keeps.


def partial_crops(project: Project) -> dict[str, Crop]:
    """Return the crops of a project's videos, by stem, that leave a part of the frame out.

    DeepLabCut lists one for each video. How large a video is that no step has read yet is read from its file.

    Raises:
        ProjectError: posecut.yaml is malformed.
    """
    records = read_state(project.settings_path).videos
    whole = {video: Crop.of_frame(record.width, record.height) for video, record in records.items()}
    crops = {video: project.config.crop_of(video) for video in project_videos(project)}
    for video, path in project_videos(project).items():
        if video not in whole and crops[video] is not None and path.is_file():
            with suppress(VideoError):  # what is wrong with a video is told where it is used
                whole[video] = _whole(path, path.stat().st_mtime_ns)
    return {video: crop for video, crop in crops.items() if crop is not None and crop != whole.get(video)}


@lru_cache(maxsize=1000)
def _whole(path: Path, _written: int) -> Crop:
    """Return the whole frame of a video; the time at which it was written tells files of one name apart."""
    with closing(Source(path, threads=1)) as source:
        return Crop.of_frame(source.stream.width, source.stream.height)


def write_crop(project: Project, video: str, crop: Crop) -> None:
    """Write the crop of a video into config.yaml, and leave everything else in it as it is.

    Args:
        project: the opened project.
        video: stem of the video's file name.
        crop: within its frames.

    Raises:
        VideoError: config.yaml does not list the video.
        ProjectError: config.yaml cannot be read.
        StorageError: it cannot be written.
    """
    path, listed = _entry(project, video)
    before = listed[path]
    listed[path] = {**(before if isinstance(before, dict) else {}), **video_entry(crop)}
    edit_config(project.config_path, {"video_sets": listed})


# --- extracted frames -------------------------------------------------------------------------------------------------
# The extracted frames of a project, one by one: take one that the user sees, delete one, count them.


Picture = UInt8[np.ndarray, "H W 3"]


def take_frame(project: Project, video: str, number: int, picture: Picture | None, *, crop: Crop | None = None) -> bool:
    """Extract a frame that is decoded already; tell whether it is new.

    Args:
        project: the opened project.
        video: stem of the video's file name.
        number: of the frame.
        picture: the whole frame; None where it cannot be decoded.
        crop: the window of it to keep; None keeps all.

    Raises:
        VideoError: the frame cannot be decoded, or is no frame of a project's video; the crop is not within it; or the
            frame store is damaged.
        StorageError: the disk refuses.
    """
    path = project_videos(project).get(video)
    if path is None:
        raise VideoError(f"{video} is not a video of the project; add it first (1 Project).")
    if picture is None:
        raise VideoError(f"Frame {number} of {video} cannot be decoded; choose another one.")
    height, width = picture.shape[:2]
    area = kept_window(crop, (width, height), path)
    part = np.ascontiguousarray(picture[area.y1 : area.y2, area.x1 : area.x2])
    store = FrameStore.open(project.frame_store(video), create=True)
    return store.append([(number, part, (area.x1, area.y1))]) == 1


def take_predicted(project: Project, video: Path, number: int, picture: Picture | None, found: Predictions) -> int:
    """Extract a frame of an analyzed video that is decoded already, with drafts of what a network sees in it.

    Args:
        project: the opened project.
        video: one of its videos.
        number: of the frame.
        picture: the whole frame; None where it cannot be decoded.
        found: what the network predicts in the video.

    Returns:
        how many drafts there are.

    Raises:
        VideoError: as for `take_frame`.
        LabelError: the labels cannot be written now.
        StorageError: the disk refuses.
    """
    stem = next((name for name, path in project_videos(project).items() if path == video), None)
    if stem is None:
        raise VideoError(f"{video} is not a video of the project; add it first (1 Project).")
    check_editable(project, stem)
    take_frame(project, stem, number, picture)
    return draft_predictions(project, stem, found, [number])


def delete_frame(project: Project, video: str, number: int) -> bool:
    """Delete an extracted frame of which labels know nothing; tell whether that was so. Else nothing is done.

    Raises:
        LabelError: the labels are damaged, or other programs changed them and nobody has decided about it.
        VideoError: the frame store is damaged.
        StorageError: the disk refuses.
    """
    if number in known_frames(project, video):
        return False
    FrameStore.open(project.frame_store(video)).remove([number])
    return True

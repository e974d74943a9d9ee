"""The crop of a project's video in config.yaml: the window of its frames that extraction keeps."""

from posecut_core.errors import VideoError
from posecut_core.project.config import Crop, edit_config, video_entry
from posecut_core.project.layout import Project
from posecut_core.project.repair import video_stem
from posecut_core.project.yaml_text import load_mapping, read_text


def read_crop(project: Project, video: str) -> Crop | None:
    """Return the crop of a video, by the stem of its file name; None where it has none."""
    return {video_stem(path): crop for path, crop in project.config.video_sets.items()}.get(video)


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
    entries = load_mapping(read_text(project.config_path), project.config_path).get("video_sets")
    listed = dict(entries) if isinstance(entries, dict) else {}
    path = next((path for path in listed if video_stem(str(path)) == video), None)
    if path is None:
        raise VideoError(f"{project.config_path} lists no video {video} in video_sets; add the video to the project.")
    before = listed[path]
    listed[path] = {**(before if isinstance(before, dict) else {}), **video_entry(crop)}
    edit_config(project.config_path, {"video_sets": listed})

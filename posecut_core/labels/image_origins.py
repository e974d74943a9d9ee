"""Where a stored image lies in the full frame of its video: at the video's crop, or at 0, 0."""

from posecut_core.project.config import Crop
from posecut_core.project.layout import Project
from posecut_core.project.repair import video_stem


def image_origin(project: Project, video: str, size: tuple[int, int]) -> tuple[int, int]:
    """Return x, y of an image's top-left pixel in the full frame.

    DeepLabCut does not record which images it cropped; an image of exactly the crop's size is taken as that window.

    Args:
        project: The project.
        video: Stem of the video's file name.
        size: Height and width of the image in pixels.
    """
    crop = _crop_of(project, video)
    if crop is None or size != (crop.y2 - crop.y1, crop.x2 - crop.x1):
        return 0, 0
    return crop.x1, crop.y1


def _crop_of(project: Project, video: str) -> Crop | None:
    return next((crop for path, crop in project.config.video_sets.items() if video_stem(path) == video), None)

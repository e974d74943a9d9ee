"""Which of a project's videos are meant, by their names, and which of them have extracted frames."""

import contextlib
import difflib
import os
from collections.abc import Iterable, Sequence

from PIL import Image

from posecut_core.errors import PosecutError, VideoError
from posecut_core.labels.image_names import images_in
from posecut_core.project.config import Crop
from posecut_core.project.given_files import given_path, listed, named_few, same_name
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore
from posecut_core.workflow.opening import frame_folders


def chosen_stems(known: Iterable[str], wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """List the videos meant, by stem, in the order of `known`; None means all.

    Args:
        known: stems of the videos that may be chosen.
        wanted: stems, file names or paths.

    Raises:
        VideoError: one is not known.
    """
    stems = tuple(known)
    if wanted is None:
        return stems
    chosen = {_stem(os.fspath(name), stems) for name in listed(wanted)}
    return tuple(stem for stem in stems if stem in chosen)


def videos_with_frames(project: Project, wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """List the videos meant that have extracted frames, by stem.

    Raises:
        VideoError: a video is not of the project, or none has extracted frames.
    """
    stems = chosen_stems((folder.name for folder in frame_folders(project)), wanted)
    found = tuple(stem for stem in stems if project.frame_store(stem).exists())
    if not found:
        raise VideoError(
            f"Found no extracted frames of {', '.join(stems) or 'any video'} in {project.labeled_data}; extract some "
            "first (posecut extract-frames)."
        )
    return found


def frame_window(project: Project, video: str) -> Crop | None:
    """Return the full frame of a video by what was extracted of it; None where that does not tell."""
    path, images = project.frame_store(video), images_in(project.frame_folder(video))
    with contextlib.suppress(PosecutError, OSError, ValueError, SyntaxError):
        if path.exists() and (store := FrameStore.open(path)).numbers.size:
            height, width = store.sizes.max(axis=0).tolist()
            return None if store.origins.any() else Crop(0, width, 0, height)
        if images:
            with Image.open(next(iter(images.values()))) as image:
                return Crop(0, image.width, 0, image.height)
    return None


def _stem(name: str, stems: tuple[str, ...]) -> str:
    stem = name if name in stems else given_path(name).stem
    alike = [other for other in stems if other == stem] or [other for other in stems if same_name(other, stem)]
    if len(alike) != 1:
        near = difflib.get_close_matches(stem, stems, n=1)
        raise VideoError(
            f"The project has no video {name!r}{f', perhaps {near[0]}' if near else ''}; choose among "
            f"{named_few(stems) or 'none: add one first'}."
        )
    return alike[0]

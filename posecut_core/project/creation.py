"""What a new project is made of: checked names, and videos as links or copies."""

import datetime
import os
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from posecut_core.errors import ArgumentError, PosecutError, VideoError
from posecut_core.project.config import ProjectConfig
from posecut_core.project.given import name_key
from posecut_core.project.opening import project_videos
from posecut_core.project.paths import Project
from posecut_core.project.state import ProjectState
from posecut_core.storage.files import atomic_path, fingerprint, storage_error
from posecut_core.types import PLACEHOLDERS, View

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"  # never in the language of the computer
_LONGEST_NAME = 80  # bytes: names of results hold the project's and the video's
_FORBIDDEN = frozenset(' /\\:*?"<>|')


def folder_name(task: str, scorer: str, day: datetime.date) -> str:
    """Return `<Task>-<scorer>-<YYYY-MM-DD>`."""
    return f"{task}-{scorer}-{day.isoformat()}"


def date_label(day: datetime.date) -> str:
    """Return a date as file names have it: `Oct30`, `Nov3`."""
    return f"{_MONTHS[4 * (day.month - 1) :][:3]}{day.day}"


def check_name(name: str, *, what: str) -> None:
    """Refuse a name that cannot be part of file names on every system.

    Args:
        name: The name.
        what: Which name it is, for the message.

    Raises:
        ArgumentError: the name is empty, has a space or a character that file names forbid, or begins with a dot.
    """
    if len(name.encode()) > _LONGEST_NAME:
        raise ArgumentError(
            f"The {what} {name[:20]!r}... is {len(name.encode())} bytes long, expected at most {_LONGEST_NAME} because "
            "it becomes part of file names; choose a shorter one."
        )
    wrong = sorted({letter for letter in name if letter in _FORBIDDEN or not letter.isprintable()})
    if not name or wrong or name.startswith("."):
        found = f"contains {', '.join(map(repr, wrong))}" if wrong else "is empty or begins with a dot"
        raise ArgumentError(
            f"The {what} {name!r} {found}, expected letters, digits, - and _ because it becomes part of file names; "
            "choose another."
        )


def check_bodyparts(bodyparts: Sequence[str]) -> None:
    """Refuse names that are empty, repeat, or cannot be seen, and none at all.

    Raises:
        ArgumentError: these are no bodyparts.
    """
    wrong = "" if bodyparts else "is empty, expected at least one name"
    seen: dict[str, int] = {}
    for place, name in enumerate(bodyparts, start=1):
        first = seen.setdefault(unicodedata.normalize("NFC", name), place)
        if not name.strip():
            wrong = wrong or f"has an empty name in place {place}, expected names"
        elif not name.isprintable():
            wrong = wrong or f"has {name!r}, which contains an invisible character"
        elif first != place:
            wrong = wrong or f"has {name!r} twice, in places {first} and {place}, expected each name once"
    if wrong:
        raise ArgumentError(f"The list of bodyparts {wrong}; correct the list.")


def check_skeleton(skeleton: Sequence[Sequence[str]], bodyparts: Sequence[str]) -> None:
    """Refuse bones that do not join two bodyparts.

    Raises:
        ArgumentError: a bone is not a pair of different bodyparts.
    """
    for bone in skeleton:
        if isinstance(bone, str) or len(bone) != 2 or bone[0] == bone[1] or not set(bone) <= set(bodyparts):
            raise ArgumentError(
                f"The skeleton contains {bone!r}, expected pairs of different bodyparts ({', '.join(bodyparts)}); "
                "correct that pair."
            )


def contradictions(
    config: ProjectConfig,
    state: ProjectState,
    there: Sequence[Path],
    *,
    sources: Sequence[Path],
    copy: bool,
    bodyparts: Sequence[str],
    skeleton: Sequence[Sequence[str]],
    view: View,
) -> tuple[str, ...]:
    """Name the arguments of `create_new_project`, other than by default, that a project does not have.

    Args:
        config: of the project that exists.
        state: its posecut.yaml.
        there: its videos, in its folder.
        sources: the videos that are asked for; as the others, under the function's names `videos`, `copy_videos`.
        copy: whether copies are asked for.
        bodyparts: those asked for.
        skeleton: as above.
        view: as above.
    """
    differs = {
        "videos": not {path.name for path in sources} <= {path.name for path in there},
        "copy_videos": copy and any(path.is_symlink() for path in there),
        "bodyparts": tuple(bodyparts) not in (PLACEHOLDERS, config.bodyparts),
        "skeleton": bool(skeleton) and tuple(map(tuple, skeleton)) != config.skeleton,
        "view": view not in ("auto", state.view),
    }
    return tuple(name for name, is_so in differs.items() if is_so)


def clashing_names(videos: Sequence[Path], folder: Path, *, taken: Iterable[str] = ()) -> dict[Path, PosecutError]:
    """Tell which videos cannot join a project under their names, and why.

    Args:
        videos: those that are to join it.
        folder: the project's folder of videos.
        taken: stems of the project's videos.
    """
    owners: dict[str, str] = {name_key(stem): f"a video {stem} of the project" for stem in taken}
    why: dict[Path, PosecutError] = {}
    for video in videos:
        target, key = folder / video.name, name_key(video.stem)
        if key in owners:
            why[video] = VideoError(
                f"{video} and {owners[key]} have the same name without extension, expected different names because "
                "each names a folder of frames; rename one of them."
            )
        elif key.endswith("_labeled"):
            why[video] = VideoError(
                f"{video} ends in _labeled, which is reserved for labeled videos and folders of check images; give "
                "the original recording or, if it is one, a copy under another name."
            )
        elif key.startswith(".") or (os.name == "nt" and key != key.rstrip(" .")):
            why[video] = VideoError(
                f"{video} has a name that begins with a dot, or ends in a dot or a space, which cannot name a folder "
                "of frames; give a copy or a link under another name."
            )
        elif any(unicodedata.category(letter) == "Cc" for letter in video.name):
            why[video] = VideoError(
                f"{video} has a name with a line end or another control character, which config.yaml cannot hold; give "
                "a copy or a link under another name."
            )
        elif target.exists() and not _is_same_video(target, video):
            why[video] = VideoError(
                f"{folder} already holds a different {video.name}; rename {video}, or add the one that is there."
            )
        owners.setdefault(key, str(video))
    return why


def place_video(source: Path, folder: Path, *, copy: bool) -> Path:
    """Put a video into the project's folder of videos: a link, or a copy where asked for or links are impossible.

    Raises:
        VideoError: another file has its name there.
        StorageError: the disk refuses.
    """
    target = folder / source.name
    if target.exists():
        if not _is_same_video(target, source):
            raise clashing_names([source], folder)[source]
        return target
    if not copy:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if target.is_symlink():
                target.unlink()  # it points to nothing
            target.symlink_to(source)
            return target
        except OSError:
            pass  # this disk or this Windows account has no links
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    except OSError as error:
        raise storage_error(target, error) from error
    return target


def joining(project: Project, videos: Sequence[Path]) -> tuple[tuple[Path, ...], dict[str, PosecutError]]:
    """Tell which of these videos the project does not have, and why some of them cannot join it under their names."""
    taken = project_videos(project)
    new = tuple(path for path in videos if not _is_present(path, taken))
    why = clashing_names(new, project.videos, taken=taken)
    return new, {str(path): error for path, error in why.items()}


def _is_present(source: Path, present: dict[str, Path]) -> bool:
    """Tell whether a video is one of the project's, or what one of them was copied from."""
    if source.resolve() in {path.resolve() for path in present.values()}:
        return True
    own = present.get(source.stem)
    return (
        own is not None and own.name == source.name and source.exists() and own.exists() and _is_same_video(own, source)
    )


def _is_same_video(target: Path, source: Path) -> bool:
    """Tell whether a file is a video or a copy of it, as a program that was killed while adding it may have left."""
    return target.samefile(source) or (target.is_file() and fingerprint(target) == fingerprint(source))

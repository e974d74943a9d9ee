"""What config.yaml must say differently because the project was moved, or came with placeholders for paths."""

import os
from collections.abc import Mapping
from pathlib import Path

from posecut_core.project.given import videos_in


def repairs(values: Mapping[str, object], root: Path) -> dict[str, object]:
    """Return the keys of config.yaml that must change, with their new values; none where all is well.

    A video is looked for at its recorded path, at the same place in the moved project, and by name in `videos/`.
    A placeholder (neither a path nor a file's name) stands for the videos in `videos/` that no other entry means, and
    for folders of frames whose videos are not there: where there are any, it stays. Crops are kept. Labelled videos,
    which other programs put there, are nobody's.

    Args:
        values: config.yaml as read.
        root: The project's folder, absolute.
    """
    changes: dict[str, object] = {}
    old_root = values.get("project_path")
    if old_root != str(root):
        changes["project_path"] = str(root)
    entries = values.get("video_sets")
    if isinstance(entries, dict) and entries:
        repaired = _video_sets(entries, root, str(old_root or ""))
        if repaired != entries:
            changes["video_sets"] = repaired
    return changes


def entry_of(video: str, values: Mapping[str, object], root: Path) -> str | None:
    """Return the entry of `video_sets` that means a video, as it is written; None where only a placeholder does.

    Args:
        video: Its path, as `repairs` gives it.
        values: config.yaml as read.
        root: The project's folder, absolute.
    """
    entries, old_root = values.get("video_sets"), str(values.get("project_path") or "")
    written = [str(key) for key in entries] if isinstance(entries, dict) else []
    return next((key for key in written if video in (key, _located(key, root, old_root))), None)


def video_stem(path: str) -> str:
    """Return the stem of a path written with either kind of slash: the name of the video's folder in labeled-data."""
    return Path(_name(path)).stem


def _video_sets(entries: dict[object, object], root: Path, old_root: str) -> dict[object, object]:
    found = {key: _located(str(key), root, old_root) for key in entries}
    taken = {path for path in found.values() if path is not None}
    spare = [str(path) for path in videos_in(root / "videos") if str(path) not in taken]
    repaired: dict[object, object] = {}
    for key, entry in entries.items():
        path = found[key]
        if path is not None:
            repaired.setdefault(path, entry)
        elif is_placeholder(str(key)):
            repaired.update((video, entry) for video in spare)
            spare = []
        else:
            repaired.setdefault(key, entry)
    words = {key: entry for key, entry in entries.items() if key not in repaired and found[key] is None}
    listed = {video_stem(str(key)) for key in repaired}
    rest = [folder for folder in folders_of_frames(root / "labeled-data") if folder.name not in listed]
    return {**repaired, **words} if any(next(folder.iterdir(), None) for folder in rest) or not repaired else repaired


def is_placeholder(recorded: str) -> bool:
    """Tell words such as DeepLabCut's demo has from a video that is missing, whatever its file ends in."""
    return _name(recorded) == recorded and not Path(recorded).suffix


def folders_of_frames(labeled_data: Path) -> list[Path]:
    """Return the folders that may hold frames of videos, hidden ones and check images left out, by their names."""
    if not labeled_data.is_dir():
        return []
    folders = (path for path in labeled_data.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = (path for path in folders if not path.name.endswith("_labeled"))
    return sorted(found, key=lambda path: path.name)  # Windows sorts paths without regard to case


def _located(recorded: str, root: Path, old_root: str) -> str | None:
    """Return where a recorded video is now; None where it is nowhere."""
    name, moved = _name(recorded), _below(recorded, old_root)
    candidates = ([root / moved] if moved else []) + [root / recorded, root / "videos" / name]
    return next((os.path.abspath(path) for path in candidates if name and os.path.isfile(path)), None)


def _below(recorded: str, old_root: str) -> str | None:
    """Return a path relative to the folder where the project was, where it lay inside."""
    path, folder = (text.replace("\\", "/").rstrip("/") for text in (recorded, old_root))
    return path[len(folder) + 1 :] if folder and path.startswith(folder + "/") else None


def _name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]

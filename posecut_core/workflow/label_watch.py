"""Labels of a project while somebody edits them: read again when they have grown, without locks."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from posecut_core.dataset.split import FrameRef
from posecut_core.errors import LabelError
from posecut_core.labels.contents import Contents, read_contents
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Report, silent
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore
from posecut_core.workflow.opening import frame_folders, open_project

_Signature = tuple[tuple[int, int], ...]  # size and time of writing of files


class LabelWatch:
    """The project as it was at the last look, and the labels of its videos with extracted frames."""

    def __init__(self, config: str | os.PathLike[str], *, report: Report = silent) -> None:
        self.project = open_project(config, report=report)
        self.contents: dict[str, Contents] = {}
        self._config_seen = _signature(self.project.config_path)
        self._seen: dict[str, _Signature] = {}
        self._unread: set[str] = set()  # videos whose labels could not be read at the last look

    def look(self) -> bool:
        """Read what has changed since the last look, and tell whether anything has.

        Labels that cannot be read are read once more at the next look: a program may be writing them.

        Raises:
            LabelError: labels that could not be read at the last look cannot be read now.
            ProjectError: config.yaml is malformed.
        """
        changed = self._look_at_config()
        for video in stored_videos(self.project):
            signature = _signature(*_label_files(self.project, video))
            if signature != self._seen.get(video):
                changed |= self._read(video, signature)
        return changed

    def tables(self) -> dict[str, LabelTable]:
        """Return the labels of each video that may be trained on; frames without an image are left out."""
        return {video: _trainable(self.project, contents.table(video)) for video, contents in self.contents.items()}

    def _look_at_config(self) -> bool:
        """Begin anew where config.yaml lists other bodyparts: names of columns are in everything that was read."""
        signature, before = _signature(self.project.config_path), self.project.config.bodyparts
        if signature == self._config_seen:
            return False
        self.project, self._config_seen = open_project(self.project.config_path), signature
        if self.project.config.bodyparts == before:
            return False
        self.contents, self._seen, self._unread = {}, {}, set()
        return True

    def _read(self, video: str, signature: _Signature) -> bool:
        try:
            self.contents[video] = read_contents(self.project, video)
        except LabelError:
            if video in self._unread:
                raise
            self._unread.add(video)
            return False
        self._seen[video] = signature
        self._unread.discard(video)
        return True


def stored_videos(project: Project) -> tuple[str, ...]:
    """List the videos that have extracted frames, by stem."""
    return tuple(folder.name for folder in frame_folders(project) if project.frame_store(folder.name).exists())


def labelled_refs(tables: Mapping[str, LabelTable]) -> tuple[FrameRef, ...]:
    """List the frames of tables, video by video."""
    return tuple(FrameRef(video, number) for video, table in tables.items() for number in table.numbers.tolist())


def _trainable(project: Project, table: LabelTable) -> LabelTable:
    stored = FrameStore.open(project.frame_store(table.video)).numbers
    return table.rows(table.looked_at.any(axis=1) & np.isin(table.numbers, stored))


def _label_files(project: Project, video: str) -> list[Path]:
    """List the files that say what is labelled: the journal, or DeepLabCut's files where there is none yet."""
    journal = project.label_journal(video)
    if journal.exists():
        return [journal]
    return [project.collected_data(video), project.collected_data(video, ".csv")]


def _signature(*paths: Path) -> _Signature:
    found = (path.stat() if path.exists() else None for path in paths)
    return tuple((status.st_size, status.st_mtime_ns) if status else (-1, 0) for status in found)

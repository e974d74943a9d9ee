"""Check everything of a project that can be checked, and say what is wrong and how to mend it (`doctor`)."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import LabelError
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.layout import Project
from posecut_core.workflow.findings import Finding, Findings
from posecut_core.workflow.label_checks import check_labels_of, check_names
from posecut_core.workflow.notes import note_removed
from posecut_core.workflow.opening import config_path, frame_folders
from posecut_core.workflow.project_checks import (
    check_config,
    check_datasets,
    check_networks,
    check_results,
    check_settings,
    check_sums,
    check_videos,
)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a project."""

    config_path: Path
    checked: dict[str, int]  # what was looked at -> how many
    findings: tuple[Finding, ...]
    mend: bool  # whether mending was tried

    @property
    def sound(self) -> bool:
        """Tell whether nothing is wrong, or all of it was mended."""
        return all(finding.mended for finding in self.findings)


def doctor(config: str | os.PathLike[str], *, mend: bool = False, report: Report = silent) -> Diagnosis:
    """Check journals, snapshots, frames, videos, training datasets, networks and settings of a project.

    Journals, snapshots, frames, label revisions and networks have checksums of their own. Every other file is held
    against its sum of the last check. Nothing but those sums is written unless `mend` is true.

    Args:
        config: path of config.yaml.
        mend: whether to rebuild damaged journals from snapshots and sweep what crashes left; damaged files are kept.
        report: told of each video, and of labels whose bodypart config.yaml no longer lists, which is no damage.

    Raises:
        ProjectError: there is no project.
        StorageError: the disk refuses to mend.
    """
    path, found = config_path(config), Findings()
    values = check_config(path, found)
    if values is not None:
        project = Project(path.parent, values)
        check_settings(project, found)
        check_videos(project, found)
        videos = [folder.name for folder in frame_folders(project)]
        check_names(project, videos, found, mend=mend)
        for done, video in enumerate(videos, start=1):
            check_labels_of(project, video, found, mend=mend)
            report(Progress("checking labels and frames", done, len(videos)))
        with suppress(LabelError):  # labels that cannot be read are told already
            note_removed(project, report=report)
        check_datasets(project, found)
        check_networks(project, found)
        check_results(project, found)
    check_sums(path.parent, found)
    return Diagnosis(path, found.checked, tuple(found.wrong), mend)

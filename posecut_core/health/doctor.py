"""Check everything of a project that can be checked, and say what is wrong and how to mend it (`doctor`)."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import Remedy
from posecut_core.health import Finding, Findings
from posecut_core.health.labels import check_labels_of, check_names, check_removed
from posecut_core.health.project import (
    check_config,
    check_datasets,
    check_disk,
    check_jobs,
    check_networks,
    check_results,
    check_settings,
    check_sums,
    check_tree,
    check_videos,
)
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import config_path, frame_folders, other_tables, strange_labels
from posecut_core.project.paths import Project
from posecut_core.results import Summary, counted


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a project."""

    config_path: Path
    checked: dict[str, int]  # what was looked at -> how many
    findings: tuple[Finding, ...]
    mend: bool  # whether mending was tried

    @property
    def sound(self) -> bool:
        """Tell whether nothing is wrong that stops a step or makes it err, or all of it was mended."""
        return all(finding.mended or finding.harmless for finding in self.findings)

    def summary(self) -> Summary:
        """Say what is wrong; the exit code says whether anything is left."""
        lines = tuple(
            Notice(f"{_prefix(finding)}{finding.problem}", () if finding.mended else finding.remedies)
            for finding in self.findings
        )
        checked = ", ".join(counted(number, what.removesuffix("s")) for what, number in self.checked.items())
        left = sum(not (finding.mended or finding.harmless) for finding in self.findings)
        text = f"Checked {checked}: {counted(left, 'problem') + ' left' if left else 'nothing is wrong'}."
        mendable = any(finding.mendable for finding in self.findings) and not self.mend
        following = (Remedy("doctor", config=self.config_path.parent, mend=True),) if mendable else ()
        return Summary(text, lines, following, exit_code=0 if self.sound else 1, is_warning=not self.sound)


def _prefix(finding: Finding) -> str:
    if finding.mended:
        return "Mended: "
    return "To know: " if finding.harmless else ""


@forgiving
def doctor(config: str | os.PathLike[str], *, mend: bool = False, report: Report = silent) -> Diagnosis:
    """Check labels, frames, videos, networks and settings of a project, and say what is wrong and how to mend it.

    Journals, snapshots, frames, label revisions and networks have checksums of their own. Every other file is held
    against its sum of the last check. Nothing but those sums is written unless `mend` is true. Whatever a file holds,
    the check goes on with the next one.

    Args:
        config: path of config.yaml.
        mend: rebuild damaged journals from snapshots and remove what crashes left; copies of damaged files are kept.
        report: called after each video.

    Raises:
        ProjectError: there is no project.
    """
    path, found = config_path(config), Findings()
    if check_tree(path.parent, found):
        return _diagnosis(path, found, mend=mend)
    values = check_config(path, found)
    if values is not None:
        project = Project(path.parent, values)
        check_settings(project, found)
        check_videos(project, found)
        _check_labels(project, found, mend=mend, report=report)
        check_datasets(project, found)
        networks = check_networks(project, found)
        check_results(project, networks, found)
        check_jobs(project, found)
    check_disk(path.parent, found)
    check_sums(path.parent, found)
    return _diagnosis(path, found, mend=mend)


def _diagnosis(path: Path, found: Findings, *, mend: bool) -> Diagnosis:
    """Put together what was found; the rooms that say what helps may know no project."""
    findings = (
        replace(finding, remedies=tuple(remedy.of_project(path.parent) for remedy in finding.remedies))
        for finding in found.wrong
    )
    return Diagnosis(path, found.checked, tuple(findings), mend)


def _check_labels(project: Project, found: Findings, *, mend: bool, report: Report) -> None:
    videos: list[str] = []
    with found.about(project.labeled_data):
        videos = [folder.name for folder in frame_folders(project)]
    check_names(project, videos, found, mend=mend)
    for done, video in enumerate(videos, start=1):
        with found.about(project.frame_folder(video)):
            check_labels_of(project, video, found, mend=mend)
        report(Progress("checking labels and frames", done, len(videos)))
    check_removed(project, videos, found)
    for told in filter(None, (strange_labels(project), other_tables(project))):
        found.add(project.labeled_data, f"{told}.", harmless=True)

"""Labels from a file of another program (`import_labels`)."""

import os
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import ArgumentError, LabelError, PosecutError, Remedy, VideoError, treat_all
from posecut_core.interchange.project_labels import TakenLabels, take_labels
from posecut_core.interchange.registry import Labels, VideoLabels, chosen_animal, chosen_format, format_of
from posecut_core.labels.images import adopt_project
from posecut_core.progress import Report, silent
from posecut_core.project.given import forgiving, given_path, named_few
from posecut_core.project.opening import chosen_stems, project_videos
from posecut_core.project.paths import Project
from posecut_core.results import Summary
from posecut_core.types import ReadLabelFormat


@dataclass(frozen=True)
class ImportedLabels:
    """What came from a file, and what did not."""

    config_path: Path
    file: Path
    format: str
    videos: tuple[TakenLabels, ...]
    left_out: tuple[str, ...]  # sentences

    def summary(self) -> Summary:
        """Say what came of each video, and what did not."""
        lines = [one.sentence() for one in self.videos]
        lines += [f"Left out: {one}" for one in self.left_out]
        new = sum(one.new + one.drafts for one in self.videos)
        text = (
            f"{self.file.name}: {new} labels and suggestions are new." if new else f"{self.file.name} has nothing new."
        )
        return Summary(text, tuple(lines), (Remedy("check_labels", config=self.config_path.parent),))


@forgiving
def import_labels(
    config: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    format: ReadLabelFormat | None = None,
    animal: str | None = None,
    video: str | None = None,
    overwrite: bool = False,
    report: Report = silent,
) -> ImportedLabels:
    """Take over the labels of a file that another program wrote; doing it again adds nothing.

    Frames are extracted from the project's videos as they are needed. What a network predicted becomes suggestions. All
    of a video is one edit, which can be undone.

    Args:
        config: path of config.yaml.
        file: the file.
        format: of the file; by default its name and content tell.
        animal: which animal of a file that has several, by the name of its track.
        video: the project's video that the labels are of; by default the one that is called as in the file.
        overwrite: let labels of the file replace others in the project; by default the project's stay.
        report: called while frames are extracted.

    Raises:
        ArgumentError: the file has several animals and none is named, or the format needs a package.
        LabelError: the file cannot be read, or no video of the project is called as in it.
        VideoError: frames cannot be extracted.
        StorageError: the disk refuses.
    """
    path = given_path(file)
    chosen = chosen_format(format, "labels", "r") if format is not None else format_of(path, "labels")
    labels = chosen_animal(chosen.function("read_labels")(path), animal, path=path, step="import_labels")
    project = adopt_project(config, report=report)
    pairs, left_out = _matched(project, labels, path, video)
    return treat_all(
        pairs,
        lambda pair: take_labels(
            project, pair[0], pair[1], overwrite=overwrite, model=f"{chosen.name} {path.name}", report=report
        ),
        lambda done: ImportedLabels(project.config_path, path, chosen.name, tuple(done), left_out),
        what="videos have labels that could not be taken over",
        kind=LabelError,
        name=lambda pair: pair[0],
    )


def _matched(
    project: Project, labels: Labels, path: Path, video: str | None
) -> tuple[list[tuple[str, VideoLabels]], tuple[str, ...]]:
    """Find the project's video of each one in the file; the others are left out, and said."""
    known = (*project_videos(project),)
    labeled = [one for one in labels.videos if one.frames]
    if video is not None and len(labeled) > 1:
        raise ArgumentError(f"{path} has labels of {len(labeled)} videos, expected one where a video is named.")
    pairs, left_out = [], [*labels.left_out]
    for one in labeled:
        try:
            (stem,) = chosen_stems(known, [video if video is not None else Path(one.video).name])
        except (VideoError, ValueError) as error:
            if video is not None and isinstance(error, PosecutError):
                raise
            left_out.append(f"{one.video}, as the project has no video of that name")
        else:
            pairs.append((stem, one))
    if not pairs:
        raise LabelError(
            f"{path} has labels of {named_few([one.video for one in labeled]) or 'no video'}, expected videos of the "
            f"project ({named_few(known) or 'none'}); add the videos, or name the one that it is of.",
            Remedy("add_new_videos", config=project.root),
        )
    return pairs, tuple(left_out)

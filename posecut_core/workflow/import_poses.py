"""Predictions from a file of another program (`import_poses`)."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import ArgumentError, LabelError, Remedy
from posecut_core.interchange.registry import chosen_format, format_of
from posecut_core.poses.files import NETWORKS, check_replaceable, prediction_path, write_predictions
from posecut_core.poses.predictions import Origin
from posecut_core.project.given import forgiving, given_folder, given_path, named_few
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.results import Summary, counted
from posecut_core.storage.locks import sole_writer
from posecut_core.types import ReadPoseFormat

_NO_NAME = re.compile(r"[/\\:\x00-\x1f]")  # what must not stand in the name of a file


@dataclass(frozen=True)
class ImportedPoses:
    """The tables that `import_poses` wrote."""

    video: Path
    files: tuple[Path, ...]
    bodyparts: tuple[str, ...]
    frames: int

    def summary(self) -> Summary:
        """Say where the predictions are."""
        said = f"{counted(self.frames, 'frame')} of {self.video.name}, {counted(len(self.bodyparts), 'bodypart')}."
        return Summary(said, tuple(map(str, self.files)))


@forgiving
def import_poses(
    config: str | os.PathLike[str],
    file: str | os.PathLike[str],
    video: str | os.PathLike[str],
    *,
    format: ReadPoseFormat | None = None,
    animal: str | None = None,
    save_as_csv: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
) -> ImportedPoses:
    """Write the predictions of another program as the tables that an analysis writes, beside their video.

    Args:
        config: path of config.yaml.
        file: the file.
        video: the video that it is of: a file, or the name of one of the project's.
        format: of the file; by default its name and content tell.
        animal: which animal of a file that has several, by the name of its track.
        save_as_csv: write a .csv beside the .h5.
        destfolder: folder of the predictions; by default beside the video.

    Raises:
        ArgumentError: the file has several animals and none is named, or the format needs a package.
        LabelError: the file cannot be read.
        AnalysisError: another program wrote a file of that name.
        StorageError: the disk refuses.
    """
    (recording,) = chosen_videos(open_project(config), video).paths
    path = given_path(file)
    chosen = chosen_format(format, "poses", "r") if format is not None else format_of(path, "poses")
    poses = chosen.function("read_poses")(path)
    names = (*poses.animals,)
    if not names:
        raise LabelError(f"{path} has no poses, expected those of an animal; give another file.")
    if animal is None and len(names) == 1:
        animal = names[0]
    if animal not in names:
        remedies = [
            Remedy("import_poses", config=config, file=path, video=recording, animal=name) for name in names[:1]
        ]
        raise ArgumentError(f"{path} has the animals {named_few(names)}, expected one; name it.", *remedies)
    found = poses.animals[animal]
    words = re.sub(r"\W+", "", f"{found.scorer}{animal}") or chosen.name
    scorer = found.scorer if found.scorer.startswith(NETWORKS) and not _NO_NAME.search(found.scorer) else f"DLC_{words}"
    folder = None if destfolder is None else given_folder(destfolder)
    target = prediction_path(recording, scorer, folder)
    check_replaceable(target)
    named = replace(found, scorer=scorer)
    with sole_writer(target, doing=f"{target.name} is being written"):
        files = write_predictions(target, named, csv=save_as_csv, origin=Origin(None))
    return ImportedPoses(recording, files, named.bodyparts, len(named.xy))

"""Step I: the lengths, directions and angles of the skeleton in analyzed videos (`analyzeskeleton`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import AnalysisError, ArgumentError, treat_all
from posecut_core.labels.notices import note_skeleton
from posecut_core.model.snapshots import chosen_network
from posecut_core.poses.files import existing_predictions
from posecut_core.poses.skeleton import skeleton_path, write_skeleton
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.config import bones_between
from posecut_core.project.given import Videos, forgiving
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.results import Summary
from posecut_core.storage.locks import sole_writer


@dataclass(frozen=True)
class AnalyzedSkeletons:
    """Where the measured skeletons of one call lie."""

    scorer: str
    files: tuple[Path, ...]  # .h5 and .csv of each video

    def summary(self) -> Summary:
        """Say where the tables are."""
        return Summary("", tuple(f"Skeleton: {path}" for path in self.files))


@forgiving
def analyzeskeleton(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    filtered: bool = False,
    save_as_csv: bool = False,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    report: Report = silent,
) -> AnalyzedSkeletons:
    """Measure the skeleton in analyzed videos: the length and direction of each bone, and the angles between bones.

    `<video><scorer>_skeleton.h5` beside the predictions has a row per frame: `length` in pixels, `orientation` in
    degrees and `likelihood` of each bone of config.yaml's skeleton, as DeepLabCut writes them, and `angle` where two
    bones meet.

    Args:
        config: path of config.yaml.
        videos: analyzed videos: files, names of project videos, or folders.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        filtered: measure what filterpredictions wrote; the name then has `_filtered` in it.
        save_as_csv: write a .csv beside the .h5.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        report: called after each video.

    Raises:
        ArgumentError: config.yaml has no skeleton.
        AnalysisError: a video has not been analyzed by this network; of several, the others are done.
        StorageError: the folder cannot be written.
    """
    project = open_project(config)
    note_skeleton(project, report=report)
    network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
    given = chosen_videos(project, videos, videotype=videotype, elsewhere=True, report=report)

    def measure(video: Path) -> tuple[Path, ...]:
        found = existing_predictions(project, video, network, destfolder, filtered=filtered, report=report)
        bones = bones_between(found.predictions.bodyparts, project.config.skeleton)
        if not bones:
            raise ArgumentError(
                f"skeleton in {project.config_path} has no bones between bodyparts of the network; add pairs of "
                "bodyparts, such as `- [snout, tailbase]`."
            )
        target = skeleton_path(found.path)
        origin = replace(found.derived, settings={"skeleton": [list(bone) for bone in project.config.skeleton]})
        with sole_writer(target, doing=f"The skeleton in {video.name} is being measured"):
            written = write_skeleton(target, found.predictions, bones, csv=save_as_csv, origin=origin)
        report(Progress("measuring skeletons", given.paths.index(video) + 1, len(given.paths)))
        return written

    def together(files: list[tuple[Path, ...]]) -> AnalyzedSkeletons:
        return AnalyzedSkeletons(network.scorer, tuple(path for several in files for path in several))

    wrong = "videos have no measured skeleton"
    return treat_all(given.paths, measure, together, what=wrong, kind=AnalysisError, failed=given.refused)

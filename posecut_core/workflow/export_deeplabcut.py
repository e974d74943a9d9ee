"""Hand a project's frames, and a network's results, to other tools."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import AnalysisError, ArgumentError, Remedy, VideoError, raise_together, treat_each
from posecut_core.formats.deeplabcut.results import VideoMetadata, metadata_path, write_metadata, write_placeholder
from posecut_core.labels.images import adopt_project, export_images
from posecut_core.labels.store import finish_saving
from posecut_core.model.snapshots import chosen_network
from posecut_core.poses.files import (
    FoundTable,
    check_replaceable,
    existing_predictions,
    prediction_path,
    write_predictions,
)
from posecut_core.poses.predictions import Network, Origin
from posecut_core.progress import Report, silent
from posecut_core.project.given import Videos, forgiving
from posecut_core.project.opening import chosen_videos, videos_with_frames
from posecut_core.project.paths import Project
from posecut_core.results import Summary, counted
from posecut_core.storage.locks import sole_writer
from posecut_core.video.index import index_video


@dataclass(frozen=True)
class ExportedVideo:
    """The images of one video."""

    video: str
    folder: Path
    written: int  # images that were not there before


@dataclass(frozen=True)
class ExportedImages:
    """What `export_deeplabcut` wrote."""

    config_path: Path
    videos: tuple[ExportedVideo, ...]
    results: tuple[Path, ...] = ()  # .h5 and .csv of each video, and its metadata if wished
    placeholder: Path | None = None  # the folder that stands for a network of DeepLabCut's

    def summary(self) -> Summary:
        """Say where the images are."""
        lines = [f"{video.video}: {counted(video.written, 'new image')} in {video.folder}" for video in self.videos]
        lines += [f"Results: {path}" for path in self.results]
        if self.placeholder:
            lines.append(f"DeepLabCut finds them by {self.placeholder}, which holds no network.")
        root = self.config_path.parent
        text = (
            f"The frames were written as images; DeepLabCut opens the project by {self.config_path}. Once they are "
            "labeled, check the labels."
        )
        return Summary(text, tuple(lines), (Remedy("check_labels", config=root),))


@forgiving
def export_deeplabcut(
    config: str | os.PathLike[str],
    *,
    videos: str | Sequence[str] | None = None,
    results: Videos | None = None,
    metadata: bool = False,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> ExportedImages:
    """Write the extracted frames as images, so that DeepLabCut can label and train on them, and results if named.

    The images are `img*.png` beside the labels; those that are there already stay as they are. With `results`,
    predictions are written under DeepLabCut's names as well, which its functions then find; where DeepLabCut has no
    network of the shuffle, from which it puts the names together, a placeholder is written into `dlc-models-pytorch`.

    Args:
        config: path of config.yaml.
        videos: only these videos of the project; by default all that have extracted frames.
        results: analyzed videos whose predictions to write under names that DeepLabCut finds: files, names of project
            videos, or folders.
        metadata: with `results`: write the `_meta.pickle` that DeepLabCut wants beside them for labeled videos and
            outliers.
        shuffle: with `results`: which shuffle's network.
        trainingsetindex: with `results`: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions; by default beside each video.
        report: called after each image.

    Raises:
        ArgumentError: metadata are wished without results.
        VideoError: a video is not of the project, no frames were extracted, or some of several are damaged; the others
            are done.
        LabelError: a journal of labels is damaged.
        AnalysisError: a video has not been analyzed by this network, or results of DeepLabCut have the names already.
        StorageError: the disk refuses.
    """
    if metadata and results is None:
        raise ArgumentError("Metadata can only be written with results; name analyzed videos.")
    project = adopt_project(config, report=report)

    def export(video: str) -> ExportedVideo:
        finish_saving(project, video)  # DeepLabCut reads the labels' files, which a killed window may not have written
        return ExportedVideo(video, project.frame_folder(video), export_images(project, video, report=report))

    exported, broken = treat_each(videos_with_frames(project, videos), export)
    done = ExportedImages(project.config_path, tuple(exported))
    if results is None:
        count = len(exported) + len(broken)
        raise_together(broken, of=count, what="videos could not be exported", kind=VideoError, done=done)
        return done
    network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
    given = chosen_videos(project, results, report=report)

    def write(video: Path) -> tuple[Path, ...]:
        found = existing_predictions(project, video, network, destfolder, report=report)
        return _write_results(project, video, found, network, trainingsetindex, metadata)

    files, failed = treat_each(given.paths, write)
    done = replace(
        done,
        results=tuple(path for several in files for path in several),
        placeholder=write_placeholder(project.training(shuffle, trainingsetindex), network.scorer),
    )
    failed = {**broken, **given.refused, **failed}
    wrong = "exports of images or results failed" if broken else "videos have no results for DeepLabCut"
    count = len(exported) * bool(broken) + len(files) + len(failed)
    raise_together(failed, of=count, what=wrong, kind=AnalysisError, done=done)
    return done


def _write_results(
    project: Project, video: Path, found: FoundTable, network: Network, trainingsetindex: int, metadata: bool
) -> tuple[Path, ...]:
    """Write predictions under DeepLabCut's names, and metadata if wished."""
    target = prediction_path(video, network.dlc_scorer, found.path.parent)
    check_replaceable(target)
    analysis = found.origin.analysis if found.origin else None
    origin = Origin(analysis and replace(analysis, scorer=network.dlc_scorer))
    with sole_writer(target, doing=f"{target.name} is being written"):
        named = replace(found.predictions, scorer=network.dlc_scorer, spread=None)  # of which DeepLabCut knows nothing
        files = write_predictions(target, named, csv=True, origin=origin)
        if not metadata:
            return files
        index, path = index_video(video), metadata_path(target)
        described = VideoMetadata(
            scorer=network.dlc_scorer,
            bodyparts=named.bodyparts,
            frame_count=len(named.xy),
            fps=float(index.fps),
            width=index.width,
            height=index.height,
            iteration=project.config.iteration,
            training_fraction=project.training_fraction(trainingsetindex),
        )
        write_metadata(path, described)
    return (*files, path)

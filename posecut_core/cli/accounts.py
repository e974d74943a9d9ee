"""What people are told about each result, and which command comes next."""

import os
from collections.abc import Sequence
from pathlib import Path

from posecut_core.cli.task import Outcome, command, counted, shorter
from posecut_core.workflow.analysing import AnalysedVideo, AnalysedVideos
from posecut_core.workflow.creating import AddedVideos, CreatedProject
from posecut_core.workflow.datasets import CreatedDataset, CreatedShuffle
from posecut_core.workflow.evaluating import EvaluatedSnapshot, Evaluation
from posecut_core.workflow.exporting import ExportedImages
from posecut_core.workflow.extracting import ExtractedFrames
from posecut_core.workflow.labelling import CheckedLabels, CheckedVideo
from posecut_core.workflow.showing import LabeledVideos, PlottedTrajectories
from posecut_core.workflow.training import TrainedNetwork


def tell_created(created: CreatedProject, *, placeholders: bool) -> Outcome:
    """Say where the project is."""
    root = created.config_path.parent
    videos = counted(len(created.videos), "video")
    done = (
        f"Created the project {shorter(root)} with {videos}."
        if created.created
        else f"The project {shorter(root)} exists already, with {videos}; it was left as it was."
    )
    edit = (f"Before you go on, name your bodyparts in {shorter(created.config_path)}.",)
    lines = (done, *(edit if placeholders and created.created else ()))
    return Outcome(created, lines, (command("extract-frames", root),))


def tell_added(added: AddedVideos) -> Outcome:
    """Say which videos are new."""
    lines = [f"Added {shorter(path)}." for path in added.added]
    lines += [f"{shorter(path)} was in the project already." for path in added.already_there]
    return Outcome(added, tuple(lines), (command("extract-frames", added.config_path.parent),))


def tell_extracted(extracted: ExtractedFrames) -> Outcome:
    """Say how many frames each video has."""
    lines = [
        f"{one.video}: {counted(len(one.added), 'new frame')}, {len(one.frames)} in all, in {shorter(one.store)}"
        for one in extracted.videos
    ]
    lines += [
        f"  {one.video}: {counted(len(one.damaged), 'damaged frame')} left out, the first is {one.damaged[0]}"
        for one in extracted.videos
        if one.damaged
    ]
    if not any(video.added for video in extracted.videos):
        lines.append("All these frames had been extracted before; for others, choose another --seed.")
    root = extracted.config_path.parent
    lines.append("Now label them, from Python (posecut_core.write_labels) or with DeepLabCut, after")
    lines.append(f"  {command('export-deeplabcut', root)}")
    return Outcome(extracted, tuple(lines), (command("check-labels", root),))


def tell_exported(exported: ExportedImages) -> Outcome:
    """Say where the images are."""
    lines = [
        f"{video.video}: {counted(video.written, 'new image')} in {shorter(video.folder)}" for video in exported.videos
    ]
    lines.append("DeepLabCut opens the project by its config.yaml. Once the frames are labelled:")
    return Outcome(exported, tuple(lines), (command("check-labels", exported.config_path.parent),))


def tell_checked(checked: CheckedLabels) -> Outcome:
    """Say where the pictures are, and what a person should look at."""
    lines = [line for video in checked.videos for line in _checked_video(video)]
    lines.append("Look at the pictures; correct the labels where they are wrong.")
    return Outcome(checked, tuple(lines), (command("create-training-dataset", checked.config_path.parent),))


def tell_dataset(project: Path, dataset: CreatedDataset) -> Outcome:
    """Say how the frames are split, and where the training can be adjusted."""
    lines = [
        f"Shuffle {made.shuffle}: {counted(made.train_frames, 'training frame')} and "
        f"{counted(made.test_frames, 'test frame')}; settings of its training: {shorter(made.settings)}"
        for made in dataset.shuffles
    ]
    following = tuple(_of_shuffle("train-network", project, made) for made in dataset.shuffles)
    return Outcome(dataset, tuple(lines), following)


def tell_trained(project: Path, trained: TrainedNetwork) -> Outcome:
    """Say how far training came, and where the network is."""
    if trained.first_step == trained.last_step:
        done = f"The network had been trained for {trained.last_step} steps before; for more, give a larger --maxiters."
    else:
        begin = f", from the snapshot of step {trained.first_step}" if trained.first_step else ""
        done = f"Trained to step {trained.last_step}{begin}; loss {trained.loss:.4f}."
    lines = (done, f"Snapshot: {shorter(trained.snapshot)}", f"Losses: {shorter(trained.log)}")
    return Outcome(trained, lines, (_of_shuffle("evaluate-network", project, trained),))


def tell_evaluated(project: Path, evaluation: Evaluation) -> Outcome:
    """Say the errors of each snapshot."""
    lines = [line for row in evaluation.rows for line in _snapshot(row)]
    lines.append(f"Tables: {shorter(evaluation.combined_csv.parent)}")
    lines.append("If the test error is not much above the training error, the network is ready for videos.")
    return Outcome(evaluation, tuple(lines), (_with("analyze-videos", project, ["VIDEOS"]),))


def tell_analysed(project: Path, analysed: AnalysedVideos) -> Outcome:
    """Say where the predictions are, and which frames could not be read."""
    lines = [_analysed_video(video) for video in analysed.videos]
    videos = [video.video for video in analysed.videos]
    following = (_with("plot-trajectories", project, videos), _with("create-labeled-video", project, videos))
    return Outcome(analysed, tuple(lines), following)


def tell_plotted(project: Path, videos: Sequence[str], plotted: PlottedTrajectories) -> Outcome:
    """Say where the figures are."""
    lines = tuple(f"Figures: {shorter(folder)}" for folder in plotted.folders)
    return Outcome(plotted, lines, (_with("create-labeled-video", project, list(videos)),))


def tell_labeled(labeled: LabeledVideos) -> Outcome:
    """Say where the videos are."""
    lines = [
        f"{'Exists already' if path in labeled.skipped else 'Labelled video'}: {shorter(path)}"
        for path in labeled.files
    ]
    if labeled.skipped:
        lines.append("To make a video again, add --overwrite.")
    return Outcome(labeled, tuple(lines))


def _of_shuffle(verb: str, project: Path, made: CreatedShuffle | TrainedNetwork) -> str:
    """Name the shuffle and the training fraction where they are not the first."""
    words: list[str] = []
    for option, value, default in (("shuffle", made.shuffle, 1), ("trainingsetindex", made.trainingsetindex, 0)):
        words += [f"--{option}", str(value)] if value != default else []
    return command(verb, project, *words)


def _with(verb: str, project: Path, videos: Sequence[str | os.PathLike[str]]) -> str:
    return command(verb, project, *videos)


def _checked_video(video: CheckedVideo) -> list[str]:
    lines = [f"{video.video}: {counted(video.images, 'picture')} in {shorter(video.folder)}"]
    if video.unlabelled:
        lines.append(f"  {counted(video.unlabelled, 'extracted frame')} without labels")
    lines += [f"  {part} has no label in {counted(count, 'frame')}" for part, count in video.missing.items()]
    lines += [f"  a label lies outside its frame: {place}" for place in video.outside]
    return lines


def _snapshot(row: EvaluatedSnapshot) -> list[str]:
    errors = row.errors
    likely = f"with likelihood {row.pcutoff:g} or more: {errors.train_pcutoff:.2f} and {errors.test_pcutoff:.2f} px"
    return [
        f"{row.scorer}: mean error {errors.train:.2f} px on {counted(row.train_frames, 'training frame')}, "
        f"{errors.test:.2f} px on {counted(row.test_frames, 'test frame')} ({likely})"
    ]


def _analysed_video(video: AnalysedVideo) -> str:
    files = ", ".join(shorter(path) for path in video.files)
    if video.skipped:
        return f"{video.video.name} had been analysed before: {files} (to do it again, add --overwrite)"
    speed = f"{counted(video.frame_count, 'frame')}, {video.frames_per_second:.1f} frames/s"
    damaged = f" ({counted(len(video.undecodable), 'damaged frame')} without predictions)" if video.undecodable else ""
    return f"{video.video.name}: {speed}{damaged}: {files}"

"""What people are told about analysed videos, and which command comes next."""

from collections.abc import Sequence
from pathlib import Path

from posecut_core.cli.task import Outcome, command, counted, shorter, spans
from posecut_core.video.gaps import gap_sentences
from posecut_core.workflow.analysing import AnalysedVideo, AnalysedVideos
from posecut_core.workflow.filtering import FilteredPredictions
from posecut_core.workflow.showing import LabeledVideos, PlottedTrajectories


def tell_analysed(project: Path, analysed: AnalysedVideos, *, options: Sequence[str] = ()) -> Outcome:
    """Say where the predictions are, and which frames could not be read; `options` say with which network."""
    lines = [_analysed_video(video) for video in analysed.videos]
    lines += [
        f"  {video.video.name}: frames without predictions, because they are damaged: {spans(video.undecodable)}"
        for video in analysed.videos
        if video.undecodable
    ]
    lines += [f"  {video.video.name}: {told}" for video in analysed.videos for told in gap_sentences(video.gaps)]
    words: list[str | Path] = [project, *(video.video for video in analysed.videos), *options]
    following = (command("plot-trajectories", *words), command("create-labeled-video", *words))
    return Outcome(analysed, tuple(lines), following)


def tell_filtered(
    project: Path, videos: Sequence[str], filtered: FilteredPredictions, *, options: Sequence[str]
) -> Outcome:
    """Say where the filtered predictions are; `options` lead to them."""
    lines = tuple(f"Filtered by {filtered.filtertype}: {shorter(path)}" for path in filtered.files)
    following = (command(verb, project, *videos, *options) for verb in ("plot-trajectories", "create-labeled-video"))
    return Outcome(filtered, lines, tuple(following))


def tell_plotted(
    project: Path, videos: Sequence[str], plotted: PlottedTrajectories, *, options: Sequence[str] = ()
) -> Outcome:
    """Say where the figures are; `options` say of which network."""
    lines = tuple(f"Figures: {shorter(folder)}" for folder in plotted.folders)
    return Outcome(plotted, lines, (command("create-labeled-video", project, *videos, *options),))


def tell_labeled(
    project: Path, videos: Sequence[str], labeled: LabeledVideos, *, options: Sequence[str] = ()
) -> Outcome:
    """Say where the videos are; where they show errors, the frames with these come next."""
    lines = [
        f"{'Exists already' if path in labeled.skipped else 'Labelled video'}: {shorter(path)}"
        for path in labeled.files
    ]
    if labeled.skipped:
        lines.append("To make a video again, add --overwrite.")
    return Outcome(labeled, tuple(lines), (command("extract-outlier-frames", project, *videos, *options),))


def _analysed_video(video: AnalysedVideo) -> str:
    files = ", ".join(shorter(path) for path in video.files)
    if video.skipped:
        return f"{video.video.name} had been analysed before: {files} (to do it again, add --overwrite)"
    speed = f"{counted(video.frame_count, 'frame')}, {video.frames_per_second:.1f} frames/s"
    return f"{video.video.name}: {speed}: {files}"

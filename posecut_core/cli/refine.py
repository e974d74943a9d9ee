"""Verbs that turn a network's errors into better labels."""

from functools import partial
from typing import Annotated

import typer

from posecut_core.cli.options import (
    ARDegree,
    Bodyparts,
    Config,
    ConfigAndVideos,
    Debug,
    DestFolder,
    Json,
    MADegree,
    Shuffle,
    Snapshot,
    TrainingSetIndex,
    VideoType,
    integers,
    project_and_videos,
    project_path,
    snapshot,
)
from posecut_core.cli.task import Outcome, Task, told
from posecut_core.progress import Report
from posecut_core.types import Algorithm, OutlierAlgorithm, Unreviewed


def extract_outlier_frames(
    config_and_videos: ConfigAndVideos,
    outlieralgorithm: Annotated[
        OutlierAlgorithm,
        typer.Option(
            "--outlieralgorithm",
            help="What makes a frame suspect, in one of the ways explained above: jump, uncertain, fitting, pca, "
            "disagreement, list or manual.",
        ),
    ] = "jump",
    epsilon: Annotated[float, typer.Option(min=0, help="Pixels. More finds fewer frames.")] = 20.0,
    p_bound: Annotated[float, typer.Option("--p-bound", min=0, max=1, help="Likelihood. More finds more frames.")]
    = 0.01,
    bodyparts: Bodyparts = None,
    number_of_frames: Annotated[
        int | None,
        typer.Option(min=1, help="Frames to extract per video. Default: numframes2pick in config.yaml.",
                     show_default=False),
    ] = None,
    extractionalgorithm: Annotated[
        Algorithm,
        typer.Option("--extractionalgorithm", help="Of the frames found, kmeans takes those that look different, "
                     "uniform takes them at random."),
    ] = "kmeans",
    yes: Annotated[bool, typer.Option("--yes", help="Extract without asking, as in scripts.")] = False,
    frames: Annotated[
        str | None,
        typer.Option(help="Frame numbers of one video for list and manual, as 5,10-12.", show_default=False),
    ] = None,
    other_shuffles: Annotated[
        str | None,
        typer.Option(help="For disagreement: shuffles whose networks to compare with, as 2,3. They must have analysed "
                     "the videos.", show_default=False),
    ] = None,
    other_snapshots: Annotated[
        str | None,
        typer.Option(help="For disagreement: snapshots of the same shuffle to compare with, by training steps.",
                     show_default=False),
    ] = None,
    ardegree: ARDegree = 3,
    madegree: MADegree = 1,
    alpha: Annotated[
        float,
        typer.Option(min=0, max=1, help="For fitting: blame the bodyparts outside the interval of probability 1 - "
                     "alpha."),
    ] = 0.01,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Another seed chooses others of the frames found. Default: seed in posecut.yaml.",
                     show_default=False),
    ] = None,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    snapshot_: Snapshot = None,
    destfolder: DestFolder = None,
    videotype: VideoType = "",
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Find frames in which the network seems to err, and extract some of them to label next.

    It tells how many it has found and asks before it extracts any; a table of all of them then lies beside the
    predictions.

    A frame is suspect if a bodypart moves farther than --epsilon since the frame before (jump); if a likelihood is
    below --p-bound (uncertain); if the bodyparts are on average farther than --epsilon from where a model of their
    movement expects them (fitting); if a bodypart is farther than --epsilon from any pose like the labelled ones
    (pca); if two networks place it farther apart than --epsilon (disagreement). Or choose --frames yourself: some of
    them are taken (list), or all (manual).

    Example: posecut extract-outlier-frames reaching-ada-2026-01-31 new-videos/mouse7.mp4 --epsilon 30
    """
    project, videos = project_and_videos(config_and_videos)
    chosen, numbers = snapshot(snapshot_), integers(frames, what="frame number")
    shuffles = integers(other_shuffles, what="shuffle") or ()
    snapshots = integers(other_snapshots, what="snapshot") or ()

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import asking, check_terminal, tell_outliers
        from posecut_core.refinement.candidates import Criteria
        from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames

        Criteria(outlieralgorithm, epsilon, p_bound, ardegree, madegree, alpha)  # a wrong word is told before all
        unasked = yes or outlieralgorithm == "manual"
        check_terminal(yes=unasked)
        run = partial(
            extract_outlier_frames,
            project,
            videos,
            outlieralgorithm,
            comparisonbodyparts=bodyparts,
            epsilon=epsilon,
            p_bound=p_bound,
            ARdegree=ardegree,
            MAdegree=madegree,
            alpha=alpha,
            extractionalgorithm=extractionalgorithm,
            frames=numbers,
            number_of_frames=number_of_frames,
            shuffle=shuffle,
            trainingsetindex=trainingsetindex,
            snapshot=chosen,
            other_shuffles=shuffles,
            other_snapshots=snapshots,
            destfolder=destfolder,
            videotype=videotype,
            seed=seed,
            confirm=None if unasked else asking(report),
            report=report,
        )
        return told(run, tell_outliers)

    return Task(work, "Frames of finished videos are kept; run the same command again for the others.")


def merge_datasets(
    config: Config = None,
    unreviewed: Annotated[
        Unreviewed,
        typer.Option(help="What becomes of drafts that no person has looked at: refuse lists them and does nothing, "
                     "accept makes labels of all, leave keeps them out of training."),
    ] = "refuse",
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Begin the next iteration, with the corrected labels beside the others.

    Training datasets and networks of an iteration have folders of their own; those before stay.

    Example: posecut merge-datasets reaching-ada-2026-01-31
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_merged_datasets
        from posecut_core.workflow.merge_datasets import merge_datasets

        return tell_merged_datasets(merge_datasets(project, unreviewed=unreviewed, report=report))

    return Task(work, "Run the same command again.")

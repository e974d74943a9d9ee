"""Verbs that use a trained network on videos, and the one that smooths their predictions."""

from functools import partial
from typing import Annotated

import typer

from posecut_core.cli.options import (
    ARDegree,
    BatchSize,
    Bodyparts,
    ConfigAndVideos,
    Debug,
    DestFolder,
    DlcNames,
    Json,
    MADegree,
    Overwrite,
    Shuffle,
    Snapshot,
    TrainingSetIndex,
    VideoType,
    project_and_videos,
    snapshot,
)
from posecut_core.cli.task import Outcome, Task, same_results, told
from posecut_core.progress import Report
from posecut_core.types import FilterType

# --- video verbs ------------------------------------------------------------------------------------------------------
# Verbs that use a trained network on videos.


Pcutoff = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Leave out points of lower likelihood. Default: pcutoff in config.yaml.",
                 show_default=False),
]  # fmt: skip
Colormap = Annotated[
    str | None,
    typer.Option(help="Colours of the bodyparts, a name of matplotlib's. Default: colormap in config.yaml.",
                 show_default=False),
]  # fmt: skip

Filtered = Annotated[bool, typer.Option("--filtered", help="Draw what filterpredictions wrote.")]


def analyze_videos(
    config_and_videos: ConfigAndVideos,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    save_as_csv: Annotated[bool, typer.Option("--save-as-csv", help="Write a .csv beside the .h5.")] = False,
    destfolder: DestFolder = None,
    videotype: VideoType = "",
    batch_size: BatchSize = None,
    overwrite: Overwrite = False,
    snapshot_: Snapshot = None,
    dlc_names: DlcNames = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Predict the bodyparts in every frame of videos.

    Example: posecut analyze-videos reaching-ada-2026-01-31 new-videos/ --save-as-csv
    """
    project, videos = project_and_videos(config_and_videos)
    chosen = snapshot(snapshot_)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_analysed
        from posecut_core.workflow.analyze_videos import analyze_videos

        run = partial(
            analyze_videos,
            project,
            videos,
            shuffle,
            trainingsetindex,
            save_as_csv=save_as_csv,
            destfolder=destfolder,
            videotype=videotype,
            batch_size=batch_size,
            overwrite=overwrite,
            snapshot=chosen,
            dlc_names=dlc_names,
            report=report,
        )
        options = same_results(shuffle, trainingsetindex, snapshot_, destfolder)
        return told(run, partial(tell_analysed, project, options=options))

    return Task(work, "The frames analysed so far are kept; run the same command again to go on from them.")


def plot_trajectories(
    config_and_videos: ConfigAndVideos,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    snapshot_: Snapshot = None,
    destfolder: DestFolder = None,
    videotype: VideoType = "",
    bodyparts: Bodyparts = None,
    pcutoff: Pcutoff = None,
    colormap: Colormap = None,
    filtered: Filtered = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Draw the predictions of analysed videos as figures.

    Example: posecut plot-trajectories reaching-ada-2026-01-31 new-videos/
    """
    project, videos = project_and_videos(config_and_videos)
    chosen = snapshot(snapshot_)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_plotted
        from posecut_core.workflow.plot_trajectories import plot_trajectories

        run = partial(
            plot_trajectories,
            project,
            videos,
            shuffle=shuffle,
            trainingsetindex=trainingsetindex,
            snapshot=chosen,
            destfolder=destfolder,
            videotype=videotype,
            bodyparts=bodyparts,
            pcutoff=pcutoff,
            colormap=colormap,
            filtered=filtered,
            report=report,
        )
        options = same_results(shuffle, trainingsetindex, snapshot_, destfolder)
        return told(run, partial(tell_plotted, project, videos, options=options))

    return Task(work)


def create_labeled_video(
    config_and_videos: ConfigAndVideos,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    snapshot_: Snapshot = None,
    destfolder: DestFolder = None,
    videotype: VideoType = "",
    bodyparts: Bodyparts = None,
    draw_skeleton: Annotated[bool, typer.Option("--draw-skeleton", help="Join bodyparts by config.yaml's skeleton.")]
    = False,
    trailpoints: Annotated[int, typer.Option(min=0, metavar="N",
                                          help="Earlier positions to show behind each point.")] = 0,
    pcutoff: Pcutoff = None,
    dotsize: Annotated[
        float | None,
        typer.Option(help="Diameter of the points in pixels. Default: dotsize in config.yaml.", show_default=False),
    ] = None,
    alphavalue: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Opacity of the points. Default: alphavalue in config.yaml.",
                     show_default=False),
    ] = None,
    colormap: Colormap = None,
    filtered: Filtered = False,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Write videos with the predictions drawn on them.

    Example: posecut create-labeled-video reaching-ada-2026-01-31 new-videos/mouse7.mp4 --draw-skeleton --trailpoints 10
    """
    project, videos = project_and_videos(config_and_videos)
    chosen = snapshot(snapshot_)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_labeled
        from posecut_core.workflow.plot_trajectories import create_labeled_video

        run = partial(
            create_labeled_video,
            project,
            videos,
            shuffle=shuffle,
            trainingsetindex=trainingsetindex,
            snapshot=chosen,
            destfolder=destfolder,
            videotype=videotype,
            bodyparts=bodyparts,
            draw_skeleton=draw_skeleton,
            trailpoints=trailpoints,
            pcutoff=pcutoff,
            dotsize=dotsize,
            alphavalue=alphavalue,
            colormap=colormap,
            filtered=filtered,
            overwrite=overwrite,
            report=report,
        )
        options = same_results(shuffle, trainingsetindex, snapshot_, destfolder)
        return told(run, partial(tell_labeled, project, videos, options=options))

    return Task(work)


# --- filter verb ------------------------------------------------------------------------------------------------------
# The verb that smooths predictions.


def filterpredictions(
    config_and_videos: ConfigAndVideos,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    filtertype: Annotated[
        FilterType,
        typer.Option("--filtertype", help="median of the frames around each frame, or arima: what a model of the "
                     "movement expects, which also bridges unlikely positions."),
    ] = "median",
    windowlength: Annotated[int, typer.Option("--windowlength", help="For median: an odd number of frames.")] = 5,
    p_bound: Annotated[
        float, typer.Option("--p-bound", min=0, max=1, help="For arima: bridge positions of lower likelihood.")
    ] = 0.001,
    ardegree: ARDegree = 3,
    madegree: MADegree = 1,
    snapshot_: Snapshot = None,
    destfolder: DestFolder = None,
    videotype: VideoType = "",
    dlc_names: DlcNames = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Smooth the predictions of analysed videos, into files beside them.

    Example: posecut filterpredictions reaching-ada-2026-01-31 new-videos/ --windowlength 7
    """
    project, videos = project_and_videos(config_and_videos)
    chosen = snapshot(snapshot_)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_filtered
        from posecut_core.workflow.filterpredictions import filterpredictions

        run = partial(
            filterpredictions,
            project,
            videos,
            shuffle,
            trainingsetindex,
            filtertype=filtertype,
            windowlength=windowlength,
            p_bound=p_bound,
            ARdegree=ardegree,
            MAdegree=madegree,
            snapshot=chosen,
            destfolder=destfolder,
            videotype=videotype,
            dlc_names=dlc_names,
            report=report,
        )
        options = (*same_results(shuffle, trainingsetindex, snapshot_, destfolder), "--filtered")
        return told(run, partial(tell_filtered, project, videos, options=options))

    return Task(work)

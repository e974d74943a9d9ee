"""Verbs that use a trained network on videos."""

from functools import partial
from typing import Annotated

import typer

from posecut_core.cli.options import (
    BatchSize,
    Bodyparts,
    ConfigAndVideos,
    Debug,
    DestFolder,
    DlcNames,
    Json,
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
        from posecut_core.cli.video_accounts import tell_analysed
        from posecut_core.workflow.analysing import analyze_videos

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
        from posecut_core.cli.video_accounts import tell_plotted
        from posecut_core.workflow.showing import plot_trajectories

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
        from posecut_core.cli.video_accounts import tell_labeled
        from posecut_core.workflow.showing import create_labeled_video

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

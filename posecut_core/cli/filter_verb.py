"""The verb that smooths predictions."""

from functools import partial
from typing import Annotated

import typer

from posecut_core.cli.options import (
    ARDegree,
    ConfigAndVideos,
    Debug,
    DestFolder,
    DlcNames,
    Json,
    MADegree,
    Shuffle,
    Snapshot,
    TrainingSetIndex,
    VideoType,
    project_and_videos,
    snapshot,
)
from posecut_core.cli.task import Outcome, Task, same_results, told
from posecut_core.progress import Report


def filterpredictions(
    config_and_videos: ConfigAndVideos,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    filtertype: Annotated[
        str,
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
        from posecut_core.cli.video_accounts import tell_filtered
        from posecut_core.workflow.filtering import filterpredictions

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

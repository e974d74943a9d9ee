"""Verbs from the project to checked labels."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from posecut_core.cli.options import (
    Config,
    Debug,
    DestFolder,
    Json,
    Shuffle,
    Snapshot,
    SomeVideos,
    TrainingSetIndex,
    integers,
    listed,
    pairs,
    project_and_videos,
    project_path,
    snapshot,
)
from posecut_core.cli.task import Outcome, Task, told
from posecut_core.progress import Report
from posecut_core.types import PLACEHOLDERS, Algorithm, Mode

_PLACEHOLDERS = ",".join(PLACEHOLDERS)

SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out videos that cannot be used, and take the others.")
]
Copy = Annotated[bool, typer.Option("--copy-videos", help="Copy the videos into the project instead of linking.")]


def create_new_project(
    project: Annotated[str, typer.Argument(help="Name of the task, such as reaching.", show_default=False)],
    experimenter: Annotated[str, typer.Argument(help="Name of the one who labels.", show_default=False)],
    videos: Annotated[
        list[str], typer.Argument(metavar="VIDEOS...", help="Video files, or folders of them.", show_default=False)
    ],
    working_directory: Annotated[Path, typer.Option(help="Where to make the project's folder.")] = Path("."),
    copy_videos: Copy = False,
    bodyparts: Annotated[
        str,
        typer.Option(
            help="What to track, separated by commas, a name with a comma in double quotes; may be changed in "
            "config.yaml until you label."
        ),
    ] = _PLACEHOLDERS,
    skeleton: Annotated[
        str, typer.Option(help="Bodyparts to join by lines in pictures, as snout:neck,neck:tailbase.")
    ] = "",
    skip_broken: SkipBroken = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Make a project's folder with links to its videos.

    Example: posecut create-new-project reaching ada videos/ --bodyparts snout,leftear,rightear,tailbase
    """
    names, bones = listed(bodyparts) or [], pairs(skeleton)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_created
        from posecut_core.workflow.create_project import create_new_project

        created = create_new_project(
            project,
            experimenter,
            videos,
            working_directory,
            copy_videos,
            bodyparts=names,
            skeleton=bones,
            skip_broken=skip_broken,
            report=report,
        )
        return tell_created(created, placeholders=bodyparts == _PLACEHOLDERS)

    return Task(work, "Nothing was created; run the same command again.")


def add_new_videos(
    config_and_videos: Annotated[
        list[str],
        typer.Argument(
            metavar="[CONFIG] VIDEOS...",
            help="The project's folder or config.yaml (may be left out inside the project's folder), then video files "
            "or folders of them.",
            show_default=False,
        ),
    ],
    copy_videos: Copy = False,
    skip_broken: SkipBroken = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Add videos to a project, at any time.

    Example: posecut add-new-videos reaching-ada-2026-01-31 more-videos/mouse7.mp4
    """
    project, videos = project_and_videos(config_and_videos)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_added
        from posecut_core.workflow.create_project import add_new_videos

        return tell_added(add_new_videos(project, videos, copy_videos, skip_broken=skip_broken, report=report))

    return Task(work, "No video was added; run the same command again.")


def extract_frames(
    config: Config = None,
    mode: Annotated[
        Mode, typer.Option(help="automatic, or manual: then give the frames' numbers with --frames.")
    ] = "automatic",
    algo: Annotated[
        Algorithm, typer.Option(help="kmeans takes frames that look different, uniform takes them at random times.")
    ] = "kmeans",
    crop: Annotated[bool, typer.Option("--crop", help="Keep only each video's crop in config.yaml.")] = False,
    video: SomeVideos = None,
    frames: Annotated[
        str | None,
        typer.Option(help="Take exactly these frames of one --video, as 5,10-12. Default: chosen by --algo.",
                     show_default=False),
    ] = None,
    number_of_frames: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Frames to choose per video. Default: numframes2pick in config.yaml.",
                     show_default=False),
    ] = None,
    step: Annotated[
        int, typer.Option(min=1, metavar="N", help="Let kmeans look at every so many frames; more is faster.")
    ] = 1,
    colour: Annotated[bool, typer.Option("--colour", help="Let kmeans compare colours, not only brightness.")] = False,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Another seed chooses other frames. Default: seed in posecut.yaml.",
                     show_default=False),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="First remove extracted frames that have no labels.")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Choose frames of every video for labelling.

    Example: posecut extract-frames reaching-ada-2026-01-31 --number-of-frames 30
    """
    project, numbers = project_path(config), integers(frames, what="frame number")

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_extracted
        from posecut_core.workflow.extract_frames import extract_frames

        extract = partial(
            extract_frames,
            project,
            mode,
            algo,
            crop,
            videos=video,
            frames=numbers,
            seed=seed,
            step=step,
            colour=colour,
            number_of_frames=number_of_frames,
            overwrite=overwrite,
            report=report,
        )
        return told(extract, tell_extracted)

    return Task(work, "Frames of finished videos are kept; run the same command again for the others.")


def check_labels(config: Config = None, video: SomeVideos = None, json: Json = False, debug: Debug = False) -> Task:
    """Draw the labels onto the frames, to see whether they are right.

    Example: posecut check-labels reaching-ada-2026-01-31
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_checked
        from posecut_core.workflow.check_labels import check_labels

        return tell_checked(check_labels(project, videos=video, report=report))

    return Task(work)


def export_deeplabcut(
    config: Config = None,
    video: SomeVideos = None,
    results: Annotated[
        list[str] | None,
        typer.Option("--results", help="Write the predictions of this analysed video, or of those in this folder, too, "
                     "under names that DeepLabCut finds; may be repeated.", show_default=False),
    ] = None,
    metadata: Annotated[
        bool,
        typer.Option("--metadata", help="With --results: write the _meta.pickle that DeepLabCut wants beside them."),
    ] = False,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    snapshot_: Snapshot = None,
    destfolder: DestFolder = None,
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Write the extracted frames as images, so that DeepLabCut can label and train on them, and results if named.

    Example: posecut export-deeplabcut reaching-ada-2026-01-31 --results new-videos/ --metadata
    """
    project = project_path(config)
    chosen = snapshot(snapshot_)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_exported
        from posecut_core.workflow.export_deeplabcut import export_deeplabcut

        run = partial(
            export_deeplabcut,
            project,
            videos=video,
            results=results,
            metadata=metadata,
            shuffle=shuffle,
            trainingsetindex=trainingsetindex,
            snapshot=chosen,
            destfolder=destfolder,
            report=report,
        )
        return told(run, tell_exported)

    return Task(work)

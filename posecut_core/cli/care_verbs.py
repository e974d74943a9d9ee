"""Verbs that take care of what is there: bodyparts, labels of other programs, and the project's health."""

from pathlib import Path
from typing import Annotated

import typer

from posecut_core.cli.options import Config, Debug, Json, SomeVideos, listed, pairs, project_path
from posecut_core.cli.task import Outcome, Task
from posecut_core.errors import ArgumentError
from posecut_core.progress import Report


def edit_bodyparts(
    config: Config = None,
    rename: Annotated[
        str, typer.Option(help="Old and new names, as nose:snout,tail:tailbase.", show_default=False)
    ] = "",
    add: Annotated[str, typer.Option(help="New bodyparts, separated by commas.", show_default=False)] = "",
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Rename bodyparts or add new ones, in config.yaml and in all labels; no label moves.

    Example: posecut edit-bodyparts reaching-ada-2026-01-31 --rename nose:snout --add tailtip
    """
    project, names, new = project_path(config), dict(pairs(rename)), listed(add) or []
    if not names and not new:
        raise ArgumentError("Nothing was asked for; give --rename OLD:NEW, or --add NAME.")

    def work(report: Report) -> Outcome:
        from posecut_core.cli.care_accounts import tell_edited
        from posecut_core.workflow.bodyparts import edit_bodyparts

        return tell_edited(edit_bodyparts(project, rename=names, add=new))

    return Task(work, "Run the same command again.")


def merge_labels(
    config: Config = None,
    take: Annotated[bool, typer.Option("--take", help="Take the changes over.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Write the files again as PoseCut has them; copies are kept.")
    ] = False,
    video: SomeVideos = None,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Show what other programs changed in the labels; take it over or discard it if you say so.

    Example: posecut merge-labels reaching-ada-2026-01-31 --take
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.care_accounts import tell_merged
        from posecut_core.workflow.merging import merge_labels

        return tell_merged(merge_labels(project, take=take, discard=discard, videos=video))

    return Task(work)


Video = Annotated[str, typer.Argument(metavar="VIDEO", help="Name of a project video.", show_default=False)]
Steps = Annotated[int, typer.Option(min=1, metavar="N", help="How many edits; what was done at once is one.")]
Project = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The project's folder or its config.yaml.", show_default=False)
]


def undo_labels(config: Project, video: Video, steps: Steps = 1, json: Json = False, debug: Debug = False) -> Task:
    """Take back the last edits of a video's labels.

    Example: posecut undo-labels reaching-ada-2026-01-31 mouse7 --steps 2
    """

    def work(report: Report) -> Outcome:
        from posecut_core.cli.care_accounts import tell_undone
        from posecut_core.workflow.undoing import undo_labels

        return tell_undone(undo_labels(config, video, steps=steps))

    return Task(work)


def redo_labels(config: Project, video: Video, steps: Steps = 1, json: Json = False, debug: Debug = False) -> Task:
    """Make the edits of labels again that were taken back last.

    Example: posecut redo-labels reaching-ada-2026-01-31 mouse7
    """

    def work(report: Report) -> Outcome:
        from posecut_core.cli.care_accounts import tell_undone
        from posecut_core.workflow.undoing import redo_labels

        return tell_undone(redo_labels(config, video, steps=steps))

    return Task(work)


def doctor(
    config: Config = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Rebuild damaged journals, sweep what crashes left; copies are kept.")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Check labels, frames, videos, networks and settings, and say what is wrong and how to mend it.

    The exit code is 0 if nothing is wrong, or all of it was mended, and 1 if not.

    Example: posecut doctor reaching-ada-2026-01-31
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.care_accounts import tell_diagnosis
        from posecut_core.workflow.doctoring import doctor

        return tell_diagnosis(doctor(project, mend=mend, report=report))

    return Task(work)

"""The verbs put together, in the order of the workflow."""

from collections.abc import Callable
from typing import Annotated

import typer

from posecut_core import __version__
from posecut_core.cli import (
    care_verbs,
    demo_verb,
    filter_verb,
    label_verb,
    network_verbs,
    project_verbs,
    refinement_verbs,
    video_verbs,
)
from posecut_core.cli.task import Task

_HELP = """PoseCut follows the bodyparts of animals in video: you label some frames, it learns to find the rest.

The verbs below are in the order in which you use them; each tells you which one comes next. To see all of them at work
on a drawn mouse, run: posecut demo"""

app = typer.Typer(
    name="posecut",
    help=_HELP,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def posecut(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Show the version and exit.",
                                          callback=lambda wanted: _show_version(wanted))] = False,
) -> None:  # fmt: skip
    """Hold the options of the program itself; its help is the app's."""


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"posecut {__version__}")
        raise typer.Exit
    return wanted


_PANELS: dict[str, tuple[Callable[..., Task], ...]] = {
    "Begin": (demo_verb.demo, project_verbs.create_new_project, project_verbs.add_new_videos),
    "Label": (
        *(project_verbs.extract_frames, label_verb.label, project_verbs.check_labels),
        *(project_verbs.export_deeplabcut, care_verbs.edit_bodyparts, care_verbs.merge_labels),
        *(care_verbs.undo_labels, care_verbs.redo_labels),
    ),
    "Train": (
        *(network_verbs.create_training_dataset, network_verbs.train_network),
        *(network_verbs.evaluate_network, network_verbs.cross_validate),
    ),
    "Use": (
        *(video_verbs.analyze_videos, filter_verb.filterpredictions),
        *(video_verbs.plot_trajectories, video_verbs.create_labeled_video),
    ),
    "Refine": (refinement_verbs.extract_outlier_frames, refinement_verbs.merge_datasets),
    "Care": (care_verbs.doctor,),
}
for _panel, _verbs in _PANELS.items():
    for _verb in _verbs:
        app.command(_verb.__name__.replace("_", "-"), rich_help_panel=_panel)(_verb)

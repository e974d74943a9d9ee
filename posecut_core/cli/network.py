"""Verbs that make, train and judge a network."""

from typing import Annotated

import typer

from posecut_core.cli.options import (
    BatchSize,
    Bodyparts,
    Config,
    Debug,
    Json,
    Shuffle,
    TrainingSetIndex,
    integers,
    project_path,
    snapshots,
)
from posecut_core.cli.task import Outcome, Task
from posecut_core.progress import Report

_GOES_ON = "Each snapshot that was written is kept; run the same command again to go on."


def create_training_dataset(
    config: Config = None,
    num_shuffles: Annotated[int, typer.Option(min=1, metavar="N", help="How many random splits to make.")] = 1,
    shuffles: Annotated[
        str | None,
        typer.Option(help="Numbers for these splits, as 1,2,3. Default: the next free ones.", show_default=False),
    ] = None,
    net_type: Annotated[
        str | None,
        typer.Option(
            help="resnet_18, 34, 50, 101 or 152; small ones are fast. Default: as in the iteration before; "
            "in the first one default_net_type in config.yaml.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Another seed splits otherwise. Default: seed in posecut.yaml.", show_default=False
        ),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Split the labelled frames into frames to train on and frames to test on.

    The settings of each training, what weights it begins with among them, are then in a file to edit.

    Example: posecut create-training-dataset reaching-ada-2026-01-31
    """
    project, chosen = project_path(config), integers(shuffles, what="shuffle")

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_dataset
        from posecut_core.workflow.create_training_dataset import create_training_dataset

        dataset = create_training_dataset(
            project, num_shuffles, shuffles=chosen, net_type=net_type, seed=seed, report=report
        )
        return tell_dataset(project, dataset)

    return Task(work)


def train_network(
    config: Config = None,
    shuffle: Shuffle = 1,
    trainingsetindex: TrainingSetIndex = 0,
    maxiters: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default=False,
                     help="Stop after this many steps. Default: as the training settings say."),
    ] = None,
    displayiters: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default=False,
                     help="Log the loss every so many steps. Default: as the training settings say."),
    ] = None,
    saveiters: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default=False,
                     help="Write a snapshot every so many steps. Default: as the training settings say."),
    ] = None,
    max_snapshots_to_keep: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default=False,
                     help="Delete older snapshots than so many. Default: as the training settings say."),
    ] = None,
    gputouse: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", show_default=False,
                     help="Train on this device only, counted from 0. Default: on all, where batch_size divides by "
                     "their number."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="WEIGHTS", show_default=False,
                     help="What a new training begins with: imagenet, which is weights fetched once and then on this "
                     "computer; random; previous, which is the last network of an earlier iteration; or a "
                     ".safetensors file of a ResNet. Default: as the training settings say, which is imagenet."),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Train the network; interrupt it with Ctrl-C and start it again as you like.

    The shuffle's settings.yaml keeps what is given here, so that a later call goes on in the same way.

    Example: posecut train-network reaching-ada-2026-01-31 --maxiters 5000
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_trained
        from posecut_core.workflow.train_network import train_network

        trained = train_network(
            project,
            shuffle,
            trainingsetindex,
            maxiters=maxiters,
            displayiters=displayiters,
            saveiters=saveiters,
            max_snapshots_to_keep=max_snapshots_to_keep,
            gputouse=gputouse,
            weights=weights,
            report=report,
        )
        return tell_trained(project, trained)

    return Task(work, _GOES_ON)


def evaluate_network(
    config: Config = None,
    shuffle: Annotated[str, typer.Option(help="Which shuffles, as 1 or 1,2,3.")] = "1",
    plotting: Annotated[bool, typer.Option("--plotting", help="Draw labels and predictions on every frame.")] = False,
    trainingsetindex: TrainingSetIndex = 0,
    snapshots_: Annotated[
        str | None,
        typer.Option("--snapshots", help="Numbers of training steps, 'last' or 'all'. Default: as snapshotindex in "
                     "config.yaml says.", show_default=False),
    ] = None,
    bodyparts: Bodyparts = None,
    batch_size: BatchSize = None,
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Measure how far the predictions are from the labels, on training and on test frames.

    Example: posecut evaluate-network reaching-ada-2026-01-31 --plotting
    """
    project = project_path(config)
    shuffles, steps = integers(shuffle, what="shuffle"), snapshots(snapshots_)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_evaluated
        from posecut_core.workflow.evaluate_network import evaluate_network

        evaluation = evaluate_network(
            project,
            shuffles or (1,),
            plotting,
            trainingsetindex=trainingsetindex,
            snapshots=steps,
            bodyparts=bodyparts,
            batch_size=batch_size,
            report=report,
        )
        return tell_evaluated(project, evaluation, trainingsetindex=trainingsetindex)

    return Task(work)


def cross_validate(
    config: Config = None,
    splits: Annotated[int, typer.Option(min=2, metavar="N", help="How many random splits.")] = 3,
    leave_one_video_out: Annotated[
        bool,
        typer.Option("--leave-one-video-out", help="Split by videos: each one tests what the others have taught."),
    ] = False,
    trainingsetindex: TrainingSetIndex = 0,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", show_default=False,
                     help="Seed of the first split. Default: that of shuffle 1."),
    ] = None,
    net_type: Annotated[
        str | None,
        typer.Option(help="As for create-training-dataset.", show_default=False),
    ] = None,
    maxiters: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default=False,
                     help="Training steps of each split. Default: as the training settings say."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="WEIGHTS", help="As for train-network.", show_default=False),
    ] = None,
    batch_size: BatchSize = None,
    json: Json = False,
    debug: Debug = False,
) -> Task:  # fmt: skip
    """Train and evaluate on several splits: mean, spread and confidence interval of the test error.

    It takes as long as that many trainings. Example: posecut cross-validate reaching-ada-2026-01-31 --splits 5
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_cross_validated
        from posecut_core.workflow.cross_validate import cross_validate

        result = cross_validate(
            project,
            splits=splits,
            leave_one_video_out=leave_one_video_out,
            trainingsetindex=trainingsetindex,
            seed=seed,
            net_type=net_type,
            maxiters=maxiters,
            weights=weights,
            batch_size=batch_size,
            report=report,
        )
        return tell_cross_validated(project, result)

    return Task(work, _GOES_ON)

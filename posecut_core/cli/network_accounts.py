"""What people are told about training datasets, training and errors, and which command comes next."""

import math
from pathlib import Path

from posecut_core.cli.task import Outcome, command, counted, differing, shorter
from posecut_core.workflow.cross_validation import CrossValidation, ValidatedFold
from posecut_core.workflow.datasets import CreatedDataset, CreatedShuffle
from posecut_core.workflow.evaluating import EvaluatedSnapshot, Evaluation
from posecut_core.workflow.training import TrainedNetwork

_SUSPECTS = 3  # frames that are named; --json has all
_MUCH = 2.0  # times the training error: more is said to be much above it


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
    lines = [done, f"Snapshot: {shorter(trained.snapshot)}", f"Losses: {shorter(trained.log)}"]
    lines += _skipped(trained)
    lines += [f"Damaged, set aside and not used: {shorter(path)}" for path in trained.damaged]
    return Outcome(trained, tuple(lines), (_of_shuffle("evaluate-network", project, trained),))


def _skipped(trained: TrainedNetwork) -> list[str]:
    """Say how many steps could not be taken, and which frames to look at."""
    if not trained.skipped:
        return []
    frames = ", ".join(f"frame {frame.number} of {frame.video}" for frame in trained.suspects[:_SUSPECTS])
    return [f"{counted(len(trained.skipped), 'step')} gave no finite loss and changed nothing; look at {frames}."]


def tell_evaluated(project: Path, evaluation: Evaluation, *, trainingsetindex: int = 0) -> Outcome:
    """Say the errors of each snapshot."""
    lines = [line for row in evaluation.rows for line in _snapshot(row)]
    lines.append(f"Tables: {shorter(evaluation.combined_csv.parent)}")
    lines += [f"All on one page: {shorter(path)}" for path in dict.fromkeys(row.report for row in evaluation.rows)]
    lines += map(_verdict, evaluation.rows[-1:])
    last = evaluation.rows[-1].shuffle if evaluation.rows else 1
    words = differing(shuffle=(last, 1), trainingsetindex=(trainingsetindex, 0))
    return Outcome(evaluation, tuple(lines), (command("analyze-videos", project, "VIDEOS", *words),))


def tell_cross_validated(project: Path, result: CrossValidation) -> Outcome:
    """Say the error of each split, then what they say together."""
    test = result.test
    together = f"Test error over {counted(test.count, 'split')}: mean {_pixels(test.mean)}"
    if test.count > 1:
        together += (
            f", standard deviation {test.sd:.2f} px, {100 * result.confidence:g}% confidence interval of the mean "
            f"{test.low:.2f} to {test.high:.2f} px (Student's t, corrected for training frames that splits share)"
        )
    lines = (*map(_fold, result.folds), f"{together}.", f"Table: {shorter(result.table)}")
    return Outcome(result, lines, (command("analyze-videos", project, "VIDEOS"),))


def _fold(fold: ValidatedFold) -> str:
    return (
        f"{fold.name} (shuffle {fold.shuffle}): {_pixels(fold.test_error)} on "
        f"{counted(fold.test_frames, 'test frame')}, {_pixels(fold.train_error)} on "
        f"{counted(fold.train_frames, 'training frame')}"
    )


def _of_shuffle(verb: str, project: Path, made: CreatedShuffle | TrainedNetwork) -> str:
    """Name the shuffle and the training fraction where they are not the first, and a network to begin with."""
    words = differing(shuffle=(made.shuffle, 1), trainingsetindex=(made.trainingsetindex, 0))
    begin = ("--weights", "previous") if isinstance(made, CreatedShuffle) and made.previous else ()
    return command(verb, project, *words, *begin)


def _snapshot(row: EvaluatedSnapshot) -> list[str]:
    errors = row.errors
    both = (errors.train_pcutoff, errors.test_pcutoff)
    known = " and ".join(map(_pixels, both[:1] if all(map(math.isnan, both)) else both))
    likely = f"with likelihood {row.pcutoff:g} or more: {known}"
    left_out = f"; not measured: {', '.join(row.left_out)}"
    frames = counted(row.validation_frames, "frame")
    validated = f", {_pixels(errors.validation)} on {frames} that validated" if row.validation_frames else ""
    covered = [f"{row.scorer}: these errors are those of {', '.join(row.bodyparts)}{left_out}."] if row.left_out else []
    return [
        f"{row.scorer}: mean error {_pixels(errors.train)} on {counted(row.train_frames, 'training frame')}, "
        f"{_pixels(errors.test)} on {counted(row.test_frames, 'test frame')}{validated} ({likely})",
        *covered,
        f"{row.scorer}: {_likelihood(row)}",
    ]


def _pixels(error: float) -> str:
    return "unknown for want of such points" if math.isnan(error) else f"{error:.2f} px"


def _verdict(row: EvaluatedSnapshot) -> str:
    """Say whether the network is ready for videos, by its errors."""
    train, test, within = row.errors.train, row.errors.test, row.calibration.within
    if math.isnan(test):
        return (
            "No label of a test frame could be measured, so nothing is known about new frames; label more frames, or "
            "lower TrainingFraction in config.yaml, and create another training dataset."
        )
    if test > within:
        return (
            f"The test error is above {within:g} px (pos_dist_thresh), beyond which a prediction counts as wrong: the "
            "network is not ready; check the labels, train longer (posecut train-network --maxiters) or label more "
            "frames."
        )
    if math.isnan(row.errors.train_pcutoff) and math.isnan(row.errors.test_pcutoff):
        return (
            f"No prediction reaches the pcutoff of {row.pcutoff:g}, so that figures and labelled videos would show "
            "nothing: the network is not ready; train longer (posecut train-network --maxiters)."
        )
    if test > _MUCH * train:
        return (
            f"The test error is more than {_MUCH:g} times the training error: the network knows its training frames "
            "better than new ones; label more frames before you rely on it."
        )
    return (
        "The test error is not much above the training error: if it is exact enough, the network is ready for videos."
    )


def _likelihood(row: EvaluatedSnapshot) -> str:
    found = row.calibration
    if not found.points:
        return "no test frame has points to judge likelihoods by."
    judged = (
        f"expected calibration error {found.expected_error:.3f}; {found.points_right} of {found.points} predictions on "
        f"test frames within {found.within:g} px of the label"
    )
    if math.isnan(found.suggested_pcutoff):
        return f"{judged}; they give no reason for another pcutoff than {row.pcutoff:g}."
    return (
        f"{judged}; a pcutoff of {found.suggested_pcutoff:.2f} divides them best from the others (config.yaml has "
        f"{row.pcutoff:g}; it is yours to change)."
    )

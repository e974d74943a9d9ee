"""What is printed of each verb's result, and which command comes next; and the prompt of extract-outlier-frames."""

import dataclasses
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from posecut_core.cli.program import duration
from posecut_core.cli.task import Outcome, command, command_of, counted, differing, same_results, shorter, spans
from posecut_core.cli.verbs import ClosedWindow
from posecut_core.demo.run import DemoResult, RefinedDemo, StepTime
from posecut_core.errors import ArgumentError, VideoError
from posecut_core.health import Finding
from posecut_core.health.doctor import Diagnosis
from posecut_core.inference.video import AnalyzedVideo
from posecut_core.progress import Notice, Report
from posecut_core.refinement.candidates import Criteria
from posecut_core.video.index import gap_sentences
from posecut_core.workflow.analyze_videos import AnalyzedVideos
from posecut_core.workflow.check_labels import CheckedLabels, CheckedVideo
from posecut_core.workflow.create_project import AddedVideos, CreatedProject, SkippedVideo
from posecut_core.workflow.create_training_dataset import CreatedDataset, CreatedShuffle
from posecut_core.workflow.cross_validate import CrossValidation, ValidatedFold
from posecut_core.workflow.edit_bodyparts import EditedBodyparts
from posecut_core.workflow.evaluate_network import EvaluatedSnapshot, Evaluation
from posecut_core.workflow.export_deeplabcut import ExportedImages
from posecut_core.workflow.extract_frames import ExtractedFrames, ExtractedVideo
from posecut_core.workflow.extract_outlier_frames import Confirm, ExtractedOutliers, FoundOutliers, OutlierVideo
from posecut_core.workflow.filterpredictions import FilteredPredictions
from posecut_core.workflow.merge_datasets import MergedDatasets
from posecut_core.workflow.merge_labels import MergedLabels
from posecut_core.workflow.plot_trajectories import LabeledVideos, PlottedTrajectories
from posecut_core.workflow.train_network import TrainedNetwork
from posecut_core.workflow.undo_labels import UndoneLabels

# --- outcomes ---------------------------------------------------------------------------------------------------------
# What is said of each verb's result.


def outcome_of(verb: str, result: Any, given: Mapping[str, Any]) -> Outcome:
    """Say what a verb did and which command comes next.

    Args:
        verb: the verb.
        result: what its step returned.
        given: the arguments of the step.
    """
    return _OUTCOMES[verb](result, given)


def _of_window(window: ClosedWindow, given: Mapping[str, Any]) -> Outcome:
    following = (command("check-labels", window.project),) if window.project and not window.exit_code else ()
    return Outcome(window, window.summary(), following, exit_code=window.exit_code)


# --- project accounts -------------------------------------------------------------------------------------------------
# What people are told about projects, frames and labels, and which command comes next.


def tell_created(created: CreatedProject, *, placeholders: bool) -> Outcome:
    """Say where the project is."""
    root = created.config_path.parent
    videos = counted(len(created.videos), "video")
    done = (
        f"Created the project {shorter(root)} with {videos}."
        if created.created
        else f"The project {shorter(root)} exists already, with {videos}; it was left as it was."
    )
    if created.ignored:
        done += (
            f" Not taken over: {', '.join(created.ignored)}; edit {shorter(created.config_path)} or, for videos, use "
            "posecut add-new-videos."
        )
    edit = (f"Before you go on, name your bodyparts in {shorter(created.config_path)}.",)
    lines = (done, *_skipped(created.skipped), *(edit if placeholders and created.created else ()))
    return Outcome(created, lines, (command("extract-frames", root),))


def tell_added(added: AddedVideos) -> Outcome:
    """Say which videos are new."""
    lines = [f"Added {shorter(path)}." for path in added.added]
    lines += [f"{shorter(path)} was in the project already." for path in added.already_there]
    lines += _skipped(added.skipped)
    return Outcome(added, tuple(lines), (command("extract-frames", added.config_path.parent),))


def _skipped(videos: Sequence[SkippedVideo]) -> list[str]:
    """Name the videos that were left out on request."""
    reasons = [one.reason if one.video in one.reason else f"{one.video}: {one.reason}" for one in videos]
    return [f"Left out: {reason}" for reason in reasons]


def tell_extracted(extracted: ExtractedFrames) -> Outcome:
    """Say how many frames each video has."""
    lines = [
        f"{one.video}: {counted(len(one.added), 'new frame')}, {len(one.frames)} in all, in {shorter(one.store)}"
        for one in extracted.videos
    ]
    lines += [line for one in extracted.videos for line in _doubts(one)]
    root = extracted.config_path.parent
    if not any(video.added or video.known for video in extracted.videos):
        lines.append("No frame could be extracted: none of those that were asked for can be read.")
        return Outcome(extracted, tuple(lines), exit_code=VideoError.exit_code)
    if not any(video.added for video in extracted.videos):
        others = "" if extracted.algorithm == "given" else "; for others, choose another --seed"
        lines.append(f"The frames that were chosen had been extracted before{others}.")
    if all(video.labelled == len(video.added) + video.known for video in extracted.videos):
        lines.append("All of them are labelled already.")
    else:
        lines.append("Now label them, in the window or, after posecut export-deeplabcut, in DeepLabCut.")
    return Outcome(extracted, tuple(lines), (command("label", root), command("check-labels", root)))


def _doubts(one: ExtractedVideo) -> list[str]:
    """Say what a video did not give."""
    lines = [f"  {one.video}: left out because they are damaged: {spans(one.damaged)}"] if one.damaged else []
    if one.short:
        lines.append(
            f"  {one.video}: {counted(one.short, 'frame')} fewer than asked for, because no more can be read "
            "between start and stop of config.yaml"
        )
    return lines + [f"  {one.video}: {sentence}" for sentence in gap_sentences(one.gaps)]


def tell_exported(exported: ExportedImages) -> Outcome:
    """Say where the images are."""
    lines = [
        f"{video.video}: {counted(video.written, 'new image')} in {shorter(video.folder)}" for video in exported.videos
    ]
    lines += [f"Results: {shorter(path)}" for path in exported.results]
    if exported.placeholder:
        lines.append(f"DeepLabCut finds them by {shorter(exported.placeholder)}, which holds no network.")
    lines.append("DeepLabCut opens the project by its config.yaml. Once the frames are labelled:")
    return Outcome(exported, tuple(lines), (command("check-labels", exported.config_path.parent),))


def tell_checked(checked: CheckedLabels) -> Outcome:
    """Say where the pictures are, and what a person should look at."""
    lines = [line for video in checked.videos for line in _checked_video(video)]
    lines.append("Look at the pictures; correct the labels where they are wrong.")
    return Outcome(checked, tuple(lines), (command("create-training-dataset", checked.config_path.parent),))


def _checked_video(video: CheckedVideo) -> list[str]:
    lines = [f"{video.video}: {counted(video.images, 'picture')} in {shorter(video.folder)}"]
    if video.unlabelled:
        lines.append(f"  {counted(video.unlabelled, 'extracted frame')} without labels")
    if video.drafts:
        lines.append(f"  {counted(video.drafts, 'draft')} of labels, drawn as x: not used for training before review")
    lines += [f"  {part} has no label in {counted(count, 'frame')}" for part, count in video.missing.items()]
    lines += [f"  a label lies outside its frame: {place}" for place in video.outside]
    lines += [f"  a label at (0, 0), for 'not visible', is left out of training: {place}" for place in video.invisible]
    return lines


# --- network accounts -------------------------------------------------------------------------------------------------
# What people are told about training datasets, training and errors, and which command comes next.


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
        done = f"The network was already trained for {trained.last_step} steps; for more, give a larger --maxiters."
    else:
        begin = f", from the snapshot of step {trained.first_step}" if trained.first_step else ""
        done = f"Trained to step {trained.last_step}{begin}; loss {trained.loss:.4f}."
    lines = [done, f"Snapshot: {shorter(trained.snapshot)}", f"Losses: {shorter(trained.log)}"]
    lines += _skipped_steps(trained)
    lines += [f"Damaged, moved aside and not used: {shorter(path)}" for path in trained.damaged]
    return Outcome(trained, tuple(lines), (_of_shuffle("evaluate-network", project, trained),))


def _skipped_steps(trained: TrainedNetwork) -> list[str]:
    """Say how many steps could not be taken, and which frames to look at."""
    if not trained.skipped:
        return []
    frames = ", ".join(f"frame {frame.number} of {frame.video}" for frame in trained.suspects[:_SUSPECTS])
    return [f"{counted(len(trained.skipped), 'step')} had no finite loss and were skipped; check {frames}."]


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
            f"{test.low:.2f} to {test.high:.2f} px (Student's t, corrected for training frames shared by splits)"
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
    return "n/a (no labelled points)" if math.isnan(error) else f"{error:.2f} px"


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
            f"No prediction reaches the pcutoff of {row.pcutoff:g}, so figures and labelled videos would be empty: "
            "the network is not ready; train longer (posecut train-network --maxiters)."
        )
    if test > _MUCH * train:
        return (
            f"The test error is more than {_MUCH:g} times the training error: the network overfits its training "
            "frames; label more frames before you rely on it."
        )
    return (
        "The test error is not much above the training error: if it is accurate enough, the network is ready for "
        "videos."
    )


def _likelihood(row: EvaluatedSnapshot) -> str:
    found = row.calibration
    if not found.points:
        return "no test frame has points for judging likelihoods."
    judged = (
        f"expected calibration error {found.expected_error:.3f}; {found.points_right} of {found.points} predictions on "
        f"test frames within {found.within:g} px of the label"
    )
    if math.isnan(found.suggested_pcutoff):
        return f"{judged}; they suggest no other pcutoff than {row.pcutoff:g}."
    return (
        f"{judged}; a pcutoff of {found.suggested_pcutoff:.2f} separates them best from the others (config.yaml has "
        f"{row.pcutoff:g}; change it there if you like)."
    )


# --- video accounts ---------------------------------------------------------------------------------------------------
# What people are told about analysed videos, and which command comes next.


def tell_analyzed(project: Path, analysed: AnalyzedVideos, *, options: Sequence[str] = ()) -> Outcome:
    """Say where the predictions are, and which frames could not be read; `options` say with which network."""
    lines = [_analysed_video(video) for video in analysed.videos]
    lines += [
        f"  {video.video.name}: frames without predictions, because they are damaged: {spans(video.undecodable)}"
        for video in analysed.videos
        if video.undecodable
    ]
    lines += [f"  {video.video.name}: {told}" for video in analysed.videos for told in gap_sentences(video.gaps)]
    lines += [f"  {video.video.name}: {video.tracking.sentence()}" for video in analysed.videos if video.tracking]
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


def _analysed_video(video: AnalyzedVideo) -> str:
    files = ", ".join(shorter(path) for path in video.files)
    if video.skipped:
        return f"{video.video.name} had been analysed before: {files} (to do it again, add --overwrite)"
    speed = f"{counted(video.frame_count, 'frame')}, {video.frames_per_second:.1f} frames/s"
    return f"{video.video.name}: {speed}: {files}"


# --- refinement accounts ----------------------------------------------------------------------------------------------
# What people are told about outliers, and which command comes next.


def tell_outliers(extracted: ExtractedOutliers) -> Outcome:
    """Say how many frames were found and extracted, and where their table and drafts are."""
    root = extracted.config_path.parent
    lines = [line for video in extracted.videos for line in _outlier_video(video)]
    if not any(video.added for video in extracted.videos):
        if any(video.confirmed for video in extracted.videos):
            lines.append("To find more frames, change --epsilon or --p-bound, or try another --outlieralgorithm.")
        damaged = any(video.damaged for video in extracted.videos)
        return Outcome(extracted, tuple(lines), exit_code=VideoError.exit_code if damaged else 0)
    lines.append("Now correct the drafts: they are not used for training before review.")
    return Outcome(extracted, tuple(lines), (command("label", root), command("merge-datasets", root)))


def tell_merged_datasets(merged: MergedDatasets) -> Outcome:
    """Say which iteration begins, with how many frames, and what became of drafts."""
    root = merged.config_path.parent
    begins = "has begun already and has no training dataset yet" if merged.begun_before else "begins"
    lines = [f"Iteration {merged.iteration} {begins}, with {counted(merged.labelled_frames, 'labelled frame')}."]
    if merged.accepted:
        lines.append(f"{counted(merged.accepted, 'draft')} became labels without review, as requested.")
    if merged.left:
        lines.append(f"{counted(merged.left, 'draft')} stay drafts and are not trained on.")
    train = command("train-network", root, "--weights", "previous")
    return Outcome(merged, tuple(lines), (command("create-training-dataset", root), train))


def _outlier_video(video: OutlierVideo) -> list[str]:
    found = f"{video.video.name}: {video.candidates} of {counted(video.looked_at, 'frame')} found"
    if not video.confirmed:
        return [found, "  canceled: nothing was extracted or written"]
    lines = [f"{found}, all in {shorter(video.table)}"]
    if video.added:
        lines.append(f"  {counted(len(video.added), 'new frame')}, with {counted(video.drafts, 'draft')} of labels")
    elif not video.damaged:
        lines.append(
            "  none was extracted: the project has them all" if video.candidates else "  so there is nothing to extract"
        )
    if video.damaged:
        none = "" if video.added else "none was extracted: "
        lines.append(f"  {none}left out because they are damaged: {spans(video.damaged)}")
    return lines


# --- care accounts ----------------------------------------------------------------------------------------------------
# What people are told about bodyparts, labels of other programs, and the project's health.


_SHOWN = 20  # changes per video; --json has all


def tell_edited(edited: EditedBodyparts) -> Outcome:
    """Say which bodyparts there are now."""
    lines = [f"{old} is now called {new}." for old, new in edited.renamed.items()]
    lines += [f"Added {name}; in frames labelled so far it is not annotated." for name in edited.added]
    lines.append(f"The bodyparts are {', '.join(edited.bodyparts)}.")
    return Outcome(edited, tuple(lines))


def tell_merged(merged: MergedLabels) -> Outcome:
    """Say what other programs changed, and what became of it."""
    root = merged.config_path.parent
    if not merged.videos:
        return Outcome(merged, ("No other program changed the labels.",), (command("check-labels", root),))
    lines = []
    for video in merged.videos:
        changes = counted(len(video.changes), "change") if video.changes else "changes that cannot be read"
        lines.append(f"{video.video}: {changes}, {merged.decision}")
        lines += [f"  {change}" for change in video.changes[:_SHOWN]]
        lines += [f"  and {len(video.changes) - _SHOWN} more"] * (len(video.changes) > _SHOWN)
        lines += [f"  {video.obstacle}"] * bool(video.obstacle)
        lines += [f"  the previous file is kept as {shorter(path)}" for path in video.copies]
    if merged.decision == "shown":
        words = ("--discard",) if any(video.obstacle for video in merged.videos) else ("--take", "--discard")
        return Outcome(merged, tuple(lines), tuple(command("merge-labels", root, word) for word in words))
    return Outcome(merged, tuple(lines), (command("check-labels", root),))


def tell_undone(undone: UndoneLabels) -> Outcome:
    """Say what the labels are now, and how far one can go back and forth."""
    root = undone.config_path.parent
    lines = list(undone.changes[:_SHOWN])
    lines += [f"and {len(undone.changes) - _SHOWN} more changes"] * (len(undone.changes) > _SHOWN)
    left = f"{counted(undone.undoable, 'edit')} can still be undone, {undone.redoable} redone"
    following = [command("undo-labels", root, undone.video)] if undone.undoable else []
    following += [command("redo-labels", root, undone.video)] if undone.redoable else []
    return Outcome(undone, (*lines, f"{undone.video}: {left}."), tuple(following))


def tell_diagnosis(diagnosis: Diagnosis) -> Outcome:
    """Say what is wrong; the exit code says whether anything is left."""
    root = diagnosis.config_path.parent
    lines = [
        line
        for finding in diagnosis.findings
        for line in (
            f"{_kind(finding)}{finding.problem}",
            *(f"  {command_of(remedy)}" for remedy in finding.remedies if not finding.mended),
        )
    ]
    checked = ", ".join(f"{number} {what}" for what, number in diagnosis.checked.items())
    left = sum(not (finding.mended or finding.harmless) for finding in diagnosis.findings)
    verdict = f"{counted(left, 'problem')} left" if left else "nothing is wrong"
    lines.append(f"Checked {checked}: {verdict}.")
    mendable = any(finding.mendable for finding in diagnosis.findings)
    following = (command("doctor", root, "--mend"),) if mendable and not diagnosis.mend else ()
    return Outcome(diagnosis, tuple(lines), following, exit_code=0 if diagnosis.sound else 1)


def _kind(finding: Finding) -> str:
    if finding.mended:
        return "Mended: "
    return "To know: " if finding.harmless else ""


# --- demo accounts ----------------------------------------------------------------------------------------------------
# What people are told at the end of the demonstration.


_OWN_PROJECT = command("create-new-project", "TASK", "YOUR_NAME", "VIDEOS", "--bodyparts", "snout,leftear,rightear")


def tell_demo(result: DemoResult) -> Outcome:
    """Show errors, speed, time of each step and where everything is."""
    training = "done in an earlier run"
    if not math.isnan(result.seconds_per_training_step):
        training = f"{result.seconds_per_training_step:.2f} seconds per step"
    speed = f"{result.frames_per_second:.1f} frames/s" if result.frames_per_second else "done in an earlier run"
    hidden = f"{100 * result.hidden_share:.0f}% of the points are hidden under the plank and not measured."
    lines = (
        _errors(result),
        hidden,
        f"Training: {training}. Analysis: {speed}. Everything took {_total(result.times)}.",
        _times(result.times),
        _files(result.files),
        "Look at the labelled video first. Then try it with videos of your own:",
    )
    return Outcome(result, lines, (_OWN_PROJECT,))


def tell_refined_demo(result: RefinedDemo) -> Outcome:
    """Show what each round was given, the errors before and after, times and where everything is."""
    before, after = result.before, result.after
    more = f"{counted(len(result.corrected), 'frame')} of {escape(result.video)}"
    lines = (
        f"Round 1 trained on {counted(before.labelled_frames, 'labelled frame')}.",
        f"Round 2 trained on {after.labelled_frames}: with {more}, in which the network seemed to be wrong.",
        _rounds(result),
        f"Mean error on the unseen video: {before.unseen_error:.2f} px before, {after.unseen_error:.2f} px after.",
        "The second network was trained longer, on more labels.",
        f"Everything took {_total(result.times)}.",
        _times(result.times),
        _files(result.files),
        "Compare the two labelled videos. Then try it with videos of your own; the second command begins round 2:",
    )
    return Outcome(result, lines, (_OWN_PROJECT, command("extract-outlier-frames", "PROJECT", "VIDEOS")))


def _errors(result: DemoResult) -> Table:
    table = Table("frames", "bodypart", title="Mean error against labels and truth", title_justify="left")
    table.add_column("pixels", justify="right")
    table.add_row("training", "all", f"{result.train_error:.2f}")
    table.add_row("test", "all", f"{result.test_error:.2f}", end_section=True)
    for part, error in zip(result.bodyparts, result.unseen_errors, strict=True):
        table.add_row("unseen video", escape(part), f"{error:.2f}")
    table.add_row("unseen video", "all", f"{result.unseen_error:.2f}", style="bold")
    return table


def _rounds(result: RefinedDemo) -> Table:
    table = Table("bodypart", title="Mean error on the unseen video, in pixels", title_justify="left")
    table.add_column("round 1", justify="right")
    table.add_column("round 2", justify="right")
    for part, *errors in zip(result.bodyparts, result.before.unseen_errors, result.after.unseen_errors, strict=True):
        table.add_row(escape(part), *(f"{error:.2f}" for error in errors))
    overall = (result.before.unseen_error, result.after.unseen_error)
    table.add_row("all", *(f"{error:.2f}" for error in overall), style="bold")
    return table


def _total(times: tuple[StepTime, ...]) -> str:
    return duration(sum(time.seconds for time in times))


def _times(times: tuple[StepTime, ...]) -> Table:
    table = Table("step", title="Time", title_justify="left")
    table.add_column("seconds", justify="right")
    for time in times:
        table.add_row(time.step, f"{time.seconds:.1f}")
    return table


def _files(files: dict[str, Path]) -> Table:
    table = Table("what", title="Files", title_justify="left")
    table.add_column("where", overflow="fold")
    for what, where in files.items():
        table.add_row(what, escape(shorter(where)))
    return table


# --- prompt -----------------------------------------------------------------------------------------------------------
# Ask at the terminal whether to extract what was found, or by which other criteria to look again.


_QUESTION = "Extract them? y (yes), n or Enter (no), or other values to look again, such as {example}: "
_YES, _NO = ("y", "yes"), ("n", "no", "")  # empty: Enter alone, or the end of the input
_EXAMPLES = {"uncertain": "p_bound=0.1", "list": "epsilon=30 outlieralgorithm=jump"}


def asking(given: Mapping[str, Any], report: Report, *, yes: bool) -> Confirm | None:
    """Return a function that says what was found and asks until it understands the answer; None where none is asked.

    Raises:
        ArgumentError: nobody can be asked, or what was typed is no way to choose frames.
    """
    names = [entry.name for entry in dataclasses.fields(Criteria)]
    algorithm = Criteria(**{name: given[name] for name in names if name in given}).outlieralgorithm
    if yes or algorithm == "manual":
        return None
    if not sys.stdin.isatty():
        raise ArgumentError(
            "Extraction must be confirmed, but the input is not a terminal; add --yes to extract without confirmation."
        )

    def ask(found: FoundOutliers) -> bool | Criteria:
        report(Notice(summary(found)))
        while True:
            question = _QUESTION.format(example=_EXAMPLES.get(found.criteria.outlieralgorithm, "epsilon=30"))
            print(question, end="", file=sys.stderr, flush=True)
            try:
                return understood(sys.stdin.readline(), found.criteria)
            except ArgumentError as error:
                print(error, file=sys.stderr)

    return ask


def summary(found: FoundOutliers) -> str:
    """Say in a line how many frames were found and how many would be extracted."""
    count, new = len(found.candidates), len(found.fresh)
    known = f", {count - new} of them extracted before" if new < count else ""
    return (
        f"{found.video.name}: {count} of {counted(found.looked_at, 'frame')} found ({_how(found)}){known}; "
        f"{min(new, found.number_of_frames)} would be extracted."
    )


def _how(found: FoundOutliers) -> str:
    criteria = found.criteria
    if criteria.outlieralgorithm == "list":
        return "list"
    if criteria.outlieralgorithm == "uncertain":
        return f"uncertain, p_bound={criteria.p_bound:g}"
    near = sum(one.score <= criteria.epsilon for one in found.candidates)
    farthest = f", and the {near} farthest below it" if near else ""
    return f"{criteria.outlieralgorithm}, epsilon={criteria.epsilon:g}{farthest}"


def understood(answer: str, criteria: Criteria) -> bool | Criteria:
    """Read an answer: yes, no, or values of criteria to change, by their names in Python or in the shell.

    Raises:
        ArgumentError: it is none of these, or a value is not possible.
    """
    word = answer.strip().lower()
    if word in (*_YES, *_NO):
        return word in _YES
    joined = re.sub(r"(--[\w-]+)\s+(?=[^\s-])", r"\1=", answer)  # "--p-bound 0.1", as in the shell
    changes: dict[str, Any] = dict(_change(part, criteria) for part in joined.split())
    return dataclasses.replace(criteria, **changes)


def _change(part: str, criteria: Criteria) -> tuple[str, object]:
    given, equals, value = part.partition("=")
    names = [field.name for field in dataclasses.fields(criteria)]
    options = {name.lower(): name for name in names}  # the shell's names have no capitals
    name = options.get(given.removeprefix("--").replace("-", "_").lower(), "")
    if not equals or not name:
        raise ArgumentError(
            f"Unknown answer {part!r}; expected y, n, or NAME=VALUE with a name among {', '.join(names)}."
        )
    kind = {"outlieralgorithm": str, "ARdegree": int, "MAdegree": int}.get(name, float)
    try:
        return name, kind(value)
    except ValueError as error:
        raise ArgumentError(f"{name} is {value!r}, expected a number; as in {name}=3.") from error


_OUTCOMES: Mapping[str, Callable[[Any, Mapping[str, Any]], Outcome]] = {
    "demo": lambda result, given: tell_refined_demo(result) if given.get("refine") else tell_demo(result),
    "create-new-project": lambda result, given: tell_created(result, placeholders="bodyparts" not in given),
    "add-new-videos": lambda result, given: tell_added(result),
    "extract-frames": lambda result, given: tell_extracted(result),
    "label": _of_window,
    "check-labels": lambda result, given: tell_checked(result),
    "export-deeplabcut": lambda result, given: tell_exported(result),
    "edit-bodyparts": lambda result, given: tell_edited(result),
    "merge-labels": lambda result, given: tell_merged(result),
    "undo-labels": lambda result, given: tell_undone(result),
    "redo-labels": lambda result, given: tell_undone(result),
    "create-training-dataset": lambda result, given: tell_dataset(Path(given["config"]), result),
    "train-network": lambda result, given: tell_trained(Path(given["config"]), result),
    "evaluate-network": lambda result, given: tell_evaluated(
        Path(given["config"]), result, trainingsetindex=given.get("trainingsetindex", 0)
    ),
    "cross-validate": lambda result, given: tell_cross_validated(Path(given["config"]), result),
    "analyze-videos": lambda result, given: tell_analyzed(Path(given["config"]), result, options=same_results(given)),
    "filterpredictions": lambda result, given: tell_filtered(
        Path(given["config"]), given["videos"], result, options=(*same_results(given), "--filtered")
    ),
    "plot-trajectories": lambda result, given: tell_plotted(
        Path(given["config"]), given["videos"], result, options=same_results(given)
    ),
    "create-labeled-video": lambda result, given: tell_labeled(
        Path(given["config"]), given["videos"], result, options=same_results(given)
    ),
    "extract-outlier-frames": lambda result, given: tell_outliers(result),
    "merge-datasets": lambda result, given: tell_merged_datasets(result),
    "doctor": lambda result, given: tell_diagnosis(result),
}

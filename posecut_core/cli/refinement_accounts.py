"""What people are told about outliers, and which command comes next."""

from posecut_core.cli.task import Outcome, command, counted, shorter, spans
from posecut_core.errors import VideoError
from posecut_core.workflow.iteration import MergedDatasets
from posecut_core.workflow.outlier_video import OutlierVideo
from posecut_core.workflow.outliers import ExtractedOutliers


def tell_outliers(extracted: ExtractedOutliers) -> Outcome:
    """Say how many frames were found and extracted, and where their table and drafts are."""
    root = extracted.config_path.parent
    lines = [line for video in extracted.videos for line in _outlier_video(video)]
    if not any(video.added for video in extracted.videos):
        if any(video.confirmed for video in extracted.videos):
            lines.append("To find more frames, change --epsilon or --p-bound, or try another --outlieralgorithm.")
        damaged = any(video.damaged for video in extracted.videos)
        return Outcome(extracted, tuple(lines), exit_code=VideoError.exit_code if damaged else 0)
    lines.append("Now correct the drafts: they are not trained on before a person has looked at them.")
    return Outcome(extracted, tuple(lines), (command("label", root), command("merge-datasets", root)))


def tell_merged_datasets(merged: MergedDatasets) -> Outcome:
    """Say which iteration begins, with how many frames, and what became of drafts."""
    root = merged.config_path.parent
    begins = "has begun already and has no training dataset yet" if merged.begun_before else "begins"
    lines = [f"Iteration {merged.iteration} {begins}, with {counted(merged.labelled_frames, 'labelled frame')}."]
    if merged.accepted:
        lines.append(f"{counted(merged.accepted, 'draft')} became labels unseen, as you wished.")
    if merged.left:
        lines.append(f"{counted(merged.left, 'draft')} stay drafts and are not trained on.")
    train = command("train-network", root, "--weights", "previous")
    return Outcome(merged, tuple(lines), (command("create-training-dataset", root), train))


def _outlier_video(video: OutlierVideo) -> list[str]:
    found = f"{video.video.name}: {video.candidates} of {counted(video.looked_at, 'frame')} found"
    if not video.confirmed:
        return [found, "  none was extracted, and their table was not written, as you answered"]
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

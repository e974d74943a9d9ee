"""What people are told about outliers, and which command comes next."""

from posecut_core.cli.task import Outcome, command, counted, shorter
from posecut_core.workflow.outlier_video import OutlierVideo
from posecut_core.workflow.outliers import ExtractedOutliers


def tell_outliers(extracted: ExtractedOutliers) -> Outcome:
    """Say how many frames were found and extracted, and where their table and drafts are."""
    root = extracted.config_path.parent
    lines = [line for video in extracted.videos for line in _outlier_video(video)]
    if not any(video.added for video in extracted.videos):
        lines.append("To find more frames, change --epsilon or --p-bound, or try another --outlieralgorithm.")
        return Outcome(extracted, tuple(lines))
    lines.append("Now label them, from Python (posecut_core.write_labels) or with DeepLabCut, after")
    lines.append(f"  {command('export-deeplabcut', root)}")
    return Outcome(extracted, tuple(lines), (command("check-labels", root),))


def _outlier_video(video: OutlierVideo) -> list[str]:
    found = f"{video.video.name}: {video.candidates} of {counted(video.looked_at, 'frame')} found, all in "
    lines = [f"{found}{shorter(video.table)}"]
    if not video.confirmed:
        lines.append("  none was extracted, as you answered")
    elif video.drafts is None:
        lines.append("  none was extracted: the project has them all, or there were none")
    else:
        lines.append(f"  {counted(len(video.added), 'new frame')}, with drafts of labels in {shorter(video.drafts)}")
    return lines

"""What people are told about projects, frames and labels, and which command comes next."""

from collections.abc import Sequence

from posecut_core.cli.task import Outcome, command, counted, shorter, spans
from posecut_core.errors import VideoError
from posecut_core.video.gaps import gap_sentences
from posecut_core.workflow.creating import AddedVideos, CreatedProject, SkippedVideo
from posecut_core.workflow.exporting import ExportedImages
from posecut_core.workflow.extracting import ExtractedFrames, ExtractedVideo
from posecut_core.workflow.labelling import CheckedLabels, CheckedVideo


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
        lines.append(
            f"  {counted(video.drafts, 'draft')} of labels, drawn as x: not trained on before a person decides"
        )
    lines += [f"  {part} has no label in {counted(count, 'frame')}" for part, count in video.missing.items()]
    lines += [f"  a label lies outside its frame: {place}" for place in video.outside]
    lines += [f"  a label at (0, 0), for 'not visible', is left out of training: {place}" for place in video.invisible]
    return lines

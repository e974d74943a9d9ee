"""What is told about projects, frames and labels is complete."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from posecut_core.cli.summaries import outcome_of
from posecut_core.errors import VideoError
from posecut_core.types import PLACEHOLDERS
from posecut_core.video.index import Gap
from posecut_core.workflow.check_labels import CheckedLabels, CheckedVideo
from posecut_core.workflow.create_project import AddedVideos, CreatedProject, SkippedVideo
from posecut_core.workflow.extract_frames import ExtractedFrames, ExtractedVideo

CONFIG = Path("/p/config.yaml")
tell = partial(outcome_of, given={})


def test_a_new_project_with_placeholders_asks_for_names():
    """Only a new project does, and only without names."""
    new, old = (CreatedProject(CONFIG, (), created, bodyparts=("a", "left ear")) for created in (True, False))
    assert "name your bodyparts" in tell(replace(new, bodyparts=PLACEHOLDERS)).lines[-1]
    assert tell(new).lines[-1].endswith("with 0 videos. Its bodyparts are 'a', 'left ear'.")
    assert "it was left as it was." in tell(old).lines[-1]
    other = replace(old, ignored=("videos", "bodyparts"))
    assert "Not taken over: videos, bodyparts; edit /p/config.yaml" in tell(other).lines[-1]


def test_new_and_old_videos_are_told_apart():
    """Each video has its line."""
    told = tell(AddedVideos(CONFIG, (Path("/p/a.mp4"),), (Path("/p/b.mp4"),)))
    assert told.lines == ("Added /p/a.mp4.", "/p/b.mp4 was in the project already.", "1 new video.")


def test_damaged_frames_are_mentioned():
    """A video says which frames are damaged, where some are missing, and that it has fewer than were wished."""
    video = ExtractedVideo("a", Path("/p/frames.zarr"), (1, 2), (1, 2, 3), (7, 8, 11), 4, (Gap(20, 5),))
    told = tell(ExtractedFrames(CONFIG, "kmeans", 0, (video,)))
    assert told.lines[:4] == (
        "a: 2 new frames, 3 in all, in /p/frames.zarr",
        "  a: left out because they are damaged: 7-8, 11",
        "  a: 4 frames fewer than asked for, because no more can be read between start and stop of config.yaml",
        "  a: about 5 frames are missing after frame 20, where the file is damaged or truncated",
    )
    assert told.following == ("posecut label /p",)


def test_why_no_frame_is_new_is_said_truly():
    """Kind: one sentence for several reasons. Damaged frames were not extracted before; asking for them alone fails."""
    none = ExtractedVideo("a", Path("/p/frames.zarr"), (), (1, 2, 3), (7, 8))
    outcome = tell(ExtractedFrames(CONFIG, "given", 0, (none,)))
    assert "No frame could be extracted" in outcome.lines[-1]
    assert (outcome.exit_code, outcome.following) == (VideoError.exit_code, ())
    known = ExtractedFrames(CONFIG, "kmeans", 0, (none, replace(none, known=2)))
    assert "had been extracted before." in tell(known).lines[-1]
    assert tell(known).following[-1] == "posecut extract-frames /p --seed 1"
    assert "seed" not in " ".join(tell(replace(known, algorithm="given")).following)
    assert tell(known).exit_code == 0
    assert "Now label them" in tell(known).lines[-1]
    labeled = replace(known, videos=(none, replace(none, known=2, labeled=2)))
    assert tell(labeled).lines[-1].split(". ")[1] == "All of them are labeled already"


def test_videos_left_out_are_named():
    """Each with its reason, which may name the file itself."""
    skipped = (SkippedVideo("/v/a.mp4", "/v/a.mp4 is damaged."), SkippedVideo("b", "Found no video b."))
    assert tell(AddedVideos(CONFIG, (), (), skipped)).lines == (
        "0 new videos. Left out: /v/a.mp4 is damaged. Left out: Found no video b.",
    )
    assert "Left out: /v/a.mp4" in tell(CreatedProject(CONFIG, (), True, skipped=skipped)).lines[0]


def test_doubtful_labels_are_listed():
    """Frames without labels, missing bodyparts and labels outside are told."""
    video = CheckedVideo("a", Path("/p/a_labeled"), 5, 1, {"tip": 2}, ("frame 3 hand",), 4)
    assert tell(CheckedLabels(CONFIG, (video,))).lines[1:5] == (
        "  1 extracted frame without labels",
        "  4 suggestions, drawn as x: not used for training before review",
        "  tip has no label in 2 frames",
        "  a label lies outside its frame: frame 3 hand",
    )
    merged = CheckedLabels(CONFIG, (video,), in_one_place=(("hand", "tip"), ("eye", "ear", "nose")))
    assert tell(merged).lines[5:7] == (
        "hand, tip lie in one place in every frame: place each of them where it is",
        "eye, ear, nose lie in one place in every frame: place each of them where it is",
    )

"""Projects appear whole or not at all, and grow by videos."""

import datetime
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posecut_core.errors import ArgumentError, ProjectError, VideoError
from posecut_core.progress import Notice, Progress
from posecut_core.project.config import edit_config, read_config
from posecut_core.project.opening import frame_folders, open_project, project_videos
from posecut_core.project.state import look_of, read_state
from posecut_core.storage.files import fingerprint
from posecut_core.types import Crop
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import add_new_videos, create_new_project

DAY = datetime.date(2018, 10, 30)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two tiny videos, 64 x 48 pixels and 6 frames each."""
    folder = tmp_path_factory.mktemp("videos")
    for name in ("m1.mp4", "cage 2.mp4"):
        with VideoWriter(folder / name, fps=10.0, width=64, height=48) as writer:
            for level in range(6):
                writer.write(np.full((48, 64, 3), 40 * level, dtype=np.uint8))
    return folder


def create(folder, videos, **options):
    return create_new_project("reach", "Ann", videos, folder, **{"date": DAY, "bodyparts": ["hand", "tip"], **options})


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if not path.is_dir()}


def test_a_project_has_the_papers_form(tmp_path, videos):
    """Folder, config.yaml, posecut.yaml, links and frame folders are there, and the result is a path of config.yaml."""
    created = create(tmp_path, [videos], skeleton=[("hand", "tip")])
    root = tmp_path / "reach-Ann-2018-10-30"
    assert (os.fspath(created), created.created) == (str(root / "config.yaml"), True)
    config = read_config(created.config_path)
    assert (config.task, config.scorer, config.date, config.bodyparts) == ("reach", "Ann", "Oct30", ("hand", "tip"))
    assert config.video_sets == {str(root / "videos" / name): Crop(0, 64, 0, 48) for name in ("cage 2.mp4", "m1.mp4")}
    assert (root / "videos" / "m1.mp4").is_symlink()
    assert sorted(path.name for path in root.iterdir()) == [
        "config.yaml", "labeled-data", "posecut.yaml", "training-datasets", "videos"
    ]  # fmt: skip
    record = read_state(root / "posecut.yaml").videos["m1"]
    assert (record.size, record.sha256) == fingerprint(videos / "m1.mp4")
    assert (record.frames, record.width, record.height) == (6, 64, 48)
    project = open_project(created)
    assert (look_of(project).colormap, config.colormap) == ("distinct", "rainbow")  # DeepLabCut knows the second one


def test_a_new_project_opens_unchanged(tmp_path, videos):
    """Opening finds nothing to repair."""
    created = create(tmp_path, videos / "m1.mp4")
    before = created.config_path.read_bytes()
    assert list(project_videos(open_project(created))) == ["m1"]
    assert created.config_path.read_bytes() == before


def test_videos_are_copied_on_request(tmp_path, videos):
    """A copy is a file of its own."""
    created = create(tmp_path, [videos / "m1.mp4"], copy_videos=True)
    assert not created.videos[0].is_symlink()
    assert created.videos[0].read_bytes() == (videos / "m1.mp4").read_bytes()


def test_an_existing_project_is_returned_untouched(tmp_path, videos):
    """Creating a project a second time says that it was there and what was not taken over, and changes no file."""
    first = create(tmp_path, [videos / "m1.mp4"])
    first.config_path.write_text(first.config_path.read_text().replace("iteration: 0", "iteration: 3"))
    before = first.config_path.read_bytes()
    second = create(tmp_path, [videos / "m1.mp4"])
    assert (second.created, second.config_path, second.videos) == (False, first.config_path, first.videos)
    assert second.ignored == ()
    third = create(tmp_path, [videos / "cage 2.mp4"], copy_videos=True, bodyparts=["nose"], skeleton=[], view="above")
    assert third.ignored == ("videos", "copy_videos", "bodyparts", "view")
    assert first.config_path.read_bytes() == before


def test_a_folder_that_is_no_project_is_not_taken(tmp_path, videos):
    """A folder of the project's name that holds something else is left alone."""
    (tmp_path / "reach-Ann-2018-10-30").mkdir()
    with pytest.raises(ProjectError, match=r"has no config\.yaml"):
        create(tmp_path, [videos])


@pytest.mark.parametrize("bad", ["text.mp4", "empty.mp4", "cut.mp4", "gone.mp4", "twin/m1.avi"])
def test_a_bad_video_leaves_nothing_behind(tmp_path, videos, bad):
    """Nothing is created when one video cannot be used or shares another's name."""
    (tmp_path / "twin").mkdir()
    whole = (videos / "m1.mp4").read_bytes()
    for name, data in {"text.mp4": b"hello", "empty.mp4": b"", "cut.mp4": whole[:200], "twin/m1.avi": whole}.items():
        (tmp_path / name).write_bytes(data)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(VideoError) as caught:
        create(work, [videos / "m1.mp4", tmp_path / bad])
    assert Path(bad).name in str(caught.value)
    assert list(work.iterdir()) == []


def broken(folder, videos):
    """A folder with one whole video among what a camera without power, a full disk and a download leave behind."""
    folder.mkdir()
    whole = (videos / "m1.mp4").read_bytes()
    files = {"m1.mp4": whole, "cut.mp4": whole[:200], "empty.mp4": b"", "text.mp4": b"404 not found", "notes.txt": b""}
    for name, data in {**files, "m1DLC_resnet50_x_labeled.mp4": whole, "raw.seq": b"?"}.items():
        (folder / name).write_bytes(data)
    return folder


def test_all_broken_videos_are_named_and_the_others_taken_on_request(tmp_path, videos):
    """Kind: one bad item among several. All are named with reasons; on request the whole ones make the project."""
    folder, said = broken(tmp_path / "in", videos), []
    with pytest.raises(VideoError, match=r"3 of 4 videos cannot be used.*intact") as caught:
        create(tmp_path, folder)
    assert "skip_broken" not in str(caught.value)  # which a shell spells otherwise
    (again,) = caught.value.remedies
    assert (again.step, again.arguments["videos"], again.arguments["skip_broken"]) == (
        "create_new_project", str(folder), True
    )  # fmt: skip
    assert [Path(name).name for name in caught.value.failed] == ["cut.mp4", "empty.mp4", "text.mp4"]
    created = create(tmp_path, folder, skip_broken=True, report=said.append)
    assert [path.name for path in created.videos] == ["m1.mp4"]
    assert [Path(one.video).name for one in created.skipped] == ["cut.mp4", "empty.mp4", "text.mp4"]
    assert "m1DLC_resnet50_x_labeled.mp4 (a labeled video), raw.seq (unknown" in said[0].text
    assert list(project_videos(open_project(created))) == ["m1"]


def test_whole_videos_are_added_without_the_broken_ones(tmp_path, videos):
    """The same for videos that are added later, also where none is whole."""
    created, folder = create(tmp_path, [videos / "m1.mp4"]), broken(tmp_path / "in", videos)
    (folder / "m1.mp4").rename(folder / "m2.mp4")
    added = add_new_videos(created, [folder, tmp_path / "gone.mp4"], skip_broken=True)
    assert ([path.name for path in added.added], len(added.skipped)) == (["m2.mp4"], 4)
    with pytest.raises(VideoError, match=r"cut\.mp4"):
        add_new_videos(created, folder / "cut.mp4", skip_broken=True)


def test_one_file_under_two_names_is_one_video(tmp_path, videos):
    """Frames of a link to another video would be in the training and the test set."""
    (tmp_path / "same.mp4").symlink_to(videos / "m1.mp4")
    assert [path.name for path in create(tmp_path, [videos / "m1.mp4", tmp_path / "same.mp4"]).videos] == ["m1.mp4"]


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("two words", "Ann"), {}),
        (("reach", "A/B"), {}),
        (("reach", "Ann"), {"skeleton": [("hand", "tip", "x")]}),
        (("reach", "Ann"), {"skeleton": [("hand", "elbow")]}),
    ],
)
def test_names_that_do_not_do_are_refused(tmp_path, videos, names, options):
    """Names with spaces or slashes, and bones between other things than two bodyparts, create nothing."""
    with pytest.raises(ArgumentError):
        create_new_project(*names, [videos], tmp_path, bodyparts=["hand", "tip"], **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bodyparts", [[], ["a", "a"], [""]])
def test_bodyparts_that_do_not_do_are_refused(tmp_path, videos, bodyparts):
    """Bodyparts must be different names, at least one; a config.yaml that is not there yet is not blamed."""
    with pytest.raises(ArgumentError, match=r"^The list of bodyparts"):
        create(tmp_path, [videos], bodyparts=bodyparts)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_creation_leaves_nothing_behind(tmp_path, videos):
    """Canceling while videos are placed removes what was begun."""

    def cancel(progress):
        if isinstance(progress, Progress) and progress.stage == "placing videos":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create(tmp_path, [videos], report=cancel)
    assert list(tmp_path.iterdir()) == []


def test_videos_are_added_once(tmp_path, videos):
    """New videos are named in both files with comments kept; those that are there already are left alone."""
    created = create(tmp_path, [videos / "m1.mp4"])
    text = created.config_path.read_text().replace("bodyparts:\n", "bodyparts:  # mine\n")
    created.config_path.write_text(text)
    added = add_new_videos(created, [videos])
    assert [path.name for path in added.added] == ["cage 2.mp4"]
    assert added.already_there == (videos / "m1.mp4",)
    assert list(project_videos(open_project(created))) == ["m1", "cage 2"]
    assert list(read_state(tmp_path / "reach-Ann-2018-10-30" / "posecut.yaml").videos) == ["m1", "cage 2"]
    assert "# mine" in created.config_path.read_text()
    before = created.config_path.read_bytes()
    assert add_new_videos(created, videos).added == ()
    assert created.config_path.read_bytes() == before


def test_the_first_video_that_is_listed_hides_none(tmp_path, videos):
    """Where config.yaml lists nothing, its folders count; a video added to it lists those that are there as well."""
    created = create(tmp_path, [videos / "m1.mp4"])
    edit_config(created.config_path, {"video_sets": {}})
    assert [path.stem for path in add_new_videos(created, [videos / "cage 2.mp4"]).added] == ["m1", "cage 2"]
    assert [folder.name for folder in frame_folders(open_project(created))] == ["cage 2", "m1"]


def test_folders_without_a_video_count_on(tmp_path, videos):
    """Kind: labels that are forgotten by a step about something else: the first entry would have hidden them."""
    created = create(tmp_path, [videos / "m1.mp4"])
    folder = created.config_path.parent / "labeled-data" / "gone"
    folder.mkdir()
    Image.new("RGB", (64, 48)).save(folder / "img1.png")
    edit_config(created.config_path, {"video_sets": {}})
    told = []
    add_new_videos(created, [videos / "cage 2.mp4"], report=told.append)
    project = open_project(created)
    assert [folder.name for folder in frame_folders(project)] == ["cage 2", "gone", "m1"]
    assert project.config.video_sets[str(project.videos / "gone.mp4")] == Crop(0, 64, 0, 48)
    assert any(isinstance(report, Notice) and "gone still do, they get entries" in report.text for report in told)


def test_copies_are_added_once(tmp_path, videos):
    """Kind: a call that was killed when it was done. Again, it finds its copies and leaves them as they are."""
    created = create(tmp_path, [videos / "m1.mp4"])
    add_new_videos(created, [videos / "cage 2.mp4"], copy_videos=True)
    before = times(created.config_path.parent)
    again = add_new_videos(created, [videos / "cage 2.mp4"], copy_videos=True)
    assert (again.added, again.already_there) == ((), (videos / "cage 2.mp4",))
    assert times(created.config_path.parent) == before


@pytest.mark.parametrize("cause", ["damaged", "twin", "place", "canceled"])
def test_a_failed_addition_changes_nothing(tmp_path, videos, cause):
    """When one of several videos cannot be added, none is."""
    created = create(tmp_path, [videos / "m1.mp4"])
    (created.config_path.parent / "videos" / "z.mp4").write_bytes(b"in no list, and the only copy")
    before = times(created.config_path.parent)
    names = {"damaged": "x.mp4", "twin": "m1.mp4", "place": "z.mp4", "canceled": "y.mp4"}
    other = tmp_path / "more" / names[cause]
    other.parent.mkdir()
    other.write_bytes(b"hello" if cause in ("damaged", "twin") else (videos / "m1.mp4").read_bytes())

    def cancel(progress):
        if (
            cause == "canceled"
            and isinstance(progress, Progress)
            and progress.stage == "placing videos"
            and progress.done == progress.total
        ):
            raise KeyboardInterrupt

    with pytest.raises((VideoError, KeyboardInterrupt)):
        add_new_videos(created, [videos / "cage 2.mp4", other], report=cancel)
    assert times(created.config_path.parent) == before

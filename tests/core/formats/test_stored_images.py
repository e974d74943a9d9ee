"""Stored images are named as DeepLabCut names them, and lie where they were cropped."""

import imageio.v3 as iio
import numpy as np
import pytest

from posecut_core.errors import Remedy
from posecut_core.formats.deeplabcut.frames import (
    double_frames,
    frame_name,
    frames_listed,
    image_names,
    image_origins,
    image_paths,
    never_extracted,
    number_images,
    without_picture,
)
from posecut_core.formats.deeplabcut.images import OWN, ImageRecord, images_in, numbers_of, record_path, write_record
from posecut_core.formats.deeplabcut.tables import ImageLabels, read_collected_data, write_collected_data
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.project.state import ProjectState, VideoRecord, write_state
from posecut_core.types import Crop, FrameRef
from posecut_core.video.frame_store import FrameStore

IMAGE = np.zeros((8, 10, 3), dtype=np.uint8)


@pytest.fixture
def project(tmp_path):
    """A project whose video m1 has two stored frames: one cropped at (40, 60), one at (5, 6)."""
    project = Project(
        tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose",), {"/data/m1.mp4": Crop(40, 50, 60, 68)})
    )
    FrameStore.open(project.frame_store("m1"), create=True).append([(20, IMAGE, (5, 6)), (3, IMAGE, (40, 60))])
    return project


def test_origins_are_those_of_the_store(project):
    """Each frame has the place at which it was cropped; one that is gone lay where all others lie, if these agree."""
    assert image_origins(project, "m1", np.array([3, 20, 21])).tolist() == [[40, 60], [5, 6], [0, 0]]
    FrameStore.open(project.frame_store("m1")).remove([20])
    assert image_origins(project, "m1", np.array([3, 20])).tolist() == [[40, 60], [40, 60]]


def test_names_are_padded_as_the_folder_is_or_by_the_videos_length(project):
    """New images are named as DeepLabCut would, those in the folder or in the labels keep their names."""
    assert image_names(project, "m1", [3]) == {3: "img0003.png"}
    write_state(project.settings_path, ProjectState(videos={"m1": VideoRecord(1, "0" * 64, 10**5, 64, 48)}))
    assert image_names(project, "m1", [3, 20]) == {3: "img00003.png", 20: "img00020.png"}
    (project.frame_folder("m1") / "img020.png").write_bytes(b"")
    assert image_names(project, "m1", [3, 20]) == {3: "img003.png", 20: "img020.png"}


def picture(project, name, value=0):
    iio.imwrite(project.frame_folder("m1") / name, IMAGE + np.uint8(value))


def rows(project, names, xy):
    write_collected_data(
        project.frame_folder("m1"), "Ann", ImageLabels(dict(enumerate(names)), ("nose",), np.array(xy, float))
    )


def numbers(project):
    return {path.name: number for number, path in images_in(project.frame_folder("m1")).items()}


def test_numbers_of_odd_names_are_written_once(project):
    """Kind: images of other programs closed a project; what is added or removed later moves no label."""
    for value, name in enumerate(["mouse_left.png", "frame0003.png", "frame07.png"]):
        picture(project, name, value)
    rows(project, ["mouse_left.png", "zebra.png"], [[[1, 1]], [[2, 2]]])
    assert number_images(project, "m1") == ()
    assert numbers(project) == {"frame0003.png": OWN, "frame07.png": OWN + 1, "mouse_left.png": OWN + 2}
    (project.frame_folder("m1") / "frame07.png").unlink()
    picture(project, "apple.png", 9)
    number_images(project, "m1")
    assert numbers(project) == {"frame0003.png": OWN, "mouse_left.png": OWN + 2, "apple.png": OWN + 4}
    assert frame_name(project, FrameRef("m1", OWN + 2)) == "image mouse_left.png of m1"
    assert frames_listed(project, "m1", [3, 5, OWN + 2]) == "frames 3,5, image mouse_left.png"
    assert image_names(project, "m1", [OWN + 2, OWN + 3, 3]) == {
        OWN + 2: "mouse_left.png",
        OWN + 3: "zebra.png",
        3: "img0003.png",
    }


def test_digits_that_are_an_extracted_frame_must_show_it(project):
    """frame003.png is frame 3 where it is that picture, and nothing of the video where it is another."""
    picture(project, "frame003.png")
    number_images(project, "m1")
    assert numbers(project) == {"frame003.png": 3}
    picture(project, "frame020.png", 5)
    number_images(project, "m1")
    assert numbers(project) == {"frame003.png": 3, "frame020.png": OWN}


def test_a_frame_that_was_known_by_an_odd_name_may_come_again(project):
    """DeepLabCut extracts frame 3 as img0003.png: the same picture is the same frame, another one is not."""
    picture(project, "frame003.png")
    number_images(project, "m1")
    picture(project, "img0003.png")
    number_images(project, "m1")
    assert numbers_of(project.frame_folder("m1"), ["img0003.png", "frame003.png"]) == {
        "img0003.png": 3,
        "frame003.png": 3,
    }
    picture(project, "img03.png", 7)
    number_images(project, "m1")
    assert numbers(project)["img03.png"] == OWN


def test_a_lost_record_is_made_again(project):
    """`images.json` may be deleted: pictures that are stored already keep their numbers."""
    store = FrameStore.open(project.frame_store("m1"))
    for value, name in enumerate(["b.png", "d.png"], start=1):
        picture(project, name, value)
        number_images(project, "m1")
        store.append([(OWN + value - 1, IMAGE + np.uint8(value), (0, 0))])
    record_path(project.frame_folder("m1")).unlink()
    for value, name in enumerate(["a.png", "c.png"], start=3):
        picture(project, name, value)
    number_images(project, "m1")
    assert numbers(project) == {"b.png": OWN, "d.png": OWN + 1, "a.png": OWN + 2, "c.png": OWN + 3}


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ([[np.nan, np.nan]], {"img0013.png": 13}),
        ([[1, 1]], {"img0013.png": 13}),
        ([[5, 1]], {"img0013.png": 13, "img13.png": OWN}),
    ],
)
def test_double_names_are_one_frame_unless_labeled_differently(project, other, found):
    """Kind: img13.png beside img0013.png, which DeepLabCut writes, locked the project. Nothing is guessed or lost."""
    picture(project, "img0013.png")
    picture(project, "img13.png", 1)
    rows(project, ["img0013.png", "img13.png"], [[[1, 1]], other])
    told = number_images(project, "m1")
    assert {path.name: number for number, path in images_in(project.frame_folder("m1")).items()} == found
    assert bool(told) == (len(found) == 2)
    assert not told or "frame 13 twice, as img0013.png and img13.png, which are labeled differently" in told[0]
    assert number_images(project, "m1") == ()
    assert double_frames(project, "m1") == told


def test_of_double_names_the_labeled_one_counts(project):
    """Also where the other one comes first."""
    for value, name in enumerate(["img013.png", "img13.png"]):
        picture(project, name, value)
    rows(project, ["img013.png", "img13.png"], [[[np.nan, np.nan]], [[4, 5]]])
    assert number_images(project, "m1") == ()
    assert image_names(project, "m1", [13]) == {13: "img13.png"}
    labels = read_collected_data(project.frame_folder("m1"), "Ann", bodyparts=("nose",))
    assert (labels.names, labels.xy.tolist()) == ({13: "img13.png"}, [[[4, 5]]])


def test_an_image_that_cannot_come_from_the_video_is_not_asked_of_it(project):
    """What is gone is extracted again where it is a frame; other images have to be put back."""
    picture(project, "mouse.png")
    number_images(project, "m1")
    error = never_extracted(project, "m1", [3, OWN])
    text = str(error)
    assert error.remedies == (Remedy("extract_frames", config=project.root, frames=[3], videos=["m1"]),)
    assert "put mouse.png (no frame of the video) back into" in text


def test_a_missing_image_is_named_before_any_was_read(project):
    """Kind: numbers of odd names depended on which files were there, so that another image was called missing."""
    picture(project, "mouse right.png")
    rows(project, ["mouse left.png", "mouse right.png"], [[[1, 1]], [[2, 2]]])
    FrameStore.open(project.frame_store("m1")).path.rename(project.root / "unread")
    assert without_picture(project, "m1", [OWN, OWN + 1]) == (OWN,)
    text = str(never_extracted(project, "m1", [OWN]))
    assert text.startswith("Image mouse left.png of m1 is labeled but was never extracted")
    assert text.count("10000000") == 0


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("img003.png", "IMG003.png"),
        ("IMG003.PNG", "img003.png"),
        ("img03.png", "Img3.PNG"),
        ("IMG003.png", "IMG003.png"),
        (" img003.png", "img003.png"),
        ("img003 .png", "img003.png"),
        ("img003.png ", "img003.png"),
        ("frame003.png ", "Frame003.png"),
        ("img003.png", " img003.png "),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_letters_case_and_blanks_are_no_other_image(project, file, row, recorded):
    """Kind: names in a table differ from the files' where a system tells neither apart: a labeled frame fell out."""
    picture(project, file)
    rows(project, [row], [[[1, 1]]])
    if recorded:
        number_images(project, "m1")
    folder = project.frame_folder("m1")
    assert {number: path.name for number, path in image_paths(project, "m1").items()} == {3: file}
    assert [*read_collected_data(folder, "Ann", bodyparts=("nose",)).names] == [3]
    assert image_names(project, "m1", [3]) == {3: file}


def test_another_picture_in_a_name_of_another_case_stays_apart(project):
    """A camera's IMG0004.png beside the extracted img0004.png is an image of its own, as what was recorded stays."""
    picture(project, "img0004.png")
    picture(project, "IMG0004.png", 9)
    number_images(project, "m1")
    assert numbers(project) == {"img0004.png": 4, "IMG0004.png": OWN}
    picture(project, "img04.png")
    number_images(project, "m1")
    assert numbers_of(project.frame_folder("m1"), ["img04.png", "IMG0004.png"]) == {"img04.png": 4, "IMG0004.png": OWN}


def test_rows_of_one_frame_in_two_cases_that_differ_are_both_used(project):
    """Kind: a frame that is labeled twice, differently: both count, and it is told."""
    picture(project, "img003.png")
    rows(project, ["img003.png", "IMG003.png"], [[[1, 1]], [[5, 5]]])
    (told,) = number_images(project, "m1")
    assert "frame 3 twice, as img003.png and IMG003.png" in told
    assert numbers_of(project.frame_folder("m1"), ["img003.png", "IMG003.png"]) == {"img003.png": 3, "IMG003.png": OWN}


def test_numbers_that_were_recorded_for_names_of_another_case_stay(project):
    """Labels of existing projects must not move: a file that had the number of a row's name keeps it."""
    picture(project, "img003.png")
    rows(project, ["IMG003.png"], [[[1, 1]]])
    write_record(project.frame_folder("m1"), ImageRecord({"IMG003.png": OWN}))
    number_images(project, "m1")
    assert numbers(project) == {"img003.png": OWN}
    assert [*read_collected_data(project.frame_folder("m1"), "Ann", bodyparts=("nose",)).names] == [OWN]

"""config.yaml is read strictly and edited without losing anything."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import ProjectError
from posecut_core.project.config import Crop, edit_config, parse_config, read_config, training_percent, video_entry
from posecut_core.project.keys import DEEPLABCUT_KEYS

MINIMAL = "Task: reach\nscorer: Ann\ndate: Oct30\nbodyparts:\n- hand\n- joystick\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_bytes(text.encode())
    return path


def test_a_minimal_file_gets_the_defaults(tmp_path):
    """Keys that are absent, empty or empty strings, as in old files, take their defaults."""
    config = read_config(
        write(tmp_path, MINIMAL + "identity:\nskeleton: ''\nTrainingFraction: ''\nvideo_sets:\nstart:\n")
    )
    assert config.bodyparts == ("hand", "joystick")
    assert (config.start, config.stop, config.training_fractions, config.skeleton) == (0.0, 1.0, (0.95,), ())
    assert config.video_sets == {}


def test_old_files_are_read(tmp_path):
    """Byte order mark, Windows line ends and paths, Python's tuple tag and the paper's keys are understood."""
    text = (
        "\ufeff"
        + MINIMAL
        + (
            "video_sets:\n  C:\\lab\\cage 1\\m1.avi:\n    crop: 0, 640, 10, 480\n"
            "corner2move2: !!python/tuple\n- 50\n- 50\n"
            "resnet: 101\ncroppedtraining: false\nvideo_sets_original:\nTrainingFraction: 0.8\n"
        )
    )
    config = read_config(write(tmp_path, text.replace("\n", "\r\n")))
    assert config.video_sets == {"C:\\lab\\cage 1\\m1.avi": Crop(0, 640, 10, 480)}
    assert (config.default_net_type, config.training_fractions) == ("resnet_101", (0.8,))


def test_a_fraction_may_stand_twice_but_not_beside_another_of_its_percentage(tmp_path):
    """What is listed twice names one dataset, the same; 28 and 30 percent name two."""
    config = read_config(write(tmp_path, MINIMAL + "TrainingFraction: [0.29, 0.3, 0.29]\n"))
    assert config.training_fractions == (0.29, 0.3, 0.29)
    assert [training_percent(fraction) for fraction in config.training_fractions] == [28, 30, 28]


def test_numbers_as_names_become_text(tmp_path):
    """Bodyparts that YAML takes for numbers are their digits."""
    assert read_config(write(tmp_path, MINIMAL.replace("- hand", "- 7"))).bodyparts == ("7", "joystick")


def test_a_bone_to_an_unknown_bodypart_is_left_out(tmp_path):
    """New DeepLabCut projects come with bones of example bodyparts; they draw nothing."""
    config = read_config(write(tmp_path, MINIMAL + "skeleton:\n- [hand, joystick]\n- [hand, objectA]\n"))
    assert config.skeleton == (("hand", "joystick"), ("hand", "objectA"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pcutof: 0.1", ["'pcutof'", "'pcutoff'"]),
        ("engine_room: 1", ["'engine_room'", "only keys that DeepLabCut knows"]),
        ("pcutoff: high", ["pcutoff is 'high'", "from 0 to 1"]),
        ("pcutoff: 1.5", ["pcutoff is 1.5", "from 0 to 1"]),
        ("dotsize: 8.5", ["dotsize is 8.5", "a whole number"]),
        ("iteration: true", ["iteration is True", "a whole number"]),
        ("numframes2pick: 0", ["numframes2pick is 0", "at least 1"]),
        ("start: 0.9\nstop: 0.4", ["start is 0.9", "stop is 0.4", "start < stop"]),
        ("multianimalproject: true", ["multianimalproject is true", "one animal"]),
        ("cropping: yes please", ["cropping is 'yes please'", "true or false"]),
        ("cropping: true\nx1: 5\nx2: 5\ny1: 0\ny2: 9", ["x1: 5, x2: 5", "x1 < x2"]),
        ("colormap: [hsv]", ["colormap is ['hsv']", "a text"]),
        ("skeleton:\n- [hand]", ["skeleton is", "pairs"]),
        ("TrainingFraction:\n- 95", ["TrainingFraction is [95]", "up to 1"]),
        ("TrainingFraction: [0.5, 0.28, 0.29]", ["TrainingFraction has 0.28 and 0.29", "here 28", "change or remove"]),
        ("TrainingFraction: [0.95, 0.955]", ["TrainingFraction has 0.95 and 0.955", "here 95"]),
        ("snapshotindex: last", ["snapshotindex is 'last'", "whole number"]),
        ("video_sets: /a/b.avi", ["video_sets is '/a/b.avi'", "mapping"]),
        ("video_sets:\n  a.avi:\n    crop: 0, 9, 5, 5", ["crop of a.avi", "'0, 9, 5, 5'", "y1 < y2"]),
        ("default_net_type: [50]", ["default_net_type is [50]"]),
    ],
)
def test_a_wrong_value_is_named(tmp_path, line, words):
    """An error names the file, the key, what was found and what was expected, in one sentence."""
    path = write(tmp_path, MINIMAL + line + "\n")
    with pytest.raises(ProjectError) as caught:
        read_config(path)
    assert all(word in str(caught.value) for word in [str(path), *words])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("parts", ["", "\n- a\n- a", "\n- true", "\n- [a]", " hand", "\n- ''"])
def test_bodyparts_must_be_different_names(tmp_path, parts):
    """Repeated, empty and nested bodyparts are refused."""
    with pytest.raises(ProjectError, match=r"bodyparts is .* expected a list of different names"):
        read_config(write(tmp_path, f"Task: t\nscorer: s\ndate: d\nbodyparts:{parts}\n"))


@pytest.mark.parametrize("key", ["Task", "scorer", "date"])
def test_a_key_without_default_must_be_there(tmp_path, key):
    """The keys that name files are asked for."""
    with pytest.raises(ProjectError, match=f"{key} is missing"):
        read_config(write(tmp_path, MINIMAL.replace(f"{key}:", "engine:")))


def test_an_edit_changes_only_what_it_names(tmp_path):
    """Comments, order, quotes, blank lines and unused keys stay, byte for byte."""
    text = (
        "# mine\n" + MINIMAL + "\n# about start\nstart: 0.1  # late\n"
        "engine: 'pytorch'\nvideo_sets:\n  /a/one.avi:  # cage 1\n    crop: 0, 9, 0, 9 # all\n\n# end\niteration: 0\n"
    )
    path = write(tmp_path, text)
    changes = {
        "start": 0.2,
        "iteration": 1,
        "bodyparts": ["hand", "joystick", "elbow"],
        "video_sets": {"/b/one.avi": {"crop": "0, 9, 0, 9"}, "/b/" + "x" * 300 + ".avi": video_entry(Crop(0, 4, 0, 2))},
    }
    config = edit_config(path, changes)
    expected = (
        text.replace("start: 0.1 ", "start: 0.2 ")
        .replace("iteration: 0", "iteration: 1")
        .replace("/a/one", "/b/one")
        .replace("- joystick\n", "- joystick\n- elbow\n")
        .replace("# all\n", "# all\n  /b/" + "x" * 300 + ".avi:\n    crop: 0, 4, 0, 2\n")
    )
    assert path.read_text() == expected
    assert config == read_config(path)


def test_windows_line_ends_stay(tmp_path):
    """An edited file keeps its line ends."""
    path = write(tmp_path, MINIMAL.replace("\n", "\r\n"))
    edit_config(path, {"iteration": 2})
    assert path.read_bytes() == (MINIMAL + "iteration: 2\n").replace("\n", "\r\n").encode()


@pytest.mark.parametrize("changes", [{"pcutoff": 3}, {"posecut": 1}, {"bodyparts": ["a", "a"]}])
def test_a_bad_edit_changes_nothing(tmp_path, changes):
    """A key that DeepLabCut would refuse, or an impossible value, never reaches the file."""
    path = write(tmp_path, MINIMAL)
    with pytest.raises(ProjectError):
        edit_config(path, changes)
    assert path.read_text() == MINIMAL
    assert list(tmp_path.iterdir()) == [path]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


@given(
    st.dictionaries(
        st.sampled_from(sorted(DEEPLABCUT_KEYS)), VALUES | st.lists(VALUES) | st.dictionaries(VALUES, VALUES)
    )
)
def test_any_mapping_is_understood_or_refused(values):
    """Whatever the values are, the answer is a config or a ProjectError."""
    base = {"Task": "t", "scorer": "s", "date": "d", "bodyparts": ["a"]}
    with contextlib.suppress(ProjectError):
        assert parse_config({**base, **values}, Path("config.yaml")).bodyparts

"""config.yaml is read strictly and edited without losing anything."""

import contextlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import ProjectError
from posecut_core.project.config import (
    DEEPLABCUT_KEYS,
    edit_config,
    parse_config,
    read_config,
    training_percent,
    video_entry,
)
from posecut_core.types import Crop

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
        ("cropping: true\nx1: 0\nx2: 9", ["x2: 9, y1: None", "set cropping to false"]),
        ("pcutoff: 0,6", ["line 7: pcutoff is '0,6'"]),
        ("pcutoff: 0.6\npcutoff: 0.4", ["has the key 'pcutoff' twice, in lines 7 and 8"]),
        ("start:\t0.1\n\tstop: 1", ["line 7", "spaces not tabs"]),
        ("---\nstart: 0", ["line 7", "found another document"]),
        ("start: !!python/object/apply:os.system [exit]", ["line 7", "could not determine a constructor"]),
        ("alphavalue: &a [*a]", ["endlessly nested"]),
        (f"dotsize: {10**400}", ["dotsize is 1000", "a whole number"]),
        ("x1: " + "[" * 500, ["endlessly nested"]),
        ("engine: [" + "x, " * 99 + "x", ["line 8", "expected ',' or ']'"]),
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


@pytest.mark.parametrize("parts", ["", " hand", " hand, joystick", " {hand: 1}"])
def test_bodyparts_must_be_a_list(tmp_path, parts):
    """One text, also one with commas, is no list: DeepLabCut would take its letters for bodyparts."""
    with pytest.raises(ProjectError, match=r"line 4: bodyparts is .* expected a list of different names"):
        read_config(write(tmp_path, f"Task: t\nscorer: s\ndate: d\nbodyparts:{parts}\n"))


@pytest.mark.parametrize("part", ["true", "[a]", "''", "", "~", "{a: b}"])
def test_a_bodypart_without_a_name_is_pointed_at(tmp_path, part):
    """Among forty, the line says which it is."""
    with pytest.raises(ProjectError, match=r"line 7: bodypart 3 is .* expected a name"):
        read_config(write(tmp_path, f"{MINIMAL}- {part}\n"))


@pytest.mark.parametrize("name", ["hand", "'hand'", " hand "])
def test_a_bodypart_that_is_listed_twice_is_named(tmp_path, name):
    """Kind: a message about a list that leaves the search to the reader; number and line say where."""
    with pytest.raises(ProjectError, match=r"line 8: bodyparts has 'hand' twice, as number 1 and 4"):
        read_config(write(tmp_path, f"{MINIMAL}- elbow\n- {name}\n"))


def test_words_that_other_programs_take_for_truth_are_bodyparts(tmp_path):
    """Kind: values whose type depends on who reads; as DeepLabCut reads them, by YAML 1.2, these are names."""
    config = read_config(write(tmp_path, MINIMAL + "- yes\n- no\n- on\n- 2026-01-31\n- 1.5\n- 'true'\n- nose, tip\n"))
    assert config.bodyparts[2:] == ("yes", "no", "on", "2026-01-31", "1.5", "true", "nose, tip")


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        ("cropping: yes\nx1: '0'\nx2: 9\ny1: 0\ny2: '9'", {"crop": Crop(0, 9, 0, 9)}),
        ("cropping: Off\nmultianimalproject: no\nx2: 9", {"crop": None}),
        ("pcutoff: '0.4'\ndotsize: '7'\nbatch_size: 4.0", {"pcutoff": 0.4, "dotsize": 7, "batch_size": 4}),
        ("TrainingFraction: ['0.5']\nsnapshotindex: '-1'", {"training_fractions": (0.5,), "snapshotindex": -1}),
        ("start: &s 0.1\nalphavalue: *s", {"start": 0.1, "alphavalue": 0.1}),
        ("<<: {dotsize: 3}\nstop: 0.5", {"dotsize": 3, "stop": 0.5}),
        ("video_sets:\n  ? /a/b.avi\n  : crop: [0, 9, 0, '9']", {"video_sets": {"/a/b.avi": Crop(0, 9, 0, 9)}}),
        ("video_sets:\n  7:\n  /a.avi: 0, 9, 0, 9", {"video_sets": {"7": None, "/a.avi": Crop(0, 9, 0, 9)}}),
        ("skeleton: []\nskeleton_color: 0.5", {"skeleton": (), "skeleton_color": "0.5"}),
    ],
)
def test_values_as_people_leave_them_are_read(tmp_path, lines, values):
    """Kind: a value in another shape than ours would write, of which only one thing can be meant."""
    config = read_config(write(tmp_path, f"{MINIMAL}{lines}\n"))
    assert {key: getattr(config, key) for key in values} == values


@pytest.mark.parametrize(
    ("bones", "odd"),
    [
        ("- [hand]", ("['hand']",)),
        ("- [hand, joystick, hand]", ("['hand', 'joystick', 'hand']",)),
        ("- [hand, hand]", ("['hand', 'hand']",)),
        ("- [[hand, joystick]]\n- hand", ("[['hand', 'joystick']]", "'hand'")),
        ("- [hand, ~]\n- []\n- {hand: joystick}", ("['hand', None]", "[]", "{'hand': 'joystick'}")),
        ("  hand, joystick", ("'hand, joystick'",)),
        ("  hand: joystick", ("{'hand': 'joystick'}",)),
    ],
)
def test_what_is_no_bone_hinders_nobody(tmp_path, bones, odd):
    """Kind: a value that only drawings use, and that stopped every step: it is kept apart, to be told."""
    config = read_config(write(tmp_path, f"{MINIMAL}skeleton:\n{bones}\n"))
    assert (config.skeleton, config.odd_bones) == ((), odd)


def test_bones_of_numbers_are_bones(tmp_path):
    """As their bodyparts, they are read as digits."""
    config = read_config(write(tmp_path, MINIMAL.replace("hand", "1") + "skeleton:\n- [1, joystick]\n- [1]\n"))
    assert (config.skeleton, config.odd_bones) == ((("1", "joystick"),), ("[1]",))


@pytest.mark.parametrize("word", ["../../elsewhere", "a\\b", "'a\nb'", "..", "x" * 101])
@pytest.mark.parametrize("key", ["Task", "scorer", "date"])
def test_words_in_file_names_lead_nowhere_else(tmp_path, key, word):
    """Kind: a value that becomes part of a path, and so could be one."""
    kept = "".join(line for line in MINIMAL.splitlines(keepends=True) if not line.startswith(key))
    with pytest.raises(ProjectError, match=f"{key} is .* becomes part of file names"):
        read_config(write(tmp_path, f"{kept}{key}: {word}\n".replace("'a\nb'", '"a\\nb"')))


def test_aliases_that_stand_for_millions_are_refused(tmp_path):
    """Ten lines stand for 10^9 values, which nobody may write out."""
    laughs = "".join(f"{key}: &{key} [{', '.join([f'*{last}'] * 10)}]\n" for last, key in pairwise("abcdefghij"))
    with pytest.raises(ProjectError, match=r"through its aliases"):
        read_config(write(tmp_path, f"a: &a [1]\n{laughs}{MINIMAL}"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MINIMAL.encode("utf-16"), r"\(it is UTF-16\); save it as UTF-8"),
        (MINIMAL.replace("joystick", "Käfig").encode("latin-1"), r"\(see line 6\); save it as UTF-8"),
        (MINIMAL.encode("utf-16-le"), r"not valid YAML \(.*#x0000"),
        (b"", "is empty"),
        (b"\x00" * 64, "not valid YAML"),
        (bytes(range(128, 256)), r"\(see line 1\)"),
        (b"- a\n- b\n", "holds a list but should hold lines of the form `key: value`"),
        (b"%YAML 9.9\n---\nTask: a\n", "not valid YAML|is missing"),
        (b"Task: 2026-13-45\n", "not valid YAML|missing"),
        (b"Task: !<tag:yaml.org,2002:timestamp> x\n", "not valid YAML"),
        (b"#" * (2 * 2**20 + 1), "at most 2,097,152"),
    ],
)
def test_what_is_no_text_of_ours_is_said_in_a_sentence(tmp_path, content, words):
    """Kind: a file whose bytes are not what its name says."""
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ProjectError, match=words) as caught:
        read_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_merged_keys_can_be_edited(tmp_path):
    """They have no place of their own in the text; an edit goes another way."""
    path = write(tmp_path, MINIMAL + "<<: {dotsize: 3}\n")
    assert edit_config(path, {"iteration": 2}).iteration == 2
    assert read_config(path).dotsize == 3


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

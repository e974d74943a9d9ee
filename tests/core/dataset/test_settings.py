"""Settings are read as a user types them, and what cannot work is refused by name."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.dataset.settings import TrainingSettings, read_settings, settings_from, usual_steps, write_settings
from posecut_core.errors import ModelError
from posecut_core.storage.values import properties

GOLDEN = Path(__file__).parents[2] / "golden"
NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "net_type": st.sampled_from(["resnet_18", "mobilenet_v2_1.4"]),
        "init_weights": NAMES,
        "init_origin": st.none() | st.just("timm/resnet50_gn.a1h_in1k@" + "0a" * 20),
        "init_sha256": st.none() | st.just("0a" * 32),
        "global_scale": st.floats(0.05, 4),
        "learning_rate": st.floats(1e-8, 1),
        "crop_size": st.integers(4, 100).map(lambda size: 16 * size),
        "mirror": st.booleans(),
        "mirror_pairs": st.none() | st.lists(st.tuples(NAMES, NAMES), max_size=3).map(tuple),
        "max_snapshots_to_keep": st.none() | st.integers(1, 10**6),
        "seed": st.integers(0, 2**60),
    },
)
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


def read(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_reading_undoes_writing(tmp_path_factory, values):
    """Every setting comes back, tiny numbers and odd names too."""
    path = tmp_path_factory.getbasetemp() / "settings.yaml"
    write_settings(path, settings_from(values))
    assert read_settings(path) == TrainingSettings(**values)


def test_a_new_file_is_as_ever(tmp_path):
    """The bytes of a new training's settings.yaml are those that 0.1.0 wrote, but for settings that are gone or new."""
    write_settings(tmp_path / "settings.yaml", TrainingSettings())
    assert (tmp_path / "settings.yaml").read_bytes() == (GOLDEN / "settings.yaml").read_bytes()


def test_all_wrong_values_are_named_at_once():
    """A person who corrects a file hears of everything in it that cannot work."""
    with pytest.raises(ModelError) as caught:
        settings_from({"mirror": 1, "batch_size": 0, "seed": 3, "noise": 2.0})
    assert str(caught.value) == (
        "Setting batch_size is 0, expected a whole number of at least 1; mirror is 1, expected true or false; "
        "noise is 2.0, expected a number from 0 to 1; correct them."
    )


def test_the_file_explains_each_setting(tmp_path):
    """Every setting stands in the file under a comment that says what it means."""
    write_settings(tmp_path / "settings.yaml", TrainingSettings())
    lines = (tmp_path / "settings.yaml").read_text().splitlines()
    for name, about in properties(TrainingSettings).items():
        place = next(index for index, line in enumerate(lines) if line.startswith(f"{name}: "))
        assert lines[place - 1] == f"# {about['description']}"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("learning_rate: 1e-4", "learning_rate", 1e-4),  # a word to YAML 1.1
        ("learning_rate: 1.e-4", "learning_rate", 1e-4),
        ("rotation: 25", "rotation", 25.0),
        ("brightness: 0", "brightness", 0.0),
        ("maxiters: 20_000", "maxiters", 20000),
        ("max_snapshots_to_keep: null", "max_snapshots_to_keep", None),
        ("mirror: yes", "mirror", True),
        ("mirror_pairs:\n- [left ear, right ear]\n- [a, b]", "mirror_pairs", (("left ear", "right ear"), ("a", "b"))),
        ("mirror_pairs: []", "mirror_pairs", ()),
        ("\ufeff# a comment\nseed: 3  # mine", "seed", 3),
    ],
)
def test_settings_may_be_typed_as_people_type(tmp_path, text, name, value):
    """Exponents without a dot, whole numbers for floats, comments and a byte order mark are understood."""
    found = getattr(read(tmp_path, text), name)
    assert (found, type(found)) == (value, type(value))


def test_what_is_left_out_has_its_default(tmp_path):
    """An empty file and one with comments only are the defaults."""
    assert read(tmp_path, "") == read(tmp_path, "# nothing\n") == TrainingSettings()


def test_settings_can_key_a_compiled_step():
    """Pairs given as lists or tuples become tuples, so that settings are hashable."""
    for pairs in ([["a", "b"]], [("a", "b")], (["a", "b"],)):
        made = settings_from({"mirror_pairs": pairs})
        assert made.mirror_pairs == (("a", "b"),)
        assert isinstance(hash(made), int)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rat: 0.1", "There is no setting 'learning_rat'; did you mean learning_rate?"),
        ("7: 0.1", "There is no setting '7'; known settings are net_type, "),
        (
            "learning_rate: fast",
            "Setting learning_rate is 'fast', expected a number from 1e-08 to 1; correct it.",
        ),
        ("learning_rate: 0", "Setting learning_rate is 0, expected a number from"),
        ("learning_rate: .nan", "Setting learning_rate is nan, expected"),
        ("learning_rate: true", "Setting learning_rate is True, expected"),
        ("clip_norm: 1.0e+9", "Setting clip_norm is 1000000000.0, expected a number from 0.001 to 1000000"),
        (f"rotation: {10**400}", "expected a number from 0 to 180"),
        ("batch_size: 8.5", "Setting batch_size is 8.5, expected a whole number of at least 1"),
        ("batch_size: true", "Setting batch_size is True"),
        ("batch_size: [8]", "Setting batch_size is [8]"),
        ("crop_size: 100", "expected a multiple of 16 from 64 to 4096"),
        ("crop_size: 16000", "expected a multiple of 16 from 64 to 4096"),
        ("mirror: 1", "Setting mirror is 1, expected true or false"),
        ("mirror_pairs: 5", "Setting mirror_pairs is 5, expected null or a list of pairs of bodyparts"),
        ("mirror_pairs: [1, 2]", "Setting mirror_pairs is [1, 2], expected"),
        ("mirror_pairs: [ab, cd]", "Setting mirror_pairs is ['ab', 'cd'], expected"),
        ("mirror_pairs: [[a, b, c]]", "Setting mirror_pairs is [['a', 'b', 'c']], expected"),
        ("net_type: resnet_20", "mobilenet_v2_1.4, efficientnet_lite0, efficientnet_lite2 or auto"),
        ("net_type: ResNet50", "efficientnet_lite2 or auto (perhaps 'resnet_50' is meant); correct it."),
        ("precision: bfloat", "expected float32 or bfloat16 (perhaps 'bfloat16' is meant); correct it."),
        ("init_weights: null", "expected 'imagenet', 'random', 'previous' or a file's path"),
        ("init_weights: ''", "expected 'imagenet', 'random', 'previous' or a file's path"),
        (
            "init_origin: timm/resnet50",
            "Setting init_origin is 'timm/resnet50', expected null, REPOSITORY@COMMIT or ITERATION",
        ),
        ("init_origin: timm/resnet50@main", "null, REPOSITORY@COMMIT or ITERATION"),
        ("init_sha256: 12", "Setting init_sha256 is 12, expected null or 64 hexadecimal digits"),
        (
            "scale_jitter_lo: 2",
            "Setting scale_jitter_lo is 2.0, expected at most scale_jitter_up, which is 1.25; correct it.",
        ),
        ("seed: -1", "Setting seed is -1, expected a whole number of at least 0"),
    ],
)
def test_what_cannot_work_is_refused_by_name(tmp_path, text, words):
    """The sentence names the file, the setting, its value and what is expected."""
    with pytest.raises(ModelError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"In {tmp_path / 'settings.yaml'}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 1\nbatch_size: [", r"is not readable YAML \(line \d\)"),
        ("seed: 2020-13-45", r"is not readable YAML \(month must be in 1..12\)"),
        ("- seed", "holds no 'setting: value' lines"),
        ("seed", "holds no 'setting: value' lines"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, text, words):
    """The user hears where the file is wrong and what to do."""
    with pytest.raises(
        ModelError, match=words + "; correct it, take it from a backup, or create and train a new shuffle"
    ):
        read(tmp_path, text)


def test_a_missing_file_says_what_to_do(tmp_path):
    """Without a file the user hears of backups and of new shuffles, since no command makes the file of an old one."""
    with pytest.raises(
        ModelError, match=r"There is no .*settings\.yaml; take it from a backup, or create and train a new shuffle"
    ):
        read_settings(tmp_path / "settings.yaml")


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=60))
def test_noise_is_settings_or_one_sentence(tmp_path_factory, content):
    """Any bytes are read or refused, never a traceback."""
    path = tmp_path_factory.getbasetemp() / "noise.yaml"
    path.write_bytes(content)
    with contextlib.suppress(ModelError):
        read_settings(path)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(properties(TrainingSettings))), value=PLAIN_VALUES)
def test_any_value_is_taken_or_refused(name, value):
    """Whatever stands at a setting, it becomes settings that can be written and compiled, or a sentence."""
    with contextlib.suppress(ModelError):
        made = settings_from({name: value})
        assert isinstance(hash(made), int)
        assert json.dumps(getattr(made, name))


@pytest.mark.parametrize(
    ("frames", "steps"), [(0, 400), (10, 400), (24, 600), (96, 1500), (160, 2150), (500, 4550), (10_000, 5000)]
)
def test_more_frames_are_trained_on_for_longer(frames, steps):
    """The number of steps follows from the frames, within bounds."""
    assert usual_steps(frames) == steps


def test_settings_of_earlier_versions_are_passed_over(tmp_path):
    """Kind: a file of an earlier version. Keys that are gone are no error, and told where they did something."""
    path, told = tmp_path / "settings.yaml", []
    path.write_text("score_target: gaussian\nlayer_decay: 1.0\nstochastic_depth: 0\nseed: 7\n")
    assert read_settings(path, report=told.append) == TrainingSettings(seed=7)
    assert [one.text for one in told] == [
        "Ignored settings from an earlier version of PoseCut: score_target 'gaussian'"
    ]
    assert settings_from({"layer_decay": 0.7}) == TrainingSettings()

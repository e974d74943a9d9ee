"""The form of a training's settings."""

import pytest

from napari_posecut.remedies import hint
from napari_posecut.widgets.forms.training import SettingsForm
from posecut_core.dataset.duration import step_operations
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError
from posecut_core.storage.values import properties


@pytest.fixture
def form(qtbot):
    """A form that shows the defaults."""
    made = SettingsForm()
    qtbot.addWidget(made.native)
    return made


def test_every_setting_is_there_with_its_meaning(form):
    """What the core knows can be set; what a training writes itself cannot."""
    settings = properties(TrainingSettings)
    assert set(form.fields) == set(settings) - {"init_origin", "init_sha256"}
    assert all(field.tooltip == hint(settings[name]["description"], {}) for name, field in form.fields.items())


def test_nothing_has_changed_at_first(form):
    """Whatever settings are shown, they are no changes; also weights from a file, and lists."""
    assert form.changes() == {}
    own = TrainingSettings(init_weights="/w.safetensors", mirror_pairs=(("l", "r"),), max_snapshots_to_keep=None)
    form.show_settings(own, automatic=frozenset())
    assert form.changes() == {}


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("learning_rate", "1e-4", 1e-4),
        ("mirror_pairs", "[[left, right]]", (("left", "right"),)),
        ("global_scale", "0.8", 0.8),  # the default, and yet chosen by a person
        ("rotation", "30", 30.0),
        ("mirror", True, True),
        ("net_type", "resnet_18", "resnet_18"),
    ],
)
def test_a_change_is_what_settings_yaml_would_say(form, name, typed, value):
    """What is typed is read as settings.yaml is."""
    form.fields[name].value = typed
    assert form.changes() == {name: value}


def test_weights_by_a_relative_path_are_no_change(form):
    """Kind: a path that is kept as it was typed. Shown in another folder than it was typed in, it stays as it is."""
    form.show_settings(TrainingSettings(init_weights="thin.safetensors"), automatic=frozenset())
    assert form.changes() == {}


def test_weights_of_a_file_are_chosen_by_its_path(form):
    """The path is asked for where a file is chosen."""
    form.fields["init_weights"].value = "a file"
    form.weights_file.value = "/data/resnet50.safetensors"
    assert form.changes() == {"init_weights": "/data/resnet50.safetensors"}


@pytest.mark.parametrize("typed", ["fast", "[", "-1"])
def test_what_cannot_work_is_refused_by_the_core(form, typed):
    """Words, broken YAML and impossible numbers are named."""
    form.fields["learning_rate"].value = typed
    with pytest.raises(ModelError, match="Setting learning_rate is"):
        form.changes()


def test_the_usual_length_follows_from_the_labels_until_another_is_chosen(form):
    """What nobody changed is left to the core, which counts the frames that train."""
    form.show_pace(frames=96, speed=0)
    assert form.fields["maxiters"].value == 1500
    assert form.changes() == {}
    form.length.value = 300  # a quick look
    assert form.changes() == {"maxiters": 300}
    form.show_pace(frames=500, speed=0)
    assert form.changes() == {"maxiters": 300}


def test_minutes_follow_what_is_chosen(form):
    """Half as many crops take half of the time; what cannot work changes nothing until it is corrected."""
    form.fields["net_type"].value = "resnet_50"
    form.show_pace(frames=96, speed=step_operations(TrainingSettings(net_type="resnet_50")))
    assert ("usual: 1,500 steps, about 25 min", 1500) in form._lengths()
    form.fields["batch_size"].value = 4
    assert "about 12 min" in form.length.native.itemText(2)
    form.fields["crop_size"].value = "-3"
    assert "about 12 min" in form.length.native.itemText(2)

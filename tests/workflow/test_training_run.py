"""What a training run works with is checked before the first step."""

import dataclasses
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from posecut_core.dataset.settings import read_settings, write_settings
from posecut_core.dataset.split import read_split
from posecut_core.errors import ArgumentError, DatasetError, LabelError, ModelError, PosecutError
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.model import initialization
from posecut_core.model.hub import fetch_weights
from posecut_core.model.pose_net import parameter_shapes
from posecut_core.model.snapshots import load_parameters, read_info
from posecut_core.progress import Notice, silent
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.training import run as training_run
from posecut_core.training.run import prepare_run
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.train_network import train_network
from tests.thin_resnet import torchvision_tensors
from tests.web_server import COMMIT, Hub, serving_hub


def prepare(config, **changes):
    return prepare_run(open_project(config).training(1, 0), changes, report=silent)


def test_a_run_begins_with_the_weights(trainable):
    """Frames, network and names come from dataset, weights and project; what is given changes the settings."""
    run = prepare(trainable, maxiters=99, noise=None)
    project = open_project(trainable)
    assert len(run.frames) == len(run.refs) == 3
    assert (run.spec.backbone.depth, run.spec.backbone.norm, run.spec.bodyparts) == (
        18,
        "frozen_batch",
        ("white", "black"),
    )
    assert (int(run.state.step), run.damaged) == (0, ())
    assert str(run.training.run) == f"Dots{project.config.date}shuffle1"
    assert run.training == project.training(1)
    assert read_settings(run.training.settings) == run.settings
    assert run.settings.maxiters == 99


def test_settings_are_kept_where_a_training_is_stopped_before_it_begins(trainable, tmp_path):
    """The next call need not say them again; weights that nobody could try yet are asked for anew."""
    before = read_settings(open_project(trainable).training(1).settings)

    def stop(report):
        if report.stage == "reading training frames":
            raise KeyboardInterrupt

    changes = {"maxiters": before.maxiters + 7, "init_weights": str(tmp_path / "nothing.safetensors")}
    with pytest.raises(KeyboardInterrupt):
        prepare_run(open_project(trainable).training(1, 0), changes, report=stop)
    kept = read_settings(open_project(trainable).training(1).settings)
    assert kept == dataclasses.replace(before, maxiters=before.maxiters + 7)


def test_random_weights_have_group_norm(trainable):
    """From random weights the network has the norm that suits small batches, unless another is asked for."""
    assert prepare(trainable, init_weights="random").spec.backbone.norm == "group"


def test_imagenet_weights_are_written_down(trainable, tmp_path, monkeypatch):
    """Without a network settings.yaml stays as it was; with one it names the weights that the training began with."""
    path = open_project(trainable).training(1).settings
    before = path.read_text()
    monkeypatch.setattr(initialization, "fetch_weights", partial(fetch_weights, cache=tmp_path / "cache"))
    with pytest.raises(ModelError, match="connect to the internet once"):
        prepare(trainable, init_weights="imagenet")
    assert path.read_text() == before
    save_file(torchvision_tensors(), tmp_path / "thin.safetensors")
    with serving_hub(Hub((tmp_path / "thin.safetensors").read_bytes())) as hub:
        here = partial(fetch_weights, endpoint=hub.endpoint, cache=tmp_path / "cache")
        monkeypatch.setattr(initialization, "fetch_weights", here)
        prepare(trainable, init_weights="imagenet")
    written = read_settings(path)
    assert (written.init_origin, written.init_sha256) == (f"timm/resnet18.tv_in1k@{COMMIT}", hub.sha256)
    assert prepare(trainable).settings == written  # the hub has gone


@pytest.mark.usefixtures("quick_steps")
def test_precision_may_change(trainable):
    """A training may go on in another precision: parameters are float32 in any case."""
    train_network(trainable)
    run = prepare(trainable, precision="bfloat16")
    assert (run.spec.precision, int(run.state.step)) == ("bfloat16", 4)


@pytest.mark.usefixtures("quick_steps")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"net_type": "resnet_50"}, "has net_type resnet_18, but resnet_50 is asked for"),
        ({"global_scale": 0.5}, r"has global_scale 1\.0, but 0\.5"),
        ({"norm": "group"}, "has norm frozen_batch, but group"),
        ({"init_weights": "random"}, r"began with weights .*thin\.safetensors, not random"),
    ],
)
def test_another_network_needs_another_shuffle(trainable, changes, words):
    """What would be another network than the snapshot's is refused, and settings.yaml stays as it was."""
    trained = train_network(trainable)
    before = (trained.model_folder / "settings.yaml").read_text()
    with pytest.raises(ModelError, match=f"{words}.*new shuffle"):
        prepare(trainable, **changes)
    assert (trained.model_folder / "settings.yaml").read_text() == before


@pytest.mark.usefixtures("quick_steps")
def test_weights_by_a_relative_path_are_found_from_anywhere(trainable, tmp_path, monkeypatch):
    """Kind: a path that is kept as it was typed. What is written down works from other folders, and goes on there."""
    weights = Path(read_settings(open_project(trainable).training(1).settings).init_weights)
    monkeypatch.chdir(weights.parent)
    trained = train_network(trainable, weights=weights.name)
    path = trained.model_folder / "settings.yaml"
    assert read_settings(path).init_weights == str(weights)
    write_settings(path, dataclasses.replace(read_settings(path), init_weights=weights.name))  # as 0.1.0 kept it
    monkeypatch.chdir(tmp_path)
    for same in (weights, weights.name, f"'{weights}'"):
        assert prepare(trainable, init_weights=str(same)).settings.init_weights == weights.name


@pytest.mark.usefixtures("quick_steps")
def test_a_random_network_keeps_its_width(trainable):
    """A narrower network from random weights goes on at its width; another width needs another shuffle."""
    path = open_project(trainable).training(1).settings
    narrow = dataclasses.replace(read_settings(path), init_weights="random", width=0.25)
    write_settings(path, narrow)
    train_network(trainable)
    assert prepare(trainable).spec.backbone.width == 0.25
    with pytest.raises(ModelError, match=r"has width 0\.25, but 0\.5.*new shuffle"):
        prepare(trainable, width=0.5)


def test_frames_that_validate_do_not_train(trainable):
    """A third of three frames is held out with its labels; the seed decides which."""
    run = prepare(trainable, validation_share=0.34)
    (held_out,) = run.validation
    assert (len(run.frames), held_out.numbers.size, held_out.is_train.any()) == (2, 1, False)
    assert prepare(trainable, validation_share=0.0).validation == ()
    with pytest.raises(DatasetError, match=r"validation_share is 0\.1"):
        prepare(trainable, validation_share=0.1)


@pytest.mark.usefixtures("quick_steps")
@pytest.mark.parametrize("changes", [{"validation_share": 0.0}, {"validation_share": 0.6}, {"seed": 5}])
def test_frames_that_have_trained_cannot_validate_later(trainable, changes):
    """Once there is a snapshot, another share or seed would hold out other frames, and is refused."""
    train_network(trainable, settings={"validation_share": 0.34})
    with pytest.raises(ModelError, match=r"validation_share 0\.34 and seed 0.*create a new shuffle"):
        prepare(trainable, **changes)
    assert len(prepare(trainable, validation_share=0.34).frames) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maxiter": 5}, "did you mean maxiters"),
        ({"maxiters": 0}, "maxiters is 0"),
        (
            {"mirror_pairs": [["white", "gray"]]},
            r"settings\.yaml: .*the unknown bodypart gray",
        ),
        ({"mirror_pairs": [["white", "white"]]}, "a bodypart twice"),
        ({"init_weights": "/nowhere/w.safetensors"}, "no weights file /nowhere"),
        ({"width": 0.5}, r"width is 0\.5, but .* holds a network of width 0\.125"),
        ({"width": 0.5, "init_weights": "imagenet"}, "ImageNet weights need width 1.0"),
        ({"net_type": "resnet_50"}, r"layer1\.0\.conv1\.weight.*net_type"),
    ],
)
def test_settings_that_cannot_work_are_refused(trainable, changes, words):
    """Wrong settings and weights are named in a sentence, and not written down."""
    path = open_project(trainable).training(1).settings
    before = path.read_text()
    with pytest.raises(ModelError, match=words):
        prepare(trainable, **changes)
    assert path.read_text() == before


def test_weights_that_are_damaged_are_named(trainable, tmp_path):
    """A tensor that is missing in the file is named in a sentence."""
    tensors = torchvision_tensors()
    del tensors["layer4.1.bn2.bias"]
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"w\.safetensors lacks tensor layer4\.1\.bn2\.bias"):
        prepare(trainable, init_weights=str(tmp_path / "w.safetensors"))


def test_a_project_without_labels_hears_so(trainable, tmp_path):
    """Before any labeling, training says to label; with labels but no dataset, it says to make one."""
    video = trainable.parent.parent / "unused.mp4"
    video.symlink_to(next((trainable.parent / "videos").iterdir()).resolve())
    bare = create_new_project("Bare", "me", [video], tmp_path, bodyparts=("nose",)).config_path
    with pytest.raises(LabelError, match=r"No frame in .* is labeled"):
        train_network(bare)
    with pytest.raises(DatasetError, match="create it first"):
        train_network(trainable, shuffle=2)


def test_a_fraction_that_is_not_there_is_refused(trainable):
    """TrainingFraction has one entry, whose index is 0."""
    with pytest.raises(ArgumentError, match="trainingsetindex is 1, expected 0 for 0"):
        train_network(trainable, trainingsetindex=1)


def test_labels_may_change_after_the_dataset(trainable):
    """Training uses the labels of its dataset, whatever has happened to them since."""
    project = open_project(trainable)
    table = read_labels(project, "dots")
    before = prepare(trainable).frames.xy
    write_labels(project, LabelTable("dots", table.bodyparts, table.numbers[:0], table.xy[:0]), remove_others=True)
    assert (prepare(trainable).frames.xy == before).all()


@pytest.mark.usefixtures("quick_steps")
def test_a_snapshot_of_another_project_is_refused(trainable, monkeypatch):
    """A model folder that was copied from elsewhere is not trained on."""
    trained = train_network(trainable)
    foreign = dataclasses.replace(read_info(trained.snapshot), run="ReachJan1shuffle1")
    monkeypatch.setattr(training_run, "newest_sound", lambda folder: (foreign, ()))
    with pytest.raises(ModelError, match=r"is of training ReachJan1shuffle1, but this is Dots.*new shuffle"):
        prepare(trainable)


def test_frames_that_cannot_work_are_refused(trainable):
    """Frames that are scaled to nearly nothing are named before the first step."""
    with pytest.raises(DatasetError, match=r"frame 0 of dots, which has 3x3 pixels when scaled, .* raise global_scale"):
        prepare(trainable, global_scale=0.05)


def test_frames_without_a_picture_do_not_train(trainable):
    """Kind: one picture that was gone stopped the training, though the others were enough. It is named."""
    project, told = open_project(trainable), []
    store = FrameStore.open(project.frame_store("dots"))
    train = read_split(project.training(1).split).train
    store.remove([train[0].number])
    run = prepare_run(project.training(1, 0), {}, report=told.append)
    assert run.refs == train[1:]
    notices = "".join(report.text for report in told if isinstance(report, Notice))
    assert f"{train[0].number} of dots is labeled but was never extracted" in notices
    store.remove([frame.number for frame in train])
    with pytest.raises(DatasetError, match="never extracted, or its image is lost"):
        prepare_run(project.training(1, 0), {}, report=told.append)


@pytest.mark.usefixtures("quick_steps")
def test_every_refusal_has_an_exit_code(trainable):
    """Whatever is wrong with a snapshot of another kind, the user meets one of PoseCut's errors."""
    trained = train_network(trainable)
    (trained.snapshot / "snapshot.json").write_text('{"schema": 99}')
    with pytest.raises(PosecutError, match="newer PoseCut"):
        train_network(trainable)


def test_options_that_the_settings_keep_are_told(trainable):
    """What a call changes in settings.yaml is said with old and new value; giving it again says nothing."""
    path, said = open_project(trainable).training(1).settings, []
    for _ in range(2):
        prepare_run(open_project(trainable).training(1, 0), {"maxiters": 7, "seed": None}, report=said.append)
    told = [report.text for report in said if isinstance(report, Notice)]
    assert len(told) == 1
    assert told[0].startswith(f"{path} now has maxiters 7 instead of 4: it keeps what a network is trained with")
    assert read_settings(path).maxiters == 7


def test_the_next_iteration_begins_with_the_network_before(trainable, quick_steps):
    """With weights `previous` its parameters are those of the same shuffle's last snapshot, one iteration before."""
    trained = train_network(trainable, maxiters=2)
    edit_config(trainable, {"iteration": 1})
    create_training_dataset(trainable, shuffles=[1], net_type="resnet_18")
    run = prepare(trainable, init_weights="previous")
    before = load_parameters(trained.snapshot, parameter_shapes(run.spec))
    jax.tree.map(np.testing.assert_array_equal, run.state.parameters, before)
    assert int(run.state.step) == 0
    assert run.settings.init_origin.startswith("iteration-0/")
    assert run.info(2).scorer != read_info(trained.snapshot).scorer
    assert str(run.training.run) == f"Dots{open_project(trainable).config.date}iteration1shuffle1"


def test_networks_of_two_fractions_have_two_names(trainable):
    """A shuffle of each TrainingFraction is another network, whose name does not depend on the fractions' order."""
    edit_config(trainable, {"TrainingFraction": [0.95, 0.5]})
    settings = {"init_weights": "random", "width": 0.25}
    create_training_dataset(trainable, trainingsetindex=1, shuffles=[1], net_type="resnet_18", settings=settings)
    date = open_project(trainable).config.date
    assert str(prepare(trainable).training.run) == f"Dots{date}shuffle1"
    for index, fractions in ((1, [0.95, 0.5]), (0, [0.5])):
        edit_config(trainable, {"TrainingFraction": fractions})
        run = prepare_run(open_project(trainable).training(1, index), {}, report=silent)
        assert str(run.training.run) == f"Dots{date}trainset50shuffle1"


def test_the_first_iteration_has_none_before(trainable):
    """Weights `previous` are then refused."""
    with pytest.raises(ModelError, match="No earlier iteration has a network"):
        prepare(trainable, init_weights="previous")

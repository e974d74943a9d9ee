"""An exported network is the network, without its project; a file that is not is refused in a sentence."""

import json
import shutil
from importlib import util
from pathlib import Path

import jax
import numpy as np
import onnxruntime
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from posecut_core import backbones
from posecut_core.backbones import register
from posecut_core.dataset.scoremaps import Scoremaps, decode, distances_between
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ArgumentError, ModelError
from posecut_core.inference.predictor import Predictor
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state
from posecut_core.project.opening import open_project
from posecut_core.workflow.export_model import export_model
from tests.toy_backbone import Toy

FORMATS = ("onnx", "safetensors")


@pytest.fixture(scope="module", autouse=True)
def toy():
    """The toy is registered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "_registered", dict(backbones._registered))
        register(Toy())
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory, _trainable):
    """A project with a network of the toy, at half the scale."""
    root = shutil.copytree(_trainable, tmp_path_factory.mktemp("export") / "project", symlinks=True)
    training = open_project(root / "config.yaml").training()
    spec, generator = NetworkSpec(Toy(), ("white", "black")), np.random.default_rng(0)
    parameters = jax.tree.map(
        lambda leaf: leaf + 0.1 * generator.standard_normal(leaf.shape).astype(np.float32), initial_parameters(0, spec)
    )
    distances = distances_between(generator.uniform(0, 40, (6, 2, 2)))
    info = SnapshotInfo(7, str(training.run), spec, 0.5, distances)
    save_snapshot(training.folder, info, initial_state(parameters, TrainingSettings()))
    return root / "config.yaml"


@pytest.fixture(scope="module")
def written(project):
    """The network in both formats."""
    return {name: export_model(project, format=name).files for name in FORMATS}


@pytest.fixture
def copied(written, tmp_path):
    """A function that copies the files of a format, and returns the network's."""

    def copy(name):
        network, *_ = [Path(shutil.copy(path, tmp_path)) for path in written[name]]
        return network

    return copy


@pytest.mark.parametrize("name", FORMATS)
def test_an_exported_network_predicts_as_the_snapshot_does(project, copied, name):
    """Positions are the same to a thousandth of a pixel, for images of any size, in a folder without the project."""
    opened, loaded = Predictor.open(copied(name)), Predictor.load(open_project(project).training().folder)
    assert (opened.info, opened.scorer, opened.bodyparts) == (loaded.info, loaded.scorer, ("white", "black"))
    np.testing.assert_array_equal(opened.info.distances, loaded.info.distances)
    assert np.any(opened.info.distances)
    for shape in ((2, 50, 70, 3), (1, 64, 64, 3)):
        images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        (xy, likelihood), (expected, sure) = opened.predict(images), loaded.predict(images)
        np.testing.assert_allclose(xy, expected, atol=1e-3)
        np.testing.assert_allclose(likelihood, sure, atol=1e-5)
        np.testing.assert_allclose(
            opened.scoremaps(images[0]).likelihood, loaded.scoremaps(images[0]).likelihood, atol=1e-5
        )


def test_the_description_says_how_far_other_programs_are(project, written):
    """Beside an ONNX file stand bodyparts, scale, decoding, and the deviation measured on labeled frames."""
    content = json.loads(written["onnx"][1].read_text())
    assert (content["bodyparts"], content["input"]["global_scale"], content["output"]["stride"]) == (
        ["white", "black"],
        0.5,
        8,
    )
    assert content["deviation"]["frames"] == 4
    assert content["deviation"]["position_p99"] < 1e-3
    assert {path.parent for path in written["onnx"]} == {project.parent / "exported-models-posecut"}


def test_bodyparts_that_are_not_those_of_the_network_are_refused(copied):
    """A network without distances, as PoseCut 0.1.0 exported them, is asked how many maps it has."""
    network = copied("onnx")
    content = json.loads(network.with_suffix(".json").read_text())
    del content["network"]["distances"]
    network.with_suffix(".json").write_text(json.dumps({**content, "bodyparts": ["white", "black", "gray"]}))
    with pytest.raises(ModelError, match=r"names 3 bodyparts, but .*onnx finds 2; correct the list"):
        Predictor.open(network)


@pytest.mark.parametrize(
    ("edited", "message"),
    [
        ({"bodyparts": ["white", "black", "gray"]}, "it names 3 bodyparts, but its distances are those of others"),
        ({"bodyparts": ["white", "white"]}, "bodyparts names one of them twice"),
        ({"bodyparts": ["white", 2]}, r"does not describe a network \(.*bodyparts"),
        ({"input": {"images": "", "preparation": "", "multiple": 16, "global_scale": "half"}}, "global_scale"),
        (
            {"input": {"images": "", "preparation": "", "multiple": 8, "global_scale": 0.5}},
            "multiple is 8, expected 16",
        ),
    ],
)
def test_a_description_that_does_not_fit_its_network_is_refused(copied, edited, message):
    """Kind: facts stood there twice, and what somebody had edited was believed or passed over."""
    network = copied("onnx")
    content = json.loads(network.with_suffix(".json").read_text())
    network.with_suffix(".json").write_text(json.dumps({**content, **edited}))
    with pytest.raises(ModelError, match=message):
        Predictor.open(network)


def test_a_description_says_each_fact_once(copied):
    """What somebody edits is what counts: a bodypart has another name then, and frames another scale."""
    network = copied("onnx")
    content = json.loads(network.with_suffix(".json").read_text())
    content["bodyparts"][0], content["input"]["global_scale"] = "snow", 0.25
    text = json.dumps(content)
    network.with_suffix(".json").write_text(text)
    opened = Predictor.open(network)
    assert (opened.bodyparts, opened.info.global_scale) == (("snow", "black"), 0.25)
    assert (text.count("snow"), text.count('global_scale":')) == (1, 1)


def test_the_page_on_export_is_right(project, copied, monkeypatch):
    """The program in the documentation, which knows nothing of PoseCut, finds what PoseCut finds."""
    page = (Path(__file__).parents[2] / "docs" / "how_to" / "export.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[2].split("```")[0]
    source = copied("onnx")
    monkeypatch.chdir(source.parent)
    source.rename("network.onnx")
    source.with_suffix(".json").rename("network.json")
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
    scaled = frames[:, ::2, ::2]
    found = {"frames": scaled}
    exec(program, found)
    scores, locref = Predictor.open("network.onnx").engine.start(scaled)()
    alone = jax.numpy.where(scores == scores.max(axis=(1, 2), keepdims=True), scores, -jax.numpy.inf)
    xy, likelihood = decode(Scoremaps(alone, locref))
    np.testing.assert_allclose(np.stack([found["x"], found["y"]], -1), 2 * xy + 0.5, atol=1e-3)
    np.testing.assert_allclose(found["likelihood"], likelihood, atol=1e-5)


def test_files_that_are_not_as_they_were_written_are_refused(copied, tmp_path):
    """A damaged file, one without its description or with that of another, and a file of another kind."""
    network = copied("onnx")
    description = network.with_suffix(".json")
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    with pytest.raises(ModelError, match=r"is damaged, or not the file that .*\.json describes"):
        Predictor.open(network)
    description.write_text("{}")
    with pytest.raises(ModelError, match="does not describe a network"):
        Predictor.open(network)
    description.unlink()
    with pytest.raises(ModelError, match=r"Cannot read .*\.json, which describes"):
        Predictor.open(network)
    with pytest.raises(ModelError, match="There is no file"):
        Predictor.open(tmp_path / "other.onnx")
    (tmp_path / "network.pt").touch()
    with pytest.raises(ModelError, match=r"expected a \.onnx or a \.safetensors file"):
        Predictor.open(tmp_path / "network.pt")


def test_damaged_parameters_are_refused(copied, tmp_path):
    """One number that differs, and a file that is no safetensors or not of PoseCut."""
    network = copied("safetensors")
    content = bytearray(network.read_bytes())
    content[-1] ^= 1
    for damaged in (content, content[:100], b""):
        network.write_bytes(damaged)
        with pytest.raises(ModelError, match="is damaged, or not a network of PoseCut"):
            Predictor.open(network)
    save_file({"weight": np.zeros(3, np.float32)}, network)
    with pytest.raises(ModelError, match="is damaged, or not a network of PoseCut"):
        Predictor.open(network)


def test_parameters_have_names(written):
    """A reader of another program finds each array by its place in the network."""
    with safe_open(written["safetensors"][0], "numpy") as file:
        assert "backbone.first.kernel" in file.keys()  # noqa: SIM118 (it is no mapping)


def test_a_file_gets_its_name_once_it_is_proved(project, tmp_path, monkeypatch):
    """Where onnxruntime computes something else, or is not installed, nothing is written."""
    run = onnxruntime.InferenceSession.run
    monkeypatch.setattr(onnxruntime.InferenceSession, "run", lambda *given: [maps + 1 for maps in run(*given)])
    with pytest.raises(ModelError, match="computes other score maps"):
        export_model(project, destfolder=tmp_path / "there")
    find = util.find_spec
    monkeypatch.setattr(
        "posecut_core.inference.exported.find_spec", lambda name: None if name == "onnxruntime" else find(name)
    )
    with pytest.raises(ModelError, match="onnxruntime, which is not installed"):
        export_model(project, destfolder=tmp_path / "there")
    assert not list(tmp_path.rglob("*.onnx")) + list(tmp_path.rglob("*.json"))
    with pytest.raises(ArgumentError, match="format is 'pt', expected one of onnx, safetensors"):
        export_model(project, format="pt")

"""Which engine an analysis takes, and what it says of it."""

import shutil

import pytest

from posecut_core import backbones
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError, ProjectError
from posecut_core.inference import openvino, predictor
from posecut_core.inference.deviation import Deviation
from posecut_core.inference.export import network_onnx
from posecut_core.inference.predictor import Predictor, chosen_engine
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state
from posecut_core.poses.files import read_predictions
from posecut_core.poses.predictions import read_origin
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.train_network import _measure_engine
from tests.toy_backbone import Toy

SPEC = NetworkSpec(Toy(), ("white", "black", "gray"))
WIDE = "engine_limits: {openvino: [1000, 1000], openvino-int8: [1000, 1000]}\n"


@pytest.fixture
def training(trainable, monkeypatch):
    """A training whose network is a toy that is confident of every point, and whose engines may deviate by anything."""
    monkeypatch.setattr(backbones, "_registered", backbones._registered | {"toy_1": Toy()})
    edit_config(trainable, {"pcutoff": 0.0})
    project = open_project(trainable)
    training = project.training(1)
    state = initial_state(initial_parameters(0, SPEC), TrainingSettings())
    save_snapshot(training.folder, SnapshotInfo(10, str(training.run), SPEC, 1.0), state)
    limit(project, WIDE)
    return training


def limit(project, text):
    """Add a line to posecut.yaml."""
    lines = [line for line in project.settings_path.read_text().splitlines() if not line.startswith("engine")]
    project.settings_path.write_text("\n".join([*lines, text]))


def chosen(training, engine):
    """Choose an engine; return what computes, and what was said."""
    said = []
    found = chosen_engine(Predictor.load(training.folder), training, engine, report=said.append)
    return found.engine_name, [notice.text for notice in said]


def test_an_engine_is_measured_once(training, monkeypatch):
    """The first analysis measures and tells; the next one tells the same figures and measures nothing."""
    name, said = chosen(training, "auto")
    assert name == f"openvino-{openvino.fastest_precision()}"
    assert "measuring how far OpenVINO" in said[0]
    assert "positions differ from XLA's by" in said[1]
    monkeypatch.setattr(predictor, "compare", None)
    assert chosen(training, "auto") == (name, said[1:])


def test_a_training_ends_with_the_measurement(training, monkeypatch):
    """The first analysis finds it done; what goes wrong with it is told and spoils no training."""
    said = []
    _measure_engine(training, said.append)
    monkeypatch.setattr(predictor, "compare", None)
    assert chosen(training, "auto")[1] == [said[-1].text]
    limit(training.project, "engine: openvino\nengine_limits: {openvino: [-0.0, 0]}\n")
    monkeypatch.setattr(openvino, "find_spec", lambda name: None)
    _measure_engine(training, said.append)
    assert "needs OpenVINO" in said[-1].text


def test_a_network_is_loaded_with_an_engine(training, tmp_path):
    """The project that the folder lies in says what is allowed; elsewhere only XLA computes."""
    loaded = Predictor.load(training.folder, engine="auto", latency=True)
    assert loaded.engine_name == f"openvino-{openvino.fastest_precision()}"
    elsewhere = shutil.copytree(training.folder, tmp_path / "elsewhere")
    assert Predictor.load(elsewhere).engine_name == "xla"
    with pytest.raises(ModelError, match="is not the folder of a training in a project"):
        Predictor.load(elsewhere, engine="auto")


def test_an_engine_that_deviates_is_refused(training, monkeypatch):
    """`auto` takes the next one and says why; an engine that was asked for by name is refused with the figures."""
    far, asked = iter([0.3, 0.0, 0.3]), []
    monkeypatch.setattr(openvino, "fastest_precision", lambda: "bfloat16")
    monkeypatch.setattr(predictor, "network_onnx", lambda *network: asked.append(network) or network_onnx(*network))
    monkeypatch.setattr(predictor, "compare", lambda reference, found, *, scale, pcutoff, runtime: Deviation(
        runtime, 4, pcutoff, 12, next(far), 0.9, 0.0, 0.0))  # fmt: skip
    limit(training.project, "")
    name, said = chosen(training, "auto")
    assert name == "openvino-float32"
    assert len(asked) == 1  # the network is written once for both
    refusal = "its positions differ from XLA's by 0.3 px in the median and 0.9 px at the 99th percentile"
    assert any(text.startswith(f"OpenVINO in bfloat16 is not used: {refusal}") for text in said)
    with pytest.raises(ModelError, match=rf"{refusal}.*raise engine_limits in .*posecut\.yaml") as refused:
        chosen(training, "openvino")
    assert refused.value.remedies[0].arguments["engine"] == "auto"


def test_without_confident_points_nothing_is_judged(training):
    """What cannot be measured is not used unless it is asked for by name."""
    edit_config(training.project.config_path, {"pcutoff": 1.0})
    training = open_project(training.project.config_path).training(1)
    name, said = chosen(training, "auto")
    assert name == "xla"
    assert "too few to judge by" in said[-1]
    assert [text for text in chosen(training, "auto")[1] if "measuring" in text] == []  # it is kept with the network
    name, said = chosen(training, "openvino")
    assert name.startswith("openvino")
    assert "too few to judge by" in said[-1]
    edit_config(training.project.config_path, {"pcutoff": 0.0})  # the toy is confident of every point
    name, said = chosen(open_project(training.project.config_path).training(1), "auto")
    assert "measuring" in said[0]
    assert name.startswith("openvino")


def test_without_openvino_xla_computes(training, monkeypatch):
    """`auto` says no word of it; who asks for OpenVINO is told what to install."""
    monkeypatch.setattr(openvino, "find_spec", lambda name: None)
    assert chosen(training, "auto") == ("xla", [])
    with pytest.raises(ModelError, match="Engine openvino needs OpenVINO, which is not installed"):
        chosen(training, "openvino")


def test_int8_is_quantized_once(training):
    """A quantized network is kept, and made again where its file is damaged."""
    name, said = chosen(training, "openvino-int8")
    assert name == "openvino-int8"
    assert any("quantizing" in text for text in said)
    assert not any("quantizing" in text for text in chosen(training, "openvino-int8")[1])
    (training.snapshot(10) / "int8.npz").write_bytes(b"damaged")
    assert any("quantizing" in text for text in chosen(training, "openvino-int8")[1])


def test_a_result_says_what_computed_it(training, tmp_path):
    """Another engine replaces a result only where it was named, and gives nearly the same poses."""
    config = training.project.config_path
    (table,) = analyze_videos(config, "dots", destfolder=tmp_path, engine="xla").files
    assert read_origin(table).analysis.engine == "xla"
    reference, said = read_predictions(table), []
    assert analyze_videos(config, "dots", destfolder=tmp_path, engine="auto").videos[0].skipped
    again = analyze_videos(config, "dots", destfolder=tmp_path, engine="openvino", report=said.append)
    assert not again.videos[0].skipped
    name = read_origin(table).analysis.engine
    assert name == f"openvino-{openvino.fastest_precision()}"
    assert f"dots.mp4 was analyzed before with xla instead of {name}; it is analyzed again" in [
        report.text for report in said if hasattr(report, "text")
    ]
    assert read_predictions(table).xy.shape == reference.xy.shape


def test_the_project_says_which_engine_computes(training, tmp_path):
    """`engine` in posecut.yaml is the default, and what is no engine or no limit is named."""
    limit(training.project, f"engine: xla\n{WIDE}")
    (table,) = analyze_videos(training.project.config_path, "dots", destfolder=tmp_path).files
    assert read_origin(table).analysis.engine == "xla"
    for wrong in ("engine: torch\n", "engine_limits: {openvino: [0.1]}\n", "engine_limits: {torch: [1, 2]}\n"):
        limit(training.project, wrong)
        with pytest.raises(ProjectError, match=r"posecut\.yaml.*engine"):
            analyze_videos(training.project.config_path, "dots", destfolder=tmp_path)

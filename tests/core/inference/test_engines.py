"""Engines compute what XLA computes, and how far they are from it is known."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from posecut_core.errors import ModelError
from posecut_core.inference import openvino
from posecut_core.inference.deviation import Deviation, compare, poses_of, read_deviations, write_deviations
from posecut_core.inference.engine import XlaEngine
from posecut_core.inference.export import network_onnx
from posecut_core.inference.openvino import OpenvinoEngine, read_quantized, write_quantized
from posecut_core.inference.predictor import Predictor
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo
from tests.toy_backbone import Toy

SPEC = NetworkSpec(Toy(), ("nose", "tail"))
INFO = SnapshotInfo(1, "run", SPEC, 0.5)
SMALL = Deviation("OpenVINO 1", 8, 0.6, 40, 0.02, 0.4, 0.001, 0.01)


@pytest.fixture(scope="module")
def parameters():
    """A network whose maps differ from cell to cell."""
    drawn = initial_parameters(0, SPEC)
    return drawn | {head: jax.tree.map(lambda leaf: 300 * leaf, drawn[head]) for head in ("head", "fine_head")}


@pytest.fixture(scope="module")
def written(parameters):
    return network_onnx(SPEC, parameters).SerializeToString()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 60, 90, 3), np.uint8)


def test_openvino_finds_what_xla_finds(parameters, written, images):
    """In float32 positions agree to a thousandth of a pixel, for images of any size."""
    xla, engine = XlaEngine(SPEC, parameters), OpenvinoEngine(lambda: written, precision="float32")
    for part in (images, images[:1, :40, :70]):
        expected, found = (Predictor(INFO, one).predict(part) for one in (xla, engine))
        np.testing.assert_allclose(found[0], expected[0], atol=1e-3)
        np.testing.assert_allclose(found[1], expected[1], atol=1e-5)
    assert (xla.name, engine.name) == ("xla", "openvino-float32")


def test_openvino_finds_what_xla_finds_in_frames_with_neighbors():
    """Channels of neighbors are scaled and computed as those of the frame are."""
    seeing = replace(SPEC, context=1)
    drawn = initial_parameters(0, seeing)
    generator = np.random.default_rng(1)
    first = drawn["backbone"]["first"]
    first = {**first, "further": generator.normal(size=first["further"].shape).astype(np.float32)}
    drawn = {**drawn, "backbone": {**drawn["backbone"], "first": first}}
    drawn |= {head: jax.tree.map(lambda leaf: 300 * leaf, drawn[head]) for head in ("head", "fine_head")}
    written = network_onnx(seeing, drawn).SerializeToString()
    images = generator.integers(0, 256, (2, 60, 90, 5), np.uint8)
    engines = XlaEngine(seeing, drawn), OpenvinoEngine(lambda: written, precision="float32")
    expected, found = (Predictor(replace(INFO, network=seeing), engine).predict(images) for engine in engines)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-3)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-5)


@pytest.mark.parametrize("latency", [False, True])
def test_what_is_started_together_comes_out_as_alone(written, images, latency):
    """Bits depend neither on the batch size nor on what else is in flight."""
    predictor = Predictor(INFO, OpenvinoEngine(lambda: written, precision="bfloat16", latency=latency))
    alone = [predictor.engine.start(predictor.scaled(image[None]))() for image in images]
    results = [predictor.engine.start(predictor.scaled(images)) for _ in range(3)]
    for result in results:
        for whole, *parts in zip(result(), *alone, strict=True):
            np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_a_compiled_model_is_kept(written, images, tmp_path, monkeypatch):
    """Another start does without the network; a damaged file is made again, and the oldest go beyond the limit."""
    monkeypatch.setattr(openvino, "compilation_cache", lambda: tmp_path)
    how = {"precision": "bfloat16", "key": "network"}
    made = OpenvinoEngine(lambda: written, **how).start(images[:, :32, :48])()
    (file,) = tmp_path.glob("openvino/*.blob")
    read = OpenvinoEngine(lambda: b"no network", **how).start(images[:, :32, :48])()
    for one, other in zip(made, read, strict=True):
        np.testing.assert_array_equal(one, other)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelError):
        OpenvinoEngine(lambda: b"no network", **how).start(images[:, :32, :48])
    OpenvinoEngine(lambda: written, **how).start(images[:, :32, :48])()
    monkeypatch.setattr(openvino, "_KEPT_BYTES", file.stat().st_size)
    OpenvinoEngine(lambda: written, **how).start(images[:, :32, :64])()
    assert len(list(tmp_path.glob("openvino/*.blob"))) == 1


def test_a_file_that_is_no_network_is_refused():
    """One sentence, whatever the runtime says of it."""
    with pytest.raises(ModelError, match="OpenVINO cannot read the network"):
        OpenvinoEngine(lambda: b"no network", precision="float32").start(np.zeros((1, 16, 16, 3), np.uint8))


def test_importing_openvino_tells_nobody():
    """Nothing goes to another computer, and the process is not forked."""
    with pytest.raises(ImportError):
        import openvino_telemetry  # noqa: F401


def test_only_confident_points_are_compared(network, make_network, images):
    """A point of which the reference is not confident may lie anywhere."""

    class Moved(type(network)):
        def predict(self, images):
            xy, likelihood = super().predict(images)
            return xy + np.array([[0.5, 0.0], [40.0, 0.0]]), likelihood - 0.1

    class Unsure(type(network)):
        def predict(self, images):
            xy, likelihood = super().predict(images)
            return xy, likelihood * np.array([1.0, 0.5])

    def compared(other, images):
        reference, found = poses_of(Unsure(), images), poses_of(other, images)
        return compare(lambda: reference, found, scale=0.5, pcutoff=0.6, runtime="R")

    found = compared(Moved(), [*images, *images])
    assert (found.frames, found.points) == (10, 10)
    assert found.position_median == pytest.approx(0.25)  # 0.5 pixels of the video, at half its scale
    assert found.likelihood_p99 == pytest.approx(0.1)
    assert compared(network, []).points == 0


def test_a_deviation_is_held_against_limits():
    """Both figures count, and where there are too few points that is said."""
    assert SMALL.excess((0.1, 1.0)) == ""
    assert "0.02 px in the median and 0.4 px at the 99th percentile" in SMALL.excess((0.01, 1.0))
    assert "at most 0.1 and 0.3 px are allowed" in SMALL.excess((0.1, 0.3))
    assert not SMALL.doubt
    unsure = Deviation("R", 3, 0.6, 4, 0.0, 0.0, 0.0, 0.0)
    assert "confident of only 4 points in 3 frames" in unsure.doubt


def test_a_doubt_stays_until_the_pcutoff_or_the_frames_change():
    """Measuring again would find the same; where no frame could be read there may be some by now."""
    unsure = Deviation("R", 3, 0.6, 4, 0.0, 0.0, 0.0, 0.0)
    assert unsure.answers(0.6)
    assert not unsure.answers(0.3)
    assert not replace(unsure, frames=0).answers(0.6)
    assert SMALL.answers(0.3)  # points of which the network was sure are enough


def test_what_was_measured_is_kept_for_the_same_network_and_version(tmp_path):
    """Another network of the same step, another OpenVINO, or a damaged file: it is measured again."""
    (tmp_path / "snapshot.json").write_text("network")
    assert read_deviations(tmp_path, runtime="OpenVINO 1") == {}
    write_deviations(tmp_path, {"openvino-float32": SMALL})
    assert read_deviations(tmp_path, runtime="OpenVINO 1") == {"openvino-float32": SMALL}
    assert read_deviations(tmp_path, runtime="OpenVINO 2") == {}
    content = (tmp_path / "engines.json").read_text()
    for damaged in ("", "[]", content.replace('"points": 40', '"points": "many"'), content.replace("0.02", "null")):
        (tmp_path / "engines.json").write_text(damaged)
        assert read_deviations(tmp_path, runtime="OpenVINO 1") == {}
    (tmp_path / "engines.json").write_text(content)
    (tmp_path / "snapshot.json").write_text("trained again")
    assert read_deviations(tmp_path, runtime="OpenVINO 1") == {}


def test_a_quantized_network_is_kept(parameters, written, images, tmp_path):
    """It is close to the original, and is read again only for the network that it was made of."""
    reference = Predictor(INFO, XlaEngine(SPEC, parameters))
    model = openvino.quantized(written, [reference.scaled(image[None]).astype(np.float32) / 255 for image in images])
    write_quantized(tmp_path / "int8.npz", model, network="one")
    assert read_quantized(tmp_path / "int8.npz", network="one") == model
    assert read_quantized(tmp_path / "int8.npz", network="other") is None
    scores = [engine.start(reference.scaled(images))().scores for engine in
              (reference.engine, OpenvinoEngine(lambda: model, precision="int8"))]  # fmt: skip
    assert np.abs(scores[1] - scores[0]).mean() < 0.1 * np.std(scores[0])
    whole = (tmp_path / "int8.npz").read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole.replace(b"<net", b"<nut", 1)):
        (tmp_path / "int8.npz").write_bytes(damaged)
        assert read_quantized(tmp_path / "int8.npz", network="one") is None


def test_without_nncf_one_sentence_says_what_to_install(monkeypatch):
    """It is not part of the ordinary install."""
    monkeypatch.setattr(openvino, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"openvino-int8 needs NNCF.*posecut\[int8\]"):
        openvino.quantized(b"", [])

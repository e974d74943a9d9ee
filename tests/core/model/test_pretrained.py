"""Weights from elsewhere: converted exactly, or refused by a sentence that names the tensor."""

import json

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.errors import ModelError
from posecut_core.model.initialization import _backbone_of_weights, _convert_weights, read_weights
from posecut_core.model.pose_net import NetworkSpec
from tests.thin_resnet import NORM, torchvision_tensors


@pytest.fixture
def tensors():
    return torchvision_tensors()


def convert(tensors, initial, *, depth=18, norm="auto"):
    resnet = _backbone_of_weights(tensors, {}, net_type=f"resnet_{depth}", norm=norm, source="w.safetensors")
    return _convert_weights(tensors, initial, NetworkSpec(resnet, ("a", "b")), source="w.safetensors")


def test_batch_norm_is_folded(tensors, thin_parameters):
    """A frozen norm's scale and bias do what batch norm does in evaluation mode."""
    norm = convert(tensors, thin_parameters)["backbone"]["stages"][2][0]["norms"][1]
    weight, bias, mean, variance = (tensors[f"layer3.0.bn2.{name}"].astype(np.float64) for name in NORM)
    x = np.linspace(-3, 3, 7)[:, None]
    expected = (x - mean) / np.sqrt(variance + 1e-5) * weight + bias
    found = x * np.asarray(norm["scale"]) + np.asarray(norm["bias"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_kernels_are_transposed(tensors, thin_parameters):
    """OIHW becomes HWIO, for the projections too."""
    block = convert(tensors, thin_parameters)["backbone"]["stages"][1][0]
    for kernel, name in ((block["convs"][0], "conv1"), (block["shortcut"], "downsample.0")):
        np.testing.assert_array_equal(
            np.asarray(kernel["kernel"]).transpose(3, 2, 0, 1), tensors[f"layer2.0.{name}.weight"]
        )


def test_heads_and_the_initial_tree_stay_as_they_are(tensors, thin_parameters):
    """Only the backbone is replaced, every leaf of it, in a new tree."""
    before = jax.tree.map(np.array, thin_parameters)
    converted = convert(tensors, thin_parameters)
    jax.tree.map(np.testing.assert_array_equal, thin_parameters, before)
    assert converted["head"] is thin_parameters["head"]
    changed = jax.tree.map(lambda old, new: not np.array_equal(old, new), before["backbone"], converted["backbone"])
    assert all(jax.tree.leaves(changed))


def test_weights_without_statistics_are_of_group_norm(thin_parameters):
    """Without running statistics scale and bias are taken as they are, for GroupNorm."""
    tensors = torchvision_tensors(statistics=False)
    assert _backbone_of_weights(tensors, {}, net_type="resnet_18", norm="auto", source="w").norm == "group"
    norm = convert(tensors, thin_parameters)["backbone"]["stem_norm"]
    np.testing.assert_array_equal(norm["scale"], tensors["bn1.weight"])
    np.testing.assert_array_equal(norm["bias"], tensors["bn1.bias"])


def test_group_norm_may_take_the_place_of_batch_norm(tensors, thin_parameters):
    """Asked for group norm, kernels are taken and norms stay fresh: batch statistics say nothing about groups."""
    backbone = convert(tensors, thin_parameters, norm="group")["backbone"]
    np.testing.assert_array_equal(backbone["stem_norm"]["scale"], thin_parameters["backbone"]["stem_norm"]["scale"])
    np.testing.assert_array_equal(np.asarray(backbone["stem"]["kernel"]).transpose(3, 2, 0, 1), tensors["conv1.weight"])


def test_frozen_norms_need_statistics():
    """Frozen batch norm cannot be had from weights without running statistics."""
    with pytest.raises(ModelError, match="no running statistics"):
        _backbone_of_weights(
            torchvision_tensors(statistics=False), {}, net_type="resnet_18", norm="frozen_batch", source="w"
        )


@pytest.mark.parametrize(
    ("metadata", "stride_in", "pool_before"), [({}, "conv2", 1), ({"stride_in": "conv1"}, "conv1", 0)]
)
def test_the_file_says_where_the_stride_stands(tensors, metadata, stride_in, pool_before):
    """Width and norm are seen in the tensors, the place of the stride and the pooling in the metadata."""
    expected = ResNetSpec(18, 0.125, "frozen_batch", stride_in, pool_before)
    assert _backbone_of_weights(tensors, metadata, net_type="resnet_18", norm="auto", source="w") == expected


def test_a_classifier_and_counters_are_ignored(tmp_path, tensors, thin_parameters):
    """Complete torchvision and timm files may be given as they are."""
    tensors["fc.weight"] = np.zeros((10, 64), np.float32)
    tensors["bn1.num_batches_tracked"] = np.array(7)
    save_file(tensors, tmp_path / "w.safetensors")
    convert(read_weights(tmp_path / "w.safetensors")[0], thin_parameters)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("layer3.0.downsample.1.bias", None, "lacks tensor layer3.0.downsample.1.bias"),
        ("bn1.running_mean", None, "lacks tensor bn1.running_mean"),
        ("layer1.0.conv1.weight", None, "no tensor layer1.0.conv1.weight"),
        ("layer1.0.conv1.weight", np.zeros(3, np.float32), "no tensor layer1.0.conv1.weight"),
        ("layer1.0.conv1.weight", np.zeros((0, 64, 3, 3), np.float32), "no tensor layer1.0.conv1.weight"),
        ("layer5.0.conv1.weight", np.zeros(3, np.float32), "holds tensor layer5.0.conv1.weight"),
        ("layer4.1.conv2.weight", np.zeros((64, 64, 1, 1), np.float32), r"layer4.1.conv2.weight .* \(64, 64, 1, 1\)"),
        ("conv1.weight", np.zeros((64, 4, 7, 7), np.float32), "conv1.weight .* but the network needs"),
    ],
)
def test_what_does_not_fit_is_named(tensors, thin_parameters, name, value, sentence):
    """A tensor that is missing, unknown or of another shape is named in one sentence with the file."""
    tensors.pop(name, None)
    if value is not None:
        tensors[name] = value
    with pytest.raises(ModelError, match=sentence) as raised:
        convert(tensors, thin_parameters)
    assert "w.safetensors" in str(raised.value)


@pytest.mark.parametrize(("depth", "tensor"), [(34, "layer1.2.conv1"), (50, "layer1.0.conv1")])
def test_weights_of_another_depth_are_refused(tensors, thin_parameters, depth, tensor):
    """A ResNet-18's weights are no ResNet-34's or -50's; the message says to look at net_type."""
    spec = NetworkSpec(ResNetSpec(depth, 0.125, "frozen_batch"), ("a", "b"))
    shallow = {"backbone": thin_parameters["backbone"]}
    with pytest.raises(ModelError, match=f"{tensor}.*net_type"):
        _convert_weights(tensors, shallow, spec, source="w")


def test_files_come_back(tmp_path, tensors):
    """What was saved is read as float32, half precision too, with the metadata."""
    tensors["bn1.bias"] = tensors["bn1.bias"].astype(np.float16)
    save_file(tensors, tmp_path / "w.safetensors", metadata={"stride_in": "conv1"})
    found, metadata = read_weights(tmp_path / "w.safetensors")
    assert metadata == {"stride_in": "conv1"}
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("bn1.weight", np.full(64, np.nan, np.float32), "holds NaN or infinity"),
        ("bn1.bias", np.full(64, -np.inf, np.float16), "holds NaN or infinity"),
        ("bn1.running_mean", np.full(64, 1e300), "holds NaN or infinity"),  # in float32 it would be
        ("bn1.running_var", np.full(64, -0.1, np.float32), "holds a negative variance"),
        ("conv1.weight", np.ones((64, 3, 7, 7), np.int8), "holds values of type I8, expected F64, .* not quantized"),
    ],
)
def test_values_must_be_those_of_a_network(tmp_path, tensors, name, value, sentence):
    """NaN, infinity, impossible variances and whole numbers are refused with the tensor's name and the file's."""
    save_file({**tensors, name: value}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=rf"Tensor {name} of .*w\.safetensors {sentence}"):
        read_weights(tmp_path / "w.safetensors")


def _four_bytes(path, dtype, *shape):
    header = json.dumps({"conv1.weight": {"dtype": dtype, "shape": shape, "data_offsets": [0, 4]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes([0x80, 0x3F, 0x00, 0xC0]))


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "U8", "BOOL"])
def test_small_numbers_are_refused(tmp_path, dtype):
    """Weights of eight bits are named as such, whether numpy knows their type or not."""
    _four_bytes(tmp_path / "w.safetensors", dtype, 4)
    with pytest.raises(ModelError, match=f"Tensor conv1.weight .* of type {dtype}, .*not quantized"):
        read_weights(tmp_path / "w.safetensors")


def test_bfloat16_files_are_read(tmp_path):
    """bfloat16, which numpy does not know, becomes float32 exactly."""
    _four_bytes(tmp_path / "w.safetensors", "BF16", 2)
    tensors, _ = read_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(tensors["conv1.weight"], np.array([1.0, -2.0], np.float32))


@pytest.mark.parametrize("kept", [0, 5, 300, -1])
def test_a_file_cut_short_is_refused(tmp_path, tensors, kept):
    """A safetensors file that ends early is not read in part."""
    path = tmp_path / "w.safetensors"
    save_file(tensors, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(100), b"\x80\x04K\x01.", b"{}", b"\xff" * 64])
def test_other_formats_are_refused(tmp_path, content):
    """A zip, a pickle or noise is no safetensors file, whatever its name, and is never run."""
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        read_weights(tmp_path / "w.safetensors")


def test_a_missing_file_is_named(tmp_path):
    """A path that leads nowhere, or to a folder, is named."""
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ModelError, match=f"no weights file {path}"):
            read_weights(path)

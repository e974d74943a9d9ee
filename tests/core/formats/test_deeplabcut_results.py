"""Results under DeepLabCut's names, and the one pickle that is ever written."""

import dataclasses
import math
import pickle
import pickletools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.formats.deeplabcut.results import (
    VideoMetadata,
    _plain_pickle,
    metadata_path,
    results_scorer,
    write_metadata,
    write_placeholder,
)
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project

OURS = "PoseCut_resnet18_DotsJan1shuffle1_720"
HARMLESS = {"PROTO", "STOP", "NONE", "NEWTRUE", "NEWFALSE", "LONG1", "BINFLOAT", "BINUNICODE"}
HARMLESS |= {"MARK", "EMPTY_LIST", "APPENDS", "TUPLE", "EMPTY_DICT", "SETITEMS"}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, ProjectConfig("Dots", "me", "Jan1", ("nose",), {}))


@given(PLAIN)
def test_a_plain_pickle_holds_plain_data_and_no_instruction_that_finds_or_calls(value):
    """Kind: a file that runs code in whoever reads it; ours has only instructions that build plain values."""
    written = _plain_pickle(value)
    assert {code.name for code, _, _ in pickletools.genops(written)} <= HARMLESS
    assert pickle.loads(written) == value


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object(), print, {"a": [math]}])
def test_anything_else_is_refused(value):
    """Sets, bytes, objects and functions are no plain data, however deep they lie."""
    with pytest.raises(TypeError, match="is not plain data"):
        _plain_pickle(value)


def test_metadata_are_those_of_deeplabcut(tmp_path):
    """Its keys, for whole frames: positions are in pixels of the full frame, which a crop would shift again."""
    path = metadata_path(tmp_path / "m1DLC_x.h5")
    write_metadata(path, VideoMetadata("DLC_x", ("a",), 7, 30.0, 64, 48, 0, 0.95))
    data = pickle.loads(path.read_bytes())["data"]
    assert path.name == "m1DLC_x_meta.pickle"
    assert (data["Scorer"], data["nframes"], data["frame_dimensions"]) == ("DLC_x", 7, (64, 48))
    assert (data["cropping"], data["cropping_parameters"]) == (False, [0, 64, 0, 48])


def test_a_placeholder_leads_to_our_results(project):
    """DeepLabCut reads type and snapshot of a network there; the file of the snapshot says that it is none."""
    date = project.config.date
    assert results_scorer(project.training(1, 0), OURS) == f"DLC_Resnet50_Dots{date}shuffle1_snapshot_720"
    folder = write_placeholder(project.training(1, 0), OURS)
    assert folder.relative_to(project.root).as_posix().startswith("dlc-models-pytorch/iteration-0/Dots")
    assert 'net_type: "resnet_50"' in (folder / "pytorch_config.yaml").read_text()
    assert "no network" in (folder / "snapshot-720.pt").read_text()
    assert write_placeholder(project.training(1, 0), OURS) == folder
    assert results_scorer(project.training(1, 0), OURS).endswith("snapshot_720")


@pytest.mark.parametrize(("index", "uid"), [(-1, "best-40"), (0, "20"), (1, "100"), ("all", "best-40"), (7, "720")])
def test_a_network_of_deeplabcut_gives_the_name(project, index, uid):
    """It looks for results by its own network only; the best snapshot is its last. No placeholder is put there."""
    folder = write_placeholder(project.training(1, 0), OURS)
    (folder / "snapshot-720.pt").unlink()
    (folder / "pytorch_config.yaml").write_text("data:\n  net_type: other\nnet_type: hrnet_w32\n")
    for name in ("snapshot-100.pt", "snapshot-020.pt", "snapshot-best-040.pt", "snapshot-detector-500.pt"):
        (folder / name).touch()
    project = type(project)(project.root, dataclasses.replace(project.config, snapshotindex=index))
    named = results_scorer(project.training(1, 0), OURS)
    net = "Resnet50" if uid == "720" else "HrnetW32"
    assert named == f"DLC_{net}_Dots{project.config.date}shuffle1_snapshot_{uid}"
    assert write_placeholder(project.training(1, 0), OURS) is None

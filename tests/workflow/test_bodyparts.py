"""Renaming, adding and reordering bodyparts moves no label."""

import contextlib
import shutil

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, BusyError, LabelError
from posecut_core.formats.deeplabcut import tables
from posecut_core.labels.bodypart_ids import AddBodypart, read_identities, record_names
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.project.config import edit_config, read_config
from posecut_core.project.opening import open_project
from posecut_core.storage.tables import read_hdf
from posecut_core.workflow import edit_bodyparts as bodyparts
from posecut_core.workflow.edit_bodyparts import edit_bodyparts
from tests.workflow.conftest import OFFSETS, spot_position


def labels(config):
    return read_labels(open_project(config), "spot")


def test_bodyparts_are_renamed_everywhere(spot_project):
    """config.yaml, its skeleton and DeepLabCut's files have the new name; positions are as before."""
    before = labels(spot_project)
    edited = edit_bodyparts(spot_project, rename={"spot": "dot"})
    assert edited.bodyparts == read_config(spot_project).bodyparts == ("dot", "beside")
    assert read_config(spot_project).skeleton == (("dot", "beside"),)
    np.testing.assert_array_equal(labels(spot_project).xy, before.xy)
    columns = read_hdf(open_project(spot_project).collected_data("spot")).columns
    assert list(columns.get_level_values("bodyparts"))[::2] == ["dot", "beside"]


def test_old_frames_say_nothing_about_a_new_bodypart(spot_project):
    """It was not looked for there, which is not the same as absent."""
    before = labels(spot_project)
    edited = edit_bodyparts(spot_project, add=["tip"])
    assert (edited.bodyparts, edited.added) == (("spot", "beside", "tip"), ("tip",))
    after = labels(spot_project)
    assert not after.annotated[:, 2].any()
    np.testing.assert_array_equal(after.annotated[:, :2], before.annotated)


def test_names_may_be_exchanged(spot_project):
    """Each bodypart keeps its labels under the other's name."""
    before = labels(spot_project)
    edit_bodyparts(spot_project, rename={"spot": "x"})
    edit_bodyparts(spot_project, rename={"beside": "spot"})
    edit_bodyparts(spot_project, rename={"x": "beside"})
    after = labels(spot_project)
    assert after.bodyparts == ("beside", "spot")
    np.testing.assert_array_equal(after.xy, before.xy)


def test_editing_config_yaml_by_hand_is_noticed(spot_project):
    """Reordering is understood, new names too; a name for another is asked about, and saying it helps."""
    before = labels(spot_project)
    edit_config(spot_project, {"bodyparts": ["beside", "spot", "tip"]})
    np.testing.assert_array_equal(labels(spot_project).xy[:, 1::-1], before.xy)
    edit_config(spot_project, {"bodyparts": ["side", "spot"], "skeleton": []})
    with pytest.raises(LabelError, match="rename the old ones") as raised:
        labels(spot_project)
    assert raised.value.remedies[0].arguments["rename"] == {"beside": "side"}
    edit_bodyparts(spot_project, rename={"beside": "side"})
    np.testing.assert_array_equal(labels(spot_project).xy[:, ::-1], before.xy)
    edit_config(spot_project, {"bodyparts": ["other", "spot"]})
    edit_bodyparts(spot_project, add=["other"])
    assert np.isnan(labels(spot_project).xy[:, 0]).all()


@pytest.mark.parametrize(
    ("rename", "add", "words"),
    [
        ({"nose": "snout"}, [], "no bodypart 'nose'"),
        ({"spot": "beside"}, [], "'beside' is taken"),
        ({"spot": "beside", "beside": "spot"}, [], "give that bodypart another name first, in a call of its own"),
        ({"spot": "x", "beside": "x"}, [], "'x' is taken"),
        ({"spot": "x"}, ["x"], "'x' is taken"),
        ({}, ["spot"], "'spot' cannot be added"),
        ({}, ["x", "x"], "cannot be added"),
    ],
)
def test_impossible_names_are_refused(spot_project, rename, add, words):
    """Nothing is changed then."""
    before = spot_project.read_text()
    with pytest.raises(ArgumentError, match=words):
        edit_bodyparts(spot_project, rename=rename, add=add)
    assert spot_project.read_text() == before


def test_nothing_to_do_is_said(spot_project):
    """Kind: a name of blanks alone was none, and nothing was told."""
    for add in ((), " "):
        with pytest.raises(ArgumentError, match="Nothing to do"):
            edit_bodyparts(spot_project, add=add)


def test_names_wait_for_labels_that_are_being_edited(spot_project):
    """Somebody else's session is not disturbed."""
    with LabelSession.open(open_project(spot_project), "spot"), pytest.raises(BusyError, match="is editing them"):
        edit_bodyparts(spot_project, rename={"spot": "dot"})
    assert read_config(spot_project).bodyparts == ("spot", "beside")


@pytest.mark.parametrize("killed", ["journal", "config", "files", "end"])
def test_a_change_that_was_killed_goes_on(spot_project, monkeypatch, killed):
    """Kind: a call killed between two of its files. Called again, it makes the rest; when all was done, nothing."""
    place = {
        "journal": (bodyparts, "record_names", lambda project, edits: record_names(project, list(edits)[:1]) or stop()),
        "config": (bodyparts, "edit_config", lambda *words: stop()),
        "files": (tables, "_write_csv", lambda *words: stop()),
    }

    def stop():
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt), monkeypatch.context() as patch:
        if killed in place:
            patch.setattr(*place[killed])
        edit_bodyparts(spot_project, rename={"spot": "head"}, add=["ear"])
    done = edit_bodyparts(spot_project, rename={"spot": "head"}, add=["ear"])
    assert done.bodyparts == ("head", "beside", "ear")
    project = open_project(spot_project)
    assert project.config.bodyparts == done.bodyparts
    assert read_identities(project).names == {"spot": ("spot", "head"), "beside": ("beside",), "ear": ("ear",)}
    assert b"head,head,beside,beside,ear,ear" in project.collected_data("spot", ".csv").read_bytes()
    np.testing.assert_array_equal(read_labels(project, "spot").xy[0, 0], spot_position(0) + OFFSETS[0])


def of_deeplabcut(config):
    """Leave of the labels what DeepLabCut would have: the tables alone."""
    project = open_project(config)
    for path in (project.bodypart_journal, *project.frame_folder("spot").glob("labels*.json*")):
        path.unlink()
    return project


@pytest.mark.parametrize(
    ("rename", "add", "listed"),
    [
        ({}, (), ("spot", "beside")),
        ({"dot": "spot"}, (), ("spot", "beside")),
        ({}, ["spot"], ("spot", "beside")),
        ({"spot": "dot"}, (), ("dot", "beside")),
        ({"spot": "head"}, ["dot"], None),
    ],
)
def test_a_name_that_nothing_uses_locks_nothing(spot_project, rename, add, listed):
    """Kind: a journal that names bodyparts otherwise than all tables do. Whatever is said then, the labels stay."""
    before = labels(spot_project)
    project = of_deeplabcut(spot_project)
    record_names(project, [AddBodypart("dot", "dot"), AddBodypart("beside", "beside")])
    np.testing.assert_array_equal(labels(spot_project).xy, before.xy)
    if listed is None:
        with pytest.raises(ArgumentError, match="'dot' cannot be added"):
            edit_bodyparts(spot_project, rename=rename, add=add)
        listed = ("spot", "beside")
    elif rename or add:
        edit_bodyparts(spot_project, rename=rename, add=add)
        edit_bodyparts(spot_project, rename=rename, add=add)  # again: nothing is left to do
    after = labels(spot_project)
    assert after.bodyparts == listed
    np.testing.assert_array_equal(after.xy, before.xy)


def test_tables_may_have_the_new_name_already(spot_project):
    """Kind: files of one project of which some were renamed by hand. The call says it of the others too."""
    before = labels(spot_project)
    project = of_deeplabcut(spot_project)
    shutil.copytree(project.frame_folder("spot"), project.frame_folder("other"))
    edit_config(
        spot_project,
        {"video_sets": {name: {"crop": "0, 64, 0, 48"} for name in (*project.config.video_sets, "other.mp4")}},
    )
    folder = project.frame_folder("other")
    text = (folder / "CollectedData_me.csv").read_text().replace("spot", "dot")
    (folder / "CollectedData_me.csv").write_text(text.replace("labeled-data,dot", "labeled-data,other"))
    (folder / "CollectedData_me.h5").unlink()
    edit_bodyparts(spot_project, rename={"spot": "dot"})
    for video in ("spot", "other"):
        after = read_labels(open_project(spot_project), video)
        assert after.bodyparts == ("dot", "beside")
        np.testing.assert_array_equal(after.xy, before.xy)


def test_the_name_of_a_bodypart_that_is_kept_is_taken(spot_project):
    """Kind: two bodyparts of one name. The labels of the one that config.yaml lists would be those of the other."""
    edit_config(spot_project, {"bodyparts": ["beside"], "skeleton": []})
    with pytest.raises(ArgumentError, match="'spot' belongs to a bodypart with labels"):
        edit_bodyparts(spot_project, rename={"beside": "spot"})
    edit_bodyparts(spot_project, rename={"beside": "side"})
    assert labels(spot_project).bodyparts == ("side",)

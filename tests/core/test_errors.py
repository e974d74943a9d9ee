"""Every error that PoseCut raises on purpose can be told from the others."""

import pickle
import traceback
from pathlib import Path

import pytest

from posecut_core import errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PosecutError)]


def test_exit_codes_differ() -> None:
    """No two kinds of error end `posecut` with the same code, and none ends it as success."""
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len({kind.code for kind in KINDS}) == len(codes)
    assert 0 not in codes


@pytest.mark.parametrize("kind", KINDS)
def test_tree_is_drawn(kind: type[errors.PosecutError]) -> None:
    """The tree at the module's head names every error with its exit code."""
    assert f"{kind.__name__} ({kind.exit_code})" in (errors.__doc__ or "")


def test_remedies_are_data_and_a_traceback_shows_them_as_calls() -> None:
    """The message says nothing of them; several are alternatives, each once; a file's name is plain text."""
    mend = errors.Remedy("doctor", config=Path("p"), mend=True)
    error = errors.StorageError("It is damaged.", mend, errors.Remedy("label_frames", config="p"), mend)
    assert (str(error), error.args) == ("It is damaged.", ("It is damaged.",))
    assert [remedy.step for remedy in error.remedies] == ["doctor", "label_frames"]
    shown = "".join(traceback.format_exception(error))
    assert "Try: posecut_core.doctor(config='p', mend=True)" in shown
    assert "Try: napari_posecut.label_frames(config='p')" in shown
    assert pickle.loads(pickle.dumps(error)).remedies == error.remedies


def test_a_room_that_knows_no_project_leaves_it_to_the_step() -> None:
    """The project's folder is filled in; a step that makes a project has none."""
    assert errors.Remedy("doctor", mend=True).of_project("p/config.yaml") == errors.Remedy(
        "doctor", config="p", mend=True
    )
    known = errors.Remedy("doctor", config="q")
    assert known.of_project("p") == known
    assert errors.Remedy("create_new_project").of_project("p").arguments == {}


def test_what_fails_together_has_the_remedies_of_each() -> None:
    """Each once, in the order of the failures."""
    failed = {name: errors.LabelError(f"{name} is damaged.", errors.Remedy("doctor", mend=True)) for name in "ab"}
    with pytest.raises(errors.LabelError, match="2 of 3 videos") as raised:
        errors.raise_together(failed, of=3, what="videos are damaged", kind=errors.LabelError, done=None)
    assert raised.value.remedies == (errors.Remedy("doctor", mend=True),)


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ((errors.StorageError, errors.StorageError), errors.StorageError),
        ((errors.BusyError, errors.StorageError), errors.StorageError),
        ((errors.VideoError, errors.StorageError), errors.LabelError),
    ],
)
def test_what_the_disk_refuses_together_is_the_disks_error(kinds, told) -> None:
    """A folder that may not be written to ends every step with the code of the disk, for one video or for many."""
    failed = {str(place): kind(f"{place} failed.") for place, kind in enumerate(kinds)}
    with pytest.raises(errors.PosecutError) as raised:
        errors.raise_together(failed, of=2, what="videos failed", kind=errors.LabelError, done=None)
    assert type(raised.value) is told


@pytest.mark.parametrize(
    ("kind", "told"), [(errors.BusyError, errors.BusyError), (errors.StorageError, errors.LabelError)]
)
def test_waiting_is_all_there_is_to_do_where_only_others_are_at_it(kind, told) -> None:
    """Kind: one video of two was being edited, and a script was told that labels are wrong."""
    with pytest.raises(errors.PosecutError) as raised:
        errors.raise_together({"a": kind("a failed.")}, of=2, what="failed", kind=errors.LabelError, done=1)
    assert type(raised.value) is told

"""Files are replaced whole or not at all."""

import errno
import os

import pytest

from posecut_core.errors import StorageError
from posecut_core.storage import disk
from posecut_core.storage.files import atomic_path, leftovers, storage_error, write_all, write_bytes, write_text


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    """An error inside the block keeps the old content and leaves nothing behind."""
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(KeyboardInterrupt):
        _interrupted_write(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def _interrupted_write(target):
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_text_is_written_as_utf8(tmp_path):
    """What is written is read back, in a folder that is made for it."""
    write_text(tmp_path / "new" / "a.txt", "Mäuse\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "Mäuse\n".encode()


def test_a_link_stays_a_link(tmp_path):
    """Replacing a linked file replaces what the link points to."""
    (tmp_path / "real.yaml").write_bytes(b"old")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "real.yaml")
    write_bytes(tmp_path / "link.yaml", b"new")
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_bytes() == b"new"


def test_a_link_that_leads_elsewhere_gives_way(tmp_path):
    """The kind: a link in a project that came from elsewhere; what it leads to stays, and the project has its file."""
    (tmp_path / "precious.yaml").write_bytes(b"old")
    (tmp_path / "project").mkdir()
    link = tmp_path / "project" / "config.yaml"
    link.symlink_to(tmp_path / "precious.yaml")
    write_bytes(link, b"new")
    assert (tmp_path / "precious.yaml").read_bytes() == b"old"
    assert (link.is_symlink(), link.read_bytes()) == (False, b"new")


def test_nothing_is_appended_through_a_link(tmp_path):
    """The kind: files that grow or are locked in place, as journals; where a link leads is another's."""
    (tmp_path / "labels.jsonl").symlink_to(tmp_path / "precious.txt")
    with pytest.raises(OSError, match="it is a link") as caught:
        disk.open_file(tmp_path / "labels.jsonl", os.O_RDWR | os.O_CREAT)
    assert "put the file itself there" in str(storage_error(tmp_path / "labels.jsonl", caught.value))
    assert not (tmp_path / "precious.txt").exists()


def test_a_refusal_is_one_sentence(tmp_path):
    """A folder that is a file cannot be written to, and the message says what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"^Cannot write .*\.$"):
        write_text(tmp_path / "file" / "a.txt", "x")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EISDIR, "it is a folder: give the path of a file"),
        (errno.ENOTDIR, "a file lies where it needs a folder"),
        (errno.ENAMETOOLONG, "name is too long"),
    ],
)
def test_the_reason_is_named(tmp_path, number, words):
    """Full disks, read-only disks, permissions and paths that cannot be are told apart."""
    assert words in str(storage_error(tmp_path, OSError(number, "no")))


def test_a_refusal_inside_another_is_told_once(tmp_path):
    """Work that wraps other work names its own file, with the reason of the disk and no sentence in the sentence."""
    inner = StorageError("Cannot write .tmp; the disk is full.")
    inner.__cause__ = OSError(errno.ENOSPC, "no")
    assert str(storage_error(tmp_path, inner)).count("Cannot write") == 1
    assert str(storage_error(tmp_path, inner)).startswith(f"Cannot write {tmp_path}; the disk is full")
    bare = StorageError("x holds 3 of 5 frames.")
    assert storage_error(tmp_path, bare) is bare


def test_content_is_written_whole_in_pieces(tmp_path, monkeypatch):
    """A disk that takes three bytes at a time gets all of them."""
    monkeypatch.setattr(disk, "write", lambda handle, content: os.write(handle, content[:3]))
    handle = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    write_all(handle, b"0123456789")
    os.close(handle)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_leftovers_are_those_of_their_target(tmp_path):
    """What a killed program left is found by the name of what it wanted to write."""
    for name in ("labels.json", "other.json"):
        handle, _ = disk.new_file(tmp_path / name)
        os.close(handle)
    assert [path.name.split("-")[0] for path in leftovers(tmp_path, prefix="labels")] == [".labels"]

"""HDF5 files from others are read to an end, or named in a sentence."""

import struct
import sys

import h5py
import numpy as np
import pytest

from posecut_core.errors import LabelError
from posecut_core.storage.hdf import open_hdf


@pytest.fixture
def texts(tmp_path):
    """A file with two texts of any length."""
    path = tmp_path / "texts.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("names", data=["nose", "tail"], dtype=h5py.string_dtype())
    return path


@pytest.mark.parametrize(("number", "length"), [(0, 0), (7, 2**64 - 16)])
def test_texts_without_an_end_are_refused(texts, number, length):
    """The kind: free space that is no longer than nothing, at which HDF5 stays forever."""
    content = bytearray(texts.read_bytes())
    at = content.index(b"GCOL") + 16
    for _ in range(2):
        at += 16 + -(-struct.unpack_from("<Q", content, at + 8)[0] // 8) * 8
    struct.pack_into("<H6xQ", content, at, number, length)
    texts.write_bytes(content)
    with (
        pytest.raises(LabelError, match=f"Cannot read {texts} because its structure is damaged"),
        open_hdf(texts, foreign=True),
    ):
        pass


def test_texts_longer_than_the_file_are_refused(texts):
    """HDF5 takes the memory before it looks whether there is that much."""
    content = bytearray(texts.read_bytes())
    struct.pack_into("<Q", content, content.index(b"GCOL") + 8, 2**33)
    texts.write_bytes(content)
    with pytest.raises(LabelError, match="its structure is damaged"), open_hdf(texts, foreign=True):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say or limit what a process holds")
def test_no_length_in_a_file_takes_gigabytes(texts):
    """The kind: whatever is damaged, HDF5 gets what a sound file needs; afterwards there is no limit left."""
    import resource

    with h5py.File(texts) as file:
        at = file["names"].id.get_offset()
    content = bytearray(texts.read_bytes())
    struct.pack_into("<I", content, at, 2**31)  # letters of the first name
    texts.write_bytes(content)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    with open_hdf(texts, foreign=True) as file:
        assert resource.getrlimit(resource.RLIMIT_DATA) != limits
        with open_hdf(texts), pytest.raises(OSError, match="memory"):
            file["names"][()]
        assert resource.getrlimit(resource.RLIMIT_DATA) != limits
    assert resource.getrlimit(resource.RLIMIT_DATA) == limits


@pytest.mark.parametrize("of", ["attribute", "values", "compound"])
def test_lists_of_no_known_type_are_refused(tmp_path, of):
    """The kind: a bit of a type that flipped, at which HDF5 would end the process."""
    path = tmp_path / "lists.h5"
    lists = h5py.vlen_dtype(np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (1,), lists if of == "values" else [("b", lists)] if of == "compound" else "f8")
        some = np.empty(1, object)
        some[0] = np.arange(3, dtype=np.uint8)
        file["a"].attrs.create("c", some if of == "attribute" else 1, dtype=lists if of == "attribute" else np.uint8)
    with open_hdf(path, foreign=True) as file:
        assert "a" in file
    content = path.read_bytes()
    assert content.count(b"\x19\x00\x00\x00\x10") == 1
    path.write_bytes(content.replace(b"\x19\x00\x00\x00\x10", b"\x19\x09\x00\x00\x10"))
    with pytest.raises(LabelError, match="its part 'a' is damaged"), open_hdf(path, foreign=True):
        pass


def test_what_h5py_has_no_type_for_is_left_to_who_needs_it(tmp_path):
    """The kind: errors of h5py about a part that nobody asks for, damaged or only unknown."""
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file["sound"] = np.arange(3)
        file["odd"] = np.arange(3, dtype="<i4")
    content = path.read_bytes()
    integer = b"\x10\x08\x00\x00\x04\x00\x00\x00\x00\x00\x20\x00"  # signed, of 4 bytes and 32 bits
    assert content.count(integer) == 1
    path.write_bytes(content.replace(integer, integer.replace(b"\x04", b"\x09", 1)))
    with open_hdf(path) as file:
        assert file["sound"][()].tolist() == [0, 1, 2]


def test_texts_are_read(texts):
    """Whole ones are no hindrance, nor is a file that ends where texts begin."""
    with open_hdf(texts, foreign=True) as file:
        assert file["names"].asstr()[()].tolist() == ["nose", "tail"]
    texts.write_bytes(b"\x89HDF\r\n\x1a\nGCOL\x01\0\0\0")
    with pytest.raises(OSError, match=r"texts\.h5|open|truncated"), open_hdf(texts, foreign=True):
        pass


def test_groups_within_themselves_are_refused(tmp_path):
    """Who goes through all of them would never be done."""
    path = tmp_path / "loop.h5"
    with h5py.File(path, "w") as file:
        file["a/b"] = file.create_group("c")
        file["c/a"] = file["a"]
    with pytest.raises(LabelError, match=r"its part .\w. is a link"), open_hdf(path):
        pass


def test_rows_without_anything_are_no_small_array(tmp_path):
    """They are gone through all the same; no rows, however long, are none."""
    path = tmp_path / "empty.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("none", (0, 10**9), "f8", chunks=(1, 1), maxshape=(None, None))
    with open_hdf(path) as file:
        assert file["none"].size == 0
    with h5py.File(path, "a") as file:
        file.create_dataset("many", (10**9, 0), "f8", chunks=(1, 1), maxshape=(None, None))
    with pytest.raises(LabelError, match="'many' claims"), open_hdf(path):
        pass


def test_links_within_a_file_of_another_program_are_its_own(tmp_path):
    """NWB has them; a file of ours has none."""
    path = tmp_path / "linked.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(3)
        file["b"] = h5py.SoftLink("/a")
    with open_hdf(path, foreign=True) as file:
        assert file["b"][()].tolist() == [0, 1, 2]
    with pytest.raises(LabelError, match="its part 'b' is a link"), open_hdf(path):
        pass


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_an_array_is_as_large_as_what_the_file_has_of_it(tmp_path, compression):
    """A bit of its shape that flipped would be gigabytes of nothing; what packs well is read."""
    path = tmp_path / "packed.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.zeros(2**18), chunks=(2**16,), maxshape=(None,), compression=compression)
    with open_hdf(path) as file:
        assert not file["a"][()].any()
    with h5py.File(path, "r+") as file:
        file["a"].resize((2**23 - 1,))
    with pytest.raises(LabelError, match="more than the file can hold"), open_hdf(path):
        pass

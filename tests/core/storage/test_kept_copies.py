"""Every copy that was kept stays."""

from posecut_core.storage.files import keep_copy


def test_no_copy_replaces_another(tmp_path):
    """The second and third are numbered, before the suffix."""
    paths = [keep_copy(tmp_path / "old.h5", content) for content in (b"a", b"b", b"c")]
    assert [path.name for path in paths] == ["old.h5", "old-2.h5", "old-3.h5"]
    assert [path.read_bytes() for path in paths] == [b"a", b"b", b"c"]

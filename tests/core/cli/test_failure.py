"""Whatever stops the work is told in one sentence."""

import errno

import pytest

from posecut_core.cli.program import explain
from posecut_core.cli.verbs import as_typed
from posecut_core.errors import ModelError, StorageError, VideoError
from posecut_core.results import _one_line


def test_our_errors_are_told_as_they_are():
    """Message, kind and code are the error's."""
    failure = explain(ModelError("Found no weights;\n  train first."))
    assert (failure.error, failure.kind) == ("Found no weights; train first.", "ModelError")
    assert failure.exit_code == ModelError.exit_code


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_disk_that_refuses_is_a_storage_error(number):
    """The file is named, and what to do."""
    failure = explain(OSError(number, "refused", "/data/x.h5"))
    assert (failure.kind, failure.exit_code) == ("StorageError", StorageError.exit_code)
    assert "/data/x.h5" in failure.error


def test_a_full_disk_behind_the_output_is_named():
    """An error without a file is about what the program prints."""
    assert explain(OSError(errno.ENOSPC, "full")).error.startswith("Cannot write the output; the disk is full")


def test_too_little_memory_has_advice():
    """The message says what to make smaller."""
    assert "batch_size" in explain(MemoryError()).error


def test_other_errors_name_a_log(tmp_path, monkeypatch):
    """An OSError that is not about writing is unforeseen; its details are kept."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failure = explain(FileNotFoundError(errno.ENOENT, "gone", "x"))
    assert (failure.exit_code, str(tmp_path) in failure.error) == (1, True)


def test_a_log_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    """The sentence then tells how to see the details."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert "--debug" in explain(RuntimeError("x")).error


def test_messages_fit_in_a_line():
    """Line breaks and indentation become spaces."""
    assert _one_line(" a\n   b ") == "a b"


def test_a_terminal_obeys_no_name():
    """The kind: names of files and bodyparts that hold colors, clear the screen or turn the writing round."""
    told = explain(VideoError("/a/\x1b[2J\u202egpj.mp4 is empty; e\u0301 \U0001f468\u200d\U0001f469 stay.")).error
    assert told == r"/a/\x1b[2J\u202egpj.mp4 is empty; " + "e\u0301 \U0001f468\u200d\U0001f469 stay."


def test_a_sentence_has_an_end():
    """The kind: cells and names without bounds that a sentence cites; its beginning and its advice stay."""
    told = explain(VideoError(f"/a.csv holds {'9' * 10**6}; correct it.")).error
    assert told.startswith("/a.csv holds 999")
    assert told.endswith("99; correct it.")
    assert len(told) < 2100


@pytest.mark.parametrize(
    ("words", "told", "typed"),
    [
        (["triangulate", "p"], "max_error is 0, expected more.", "--max-error is 0, expected more."),
        (["extract-frames"], "Name one video in `videos`; it is missing.", "Name one video in --video; it is missing."),
        (["extract-frames"], "/a_b/max_gap.csv, left_ear", "/a_b/max_gap.csv, left_ear"),
        (["extract-frames"], "list it under `videos` in posecut.yaml", "list it under `videos` in posecut.yaml"),
        (["extract-frames"], "correct `videos` in posecut.yaml", "correct `videos` in posecut.yaml"),
        (["create-labeled-video"], "dotsize is -3.0, expected", "--dotsize is -3.0, expected"),
        (["create-labeled-video"], "session1 has no dotsize", "session1 has no dotsize"),
        (["nothing"], "max_error is 0.", "max_error is 0."),
    ],
)
def test_arguments_are_named_as_they_are_typed(words, told, typed):
    """What a step calls `max_error` is an option of the verb; files, bodyparts and keys keep their names."""
    assert as_typed(told, words) == typed


def test_a_wrong_number_is_told_by_its_option(posecut, project):
    """Also where the step itself, not the command line, refuses it."""
    code, _, err = posecut("triangulate", project, "x.mp4", "--max-error", "-1")
    assert (code, "--max-error is -1" in err) == (2, True)

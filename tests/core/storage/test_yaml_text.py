"""YAML is read as plain values, and its mistakes are named by line."""

import re
from pathlib import Path

import pytest

from posecut_core.errors import ProjectError
from posecut_core.storage.yaml_files import _dump, load_mapping, read_yaml

PATH = Path("config.yaml")


@pytest.mark.parametrize(("text", "line"), [("a: 1\nb: [1\nc: 2\n", 3), ("a: 1\n\tb: 2\n", 2), ("a: b: c\n", 1)])
def test_a_typo_is_named_by_its_line(text, line):
    """A message tells the line where reading failed."""
    with pytest.raises(ProjectError, match=f"line {line} is not valid YAML"):
        load_mapping(text, PATH)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 'R\nc: 2\nd: 3\n", "line 2 has a quote that does not end"),
        ('a: 1\nb: "C:\\Users\\ada"\n', "line 2 has \\ in double quotes"),
        ("a: 1\nb: 2 3: 4\n", "line 2 is not valid YAML"),
        ("<html>", "holds a single text or number but should hold lines"),
        ("- a\n- b\n", "holds a list but should hold lines"),
    ],
)
def test_a_slip_is_named_where_it_was_made(text, told):
    """A quote without its end is noticed at the end of the file, and a path of Windows inside its quotes."""
    with pytest.raises(ProjectError, match=rf"^config\.yaml {re.escape(told)}"):
        load_mapping(text, PATH)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb:\n- 2\na: 3\n", "the key 'a' twice, in lines 1 and 4"),
        ("a:\n  b: 1\n  c: &x [*x]\n  b: 3\n", "the key 'b' twice, in lines 2 and 4"),
        ("{a: 1, a: 2}", "the key 'a' twice, in line 1"),
    ],
)
def test_a_key_that_stands_twice_is_named_with_its_lines(text, told):
    """Kind: a parser's words for a slip of people: which key, where it stands, and what to do."""
    with pytest.raises(ProjectError, match=f"config.yaml has {told}, expected it once; remove one of them"):
        load_mapping(text, PATH)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "word\n", "a: 2018-99-99\n"])
def test_what_is_no_mapping_is_refused(text):
    """Empty files, lists, words and impossible dates give one sentence."""
    with pytest.raises(ProjectError, match=r"config\.yaml"):
        load_mapping(text, PATH)


def test_nothing_in_a_file_is_executed(tmp_path):
    """A tag that asks for a call is refused and not called."""
    trace = tmp_path / "ran"
    with pytest.raises(ProjectError, match="line 1"):
        load_mapping(f'a: !!python/object/apply:os.mkdir ["{trace}"]\n', PATH)
    assert not trace.exists()


def test_python_tuples_are_lists():
    """The tags that old DeepLabCut wrote are plain values here."""
    text = "a: !!python/tuple [50, 50]\nb: !!python/unicode 'x'\n"
    assert load_mapping(text, PATH) == {"a": [50, 50], "b": "x"}


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"a: \xe9\n"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    """Binary files and other encodings give one sentence."""
    (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(ProjectError, match="UTF-8"):
        read_yaml(tmp_path / "config.yaml")


def test_a_missing_file_is_refused(tmp_path):
    """The message says how to get a project."""
    with pytest.raises(ProjectError, match="create a project first"):
        read_yaml(tmp_path / "config.yaml")


def test_long_paths_stay_on_one_line():
    """Keys and values of any length are written on one line, so that other programs can read them."""
    key, value = "/k" * 400, "/v v" * 400
    assert _dump({key: value}) == f"{key}: {value}\n"

"""YAML text in and out with ruamel.yaml: safe reading with errors that name the line, and one way of writing values.

Tags that old programs left behind (`!!python/tuple`, `!!python/unicode`) are read as plain lists and strings.
Any other tag of the kind is refused; nothing in a file is ever executed.
"""

import codecs
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from posecut_core.errors import ProjectError
from posecut_core.project import reading

_UNREADABLE = (  # what parsers raise where a value does not fit its tag
    *(YAMLError, yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, OverflowError),
    *(RecursionError, AssertionError),
)
_LONGEST = 100  # letters of a parser's words
_LINE_WIDTH = 1_000_000  # a wrapped path is a path that other programs cannot read
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what Notepad saves as "Unicode"
_LARGEST = 2 * 2**20  # characters of a settings file: 30,000 videos, which take half a minute to read


class _PlainConstructor(SafeConstructor):
    """SafeConstructor that reads Python's tuples and strings as plain values."""


def _as_list(constructor: SafeConstructor, node: Node) -> list[object]:
    return list(constructor.construct_sequence(node, deep=True))


def _as_text(constructor: SafeConstructor, node: Node) -> str:
    return str(constructor.construct_scalar(node))


_PlainConstructor.add_constructor("tag:yaml.org,2002:python/tuple", _as_list)
_PlainConstructor.add_constructor("tag:yaml.org,2002:python/unicode", _as_text)
_PlainConstructor.add_constructor("tag:yaml.org,2002:python/str", _as_text)


def safe_yaml() -> YAML:
    """Make a loader of plain values."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _PlainConstructor
    return yaml


def round_trip_yaml() -> YAML:
    """Make a loader and writer that keeps comments and order, and never wraps a line."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = _LINE_WIDTH
    yaml.emitter.MAX_SIMPLE_KEY_LENGTH = _LINE_WIDTH
    yaml.preserve_quotes = True
    return yaml


def read_text(path: Path) -> str:
    r"""Read a text file; a byte order mark is dropped and line ends become `\n`.

    Raises:
        ProjectError: the file is missing, is a folder, or is not UTF-8 text.
    """
    try:
        content = reading.read_bytes(path, at_most=reading.SETTINGS)
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError as error:
        raise ProjectError(
            f"Found no file {path}; give the path of a project's config.yaml or create a project first "
            "(posecut create-new-project)."
        ) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = "it is UTF-16" if content.startswith(_UTF16) else f"see line {line}"
        raise ProjectError(
            f"{path} is not a text file in UTF-8 ({found}); save it as UTF-8 in a text editor, or restore it from a "
            "copy."
        ) from error
    except OSError as error:
        raise ProjectError(f"Cannot read {path} ({error.strerror}); restore it, or check its permissions.") from error


def load_mapping(text: str, path: Path) -> dict[str, object]:
    """Parse YAML text whose top level is a mapping; `path` is only named in errors.

    Raises:
        ProjectError: the text is not YAML (the line is named), is empty, or is no mapping with text keys.
    """
    if len(text) > _LARGEST:
        raise ProjectError(
            f"{path} has {len(text):,} characters, expected a settings file of at most {_LARGEST:,}; restore it from a "
            "copy."
        )
    try:
        reading.refuse_deep(text)
        value = safe_yaml().load(text)
        values = reading.count_values(value)
    except RecursionError as error:
        raise ProjectError(
            f"{path} holds values nested without end, expected lines of the form `key: value`; restore it from a copy."
        ) from error
    except MarkedYAMLError as error:
        raise ProjectError(_yaml_sentence(error, text, path)) from error
    except (YAMLError, ValueError) as error:  # ValueError: impossible dates and numbers
        raise ProjectError(f"{path} is not valid YAML ({_reason(error)}); correct it.") from error
    except (AssertionError, AttributeError, IndexError, KeyError, OverflowError, TypeError) as error:
        # the parser's own slips over tags and directives that make no sense
        raise ProjectError(f"{path} is not valid YAML ({type(error).__name__}); restore it from a copy.") from error
    if values > reading.MOST_VALUES:
        raise ProjectError(
            f"{path} stands for {values:,} values through its aliases (`*name`), expected plain lines; write what "
            "they stand for instead."
        )
    if value is None:
        raise ProjectError(f"{path} is empty; restore it from a copy.")
    if not isinstance(value, dict):
        raise ProjectError(
            f"{path} holds a {type(value).__name__} but should hold lines of the form `key: value`; restore it from a "
            "copy."
        )
    return {str(key): entry for key, entry in value.items()}


def line_of(path: Path, *keys: object) -> int | None:
    """Return the line, counted from 1, of the value that keys and places in lists lead to; None where it is not."""
    try:
        node = safe_yaml().compose(read_text(path))
    except (ProjectError, YAMLError, ValueError, RecursionError):
        return None
    line = None
    for key in keys:
        if isinstance(node, MappingNode):
            found = next(((name, value) for name, value in node.value if name.value == str(key)), None)
        elif isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = (node.value[key], node.value[key])
        else:
            found = None
        if found is None:
            return None
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def plain_values(text: str) -> Any:
    """Parse a YAML text that PoseCut wrote, quicker than `load_mapping` and without its sentences.

    Raises:
        ValueError: the text is no YAML of plain values, or stands for endless ones.
    """
    try:
        reading.refuse_deep(text)
        value = yaml.safe_load(text)
        if reading.count_values(value) > reading.MOST_VALUES:
            raise ValueError("its references (`*name`) stand for more than a million values")
    except _UNREADABLE as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"line {mark.line + 1}" if mark else _reason(error)) from error
    return value


def dump(value: object) -> str:
    """Write a plain value as YAML text in block style, ending with a line end."""
    stream = io.StringIO()
    round_trip_yaml().dump(escaped(value), stream)
    return stream.getvalue().removesuffix("...\n")


def escaped(value: object) -> object:
    """Have texts with a "next line" (U+0085) written in double quotes, as ruamel.yaml takes it for a line end."""
    if isinstance(value, str):
        return DoubleQuotedScalarString(value) if "\x85" in value else value
    if isinstance(value, Mapping):
        return {escaped(key): escaped(item) for key, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, list | tuple) else value


def _twice(root: Node, line: int) -> tuple[str, str]:
    """Return the key that a mapping has again in a line, and all lines in which it has it."""
    nodes, seen = [root], set[int]()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:  # aliases lead to one again, or back
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            keys = [
                (key.value if isinstance(key, ScalarNode) else "", key.start_mark.line + 1) for key, _ in node.value
            ]
            for name in (key for key, at in keys if at == line):
                places = [str(at) for key, at in keys if key == name]
                if len(places) > 1:
                    lines = list(dict.fromkeys(places))
                    return str(name), f"line{'s' * (len(lines) > 1)} {' and '.join(lines)}"
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            nodes += node.value
    return "", f"line {line}"


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "lists or mappings lie too deep within each other"
    words = str(error).strip() or type(error).__name__
    return words.splitlines()[0][:_LONGEST]


def _yaml_sentence(error: MarkedYAMLError, text: str, path: Path) -> str:
    if isinstance(error, DuplicateKeyError) and error.problem_mark is not None:
        key, lines = _twice(safe_yaml().compose(text), error.problem_mark.line + 1)
        return (
            f"{path} has the key {key!r} twice, in {lines}, expected it once; remove one of the two with what "
            "belongs to it."
        )
    mark = error.problem_mark or error.context_mark
    place = f" line {mark.line + 1}" if mark is not None else ""
    problem = (error.problem or error.context or "unreadable").strip().splitlines()[0][:_LONGEST]
    return f"{path}{place} is not valid YAML: {problem}; correct that line (one `key: value` each, spaces not tabs)."

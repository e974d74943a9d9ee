"""YAML files: read safely with errors that name the line, checked value by value, and edited in place."""

import codecs
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from posecut_core.errors import ProjectError
from posecut_core.storage import files
from posecut_core.storage.values import as_integer, as_name, as_number, shown

# --- yaml text --------------------------------------------------------------------------------------------------------
# YAML text in and out with ruamel.yaml: safe reading with errors that name the line, and one way of writing values.
#
# Tags that old programs left behind (`!!python/tuple`, `!!python/unicode`) are read as plain lists and strings.
# Any other tag of the kind is refused; nothing in a file is ever executed.


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


def _safe_yaml() -> YAML:
    """Make a loader of plain values."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _PlainConstructor
    return yaml


def _round_trip_yaml() -> YAML:
    """Make a loader and writer that keeps comments and order, and never wraps a line."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = _LINE_WIDTH
    yaml.emitter.MAX_SIMPLE_KEY_LENGTH = _LINE_WIDTH
    yaml.preserve_quotes = True
    return yaml


def read_yaml(path: Path) -> str:
    r"""Read a text file; a byte order mark is dropped and line ends become `\n`.

    Raises:
        ProjectError: the file is missing, is a folder, or is not UTF-8 text.
    """
    try:
        content = files.read_bytes(path, at_most=files.SETTINGS)
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
        files.refuse_deep(text)
        value = _safe_yaml().load(text)
        values = files.count_values(value)
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
    if values > files.MOST_VALUES:
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


def _line_of(path: Path, *keys: object) -> int | None:
    """Return the line, counted from 1, of the value that keys and places in lists lead to; None where it is not."""
    try:
        node = _safe_yaml().compose(read_yaml(path))
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
        files.refuse_deep(text)
        value = yaml.safe_load(text)
        if files.count_values(value) > files.MOST_VALUES:
            raise ValueError("its references (`*name`) stand for more than a million values")
    except _UNREADABLE as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"line {mark.line + 1}" if mark else _reason(error)) from error
    return value


def _dump(value: object) -> str:
    """Write a plain value as YAML text in block style, ending with a line end."""
    stream = io.StringIO()
    _round_trip_yaml().dump(_escaped(value), stream)
    return stream.getvalue().removesuffix("...\n")


def _escaped(value: object) -> object:
    """Have texts with a "next line" (U+0085) written in double quotes, as ruamel.yaml takes it for a line end."""
    if isinstance(value, str):
        return DoubleQuotedScalarString(value) if "\x85" in value else value
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(item) for key, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list | tuple) else value


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
        key, lines = _twice(_safe_yaml().compose(text), error.problem_mark.line + 1)
        return (
            f"{path} has the key {key!r} twice, in {lines}, expected it once; remove one of the two with what "
            "belongs to it."
        )
    mark = error.problem_mark or error.context_mark
    place = f" line {mark.line + 1}" if mark is not None else ""
    problem = (error.problem or error.context or "unreadable").strip().splitlines()[0][:_LONGEST]
    return f"{path}{place} is not valid YAML: {problem}; correct that line (one `key: value` each, spaces not tabs)."


# --- yaml edit --------------------------------------------------------------------------------------------------------
# Change values inside YAML text and leave every other character as it was: comments, order, quotes and blank lines.
#
# The places of values are found by parsing; only those spans are replaced. What the spans cannot express
# (anchors, odd layouts) goes through ruamel.yaml's own round trip, which keeps most comments.


_Edit = tuple[int, int, str]  # start, end, new text


def edit_text(text: str, changes: Mapping[str, object], path: Path) -> str:
    """Return `text` with the top-level keys of `changes` set; `path` is only named in errors.

    Raises:
        ProjectError: the text is not a YAML mapping.
    """
    old = load_mapping(text, path)
    wanted = {**old, **changes}
    if wanted == old:
        return text
    try:
        edited = _by_spans(text, old, wanted)
        if load_mapping(edited, path) == wanted:
            return edited
    except (ProjectError, ValueError):
        pass  # the spans did not fit this layout: merged keys have no place of their own
    return _by_round_trip(text, changes)


def _by_spans(text: str, old: dict[str, object], wanted: dict[str, object]) -> str:
    node = _safe_yaml().compose(text)
    if not isinstance(node, MappingNode) or node.flow_style:
        return text
    for start, end, new in sorted(_mapping_edits(text, node, old, wanted), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _by_round_trip(text: str, changes: Mapping[str, object]) -> str:
    yaml = _round_trip_yaml()
    data = yaml.load(text)
    data.update({key: _escaped(value) for key, value in changes.items()})
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _value_edits(text: str, node: Node, old: object, new: object) -> Iterator[_Edit] | None:
    """Return edits inside a block mapping or list; None where the value must be replaced as a whole."""
    if not isinstance(node, MappingNode | SequenceNode) or node.flow_style or not old or not new:
        return None
    if isinstance(node, MappingNode) and isinstance(old, dict) and isinstance(new, dict):
        return _mapping_edits(text, node, old, new)
    if isinstance(node, SequenceNode) and isinstance(old, list) and isinstance(new, list):
        return _list_edits(text, node, old, new)
    return None


def _mapping_edits(text: str, node: MappingNode, old: dict, new: dict) -> Iterator[_Edit]:
    """Yield edits of a block mapping; a key that goes lends its place and comments to one that comes."""
    coming = [key for key in new if key not in old]
    indent = " " * node.start_mark.column
    for (key_node, value_node), key in zip(node.value, old, strict=True):
        name = key if key in new else (coming.pop(0) if coming else None)
        if name is None:
            yield _line_start(text, key_node), _line_end(text, _entry_end(text, key_node, value_node)), ""
            continue
        if name != key:
            yield key_node.start_mark.index, key_node.end_mark.index, _inline(name)
        if new[name] != old[key]:
            inner = _value_edits(text, value_node, old[key], new[name])
            if inner is None:
                yield key_node.end_mark.index, _entry_end(text, key_node, value_node), _after_key(new[name], indent)
            else:
                yield from inner
    if coming:
        block = "".join(_indented(_dump({key: new[key]}), indent) for key in coming)
        yield _appended(text, node, block)


def _list_edits(text: str, node: SequenceNode, old: list, new: list) -> Iterator[_Edit]:
    """Yield edits of a block list, item by item."""
    for place, item in enumerate(node.value):
        if place >= len(new):
            yield _line_start(text, item), _line_end(text, _end(text, item)), ""
        elif new[place] != old[place]:
            yield item.start_mark.index, _end(text, item), _inline(new[place])
    if len(new) > len(old):
        indent = " " * node.start_mark.column
        yield _appended(text, node, "".join(f"{indent}- {_inline(item)}\n" for item in new[len(old) :]))


def _appended(text: str, node: Node, block: str) -> _Edit:
    place = _line_end(text, _end(text, node))
    missing_line_end = "" if place == 0 or text[place - 1] == "\n" else "\n"
    return place, place, missing_line_end + block


def _after_key(value: object, indent: str) -> str:
    """Return `: value` as it follows a key, without the last line end."""
    dumped = _dump({"k": value})[1:]
    first, _, rest = dumped.partition("\n")
    return (first + "\n" + _indented(rest, indent)).rstrip("\n")


def _indented(block: str, indent: str) -> str:
    return "".join(indent + line if line.strip() else line for line in block.splitlines(keepends=True))


def _inline(value: object) -> str:
    """Return a value on one line: a scalar, or a list in brackets."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return _dump(value).rstrip("\n")


def _end(text: str, node: Node) -> int:
    """Return where a value's last character stands; comments after a block belong to what follows."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _entry_end(text, *node.value[-1])
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _end(text, node.value[-1])
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip())


def _entry_end(text: str, key_node: Node, value_node: Node) -> int:
    """Return where a mapping's entry ends; the parser places an absent value at the next key, we at its colon."""
    if value_node.start_mark.index == value_node.end_mark.index:
        return text.index(":", key_node.end_mark.index) + 1
    return _end(text, value_node)


def _line_start(text: str, node: Node) -> int:
    return text.rfind("\n", 0, node.start_mark.index) + 1


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


# --- fields -----------------------------------------------------------------------------------------------------------
# Checks of single values of config.yaml; an error names the key, what was found, what was expected, what to do.


_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class Fields:
    """The mapping read from a config.yaml, asked for one checked value at a time.

    Unset values (absent, empty, or an empty string, as old files have them) give the default.
    """

    values: Mapping[str, object]
    path: Path  # named in errors

    def place(self, *keys: object) -> str:
        """Say where a value stands, by the keys that lead to it: the file and, where it is found there, the line."""
        line = _line_of(self.path, *keys)
        return f"{self.path} line {line}" if line else str(self.path)

    def wrong(self, key: str, expected: str) -> ProjectError:
        """Make the error for a key whose value does not do."""
        found = shown(self.values.get(key))
        return ProjectError(f"{self.place(key)}: {key} is {found}, expected {expected}; correct it there.")

    def is_set(self, key: str) -> bool:
        """Tell whether a key has a value."""
        value = self.values.get(key)
        return value is not None and not (isinstance(value, str) and not value.strip())

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; numbers count as their digits. Without a default the key must be set."""
        if not self.is_set(key):
            if default is None:
                raise ProjectError(f"{self.path}: {key} is missing, expected a text; add a line `{key}: ...`.")
            return default
        name = as_name(self.values[key])
        if name is None:
            raise self.wrong(key, "a text")
        return name

    def flag(self, key: str) -> bool:
        """Return true or false, also of words such as `yes` and `off`; false where unset."""
        if not self.is_set(key):
            return False
        value = _WORDS.get(str(self.values[key]).strip().lower())
        if value is None:
            raise self.wrong(key, "true or false")
        return value

    def integer(self, key: str, default: int, *, at_least: int | None = None) -> int:
        """Return a whole number."""
        if not self.is_set(key):
            return default
        number = as_integer(self.values[key])
        if number is None or (at_least is not None and number < at_least):
            raise self.wrong(key, "a whole number" + (f" of at least {at_least}" if at_least is not None else ""))
        return number

    def fraction(self, key: str, default: float) -> float:
        """Return a number from 0 to 1."""
        if not self.is_set(key):
            return default
        number = as_number(self.values[key])
        if number is None or not 0 <= number <= 1:
            raise self.wrong(key, "a number from 0 to 1")
        return number

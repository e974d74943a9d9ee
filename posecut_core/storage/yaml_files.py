"""YAML files: read safely with errors that name the line, checked value by value, and edited in place."""

import codecs
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from posecut_core.errors import ProjectError, Remedy
from posecut_core.storage import files
from posecut_core.storage.values import SettingError

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
            f"Found no file {path}; give the path of a project's config.yaml or create a project first.",
            Remedy("create_new_project"),
        ) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = "it is UTF-16" if content.startswith(_UTF16) else f"see line {line}"
        raise ProjectError(
            f"{path} is not a UTF-8 text file ({found}); save it as UTF-8 in a text editor, or restore it from a copy."
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
            f"{path} holds endlessly nested values, expected lines of the form `key: value`; restore it from a copy."
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
            f"{path} expands to {values:,} values through its aliases (`*name`), expected plain lines; write the "
            "values instead."
        )
    if value is None:
        raise ProjectError(f"{path} is empty; restore it from a copy.")
    if not isinstance(value, dict):
        raise ProjectError(
            f"{path} holds {'a list' if isinstance(value, list) else 'a single text or number'} but should hold lines "
            "of the form `key: value`; restore it from a copy."
        )
    return {str(key): entry for key, entry in value.items()}


def refusal(path: Path, faults: Iterable[SettingError]) -> ProjectError:
    """Make one error of all that is wrong with values of a file, each with its line where it has one."""
    try:
        root = _safe_yaml().compose(read_yaml(path))
    except (ProjectError, YAMLError, ValueError, RecursionError):
        root = None
    told = []
    for fault in faults:
        line = _line_of(root, fault.at)
        told.append((f"line {line}: " if line else "") + f"{fault.words}; {fault.remedy}.")
    first, *others = told
    between = " " if first.startswith("line ") else ": "
    return ProjectError(" ".join([f"{path}{between}{first}", *(words[0].upper() + words[1:] for words in others)]))


def _line_of(node: Node | None, keys: tuple[object, ...]) -> int | None:
    """Return the line, counted from 1, of the value that keys and places in lists lead to; None where it is not."""
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
            raise ValueError("its references (`*name`) expand to more than a million values")
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
        return "lists or mappings are nested too deeply"
    words = str(error).strip() or type(error).__name__
    return words.splitlines()[0][:_LONGEST]


def _yaml_sentence(error: MarkedYAMLError, text: str, path: Path) -> str:
    if isinstance(error, DuplicateKeyError) and error.problem_mark is not None:
        key, lines = _twice(_safe_yaml().compose(text), error.problem_mark.line + 1)
        return f"{path} has the key {key!r} twice, in {lines}, expected it once; remove one of them with its value."
    begun = error.context_mark.line + 1 if error.context_mark is not None else 0
    if error.context == "while scanning a quoted scalar":
        return f"{path} line {begun} has a quote that does not end; add the other one, or remove this one."
    if error.context == "while scanning a double-quoted scalar":
        return f"{path} line {begun} has \\ in double quotes, where it begins a code; write / or leave the quotes out."
    mark = error.problem_mark or error.context_mark
    place = f" line {mark.line + 1}" if mark is not None else ""
    problem = (error.problem or error.context or "unreadable").strip().splitlines()[0][:_LONGEST]
    return f"{path}{place} is not valid YAML: {problem}; correct that line (one `key: value` each, spaces not tabs)."


# --- yaml edit --------------------------------------------------------------------------------------------------------
# Change values inside YAML text by ruamel.yaml's round trip, which keeps comments and order.
#
# It moves or drops comments that stand behind a value that grows or shrinks. So only the lines of a changed key go
# through it, without the comments behind them; all other lines stay as they are, byte for byte.


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
        edited = _by_keys(text, {key: value for key, value in changes.items() if key not in old or value != old[key]})
        if load_mapping(edited, path) == wanted:
            return edited
    except (ProjectError, YAMLError, ValueError):
        pass  # keys that cannot be read alone: in braces, merged, or with references to others
    return _round_trip(text, changes, lambda old, new: _escaped(new))


def _by_keys(text: str, changes: Mapping[str, object]) -> str:
    root = _safe_yaml().compose(text)
    if not isinstance(root, MappingNode) or root.flow_style:
        raise ValueError("its keys are not on separate lines")
    starts = [key.start_mark.index for key, _ in root.value]
    pieces = [text[: starts[0]]]
    for (key, _), start, end in zip(root.value, starts, [*starts[1:], len(text)], strict=True):
        kept = _behind(text[start:end])
        lines = text[start : end - len(kept)]
        pieces += [_round_trip(lines, {key.value: changes[key.value]}, _put) if key.value in changes else lines, kept]
    known = {key.value for key, _ in root.value}
    added = _dump({key: value for key, value in changes.items() if key not in known}) if changes.keys() - known else ""
    line_end = "\n" if added and not pieces[-2].endswith("\n") else ""
    return "".join([*pieces[:-1], line_end, added, pieces[-1]])


def _behind(lines: str) -> str:
    """Return the blank lines and comments behind a key's value, which belong to what follows."""
    kept: list[str] = []
    for line in reversed(lines.splitlines(keepends=True)):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        kept.insert(0, line)
    return "".join(kept)


def _round_trip(text: str, changes: Mapping[str, object], put: Callable[[object, object], object]) -> str:
    yaml = _round_trip_yaml()
    values = yaml.load(text)
    for key, value in changes.items():
        values[key] = put(values.get(key), value)
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()


def _put(old: object, new: object) -> object:
    """Change a mapping or list in place, which keeps the comments in it."""
    if isinstance(old, CommentedMap) and isinstance(new, Mapping) and old and new:
        _put_entries(old, new)
        return old
    if isinstance(old, CommentedSeq) and isinstance(new, list | tuple) and old and new:
        _put_items(old, new)
        return old
    return _escaped(new)


def _put_entries(old: CommentedMap, new: Mapping[Any, object]) -> None:
    """Make a mapping that of `new`; a key that goes lends its place and its comment to one that comes."""
    coming = [key for key in new if key not in old]
    for place, key in enumerate([*old]):
        if key not in new and coming:
            old.insert(place, coming[0], old[key])
            old.ca.items[coming.pop(0)] = old.ca.items.get(key)
        if key not in new:
            del old[key]
    for key, value in new.items():
        old[key] = _put(old.get(key), value)


def _put_items(old: CommentedSeq, new: Sequence[object]) -> None:
    for place in range(len(old) - 1, len(new) - 1, -1):
        del old[place]
    for place, value in enumerate(new):
        if place == len(old):
            old.append(_escaped(value))
        elif old[place] != value:
            old[place] = _put(old[place], value)

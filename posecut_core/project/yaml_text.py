"""YAML text in and out with ruamel.yaml: safe reading with errors that name the line, and one way of writing values.

Tags that old programs left behind (`!!python/tuple`, `!!python/unicode`) are read as plain lists and strings.
Any other tag of the kind is refused; nothing in a file is ever executed.
"""

import io
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node

from posecut_core.errors import ProjectError

_LINE_WIDTH = 1_000_000  # a wrapped path is a path that other programs cannot read


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
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError as error:
        raise ProjectError(
            f"Found no file {path}; give the path of a project's config.yaml or create a project first "
            "(posecut create-new-project)."
        ) from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path} is not a text file in UTF-8; save it as UTF-8 in a text editor.") from error
    except OSError as error:
        raise ProjectError(f"Cannot read {path} ({error.strerror}); check its permissions.") from error


def load_mapping(text: str, path: Path) -> dict[str, object]:
    """Parse YAML text whose top level is a mapping; `path` is only named in errors.

    Raises:
        ProjectError: the text is not YAML (the line is named), is empty, or is no mapping with text keys.
    """
    try:
        value = safe_yaml().load(text)
    except MarkedYAMLError as error:
        raise ProjectError(_yaml_sentence(error, path)) from error
    except (YAMLError, ValueError) as error:  # ValueError: impossible dates and numbers
        raise ProjectError(f"{path} is not valid YAML ({str(error).splitlines()[0]}); correct it.") from error
    if value is None:
        raise ProjectError(f"{path} is empty; restore it from a copy or create the project again.")
    if not isinstance(value, dict):
        raise ProjectError(f"{path} holds a {type(value).__name__} but should hold lines of the form `key: value`.")
    return {str(key): entry for key, entry in value.items()}


def dump(value: object) -> str:
    """Write a plain value as YAML text in block style, ending with a line end."""
    stream = io.StringIO()
    round_trip_yaml().dump(value, stream)
    return stream.getvalue().removesuffix("...\n")


def _yaml_sentence(error: MarkedYAMLError, path: Path) -> str:
    mark = error.problem_mark or error.context_mark
    place = f" line {mark.line + 1}" if mark is not None else ""
    problem = (error.problem or error.context or "unreadable").strip().splitlines()[0]
    return f"{path}{place} is not valid YAML: {problem}; correct that line (one `key: value` each, spaces not tabs)."

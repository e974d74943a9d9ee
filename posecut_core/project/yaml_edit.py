"""Change values inside YAML text and leave every other character as it was: comments, order, quotes and blank lines.

The places of values are found by parsing; only those spans are replaced. What the spans cannot express
(anchors, odd layouts) goes through ruamel.yaml's own round trip, which keeps most comments.
"""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from posecut_core.errors import ProjectError
from posecut_core.project.yaml_text import dump, escaped, load_mapping, round_trip_yaml, safe_yaml

Edit = tuple[int, int, str]  # start, end, new text


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
    node = safe_yaml().compose(text)
    if not isinstance(node, MappingNode) or node.flow_style:
        return text
    for start, end, new in sorted(_mapping_edits(text, node, old, wanted), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _by_round_trip(text: str, changes: Mapping[str, object]) -> str:
    yaml = round_trip_yaml()
    data = yaml.load(text)
    data.update({key: escaped(value) for key, value in changes.items()})
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _value_edits(text: str, node: Node, old: object, new: object) -> Iterator[Edit] | None:
    """Return edits inside a block mapping or list; None where the value must be replaced as a whole."""
    if not isinstance(node, MappingNode | SequenceNode) or node.flow_style or not old or not new:
        return None
    if isinstance(node, MappingNode) and isinstance(old, dict) and isinstance(new, dict):
        return _mapping_edits(text, node, old, new)
    if isinstance(node, SequenceNode) and isinstance(old, list) and isinstance(new, list):
        return _list_edits(text, node, old, new)
    return None


def _mapping_edits(text: str, node: MappingNode, old: dict, new: dict) -> Iterator[Edit]:
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
        block = "".join(_indented(dump({key: new[key]}), indent) for key in coming)
        yield _appended(text, node, block)


def _list_edits(text: str, node: SequenceNode, old: list, new: list) -> Iterator[Edit]:
    """Yield edits of a block list, item by item."""
    for place, item in enumerate(node.value):
        if place >= len(new):
            yield _line_start(text, item), _line_end(text, _end(text, item)), ""
        elif new[place] != old[place]:
            yield item.start_mark.index, _end(text, item), _inline(new[place])
    if len(new) > len(old):
        indent = " " * node.start_mark.column
        yield _appended(text, node, "".join(f"{indent}- {_inline(item)}\n" for item in new[len(old) :]))


def _appended(text: str, node: Node, block: str) -> Edit:
    place = _line_end(text, _end(text, node))
    missing_line_end = "" if place == 0 or text[place - 1] == "\n" else "\n"
    return place, place, missing_line_end + block


def _after_key(value: object, indent: str) -> str:
    """Return `: value` as it follows a key, without the last line end."""
    dumped = dump({"k": value})[1:]
    first, _, rest = dumped.partition("\n")
    return (first + "\n" + _indented(rest, indent)).rstrip("\n")


def _indented(block: str, indent: str) -> str:
    return "".join(indent + line if line.strip() else line for line in block.splitlines(keepends=True))


def _inline(value: object) -> str:
    """Return a value on one line: a scalar, or a list in brackets."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return dump(value).rstrip("\n")


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

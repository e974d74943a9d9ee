"""Decode the lists of names that pandas keeps in HDF5 attributes, without running anything.

pandas stores the column names of table-format files in pickle's notation. Loading a pickle can run any code, so the
notation is only read here, symbol by symbol (`pickletools` parses and never executes): lists, tuples, texts and numbers
are understood, and anything else is refused.
"""

import pickletools
from collections.abc import Callable

from posecut_core.errors import LabelError

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = frozenset(
    [
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "FLOAT",
        "BINFLOAT",
    ]
)
_STORE = frozenset(["PUT", "BINPUT", "LONG_BINPUT"])
_FETCH = frozenset(["GET", "BINGET", "LONG_BINGET"])
_IGNORED = frozenset(["PROTO", "FRAME", "STOP"])
_MARK = object()


def decode_list(encoded: bytes) -> list[object]:
    """Decode a list of plain values.

    Raises:
        LabelError: the bytes hold anything but nested lists and tuples of texts, numbers and None.
    """
    stack: list[object] = []
    memory: dict[int, object] = {}
    try:
        for operation, argument, _ in pickletools.genops(encoded):
            _apply(operation.name, argument, stack, memory)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise LabelError(f"its stored column names are damaged ({error})") from error
    if len(stack) != 1 or not isinstance(stack[0], list):
        raise LabelError("its stored column names are damaged")
    return stack[0]


def _apply(name: str, argument: object, stack: list[object], memory: dict[int, object]) -> None:
    if name in _VALUES:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in _STORE:
        memory[int(str(argument))] = stack[-1]
    elif name == "MEMOIZE":
        memory[len(memory)] = stack[-1]
    elif name in _FETCH:
        stack.append(memory[int(str(argument))])
    elif name in _BUILDERS:
        _BUILDERS[name](stack)
    elif name not in _IGNORED:
        raise LabelError(f"its stored column names contain the instruction {name}, which could run code")


def _since_mark(stack: list[object]) -> list[object]:
    start = len(stack) - 1 - stack[::-1].index(_MARK)
    items = stack[start + 1 :]
    del stack[start:]
    return items


def _append(stack: list[object]) -> None:
    item = stack.pop()
    stack[-1].append(item)  # type: ignore[attr-defined]


def _extend(stack: list[object]) -> None:
    items = _since_mark(stack)
    stack[-1].extend(items)  # type: ignore[attr-defined]


def _tuple_of(count: int) -> Callable[[list[object]], None]:
    def build(stack: list[object]) -> None:
        items = tuple(stack[-count:])
        del stack[-count:]
        stack.append(items)

    return build


_BUILDERS: dict[str, Callable[[list[object]], None]] = {
    "MARK": lambda stack: stack.append(_MARK),
    "EMPTY_LIST": lambda stack: stack.append([]),
    "EMPTY_TUPLE": lambda stack: stack.append(()),
    "LIST": lambda stack: stack.append(_since_mark(stack)),
    "TUPLE": lambda stack: stack.append(tuple(_since_mark(stack))),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "APPEND": _append,
    "APPENDS": _extend,
}

"""Results as JSON: one object, in which paths are strings and missing numbers are null."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from typing import Any


def as_json(result: object) -> str:
    """Write a result as one line of JSON that any program reads."""
    return json.dumps(plain(result), allow_nan=False)


def plain(value: Any) -> Any:
    """Turn dataclasses, paths, arrays and NaN into what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # an array; numpy itself is not needed to show help
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""How annotations are checked while tests run: as type checkers do, so that an int serves as a float.

Functions whose annotations name axes have a scope for them. jaxtyping's own hook gives one to every function, and
checks arguments twice: short functions took many times as long.
"""

import ast
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import is_dataclass
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, get_type_hints

from beartype import BeartypeConf, beartype
from jaxtyping import jaxtyped

_typed = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeError))
_DECORATOR = "__checked__"  # a name of each module, as decorators are looked up there


def install(package: str) -> None:
    """Check the functions and dataclasses of a package that is not imported yet."""
    sys.meta_path.insert(0, _Finder(package))


def checked(made: Any) -> Any:
    """Check the arguments and the result of a function, or the fields that a dataclass is made of."""
    if not isinstance(made, type):
        return _checked(made)
    if is_dataclass(made) and "__init__" in vars(made):
        made.__init__ = _checked(made.__init__)
    return made


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    written = function.__annotations__
    function.__annotations__ = {name: _resolved(hint, function) for name, hint in written.items()}
    names_axes = "jaxtyping." in repr(function.__annotations__)
    typed = _typed(function)
    function.__annotations__ = typed.__annotations__ = written
    if not names_axes:
        return typed

    @wraps(function)
    def scoped(*arguments: Any, **named: Any) -> Any:
        with jaxtyped("context"):
            return typed(*arguments, **named)

    return scoped


def _resolved(hint: Any, function: Callable[..., Any]) -> Any:
    """Return an annotation without names in quotes; one that names what is not known yet says nothing."""

    def bearer() -> None: ...

    bearer.__annotations__ = {"hint": hint}
    with suppress(Exception):
        return get_type_hints(bearer, function.__globals__, include_extras=True)["hint"]
    return Any


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] != self._package:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        setattr(module, _DECORATOR, checked)
        super().exec_module(module)

    def get_code(self, name: str) -> CodeType:
        """Compile the source with decorators: next to functions, which others replace, and around classes."""
        tree = ast.parse(self.get_data(self.path), self.path)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                decorator = ast.copy_location(ast.Name(_DECORATOR, ast.Load()), node)
                node.decorator_list.insert(0 if isinstance(node, ast.ClassDef) else len(node.decorator_list), decorator)
        return compile(tree, self.path, "exec", dont_inherit=True)

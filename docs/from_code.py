"""Parts of the reference that are made from the code while the docs are built, so that they cannot differ from it.

A line `*Made from the code when these pages are built: NAME.*` of a page is replaced by what `PARTS[NAME]` returns,
which is Markdown.
"""

import ast
import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Callable, Iterator

import posecut_core
from napari_posecut.labeling.keys import key_help
from posecut_core.cli.program import BROKEN_PIPE, INTERRUPTED
from posecut_core.cli.verbs import VERBS, Option, example, options, summary, usage
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import PosecutError
from posecut_core.storage.values import described, properties
from tests.structure.source import PLUGIN_ROOMS, ROOMS, sources

_MARK = re.compile(r"^\*Made from the code when these pages are built: (\w+)\.\*$", re.MULTILINE)
_EVERYWHERE = ("--json", "--debug")  # options that every verb has


def filled_in(page: str) -> str:
    """Return a page with all that is made from the code."""
    return _MARK.sub(lambda found: PARTS[found[1]](), page)


def verbs() -> str:
    """Describe every verb of `posecut` with its arguments and options, as its `--help` does."""
    panels = dict.fromkeys(verb.panel for verb in VERBS.values())
    lines: list[str] = []
    for panel in panels:
        lines.append(f"## {panel}\n")
        for name, verb in VERBS.items():
            if verb.panel == panel:
                lines += _verb(name)
    return "\n".join(lines)


def _verb(name: str) -> Iterator[str]:
    arguments = [entry for entry in options(name) if entry.by_place]
    own = [entry for entry in options(name) if not entry.by_place and entry.name not in _EVERYWHERE]
    yield f"### {name}\n\n{summary(name)} {VERBS[name].note}\n\n```bash\n{example(name)}\n```\n"
    yield f"Usage: `{usage(name).removeprefix('Usage: ')}`\n"
    yield from _table(("argument", "meaning"), [(f"`{entry.name}`", entry.meaning) for entry in arguments])
    yield from _table(("option", "meaning"), [(f"`{entry.name}`", _meaning(entry)) for entry in own])


def _meaning(option: Option) -> str:
    choices = ", ".join(f"`{choice}`" for choice in option.choices)
    sentences = [option.meaning, choices and f"One of {choices}.", f"Default: `{option.shown_default}`."]
    return " ".join(filter(None, sentences if option.shown_default else sentences[:2]))


def steps() -> str:
    """Let autodoc describe every public function, in the order of the workflow."""
    functions = [name for name in posecut_core.__all__ if inspect.isfunction(getattr(posecut_core, name))]
    order = posecut_core.__doc__
    functions.sort(key=lambda name: order.find(name) if name in order else len(order))
    return _autodoc(f".. autofunction:: posecut_core.{name}" for name in functions)


def nouns() -> str:
    """Let autodoc describe every public class."""
    classes = [name for name in posecut_core.__all__ if inspect.isclass(getattr(posecut_core, name))]
    others = [
        name for name in posecut_core.__all__ if name not in classes and not callable(getattr(posecut_core, name))
    ]
    return _autodoc(
        [f".. autoclass:: posecut_core.{name}\n   :members:" for name in classes]
        + [f".. autodata:: posecut_core.{name}" for name in others]
    )


def results() -> str:
    """List the fields of what every step returns."""
    lines: list[str] = []
    for name in posecut_core.__all__:
        step = getattr(posecut_core, name)
        result = typing.get_type_hints(step).get("return") if inspect.isfunction(step) else None
        if dataclasses.is_dataclass(result):
            fields = ", ".join(f"`{entry.name}`" for entry in dataclasses.fields(result))
            lines.append(f"| `{name}` | `{result.__name__}`: {fields} |")
    return "\n".join(["| step | what it returns |", "|---|---|", *lines, ""])


def settings() -> str:
    """Describe every setting of a training."""
    rows = []
    for name, about in properties(TrainingSettings).items():
        meaning, takes = about["description"], described(about)
        said = all(choice in meaning for choice in takes.replace(" or ", ", ").split(", "))
        rows.append((f"`{name}`", f"`{json.dumps(about['default'])}`", meaning, "" if said else takes))
    return "\n".join(_table(("setting", "default", "meaning", "what it takes"), rows))


def exit_codes() -> str:
    """List the exit codes of `posecut` with the errors behind them."""
    rows = [("0", "", "done")]
    kinds = [PosecutError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    codes = {kind.exit_code: kind for kind in reversed(kinds) if "exit_code" in vars(kind)}
    for code, kind in sorted(codes.items()):
        rows.append((str(code), f"`{kind.__name__}`", inspect.getdoc(kind).splitlines()[0]))
    rows.append((str(INTERRUPTED), "`KeyboardInterrupt`", "Ctrl-C or SIGTERM; a training leaves a snapshot first."))
    rows.append((str(BROKEN_PIPE), "", "The program that reads the output has ended, as `head` does."))
    return "\n".join(_table(("code", "Python's name", "meaning"), rows))


def keys() -> str:
    """List keys and mouse gestures of labeling."""
    return "\n".join(_table(("do this", "for that"), key_help()))


def rooms() -> str:
    """List the modules of the core by room."""
    return _rooms("posecut_core", ROOMS)


def plugin_rooms() -> str:
    """List the modules of the plugin by room."""
    return _rooms("napari_posecut", PLUGIN_ROOMS)


def _rooms(package: str, order: tuple[str, ...]) -> str:
    held = [source for source in sources(package) if source.path.name != "__init__.py" and source.room is not None]
    held.sort(key=lambda source: (order.index(source.room), source.name))
    rows = [
        (f"`{source.name.partition('/')[2]}`", (ast.get_docstring(source.tree) or "").split("\n\n")[0])
        for source in held
    ]
    return "\n".join(_table(("module", "what it holds"), rows))


def _autodoc(directives: typing.Iterable[str]) -> str:
    return "```{eval-rst}\n" + "\n\n".join(directives) + "\n```"


def _table(heads: tuple[str, ...], rows: typing.Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in row) + " |"
    yield ""


PARTS: dict[str, Callable[[], str]] = {
    made.__name__: made for made in (verbs, steps, nouns, results, settings, exit_codes, keys, rooms, plugin_rooms)
}

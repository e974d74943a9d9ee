"""What the steps take, read from their definitions: importing a step takes seconds, since most of them load JAX.

The shell makes the options of its verbs from this, and the window the forms of its docks.
"""

import ast
import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args, get_origin

import posecut_core
from posecut_core import types

# Annotations of what nobody can type.
_PYTHON_ONLY = ("Mapping[str, object]", "Sequence[Sequence[int]]", "datetime", "Report", "Confirm", "FoundOutliers")
_LEAST = {"step": 1, "steps": 1, "splits": 2, "num_shuffles": 1, "number_of_frames": 1, "batch_size": 1, "ARdegree": 1}
_LEAST |= dict.fromkeys(("seeds", "maxiters", "displayiters", "saveiters", "max_snapshots_to_keep"), 1)
_LEAST |= dict.fromkeys(
    ("shuffle", "trainingsetindex", "seed", "gputouse", "MAdegree", "epsilon", "trailpoints", "max_gap", "port"), 0
)
_PROBABILITIES = ("p_bound", "alpha", "alphavalue", "pcutoff", "confidence")
# DeepLabCut's arguments, written as `_plain` does -> the parameters of which a step has the one that does the same.
_OF_DEEPLABCUT: Mapping[str, tuple[str, ...]] = {
    "numframes2pick": ("number_of_frames",),
    "clusterstep": ("step",),
    "clustercolor": ("colour",),
    "videoslist": ("videos",),
    "epochs": ("maxiters",),
    "saveepochs": ("saveiters",),
    "device": ("gputouse",),
    "initweights": ("weights",),
    "weightinit": ("weights",),
    "snapshotpath": ("weights",),
    "shuffles": ("shuffle",),
    "snapshotindex": ("snapshot", "snapshots"),
    "snapshotstoevaluate": ("snapshots",),
    "displayedbodyparts": ("bodyparts",),
    "comparisonbodyparts": ("bodyparts",),
    "frames2plot": ("frames",),
    "frames2use": ("frames",),
    "useopenvino": ("engine",),
    "automatic": ("yes",),  # of the shell, which asks
    # What a step does without: it is as it should be by itself, or does not exist here.
    **dict.fromkeys(("videotype", "gputouse", "userfeedback", "opencv", "sliderwidth", "clusterresizewidth"), ()),
    **dict.fromkeys(("augmentertype", "detectortype", "posecfgtemplate", "windows2linux", "multianimal"), ()),
    **dict.fromkeys(("allowgrowth", "autotune", "keepdeconvweights", "modelprefix", "rescale", "showerrors"), ()),
    **dict.fromkeys(("perkeypointevaluation", "inrandomorder", "tfgpuinference", "robustnframes", "useshelve"), ()),
    **dict.fromkeys(("autotrack", "ntracks", "trackmethod", "animalnames", "identityonly", "displayedindividuals"), ()),
    **dict.fromkeys(("fastmode", "saveframes", "codec", "outputframerate", "colorby", "showfigures", "imagetype"), ()),
    **dict.fromkeys(("resolution", "linewidth", "savelabeled", "forceiterate", "maketar", "wipepaths", "dpi"), ()),
}


@dataclass(frozen=True)
class StepArgument:
    """One argument that a step takes."""

    parameter: str  # its name in Python
    kind: Any  # int, float, bool, str or a Literal; None for what nobody can type, such as mappings and callbacks
    default: Any  # `inspect.Parameter.empty` where it must be given
    meaning: str  # as in the docstring

    @property
    def is_required(self) -> bool:
        """Tell whether it must be given."""
        return self.default is inspect.Parameter.empty

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the words that are possible; none where any are."""
        return get_args(self.kind)

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Return the least and the greatest number that are possible."""
        if self.kind not in (int, float):
            return None, None
        return limits_of(self.parameter)


def limits_of(parameter: str) -> tuple[float | None, float | None]:
    """Return the least and the greatest number that a parameter of this name may have, in any step."""
    return (0, 1) if parameter in _PROBABILITIES else (_LEAST.get(parameter), None)


@cache
def arguments_of(step: str, module: str = "") -> tuple[StepArgument, ...]:
    """List the arguments of a step in their order.

    Args:
        step: name of the function.
        module: that defines it, for a step that is not public.
    """
    return tuple(_arguments(_definition(step, module)))


def called_here(name: str, parameters: Collection[str]) -> str | None:
    """Find the parameter that is meant by a name that is spelled otherwise, or is DeepLabCut's.

    Args:
        name: as somebody has written it.
        parameters: of the step.

    Returns:
        "" where the name is DeepLabCut's and the step does without; None where nobody knows the name.
    """
    known, plain = {_plain(parameter): parameter for parameter in parameters}, _plain(name)
    for candidate in (plain, *map(_plain, _OF_DEEPLABCUT.get(plain, ()))):
        if candidate in known:
            return known[candidate]
    return "" if plain in _OF_DEEPLABCUT else None


def _plain(name: str) -> str:
    return re.sub("[-_]", "", name).lower()


def meaning_of(step: str, module: str = "") -> str:
    """Return the first paragraph of a step's docstring."""
    return (ast.get_docstring(_definition(step, module)) or "").partition("\n\n")[0]


@cache
def _definition(step: str, module: str) -> ast.FunctionDef:
    package, _, rest = (module or posecut_core._HOMES[step]).rpartition(".")
    file = resources.files(posecut_core).joinpath(*filter(None, package.split(".")), f"{rest}.py")
    source = re.compile(rf"^def {step}\(.*?(?=^[^\s)#]|\Z)", re.MULTILINE | re.DOTALL)
    definitions = [ast.parse(text).body[0] for text in source.findall(file.read_text(encoding="utf-8"))]
    (definition,) = (node for node in definitions if isinstance(node, ast.FunctionDef))
    return definition


def _arguments(definition: ast.FunctionDef) -> Iterator[StepArgument]:
    meanings = _meanings(ast.get_docstring(definition) or "")
    given = definition.args
    without = [None] * (len(given.args) - len(given.defaults))
    defaults = (*without, *given.defaults, *given.kw_defaults)
    for argument, default in zip((*given.args, *given.kwonlyargs), defaults, strict=True):
        kind = _kind(ast.unparse(argument.annotation) if argument.annotation else "")
        value = inspect.Parameter.empty if default is None else None if kind is None else _value(default)
        yield StepArgument(argument.arg, kind, value, meanings.get(argument.arg, ""))


def _kind(hint: str) -> Any:
    """Turn the annotation of a parameter into what can be typed: None for nothing."""
    if any(word in hint for word in _PYTHON_ONLY):
        return None
    named = getattr(types, hint.removesuffix(" | None"), None)
    if get_origin(named) is Literal:
        return named
    words = set(hint.split(" | "))
    return bool if "bool" in words else float if "float" in words else int if words <= {"int", "None"} else str


def _value(default: ast.expr) -> Any:
    return getattr(types, default.id) if isinstance(default, ast.Name) else ast.literal_eval(default)


def _meanings(docstring: str) -> dict[str, str]:
    """Read the section on arguments of a docstring."""
    _, _, rest = docstring.partition("\nArgs:\n")
    section = re.split(r"\n(?=\S)", rest)[0]
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w|\Z)", section, re.MULTILINE | re.DOTALL)
    return {name: " ".join(text.split()) for name, text in entries}

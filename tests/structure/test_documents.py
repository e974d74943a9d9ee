"""What README, docs and the programs beside the packages name exists."""

import ast
import re
import shlex
from pathlib import Path

import pytest

import napari_posecut
import posecut_core
from posecut_core.cli.verbs import VERBS, options
from tests.structure.source import PLUGIN_ROOMS, ROOMS, ROOT, Source, sources

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += [ROOT / "notebooks" / "README.md", ROOT / "tests" / "benchmarks" / "README.md"]
PROGRAMS = sources("tests/benchmarks", "docs")
PUBLIC = {"posecut": posecut_core, "posecut_core": posecut_core, "napari_posecut": napari_posecut}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def _blocks(page: Path, *languages: str) -> list[str]:
    """Return the blocks of code of some languages."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [block for language, block in found if language in languages]


def _command_lines(page: Path) -> list[list[str]]:
    """Return the words of every command, in blocks and in sentences."""
    text = page.read_text(encoding="utf-8")
    lines = [
        part for block in _blocks(page, "bash", "text", "") for line in block.splitlines() for part in line.split("&&")
    ]
    lines += re.findall(
        r"`((?:posecut|bash|python) [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    known = ("posecut ", "srun posecut ", "bash ", "python ", "xvfb-run ")
    return [_words(line) for line in lines if line.strip().startswith(known)]


def _words(line: str) -> list[str]:
    words = shlex.split(" ".join(line.split()), comments=True)
    starts = (place for place, word in enumerate(words) if word in ("posecut", "bash", "python"))
    return words[next(starts, 0) :]


@every_page
def test_verbs_and_their_options_exist(page: Path) -> None:
    """Every `posecut VERB` is a verb, and has the options that are written behind it."""
    for program, verb, *rest in _command_lines(page):
        if program == "posecut" and verb != "VERB" and not verb.startswith("-"):
            assert verb in VERBS, verb
            known = {option.name for option in options(verb)} | {"--help"}
            assert {word for word in rest if word.startswith("--")} <= known, verb


@every_page
def test_programs_exist(page: Path) -> None:
    """Every program of the project that is called is there."""
    lines = [line for line in _command_lines(page) if line[0] in ("bash", "python") and line[1][:1] not in ("-", "")]
    assert [line[1] for line in lines if not (ROOT / line[1]).is_file()] == []


@every_page
def test_python_uses_public_names(page: Path) -> None:
    """Examples in Python import nothing private, and every name that they take from the packages is public."""
    for block in _blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in PUBLIC:
                assert node.attr in PUBLIC[node.value.id].__all__, node.attr
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                assert [
                    name for name in imported if name and name.startswith(("posecut_core.", "napari_posecut."))
                ] == []


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """Files that a page links to, or shows, are there."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@every_page
def test_modules_are_where_they_are_said_to_be(page: Path) -> None:
    """Modules that a page names as `room/module.py`, and what it names behind a colon there, are in the code."""
    text = page.read_text(encoding="utf-8")
    roots = (ROOT, ROOT / "posecut_core", ROOT / "napari_posecut", ROOT / "napari_posecut" / "widgets")
    for name in re.findall(r"`((?:\w+/)+\w+\.py)`", text):
        assert any((root / name).is_file() for root in roots), name
    for name, told in re.findall(r"`((?:\w+/)+\w+\.py)`(?::| \()((?:,? ?`[\w.]+`)+)", text):
        path = next(root / name for root in roots if (root / name).is_file())
        known = _names(ast.parse(path.read_text(encoding="utf-8")))
        assert {part for word in re.findall(r"`([\w.]+)`", told) for part in word.split(".")} <= known, name


def test_the_design_names_every_room_in_its_order() -> None:
    """The page on the design has a row for each room, as the imports have them."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE) == [*ROOMS, *PLUGIN_ROOMS]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda source: source.name)
def test_programs_import_what_is_there(program: Source) -> None:
    """Benchmarks and the docs take from the packages only what these define: no test runs them, and names move."""
    assert [name for name in _taken(program.tree) if not _is_defined(*name)] == []


def _taken(tree: ast.Module) -> list[tuple[str, str]]:
    """Return module and name of all that is taken from the project's own packages."""
    own = ("posecut_core", "napari_posecut", "tests")
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [(node.module, alias.name) for node in nodes if node.module.split(".")[0] in own for alias in node.names]


def _is_defined(module: str, name: str) -> bool:
    folder = ROOT.joinpath(*module.split("."))
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    if folder.is_dir() and ((folder / name).is_dir() or (folder / f"{name}.py").is_file()):
        return True
    if not path.is_file():
        return False
    return name in _names(ast.parse(path.read_text(encoding="utf-8")))


def _names(tree: ast.Module) -> set[str]:
    """Return what a module defines or imports at its top, also under a condition."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name)
    return found

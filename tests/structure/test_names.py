"""Names of files, what each file says about itself, and how words are spelled."""

import ast
import re

from tests.structure.source import ROOT, sources

FORBIDDEN = {"utils", "util", "helpers", "helper", "manager", "misc", "common", "tools", "stuff"}
SOURCES = sources("posecut_core", "napari_posecut")
FOLDERS = ("posecut_core", "napari_posecut", "docs", "notebooks", "tests", ".github")
WRITTEN = {".py", ".md", ".ipynb", ".txt", ".rst", ".toml", ".yaml", ".yml", ".cff", ".j2", ".html", ".json"}
# Each has one letter in brackets, so as not to find itself.
BRITISH = re.compile(
    r"label[l](ed|ing)|analys[e](d|r)?(?![a-z])|analys[i]ng|colou[r]|gre[y]|centr[e]|neighbou[r]|behaviou[r]|cancel[l](ed|ing)"
    r"|model[l](ed|ing)|travel[l](ed|ing)|favou[r]|honou[r]|licenc[e]|learn[t]|spel[t]|toward[s]"
    r"|(normal|recogn|summar|initial|optim|organ|minim|maxim|serial|visual|equal|general|random|synchron)i[s](e|ing|ation)",
)
# Of 0.1.0: an argument and its option, fields of results that `--json` prints, a bodypart of the demonstration. Also an
# error of dask, and a benchmark that was asked for by this name.
KEPT = re.compile(
    r"(?<!\w)colou[r](?=: bool = |: let kmeans|,\n        frames=)|(?<=\"--)colou[r]|(?<=[\".])colou[r](?=[\"\n])"
    r"|(?<!\w)label[l]ed_frames|unlabel[l]ed(?=: int|=len)|(?<=\w\.)unlabel[l]ed|(?<=[\"'])centr[e](?=[\"'])"
    r"|(?<!\w)cancel[l]ederror(?!\w)|(?<!\w)generali[s]ation(?=\.py| import)"
)


def test_no_file_is_called_after_nothing() -> None:
    """A module is named after what it holds."""
    parts = {source.name: set(source.name.removesuffix(".py").split("/")) for source in SOURCES}
    assert [name for name, words in parts.items() if any(set(word.split("_")) & FORBIDDEN for word in words)] == []


def test_every_file_says_what_it_holds() -> None:
    """Every module opens with a docstring."""
    assert [source.name for source in SOURCES if not ast.get_docstring(source.tree)] == []


def test_every_test_says_what_is_true() -> None:
    """Every test function has a docstring of one sentence."""
    silent = [
        f"{source.name}: {node.name}"
        for source in sources("tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_words_are_spelled_the_american_way() -> None:
    """In names, messages, docs and comments, as in NumPy's, JAX's and napari's; so each word is found by one search."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    paths = [path for path in [*paths, *ROOT.iterdir()] if path.is_file() and path.suffix in WRITTEN]
    texts = {str(path): f"{path.name}\n{path.read_text(encoding='utf-8')}".lower() for path in paths}
    suspects = {name: KEPT.sub("", text) for name, text in texts.items() if BRITISH.search(text)}
    assert [f"{name}: {word[0]}" for name, text in suspects.items() for word in BRITISH.finditer(text)] == []

"""The Dockerfile says nothing that cannot be: what it copies is there, its extras exist, and nobody works as root."""

import re
import tomllib

from tests.structure.source import ROOT

_WORD = re.compile(r"^(FROM|RUN|COPY|ENV|USER|WORKDIR|ENTRYPOINT|CMD)\s+(.+)$")


def _instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, lines that go on joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    found = [_WORD.match(line) for line in lines if line.strip()]
    assert all(found), [line for line, one in zip(lines, found, strict=False) if one is None]
    return [(one[1], one[2]) for one in found if one]


def _stages() -> dict[str, list[tuple[str, str]]]:
    """Return the instructions of each stage with those of the stages that it builds on."""
    stages: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for word, rest in _instructions():
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            current = stages[name] = [*stages.get(base, [])]
        current.append((word, rest))
    return stages


def test_what_is_copied_is_there_and_let_through() -> None:
    """Files of the project, and folders of earlier stages."""
    kept = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE))
    copied = [rest.split() for word, rest in _instructions() if word == "COPY"]
    files = {name for words in copied if not words[0].startswith("--") for name in words[:-1]}
    assert files == kept
    assert all((ROOT / name).exists() for name in files)
    assert {words[0].removeprefix("--from=") for words in copied if words[0].startswith("--from=")} <= set(_stages())


def test_extras_exist() -> None:
    """pip only warns of one that does not."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = [
        name for _, rest in _instructions() for one in re.findall(r"'\.\[(.+?)\]'", rest) for name in one.split(",")
    ]
    assert asked
    assert set(asked) <= set(known)


def test_the_images_run_the_demonstration_and_not_as_root() -> None:
    """Both begin `posecut demo` in a folder that the user may write to; the last stage is the default, the CPU's."""
    stages = _stages()
    assert [*stages][-1] == "cpu"
    for name in ("cpu", "cuda"):
        last = dict(stages[name])
        assert (last["USER"], last["WORKDIR"]) == ("1000", "/data")
        assert (last["ENTRYPOINT"], last["CMD"]) == ('["posecut"]', '["demo"]')
        assert not any(word == "RUN" for word, _ in stages[name][[word for word, _ in stages[name]].index("USER") :])

"""Files as a failing disk, another program or somebody who means harm leaves them: a sentence, and nothing else.

A short run of `tests/benchmarks/fuzz.py`, which breaks and reads tens of thousands.
"""

import contextlib

import pytest

from posecut_core.errors import PosecutError, ProjectError
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.project.opening import open_project
from tests.benchmarks.fuzz import FAULTS, Guard, copy_whole, judged, one_case, restore, warm_up
from tests.benchmarks.fuzz_cases import KINDS, Kind, make_project
from tests.benchmarks.hostile import link_out, name_project, planted_files, tree

CASES = 6  # of each kind


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A project with one of each file that is read, a whole copy beside it, and who hears what is done."""
    root = make_project(tmp_path_factory.mktemp("hostile"))
    copy_whole(root)
    warm_up(root)
    return root, Guard(root, texts=False)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_a_broken_file_is_read_or_named_in_a_sentence(bench, kind):
    """No traceback, no pipe that is waited for, no code run, nothing written outside; who is refused hears which file.

    The kind is whatever comes from a disk: its bytes, its structure, and what lies in its place.
    """
    outcomes = [one_case(*bench, kind, number) for number in range(CASES)]
    assert [detail for outcome, detail in outcomes if outcome in FAULTS] == []


@pytest.fixture
def planted_in(bench):
    """A copy of that project, for what is planted, beside a folder that nothing may touch."""
    root, guard = bench
    restore(root, root.parent / "whole")  # what the broken files did to others
    yield root, guard, root.parent / "outside"
    restore(root, root.parent / "whole")


def test_planted_code_is_never_run(planted_in):
    """Pickles in tables, weights and images, tags, playlists, modules: they are read or refused, and that is all.

    The kind: files that come from others and could hold more than data.
    """
    root, guard, outside = planted_in
    found = []
    for plant in planted_files(root, outside / "mark"):
        kind = Kind("planted", 0, "", lambda root, path, plant=plant: plant.read(), folder=True)
        outcome, detail = judged(kind, root, plant.path, kind.read, guard)
        found += [(plant.name, outcome, detail)] if outcome in FAULTS else []
        guard.code.clear()
    assert found == []
    assert not (outside / "mark").exists()


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("Task", "../x"),
        ("scorer", "a/../../x"),
        ("date", "/tmp/x"),
        ("bodypart", "=cmd|' /C calc'!A0"),
        ("video", ".."),
    ],
)
def test_a_name_that_leads_elsewhere_opens_no_project(planted_in, place, name):
    """The kind: names in config.yaml that become names of files, or formulas in tables."""
    root, _, _ = planted_in
    name_project(root, place, name)
    with pytest.raises(ProjectError, match=r"config\.yaml"):
        open_project(root)


@pytest.mark.parametrize(
    "link", ["labeled-data/a", "labeled-data/a/labels.jsonl", "labeled-data/a/labels.lock", "posecut.lock"]
)
def test_labels_are_not_written_through_links(planted_in, link):
    """The kind: a link in the place of a file or folder that a step writes to; where it leads, nothing changes."""
    root, _, outside = planted_in
    link_out(root, link, outside)
    before = tree(outside)
    with contextlib.suppress(PosecutError):
        project = open_project(root)
        table = read_labels(project, "a")
        write_labels(project, type(table)("a", table.bodyparts, table.numbers, table.xy + 1.0))
    assert tree(outside) == before

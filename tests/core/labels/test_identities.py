"""Bodyparts keep their identity whatever becomes of their names."""

from dataclasses import replace

import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.bodypart_ids import (
    AddBodypart,
    Identities,
    RenameBodypart,
    match_names,
    read_identities,
    record_names,
)
from posecut_core.labels.contents import record_new
from posecut_core.project.paths import Project

KNOWN = Identities({"nose": ("nose", "snout"), "tail": ("tail",)})


def test_names_come_back(project):
    """Additions and renamings are journaled; without a journal nothing is known."""
    assert read_identities(project) == Identities({})
    record_names(project, [AddBodypart("nose", "nose"), AddBodypart("tail", "tail"), RenameBodypart("nose", "snout")])
    assert read_identities(project) == KNOWN


def test_order_does_not_matter():
    """Columns are in config.yaml's order, under identities."""
    naming = match_names(KNOWN, ("tail", "snout"))
    assert (list(naming.columns.items()), naming.new) == ([("tail", "tail"), ("nose", "snout")], ())
    assert naming.identities == {"tail": "tail", "snout": "nose"}


def test_an_earlier_name_is_known():
    """A renaming that did not reach config.yaml changes nothing."""
    assert match_names(KNOWN, ("nose", "tail")).columns == {"nose": "nose", "tail": "tail"}


def test_new_names_are_new_bodyparts():
    """Also one that another bodypart once had."""
    assert match_names(KNOWN, ("snout", "tail", "ear")).new == (AddBodypart("ear", "ear"),)
    naming = match_names(KNOWN, ("snout", "tail", "nose"))
    assert (naming.new, naming.columns["nose-2"]) == ((AddBodypart("nose-2", "nose"),), "nose")


def test_a_bodypart_may_go():
    """Its labels stay under its identity, without a column."""
    assert match_names(KNOWN, ("tail",)).columns == {"tail": "tail"}


def test_a_renaming_by_hand_is_asked_about():
    """Which name became which cannot be guessed; the remedies are both answers."""
    with pytest.raises(LabelError, match=r"new bodypart 'ear' and no longer bodypart 'tail'"):
        match_names(KNOWN, ("snout", "ear"))
    with pytest.raises(LabelError, match="rename the old ones, or add the new ones") as raised:
        match_names(Identities({"nose": ("nose",), "tail": ("tail",)}), ("left paw", "ear"))
    renamed, added = (dict(remedy.arguments) for remedy in raised.value.remedies)
    assert renamed["rename"] == {"nose": "left paw", "tail": "ear"}
    assert added["add"] == ["left paw", "ear"]


def test_new_ones_are_recorded_once(project):
    """Recording again adds nothing."""
    record_new(project)
    record_new(project)
    assert read_identities(project).names == {"nose": ("nose",), "tail": ("tail",)}
    record_new(Project(project.root, replace(project.config, bodyparts=("tail", "nose", "ear"))))
    assert list(read_identities(project).names) == ["nose", "tail", "ear"]


def test_damage_is_named(project):
    """A flipped bit in any line, the last included, is noticed."""
    record_new(project)
    content = project.bodypart_journal.read_bytes()
    for place in (20, len(content) - 20):
        flipped = bytearray(content)
        flipped[place] ^= 1
        project.bodypart_journal.write_bytes(flipped)
        with pytest.raises(LabelError, match=r"bodyparts.jsonl is damaged in line"):
            read_identities(project)


def test_a_name_of_before_leads_to_that_of_now():
    """One that a bodypart has now leads nowhere else, nor does one that nobody had."""
    known = Identities({"nose": ("nose", "snout"), "tail": ("tail", "nosetip", "tail")})
    assert [known.renamed(name) for name in ("nose", "nosetip", "snout", "ear")] == ["snout", "tail", None, None]

"""Bodyparts that the project does not have are told in one sentence."""

from posecut_core.project.given import foreign_bodyparts


def test_names_that_config_lacks_are_told():
    """The source, its names, the project's and the remedy are in the sentence."""
    told = foreign_bodyparts(("nose", "ear"), ("snout", "ear"), source="The network net", remedy="train again")
    assert told == (
        "The network net has 'nose', expected only bodyparts of config.yaml (snout, ear); if they were renamed "
        "there, use the old names, else train again."
    )


def test_known_names_are_not_worth_a_word():
    """A source may have fewer bodyparts than the project."""
    assert foreign_bodyparts(("ear",), ("snout", "ear"), source="x", remedy="y") is None


def test_blanks_that_nobody_sees_are_shown():
    """Kind: 'tail' is not among (snout, tail): what a person cannot see stands in quotes."""
    told = foreign_bodyparts(("tail",), ("snout", "tail "), source="x", remedy="y")
    assert "has 'tail', expected only bodyparts of config.yaml (snout, 'tail ')" in told

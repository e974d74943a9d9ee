"""Names of networks and trainings are written and read in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.types import NetworkName, RunName

NUMBERS = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("scorer", "run"),
    [
        ("PoseCut_resnet50_reachingJan31shuffle1_720", RunName("reachingJan31", 1)),
        ("PoseCut_resnet18_openfieldOct30iteration2shuffle12_720", RunName("openfieldOct30", 12, 2)),
        ("PoseCut_resnet18_openfieldOct30trainset50iteration2shuffle1_720", RunName("openfieldOct30", 1, 2, 50)),
        ("PoseCut_mobilenetv2_shuffle9taskJan1shuffle3_720", RunName("shuffle9taskJan1", 3)),
        ("PoseCut_resnet18_reachingJan31iteration1shuffle2ensemble3_720", RunName("reachingJan31", 2, 1, networks=3)),
        ("PoseCut_resnet18_a_bJan1assistant_720", None),
    ],
)
def test_a_network_name_is_read(scorer: str, run: RunName | None) -> None:
    """Backbone, fraction, iteration, shuffle and step stand in the names of our networks."""
    name = NetworkName.parse(scorer)
    assert name is not None
    assert (name.step, name.of_project, str(name)) == (720, run, scorer)


@pytest.mark.parametrize("scorer", ["DLC_resnet50_openfieldOct30shuffle1_500000", "PoseCut_", "ada", ""])
def test_other_names_are_not_ours(scorer: str) -> None:
    """Scorers of other programs, and people, are no networks of PoseCut."""
    assert NetworkName.parse(scorer) is None


@given(NUMBERS, NUMBERS, st.integers(1, 99), NUMBERS)
def test_what_is_written_is_read_back(shuffle: int, iteration: int, percent: int, step: int) -> None:
    """Writing and reading a name are inverse."""
    run = RunName("reaching_2Jan31", shuffle, iteration, percent)
    assert NetworkName.parse(str(NetworkName("resnet50", str(run), step))) == NetworkName("resnet50", str(run), step)
    assert RunName.parse(str(run)) == run

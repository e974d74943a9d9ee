"""Nothing is extracted before someone has seen the count and agreed."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from posecut_core.cli.summaries import asking, understood
from posecut_core.errors import ArgumentError
from posecut_core.progress import Notice, silent
from posecut_core.refinement.candidates import Candidate, Criteria
from posecut_core.workflow.extract_outlier_frames import FoundOutliers, OutlierFrames

CANDIDATES = tuple(Candidate(number, "jump", 30.0, ("nose",)) for number in (3, 5, 8))


def found(criteria=Criteria(), fresh=(3, 8)):  # noqa: B008 (frozen)
    return FoundOutliers(Path("/v/a.mp4"), criteria, CANDIDATES, 100, fresh, 20, Path("/v/a.h5"), "")


def test_the_summary_counts_what_was_found():
    """It names the criteria, what is known already, and what would be extracted."""
    assert found().summary().text == (
        "a.mp4: 3 of 100 frames found (a bodypart moves by more than 20 pixels), 1 of them extracted before; "
        "2 would be extracted."
    )
    uncertain = found(Criteria("uncertain", p_bound=0.2), fresh=(3, 5, 8))
    few = found(Criteria("fitting", epsilon=50), fresh=(3, 5, 8))
    assert "more than 50 pixels off the expected path, and the 3 farthest of the others); 3" in few.summary().text
    assert uncertain.summary().text == (
        "a.mp4: 3 of 100 frames found (a likelihood is below 0.2); 3 would be extracted."
    )


@pytest.mark.parametrize(
    ("candidates", "fresh", "words"),
    [
        (CANDIDATES, (3, 8), "3 of 200 frames look wrong; 2 of them would be extracted."),
        (CANDIDATES, (), "3 of 200 frames look wrong, and the project has them all already."),
        ((), (), "None of 200 frames looks wrong by these criteria; try others."),
    ],
)
def test_what_was_found_in_all_videos_is_one_sentence(candidates, fresh, words):
    """Frames are counted over the videos, and those that would be extracted among them."""
    one = replace(found(), candidates=candidates, fresh=fresh)
    none = replace(found(), candidates=(), fresh=())
    assert OutlierFrames("net", (one, none)).summary().text == words


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ("y\n", True),
        (" Yes \n", True),
        ("n\n", False),
        ("\n", False),
        ("", False),
        ("epsilon=30 p_bound=0.1\n", Criteria("jump", epsilon=30, p_bound=0.1)),
        ("outlieralgorithm=fitting ARdegree=7", Criteria("fitting", ARdegree=7)),
        ("--outlieralgorithm uncertain --p-bound 0.1\n", Criteria("uncertain", p_bound=0.1)),
        ("p-bound=0.1 --ardegree=7", Criteria("jump", p_bound=0.1, ARdegree=7)),
    ],
)
def test_answers_are_understood(answer, meaning):
    """Yes, no (also Enter alone and the end of the input), or changed values."""
    assert understood(answer, Criteria()) == meaning


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("maybe", "Unknown answer 'maybe'"),
        ("eps=3", "a name among outlieralgorithm, epsilon"),
        ("epsilon=far", "expected a number"),
        ("ARdegree=1.5", "expected a whole number"),
        ("epsilon=-1", "at least 0"),
        ("--p-bound", "Unknown answer '--p-bound'"),
    ],
)
def test_other_answers_are_refused(answer, message):
    """The message says what would be understood."""
    with pytest.raises(ArgumentError, match=message):
        understood(answer, Criteria())


def test_a_question_is_asked_until_it_is_answered(monkeypatch, capsys):
    """A wrong answer is explained and asked again; the count is told first, and nothing goes to stdout."""
    monkeypatch.setattr("sys.stdin", io.StringIO("what\nepsilon=30\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    said = []
    assert asking({}, said.append, yes=False)(found()) == Criteria(epsilon=30)
    assert said == [Notice(found().summary().text)]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("Extract them?") == 2
    assert "Unknown answer 'what'" in err


def test_without_a_terminal_yes_is_needed(monkeypatch):
    """A script is told about --yes instead of waiting for ever; frames chosen by hand need no question."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(ArgumentError, match="add --yes"):
        asking({}, silent, yes=False)
    assert asking({"epsilon": 30}, silent, yes=True) is None
    assert asking({"outlieralgorithm": "manual"}, silent, yes=False) is None
    with pytest.raises(ArgumentError, match="alpha is 0"):
        asking({"alpha": 0}, silent, yes=True)

"""extract_outlier_frames, from predictions to drafts."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from posecut_core.errors import AnalysisError, ArgumentError, BusyError, LabelError, Remedy, VideoError
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels, read_state
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.project.opening import open_project, project_videos
from posecut_core.refinement.candidates import Criteria, _read_candidates
from posecut_core.results import as_json
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow import extract_outlier_frames as outlier_video
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.edit_bodyparts import edit_bodyparts
from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames, find_outlier_frames

extract_candidates = partial(extract_outlier_frames, random_share=0)


@pytest.fixture
def errs():
    """A function that moves a prediction of the bodypart "spot" by 30 pixels in some frames."""

    def edit(table, *frames):
        predictions = read_predictions(table)
        xy = predictions.xy.copy()
        xy[list(frames), 0] += 30.0
        write_predictions(table, replace(predictions, xy=xy))

    return edit


def points_of(config, video, numbers):
    """Return what the store knows of bodyparts in some frames."""
    state = read_state(open_project(config), video)
    return [point for number in numbers for point in state.frame(number).points.values()]


@pytest.fixture
def analyzed(spot_project, spot_video, errs):
    """The project's video, in which the network errs in frames 5 and 8; frame 5 is among the project's frames."""
    errs(analyze_videos(spot_project, spot_video).files[0], 5, 8)
    return spot_video


@pytest.fixture
def unseen(spot_project, spot_video, tmp_path, errs):
    """A video that is not in the project, in which the network errs in frames 2 and 7."""
    path = tmp_path / "unseen" / "new.mp4"
    path.parent.mkdir()
    shutil.copy(spot_video, path)
    errs(analyze_videos(spot_project, path).files[0], 2, 7)
    return path


def test_candidates_are_written_and_new_ones_extracted(spot_project, analyzed):
    """All jumps are in the table; frames that the project has are not extracted again."""
    (done,) = extract_candidates(spot_project, analyzed).videos
    assert [one.number for one in _read_candidates(done.table)] == [5, 6, 8, 9]
    assert done.table == analyzed.parent / "spotFake_10_outliers.csv"
    assert (done.looked_at, done.candidates, done.added, done.confirmed) == (11, 4, (6, 8), True)
    assert done.drafts == sum(part.state == "proposed" for part in points_of(spot_project, "spot", done.added))


@pytest.mark.parametrize("killed", ["draft_predictions", "add_new_videos", "extract", "end"])
def test_an_extraction_that_was_killed_goes_on(spot_project, analyzed, unseen, monkeypatch, killed):
    """Kind: stores of several videos and their drafts. Called again, it extracts no others, and drafts are there once.

    A frame that was stored before its drafts were written would never get any: it would be known.
    """
    wish = {"number_of_frames": 1, "seed": 1}
    with monkeypatch.context() as patch:
        if killed == "end":
            patch.setattr(Path, "unlink", stop)
        else:
            patch.setattr(outlier_video, killed, once(getattr(outlier_video, killed)))
        with pytest.raises(KeyboardInterrupt):
            extract_outlier_frames(spot_project, [analyzed, unseen], **wish)
    done = extract_outlier_frames(spot_project, [analyzed, unseen], **wish)
    project = open_project(spot_project)
    assert [len(one.added) for one in done.videos] == [1, 1]
    for stem, before, video in zip(("spot", "new"), (4, 0), done.videos, strict=True):
        assert len(FrameStore.open(project.frame_store(stem)).numbers) == before + 1
        assert len(points_of(spot_project, stem, video.added)) == video.drafts == 2
        journal = project.label_journal(stem).read_text()
        assert journal.count('"op":"propose"') == 2
    assert not project.unfinished_outliers.exists()


def once(work):
    """Return a stand-in that does its work the first time and is interrupted the second."""
    calls = []

    def call(*words, **options):
        if calls:
            raise KeyboardInterrupt
        calls.append(0)
        return work(*words, **options)

    return call


def stop(*words, **options):
    raise KeyboardInterrupt


def test_labels_that_somebody_edits_are_left_alone(spot_project, analyzed):
    """No frame is stored then, so that the next call extracts the same ones with their drafts."""
    project = open_project(spot_project)
    store = project.frame_store("spot")
    before = FrameStore.open(store).numbers.tolist()
    with LabelSession.open(project, "spot"), pytest.raises(BusyError, match="is editing them"):
        extract_candidates(spot_project, analyzed)
    assert FrameStore.open(store).numbers.tolist() == before
    (done,) = extract_candidates(spot_project, analyzed).videos
    assert (done.added, done.drafts) == ((6, 8), 4)


def test_a_new_video_joins_the_project(spot_project, unseen):
    """It is in config.yaml, its frames in the store, with drafts that name likelihood, network and snapshot."""
    (done,) = extract_candidates(spot_project, unseen, number_of_frames=3, seed=1).videos
    project = open_project(spot_project)
    assert project_videos(project)["new"].resolve() == unseen
    assert len(done.added) == 3
    assert set(done.added) < {2, 3, 7, 8}
    points = points_of(spot_project, "new", done.added)
    assert done.drafts == len(points) == 3 * 2
    assert {(point.state, point.origin.kind, point.origin.model) for point in points} == {
        ("proposed", "machine", "Fake_10")
    }
    assert len(read_labels(project, "new").numbers) == 0


def test_names_are_held_against_the_tables_first(spot_project, unseen, edit):
    """Kind: a step that records names of bodyparts while tables of other videos have others. It writes nothing."""
    project = open_project(spot_project)
    for path in (project.bodypart_journal, *project.frame_folder("spot").glob("labels*.json*")):
        path.unlink()
    edit(bodyparts=["dot", "beside"], skeleton=[])
    before = spot_project.read_bytes()
    with pytest.raises(LabelError, match=r"lists dot where the table of labels of spot has spot") as raised:
        extract_outlier_frames(spot_project, unseen)
    renamed = Remedy("edit_bodyparts", config=project.root, rename={"spot": "dot"})
    assert raised.value.remedies == (renamed,)
    assert spot_project.read_bytes() == before
    assert not project.bodypart_journal.exists()
    edit_bodyparts(spot_project, rename={"spot": "dot"})
    extract_outlier_frames(spot_project, unseen)
    assert len(read_labels(open_project(spot_project), "spot").numbers) == 4


@pytest.mark.parametrize("extractionalgorithm", ["kmeans", "uniform"])
def test_a_second_call_extracts_others(spot_project, unseen, extractionalgorithm):
    """Until no candidate is left; then nothing happens."""
    options = {"number_of_frames": 2, "extractionalgorithm": extractionalgorithm}
    added = [extract_candidates(spot_project, unseen, **options).videos[0].added for _ in range(3)]
    assert sorted([*added[0], *added[1]]) == [2, 3, 7, 8]
    assert added[2] == ()


@pytest.mark.parametrize(("share", "chance"), [(0, 0), (0.5, 2), (0.25, 1), (0.9, 3)])
def test_a_share_of_the_frames_is_taken_at_random(spot_project, unseen, share, chance):
    """All get drafts, and are as many as asked for; the next call takes others."""
    options = {"number_of_frames": 4, "random_share": share}
    (done,) = extract_outlier_frames(spot_project, unseen, **options).videos
    assert (len(done.added), len(done.at_random)) == (4, chance)
    assert set(done.at_random) < set(done.added)
    assert set(done.added) - set(done.at_random) <= {2, 3, 7, 8}
    assert done.drafts == len(points_of(spot_project, "new", done.added)) == 8
    (more,) = extract_outlier_frames(spot_project, unseen, **options).videos
    assert not {*more.added} & {*done.added}


def test_few_candidates_take_as_few_others_along(spot_project, unseen):
    """Of twenty frames that are wanted four look wrong: four others are enough."""
    result = extract_outlier_frames(spot_project, unseen, number_of_frames=20)
    (done,) = result.videos
    assert (len(done.added), len(done.at_random)) == (8, 4)
    assert "8 new frames, 4 of them at random, with 16 suggestions" in result.summary().lines[1]


def test_a_share_that_is_none_is_refused(spot_project, unseen):
    """Nothing is judged then."""
    with pytest.raises(ArgumentError, match=r"share of random frames is 1, expected 0 or more, and less than 1"):
        extract_outlier_frames(spot_project, unseen, random_share=1)


def test_the_count_is_shown_and_no_means_no(spot_project, unseen):
    """Whoever is asked sees what was found; on False nothing is extracted or written and the video stays outside."""
    asked = []
    (done,) = extract_outlier_frames(spot_project, unseen, confirm=lambda found: bool(asked.append(found))).videos
    assert [(len(found.candidates), found.fresh, found.looked_at) for found in asked] == [(4, (2, 3, 7, 8), 11)]
    assert (done.confirmed, done.added, done.drafts) == (False, (), 0)
    assert not done.table.exists()
    assert "new" not in project_videos(open_project(spot_project))


def test_outliers_are_found_without_a_trace(spot_project, unseen):
    """What would be extracted is told as JSON; no file is written, and the video stays outside the project."""
    found = find_outlier_frames(spot_project, unseen, number_of_frames=2)
    (video,) = json.loads(as_json(found))["videos"]
    assert (video["fresh"], video["looked_at"], video["number_of_frames"]) == ([2, 3, 7, 8], 11, 2)
    assert video["criteria"]["outlieralgorithm"] == "jump"
    assert [(one["number"], one["reason"]) for one in video["candidates"]] == [(n, "jump") for n in (2, 3, 7, 8)]
    assert not list(unseen.parent.glob("*_outliers.csv"))
    assert "new" not in project_videos(open_project(spot_project))
    with pytest.raises(ArgumentError, match="extract them"):
        find_outlier_frames(spot_project, unseen, "manual", frames=[1])


def test_what_was_found_is_extracted(spot_project, unseen, errs):
    """A notebook looks at what was found, leaves some out and extracts the rest; later predictions are refused."""
    found = find_outlier_frames(spot_project, unseen)
    (video,) = found.videos
    some = replace(found, videos=(replace(video, candidates=video.candidates[:1]),))
    (done,) = extract_candidates(spot_project, some).videos
    assert (done.added, done.candidates, done.drafts) == ((2,), 1, 2)
    assert [one.number for one in _read_candidates(done.table)] == [2]
    (rest,) = extract_candidates(spot_project, found, number_of_frames=2).videos
    assert (len(rest.added), rest.candidates) == (2, 4)
    assert set(rest.added) < {3, 7, 8}
    errs(unseen.with_name("newFake_10.h5"), 4)
    with pytest.raises(AnalysisError, match="has changed since"):
        extract_candidates(spot_project, found)


def test_candidates_of_other_algorithms_stay(spot_project, unseen):
    """The table collects what each algorithm found last."""
    extract_outlier_frames(spot_project, unseen)
    options = {"frames": [1, 4], "number_of_frames": 1}
    (done,) = extract_outlier_frames(spot_project, unseen, "list", **options).videos
    assert [(one.number, one.reason) for one in _read_candidates(done.table)] == [
        (1, "list"), (2, "jump"), (3, "jump"), (4, "list"), (7, "jump"), (8, "jump"),
    ]  # fmt: skip


def test_other_criteria_are_tried_and_kept(spot_project, unseen, analyzed):
    """Whoever is asked may change parameters and is asked again; videos after that begin with them."""
    asked = []

    def confirm(found):
        asked.append(found)
        return Criteria("uncertain", p_bound=0.5) if len(asked) == 1 else True

    first, second = extract_outlier_frames(spot_project, [unseen, analyzed], confirm=confirm).videos
    assert [found.criteria.outlieralgorithm for found in asked] == ["jump", "uncertain", "uncertain"]
    assert [len(found.candidates) for found in asked] == [4, 11, 11]
    assert first.criteria == second.criteria == Criteria("uncertain", p_bound=0.5)


def test_frames_can_be_given(spot_project, unseen):
    """ "manual" takes all of them unasked, "list" chooses among them."""

    def confirm(found):
        raise AssertionError("nobody is asked about frames chosen by hand")

    options = {"frames": [1, 4, 9], "number_of_frames": 1}
    (taken,) = extract_outlier_frames(spot_project, unseen, "manual", confirm=confirm, **options).videos
    assert taken.added == (1, 4, 9)
    (chosen,) = extract_outlier_frames(spot_project, unseen, "list", frames=[1, 6], number_of_frames=5).videos
    assert chosen.added == (6,)


def test_only_the_interval_of_the_config_is_judged(spot_project, unseen, edit):
    """Frame numbers stay those of the whole video."""
    edit(start=0.5, stop=1)
    (done,) = extract_candidates(spot_project, unseen).videos
    assert (done.looked_at, done.added) == (6, (7, 8))


def test_bodyparts_can_be_left_out(spot_project, unseen):
    """The network errs about the spot only."""
    assert extract_outlier_frames(spot_project, unseen, comparisonbodyparts=["beside"]).videos[0].candidates == 0
    with pytest.raises(ArgumentError, match="no bodypart 'spott', perhaps 'spot'"):
        extract_outlier_frames(spot_project, unseen, comparisonbodyparts=["spott"])


def test_networks_are_compared(spot_project, spot_video, errs):
    """Frames in which two snapshots disagree are found."""
    for snapshot in (10, 20):
        table = analyze_videos(spot_project, spot_video, shuffle=2, snapshot=snapshot).files[0]
    errs(table, 4)
    options = {"shuffle": 2, "snapshot": 10, "other_snapshots": [20]}
    (done,) = extract_candidates(spot_project, spot_video, "disagreement", **options).videos
    assert (done.added, _read_candidates(done.table)[0].bodyparts) == ((4,), ("spot",))


def test_the_network_that_has_not_analyzed_a_video_is_named(spot_project, spot_video):
    """Kind: the remedy had the shuffle that is judged, which has analyzed it."""
    analyze_videos(spot_project, spot_video)
    with pytest.raises(AnalysisError, match="Fake_20") as raised:
        extract_candidates(spot_project, spot_video, "disagreement", other_shuffles=[2])
    assert raised.value.remedies[0].arguments["shuffle"] == 2


def test_too_few_labels_for_poses_are_said(spot_project, unseen):
    """Two bodyparts make no pose to learn from."""
    with pytest.raises(AnalysisError, match=r"Only 2 bodyparts can be compared.*at least 3"):
        extract_outlier_frames(spot_project, unseen, "pca")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outlieralgorithm": "fit"}, "perhaps 'fitting'"),
        ({"extractionalgorithm": "random"}, "extractionalgorithm is 'random'"),
        ({"number_of_frames": 0}, "number_of_frames is 0"),
        ({"frames": [1]}, "use 'list'"),
        ({"outlieralgorithm": "list"}, "no frame numbers"),
        ({"outlieralgorithm": "manual", "frames": [11]}, "11 frames, so frame 11 is out of range"),
    ],
)
def test_impossible_wishes_are_refused(spot_project, analyzed, options, message):
    """The message says what was found and expected."""
    with pytest.raises(ArgumentError, match=message):
        extract_outlier_frames(spot_project, analyzed, **options)


def test_frame_numbers_belong_to_one_video(spot_project, unseen, analyzed):
    """With two videos it would not be clear whose they are."""
    with pytest.raises(ArgumentError, match="2 were given"):
        extract_outlier_frames(spot_project, [unseen, analyzed], "list", frames=[1])


def test_what_was_not_analyzed_is_one_sentence(spot_project, spot_video):
    """The message names the step before."""
    with pytest.raises(AnalysisError, match="analyze the video first"):
        extract_outlier_frames(spot_project, spot_video)


def test_predictions_of_another_length_are_refused(spot_project, unseen):
    """A video that was cut since its analysis would give wrong frame numbers."""
    table = unseen.with_name("newFake_10.h5")
    predictions = read_predictions(table)
    write_predictions(table, replace(predictions, xy=predictions.xy[1:], likelihood=predictions.likelihood[1:]))
    with pytest.raises(AnalysisError, match="10 rows, but the video has 11 frames"):
        extract_outlier_frames(spot_project, unseen)


def test_another_video_in_the_place_of_one_is_refused(spot_project, analyzed):
    """Its pictures and the positions found before do not belong together; the project's frames stay as they are."""
    before = read_labels(open_project(spot_project), "spot").numbers.tolist()
    with analyzed.open("ab") as file:
        file.write(b"more")
    with pytest.raises(VideoError, match="is not the file that was added to the project"):
        extract_outlier_frames(spot_project, analyzed)
    assert FrameStore.open(open_project(spot_project).frame_store("spot")).numbers.tolist() == before


def test_a_video_named_as_another_is_refused_before_any_work(spot_project, unseen):
    """Nobody is asked about a video that cannot join the project."""
    namesake = unseen.with_name("spot.mp4")
    namesake.write_bytes(unseen.read_bytes() + b"another")
    with pytest.raises(VideoError, match="same name"):
        extract_outlier_frames(spot_project, namesake)
    (open_project(spot_project).videos / unseen.name).write_bytes(b"another video, in no list")
    with pytest.raises(VideoError, match="already holds a different"):
        extract_outlier_frames(spot_project, unseen)

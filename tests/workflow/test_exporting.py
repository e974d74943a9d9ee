"""Frames become images that DeepLabCut reads."""

import shutil
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest

from posecut_core.errors import AnalysisError, ArgumentError, VideoError
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.poses.predictions import read_origin
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.export_deeplabcut import export_deeplabcut
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import plot_trajectories


def test_every_stored_frame_becomes_an_image(spot_project):
    """Each image holds exactly the pixels of its frame; a second export writes nothing."""
    exported = export_deeplabcut(spot_project)
    assert [(video.video, video.written) for video in exported.videos] == [("spot", 4)]
    project = open_project(spot_project)
    images = sorted(project.frame_folder("spot").glob("img*.png"))
    store = FrameStore.open(project.frame_store("spot"))
    assert len(images) == 4
    for path, number in zip(images, store.numbers.tolist(), strict=True):
        np.testing.assert_array_equal(iio.imread(path), store.read(number))
    assert export_deeplabcut(spot_project, videos=["spot"]).videos[0].written == 0


def test_a_damaged_folder_stops_no_other(spot_project):
    """Kind: the first of several that fails; the images of the others are written, and it is named."""
    project = open_project(spot_project)
    shutil.copytree(project.frame_folder("spot"), project.labeled_data / "a")
    edit_config(project.config_path, {"video_sets": {f"{project.videos}/{name}.mp4": None for name in ("a", "spot")}})
    (project.labeled_data / "a" / "labels.jsonl").write_bytes(b"noise\n")
    with pytest.raises(VideoError, match="1 of 2 videos could not be exported; the others are done") as told:
        export_deeplabcut(spot_project)
    assert [(video.video, video.written) for video in told.value.done.videos] == [("spot", 4)]


def test_labels_that_a_killed_program_did_not_come_to_write_are_exported(spot_project, monkeypatch):
    """Kind: a program killed between an edit, which is durable at once, and the files that DeepLabCut reads."""
    project = open_project(spot_project)
    table = read_labels(project, "spot")
    moved = replace(table, xy=np.where(np.isnan(table.xy), np.nan, 12.25))
    write_labels(project, table)
    with monkeypatch.context() as patch:
        patch.setattr(LabelSession, "_write_files", lambda session: None)
        write_labels(project, moved)
    assert "12.25" not in project.collected_data("spot", ".csv").read_text()
    export_deeplabcut(spot_project)
    assert "12.25" in project.collected_data("spot", ".csv").read_text()


def test_results_go_out_under_deeplabcuts_names(spot_project, spot_video):
    """Kind: programs that go by names do not find ours; the same numbers, its scorer, metadata and a placeholder."""
    (ours,) = analyze_videos(spot_project, spot_video).files
    exported = export_deeplabcut(spot_project, results=[spot_video], metadata=True)
    assert exported.placeholder.is_dir()
    h5_path, csv_path, pickled = exported.results
    scorer = h5_path.stem.removeprefix("spot")
    assert scorer.startswith("DLC_Resnet50_Spot")
    assert pickled.name == f"spot{scorer}_meta.pickle"
    for path in (h5_path, csv_path):
        found = read_predictions(path)
        assert found.scorer == scorer
        np.testing.assert_array_equal(found.xy, read_predictions(ours).xy)
    assert read_origin(h5_path).analysis == replace(read_origin(ours).analysis, scorer=scorer)
    assert len(export_deeplabcut(spot_project, results=spot_video).results) == 2


def test_results_of_deeplabcut_are_never_written_over(spot_project, spot_video):
    """Ours may have their names, and what PoseCut did not write stays."""
    analyze_videos(spot_project, spot_video)
    (theirs, _) = export_deeplabcut(spot_project, results=[spot_video]).results
    write_predictions(theirs, read_predictions(theirs))  # which says nothing, as theirs do
    before = theirs.read_bytes()
    for write in (
        lambda: export_deeplabcut(spot_project, results=[spot_video]),
        lambda: analyze_videos(spot_project, spot_video, dlc_names=True),
        lambda: analyze_videos(spot_project, spot_video, dlc_names=True, overwrite=True),
    ):
        with pytest.raises(AnalysisError, match=r"exists already, and PoseCut did not write it; move it away"):
            write()
    assert theirs.read_bytes() == before


def test_metadata_without_results_are_refused(spot_project):
    """They describe results, so that there would be nothing to describe."""
    with pytest.raises(ArgumentError, match="Metadata can only be written with results"):
        export_deeplabcut(spot_project, metadata=True)


def test_every_step_works_with_deeplabcuts_names(spot_project, spot_video, networks):
    """Kind: the name of a result is asked for in one step and not found by the next; they are the network's own too."""
    (named,) = analyze_videos(spot_project, spot_video, dlc_names=True).files
    assert named.name.startswith("spotDLC_Resnet50_Spot")
    assert analyze_videos(spot_project, spot_video, dlc_names=True).videos[0].skipped
    filtered = filterpredictions(spot_project, spot_video, dlc_names=True)
    assert filtered.files[0] == named.with_name(f"{named.stem}_filtered.h5")
    assert filtered.scorer == read_predictions(filtered.files[0]).scorer == named.stem.removeprefix("spot")
    assert plot_trajectories(spot_project, spot_video, filtered=True).files
    open_project(spot_project).training(1).manifest(10).write_text("trained again")
    with pytest.raises(AnalysisError, match="another network of the same name"):
        plot_trajectories(spot_project, spot_video)


def test_what_is_there_under_our_name_is_copied(spot_project, spot_video, networks):
    """Another name for the same results costs no second analysis, and a stale result is no source."""
    analyze_videos(spot_project, spot_video)
    named = analyze_videos(spot_project, spot_video, dlc_names=True, save_as_csv=True)
    assert networks[-1].shapes == []
    assert [path.suffix for path in named.files] == [".h5", ".csv"]
    open_project(spot_project).training(1).manifest(10).write_text("trained again")
    assert not analyze_videos(spot_project, spot_video, dlc_names=True).videos[0].skipped


def test_names_lead_programs_back_to_the_video(spot_project, spot_video):
    """SimBA and its like cut a name at DLC_ to find the video, which holds for every table of a result."""
    analyze_videos(spot_project, spot_video, dlc_names=True, save_as_csv=True)
    filterpredictions(spot_project, spot_video, dlc_names=True)
    tables = [path for path in spot_video.parent.iterdir() if path.suffix in (".csv", ".h5")]
    assert len(tables) == 4
    assert {path.stem.split("DLC_")[0] for path in tables} == {"spot"}

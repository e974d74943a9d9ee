"""Training datasets are split by their seed, and written only when everything about them can work."""

import dataclasses

import numpy as np
import pytest

from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.dataset.sizes import LabeledSizes, longest_side
from posecut_core.dataset.split import read_revision, read_split
from posecut_core.errors import (
    ArgumentError,
    DatasetError,
    LabelError,
    ModelError,
    ProjectError,
    StorageError,
    VideoError,
)
from posecut_core.labels.edits import Delete, MarkAbsent, Propose
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Notice
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project, project_videos
from posecut_core.project.state import ProjectState, write_state
from posecut_core.training.dataset import labeled_tables, write_shuffle
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow import create_training_dataset as datasets
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.create_training_dataset import create_training_dataset

COUNTS = {"ant": 12, "bee": 8}  # labeled frames of each video; one more frame is stored, but without any label


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two videos of 64 x 48 pixels."""
    folder = tmp_path_factory.mktemp("videos")
    for name in COUNTS:
        with VideoWriter(folder / f"{name}.mp4", fps=10.0, width=64, height=48) as writer:
            for _ in range(2):
                writer.write(np.zeros((48, 64, 3), np.uint8))
    return folder


@pytest.fixture
def unlabeled(tmp_path, videos):
    """config.yaml of a project with two videos and no labels."""
    return create_new_project(
        "Walk", "Ann", [videos], tmp_path, bodyparts=("head", "left leg", "right leg"), view="side"
    ).config_path


@pytest.fixture
def project(unlabeled):
    """config.yaml of a project with 20 labeled frames of two videos."""
    opened = open_project(unlabeled)
    for video, count in COUNTS.items():
        store = FrameStore.open(opened.frame_store(video), create=True)
        store.append((2 * number, np.zeros((48, 64, 3), np.uint8), (0, 0)) for number in range(count + 1))
        xy = np.random.default_rng(0).uniform(0, 40, (count + 1, 3, 2))
        xy[-1] = np.nan
        xy[0, 1] = np.nan
        write_labels(opened, LabelTable(video, opened.config.bodyparts, store.numbers, xy))
    return unlabeled


def files(config):
    """Return what lies in the project's folder beside videos and labels."""
    folders = ("training-datasets", "posecut-models")
    return sorted(path.name for name in folders for path in (config.parent / name).rglob("*") if path.is_file())


def test_a_dataset_is_split_revision_and_settings(project):
    """95% of the labeled frames train; frames without any label are left out; settings stand ready."""
    created = create_training_dataset(project)
    (made,) = created.shuffles
    assert (created.labelled_frames, made.train_frames, made.test_frames, made.shuffle) == (20, 19, 1, 1)
    opened, split = open_project(project), read_split(made.split)
    assert (made.split, made.settings.parent) == (opened.training(1).split, opened.training(1).folder)
    assert sorted(split.train + split.test) == [
        FrameRef(video, 2 * number) for video, count in COUNTS.items() for number in range(count)
    ]
    assert (split.fraction, split.seed, made.seed) == (0.95, 1, 1)
    assert read_settings(made.settings) == TrainingSettings(
        net_type="auto", global_scale=1.0, pos_dist_thresh=10.0, crop_size=128, maxiters=500
    )
    tables = read_revision(created.labels)
    assert created.labels == opened.training_datasets / split.labels
    for table in labeled_tables(opened):
        np.testing.assert_array_equal(tables[table.video].xy, table.xy)
        np.testing.assert_array_equal(tables[table.video].numbers, table.numbers)


def test_several_shuffles_differ_and_can_be_repeated(project):
    """Each shuffle has its own seed, counted from the one given; the same seed draws the same split."""
    first = create_training_dataset(project, 2, seed=5)
    again = create_training_dataset(project, 1, seed=6)
    assert [(made.shuffle, made.seed) for made in first.shuffles + again.shuffles] == [(1, 5), (2, 6), (3, 6)]
    one, two, three = (read_split(made.split) for made in first.shuffles + again.shuffles)
    assert one.test != two.test
    assert two == three
    assert first.labels == again.labels


def test_the_projects_seed_is_where_splits_start(project):
    """Without a seed, that of posecut.yaml and the shuffle's number decide."""
    write_state(open_project(project).settings_path, ProjectState(seed=40))
    assert [made.seed for made in create_training_dataset(project, shuffles=[7, 3]).shuffles] == [47, 43]


def test_each_training_fraction_has_its_datasets(project):
    """A dataset is made for every TrainingFraction, or for the one that is asked for."""
    edit_config(project, {"TrainingFraction": [0.8, 0.5]})
    made = create_training_dataset(project).shuffles
    assert [(one.trainingsetindex, one.train_frames, one.test_frames) for one in made] == [(0, 16, 4), (1, 10, 10)]
    (one,) = create_training_dataset(project, trainingsetindex=1).shuffles
    assert (one.shuffle, one.trainingsetindex, one.train_frames) == (2, 1, 10)
    (one,) = create_training_dataset(project, trainingsetindex=0, shuffles=[2]).shuffles
    assert (one.shuffle, one.trainingsetindex) == (2, 0)


def test_given_indices_are_used(project):
    """Indices count the labeled frames sorted by video and number; what does not train tests, unless it is said."""
    made = create_training_dataset(project, 2, train_indices=[[13, 0], list(range(20))]).shuffles
    split = read_split(made[0].split)
    assert split.train == (FrameRef("ant", 0), FrameRef("bee", 2))
    assert (len(split.test), split.seed, made[0].seed, made[1].test_frames) == (18, None, None, 0)
    (made,) = create_training_dataset(project, train_indices=[[1, 2]], test_indices=[[12]]).shuffles
    assert read_split(made.split).test == (FrameRef("bee", 0),)


def test_a_dataset_can_be_of_some_videos_alone(project):
    """Only their labeled frames are split, such as those of one camera; the labels of all are kept beside."""
    created = create_training_dataset(project, videos="bee")
    split = read_split(created.shuffles[0].split)
    assert {frame.video for frame in (*split.train, *split.test)} == {"bee"}
    assert created.shuffles[0].train_frames + created.shuffles[0].test_frames == COUNTS["bee"]
    assert set(read_revision(created.labels)) == {"ant", "bee"}
    with pytest.raises(VideoError, match="no video 'cat'"):
        create_training_dataset(project, videos=["cat"])


def test_a_new_shuffle_takes_the_next_free_number(project):
    """Numbers go on after the highest, also where only a trained network is left of a shuffle."""
    create_training_dataset(project, shuffles=[4])
    assert create_training_dataset(project).shuffles[0].shuffle == 5
    log = open_project(project).training(12).log
    log.parent.mkdir()
    log.touch()
    assert create_training_dataset(project).shuffles[0].shuffle == 13
    with pytest.raises(DatasetError, match="Shuffle 12 exists already"):
        create_training_dataset(project, shuffles=[12])


def test_an_interrupted_creation_can_be_repeated(project):
    """Settings without a split are no shuffle yet."""
    create_training_dataset(project)
    open_project(project).training(1).split.unlink()
    assert create_training_dataset(project).shuffles[0].shuffle == 1


@pytest.mark.parametrize("shuffles", [None, [3, 5]])
def test_a_creation_that_was_killed_goes_on(project, monkeypatch, shuffles):
    """Kind: several files, of which a killed call wrote the first. Called again, it makes as many shuffles as wished.

    Another wish begins anew, and what is whole stays.
    """
    monkeypatch.setattr(datasets, "write_shuffle", once(write_shuffle))
    with pytest.raises(KeyboardInterrupt):
        create_training_dataset(project, 2, shuffles=shuffles)
    monkeypatch.undo()
    done = create_training_dataset(project, 2, shuffles=shuffles)
    assert [one.shuffle for one in done.shuffles] == (shuffles or [1, 2])
    assert not open_project(project).unfinished_datasets.exists()
    assert [one.shuffle for one in create_training_dataset(project).shuffles] == [6 if shuffles else 3]


def once(work):
    """Return a stand-in that does its work the first time and is interrupted the second."""
    calls = []

    def call(*words, **options):
        if calls:
            raise KeyboardInterrupt
        calls.append(work(*words, **options))

    return call


def test_an_existing_shuffle_is_kept(project):
    """What was split once is never split again under the same number."""
    (made,) = create_training_dataset(project).shuffles
    before = made.split.read_bytes()
    with pytest.raises(DatasetError, match="Shuffle 1 exists already; choose another number, or none"):
        create_training_dataset(project, shuffles=[2, 1], seed=9)
    assert made.split.read_bytes() == before
    assert len(files(project)) == 3


def test_without_labels_there_is_no_dataset(unlabeled):
    """The user hears to label frames first, and to extract some only where there are none."""
    with pytest.raises(LabelError, match=r"No frame in .* is labeled; extract frames and label them first") as refused:
        create_training_dataset(unlabeled)
    assert [remedy.step for remedy in refused.value.remedies] == ["extract_frames", "label_frames"]
    project = open_project(unlabeled)
    store = FrameStore.open(project.frame_store(next(iter(project_videos(project)))), create=True)
    store.append([(0, np.zeros((48, 64, 3), np.uint8), (0, 0))])
    with pytest.raises(LabelError, match=r"No frame in .* is labeled; label some first") as refused:
        create_training_dataset(unlabeled)
    assert [remedy.step for remedy in refused.value.remedies] == ["label_frames"]
    assert files(unlabeled) == []


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"settings": {"batch_sise": 4}}, ModelError, "did you mean batch_size"),
        ({"settings": {"crop_size": 100}}, ModelError, "a multiple of 16"),
        ({"net_type": "resnet_51"}, ModelError, "resnet_50, resnet_101"),
        ({"num_shuffles": 0}, ArgumentError, "give a number from 1"),
        ({"shuffles": []}, ArgumentError, "at least one"),
        ({"shuffles": [2, 2]}, ArgumentError, "Give each shuffle's number once"),
        ({"shuffles": [1, 0]}, ArgumentError, "Shuffle 0 was asked for; shuffles are numbered from 1"),
        (
            {"trainingsetindex": 1},
            ArgumentError,
            "trainingsetindex is 1, expected 0 for 0.95, an index into TrainingFraction",
        ),
        ({"seed": -1}, ArgumentError, "Seed -1 was asked for; give a whole number from 0"),
        ({"train_indices": [[0], [1]]}, ArgumentError, "Indices are given for 2 shuffles, but 1 are made"),
        ({"test_indices": [[0]]}, ArgumentError, "without training indices"),
        ({"train_indices": [[3]]}, DatasetError, "1 training indices were given; give at least 2"),
        ({"num_shuffles": 2, "train_indices": [[0, 1], [1, 20]]}, DatasetError, "Index 20 is not among the 20"),
    ],
)
def test_what_cannot_work_writes_nothing(project, arguments, error, words):
    """Everything is checked before the first file is written."""
    with pytest.raises(error, match=words):
        create_training_dataset(project, **arguments)
    assert files(project) == []


def test_too_few_frames_for_the_fraction_write_nothing(project):
    """Kind: a dataset of one training frame was made, which no training takes."""
    edit_config(project, {"TrainingFraction": [0.05]})
    with pytest.raises(DatasetError, match=r"Of 20 labeled frames and with TrainingFraction 0\.05 only 1 would train"):
        create_training_dataset(project)
    assert files(project) == []


def test_a_disk_that_refuses_is_one_sentence(project):
    """Where the folder of the datasets cannot be made the user hears so, and nothing is half made."""
    folder = open_project(project).training_datasets
    if folder.exists():
        folder.rmdir()
    folder.touch()  # a file is in the way
    with pytest.raises(StorageError, match=r"Cannot write .*iteration-0"):
        create_training_dataset(project)
    assert not open_project(project).training(1).folder.exists()


def test_settings_come_from_config_and_arguments(project):
    """net_type is config.yaml's unless it is given; given settings replace what would be chosen."""
    edit_config(project, {"default_net_type": "resnet_101"})
    made = create_training_dataset(project, settings={"batch_size": 2, "learning_rate": 1, "global_scale": 0.5})
    settings = read_settings(made.shuffles[0].settings)
    assert (settings.net_type, settings.batch_size, settings.learning_rate) == ("resnet_101", 2, 1.0)
    assert settings.global_scale == 0.5
    made = create_training_dataset(project, net_type="resnet_18")
    assert read_settings(made.shuffles[0].settings).net_type == "resnet_18"


def test_large_frames_are_scaled_down(project):
    """The longest side of a labeled frame comes down to about 400 pixels, but by no less than 0.4."""
    opened, longest = open_project(project), 64
    store = FrameStore.open(opened.frame_store("bee"))
    for number, width in ((101, 640), (103, 2000)):
        store.append([(number, np.zeros((48, width, 3), np.uint8), (0, 0))])
        tables = labeled_tables(opened)
        assert longest_side(opened, tables) == longest  # the new frame is not labeled yet
        table = next(table for table in tables if table.video == "bee")
        numbers, xy = np.append(table.numbers, number), np.append(table.xy, table.xy[:1], axis=0)
        write_labels(opened, LabelTable("bee", table.bodyparts, numbers, xy))
        longest = longest_side(opened, labeled_tables(opened))
        assert longest == width
    assert read_settings(create_training_dataset(project).shuffles[0].settings).global_scale == 0.4


def face(project, widest):
    """Label an animal that faces from 0 to `widest` degrees, in equal steps in each video."""
    opened = open_project(project)
    for table in labeled_tables(opened):
        angles = np.radians(np.linspace(0, widest, len(table.numbers)))
        reach = 10 * np.exp(1j * angles)[:, None] * np.array([1, 0.5j, -1])
        write_labels(opened, dataclasses.replace(table, xy=24 + np.stack([reach.real, reach.imag], axis=-1)))


@pytest.mark.parametrize(
    ("view", "widest", "rotation"), [("above", 90, 140.0), ("side", 90, 30.0), ("auto", 360, 30.0)]
)
def test_the_cameras_view_says_how_far_crops_are_turned(project, view, widest, rotation):
    """It is asked for at creation; what is given for a training counts more, and auto is as if nothing were."""
    face(project, widest)
    write_state(open_project(project).settings_path, ProjectState(view=view))
    said = []
    made = create_training_dataset(project, settings={"rotation": "auto"}, report=said.append).shuffles[0]
    assert read_settings(made.settings).rotation == rotation
    told = [notice.text for notice in said if isinstance(notice, Notice) and " rotation " in notice.text]
    assert [f"rotation {rotation:g}, as the project's camera looks from above" in text for text in told] == [True] * (
        rotation != TrainingSettings().rotation
    )
    made = create_training_dataset(project, settings={"rotation": 7}).shuffles[0]
    assert read_settings(made.settings).rotation == 7


def test_only_labels_that_train_say_how_far_crops_are_turned(project):
    """Test frames show directions that the network shall not know of."""
    face(project, 360)
    write_state(open_project(project).settings_path, ProjectState(view="above"))
    right = [0, 1, 2, 18, 19]  # of the two videos, from 0 degrees to 65 and from 309 to 360
    made = create_training_dataset(project, train_indices=[right]).shuffles[0]
    assert read_settings(made.settings).rotation == 130


@pytest.mark.parametrize(
    ("scale", "crop", "why"),
    [(1.0, 128, "as the frames are small"), (3.0, 192, "as the"), (3.5, 224, ""), (4.0, 240, "so that crops hold")],
)
def test_crops_are_chosen_to_hold_the_animal(project, scale, crop, why):
    """The labeled animals fit in, at the scale of the training, and it is told; what is given counts more.

    Where frames are smaller than the usual crop, crops are no larger.
    """
    opened = open_project(project)
    for table in labeled_tables(opened):
        xy = np.tile([[3.0, 24], [32, 24], [61, 24]], (len(table.numbers), 1, 1))
        write_labels(opened, dataclasses.replace(table, xy=xy))
    said = []
    made = create_training_dataset(project, settings={"global_scale": scale}, report=said.append).shuffles[0]
    assert read_settings(made.settings).crop_size == crop
    told = [notice.text for notice in said if isinstance(notice, Notice) and "crop_size" in notice.text]
    assert [f"crop_size {crop}, {why}" in text for text in told] == [True] * bool(why)
    made = create_training_dataset(project, settings={"global_scale": scale, "crop_size": 64}).shuffles[0]
    assert read_settings(made.settings).crop_size == 64
    assert LabeledSizes(300, 640).crop_size(scale=1.0) == LabeledSizes(600, 1280).crop_size(scale=0.5) == 320
    assert LabeledSizes(1000, 1000).crop_size(scale=1.0) == 384


def test_a_scale_that_is_no_number_is_refused_by_name(project):
    """What is chosen by it is chosen after it has been read."""
    with pytest.raises(ModelError, match="global_scale is 'half'"):
        create_training_dataset(project, settings={"global_scale": "half"})


def test_a_wrong_network_is_called_by_its_name_in_the_file(project):
    """The message names default_net_type in config.yaml, unless another network is given."""
    edit_config(project, {"default_net_type": "resnet_9"})
    with pytest.raises(ProjectError, match=r"config\.yaml: default_net_type is 'resnet_9', expected one of resnet_18"):
        create_training_dataset(project)
    assert create_training_dataset(project, net_type="resnet_18").shuffles
    edit_config(project, {"default_net_type": "mobilenet_v2_1"})
    with pytest.raises(ProjectError, match=r"or auto \(perhaps 'mobilenet_v2_1\.[04]' is meant\); correct it there"):
        create_training_dataset(project)


def test_what_nobody_said_is_not_trained_on(project):
    """Drafts stay out; absent bodyparts and those that nobody looked for are told apart in the revision."""
    opened = open_project(project)
    with LabelSession.open(opened, "bee") as session:
        session.apply(Delete(0, "head"))
        session.apply(Propose(0, "head", (5.0, 5.0), 0.9, "net", 720))
        session.apply(MarkAbsent(2, "head"))
    table = read_revision(create_training_dataset(project).labels)["bee"]
    assert np.isnan(table.xy[:2, 0]).all()
    assert table.annotated[:2].tolist() == [[False, True, True], [True, True, True]]


def test_labels_on_other_pictures_are_refused(project):
    """A frame store that was made again from another video is noticed."""
    store = FrameStore.open(open_project(project).frame_store("bee"))
    store.remove([2])
    store.append([(2, np.full((48, 64, 3), 9, np.uint8), (0, 0))])
    with pytest.raises(LabelError, match=r"Frame 2 of bee .* is not the image"):
        create_training_dataset(project)


@pytest.mark.parametrize(("given", "radius"), [({"global_scale": 0.5}, 20.0), ({"pos_dist_thresh": 12}, 12.0)])
def test_discs_follow_the_scale_of_the_frames(project, given, radius):
    """They hold the cells of the score maps that are next to a label, at every scale; a radius that is given wins."""
    made = create_training_dataset(project, settings=given).shuffles[0]
    assert read_settings(made.settings).pos_dist_thresh == radius


def test_the_next_iteration_builds_the_same_network(project):
    """What the network is built like is that of the same shuffle before, which is told, unless another is asked for."""
    tuned = {"net_type": "resnet_34", "width": 0.5, "init_weights": "random", "global_scale": 0.7, "rotation": 5.0}
    first = create_training_dataset(project, settings=tuned).shuffles[0]
    edit_config(project, {"iteration": 1})
    said = []
    made = create_training_dataset(project, report=said.append).shuffles[0]
    chosen = {"pos_dist_thresh": 14.3, "crop_size": 128, "maxiters": 500}
    expected = TrainingSettings("resnet_34", 0.5, init_weights="random", global_scale=0.7, **chosen)
    assert (read_settings(made.settings), made.previous) == (expected, None)
    told = "Shuffle 1 inherits settings from an earlier iteration: net_type resnet_34"
    assert any(told in notice.text for notice in said)
    edit_config(project, {"iteration": 2})
    snapshot = first.settings.parent / "snapshot-000020"
    snapshot.mkdir()
    (snapshot / "snapshot.json").write_text("20")
    assert create_training_dataset(project).shuffles[0].previous == snapshot
    edit_config(project, {"iteration": 3})
    other = create_training_dataset(project, net_type="resnet_18").shuffles[0]
    assert read_settings(other.settings) == TrainingSettings(
        "resnet_18", global_scale=1.0, **(chosen | {"pos_dist_thresh": 10.0})
    )
    assert other.previous is None

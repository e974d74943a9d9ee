"""The assistant learns from labels as they come, proposes the others, and stops without losing what it has learned."""

import signal

import numpy as np
import pytest

from posecut_core.assistant import network as assisting
from posecut_core.assistant.network import Pace
from posecut_core.assistant.proposals import read_proposals
from posecut_core.errors import ModelError, VideoError
from posecut_core.labels.edits import Delete, Place
from posecut_core.labels.session import LabelSession
from posecut_core.model import step as training
from posecut_core.model.snapshots import read_info
from posecut_core.progress import Progress
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_steps
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.edit_bodyparts import edit_bodyparts
from posecut_core.workflow.propose_labels import assist
from tests.workflow.conftest import BrightSpot, dots_image

PACE = Pace(frames=3, first=4, every=4, poll=1, rest=100)
SMALL = {"width": 0.25, "crop_size": 64, "batch_size": 2, "display_iters": 2}


@pytest.fixture
def quick(quick_steps, few_blocks, monkeypatch):
    """Training steps and predictions that take no time."""
    monkeypatch.setattr(
        assisting, "Predictor", lambda info, parameters: BrightSpot(info.scorer, info.network.bodyparts)
    )


@pytest.fixture
def labeling(trainable):
    """An open session of a project in which frames 4 and 5 have no labels yet."""
    project = open_project(trainable)
    xy = np.full((2, 2), 30)
    FrameStore.open(project.frame_store("dots")).append((number, dots_image(xy), (0, 0)) for number in (4, 5))
    with LabelSession.open(project, "dots") as session:
        yield session


def label(session, number):
    for part in ("white", "black"):
        session.apply(Place(number, session.identity(part), (30.0, 30.0)))


class Reports:
    """Keeps reports of one stage, and acts when told of a step."""

    def __init__(self, stage="learning from your labels", **actions):
        self.stage, self.seen, self.actions = stage, [], {int(step[1:]): act for step, act in actions.items()}

    def __call__(self, progress):
        if isinstance(progress, Progress) and progress.stage == self.stage:
            self.seen.append(progress)
            self.actions.get(progress.done, lambda: None)()


def run(session, **options):
    return assist(session.project.config_path, **{"settings": SMALL, "pace": PACE, "wait": pytest.fail, **options})


def steps(session):
    return snapshot_steps(session.project.assistant)


@pytest.mark.usefixtures("quick")
def test_frames_without_labels_are_proposed(labeling):
    """Proposals come after the first steps and then again; the result says what they are of."""
    reports = Reports(stage="new suggestions")
    done = run(labeling, maxiters=10, report=reports)
    assert (done.first_step, done.last_step, done.labelled_frames) == (0, 10, 4)
    assert [progress.values["step"] for progress in reports.seen] == [4, 8, 10]
    found = read_proposals(done.proposals)
    assert (found.step, found.videos["dots"].numbers.tolist()) == (10, [4, 5])
    assert done.snapshot.is_dir()


@pytest.mark.usefixtures("quick")
def test_new_labels_join_while_it_learns(labeling):
    """A frame that is labeled meanwhile trains from then on, and needs no proposals any more."""
    reports = Reports(_4=lambda: label(labeling, 4))
    done = run(labeling, maxiters=10, report=reports)
    assert done.labelled_frames == 5
    assert read_info(done.snapshot).distances.spread[0, 1] > 0  # known from the fifth labeled frame on
    assert [progress.values["labelled_frames"] for progress in reports.seen] == [4, 4, 5, 5, 5]
    assert read_proposals(done.proposals).videos["dots"].numbers.tolist() == [5]


@pytest.mark.usefixtures("quick")
def test_it_waits_for_the_first_labels(labeling):
    """With too few labeled frames it says how many there are and are needed, and begins by itself."""
    reports = Reports(stage="waiting for labeled frames")
    done = run(labeling, maxiters=2, report=reports, pace=Pace(frames=5), wait=lambda: label(labeling, 4))
    assert [(progress.done, progress.total) for progress in reports.seen] == [(4, 5)]
    assert (done.last_step, done.labelled_frames) == (2, 5)


@pytest.mark.usefixtures("quick")
def test_it_says_when_it_waits_no_longer(labeling):
    """The network is compiled for half a minute: what was waited for is there by then, and that is told."""
    stages = []
    run(
        labeling,
        maxiters=2,
        report=lambda one: stages.append(one.stage) if isinstance(one, Progress) else None,
        pace=Pace(frames=5),
        wait=lambda: label(labeling, 4),
    )
    assert list(dict.fromkeys(stages))[:2] == [
        "waiting for labeled frames",
        "preparing to learn from 5 labeled frames",
    ]


def unlabel(session):
    for number in (0, 1):
        for part in ("white", "black"):
            session.apply(Delete(number, session.identity(part)))


@pytest.mark.usefixtures("quick")
def test_labels_that_are_taken_back_stop_it(labeling):
    """With too few frames left it waits, keeps what it has learned, and goes on."""
    waiting = Reports(stage="waiting for labeled frames")
    learning = Reports(_4=lambda: unlabel(labeling))

    def report(progress):
        waiting(progress)
        learning(progress)

    done = run(labeling, maxiters=8, report=report, wait=lambda: label(labeling, 4))
    assert [progress.done for progress in waiting.seen] == [2]
    assert [progress.done for progress in learning.seen] == [2, 4, 6, 8]
    assert done.labelled_frames == 3


@pytest.mark.usefixtures("quick")
def test_it_rests_when_nothing_is_left_to_learn(labeling):
    """After many steps without another label it only waits for one."""
    waits = []

    def wait():
        waits.append(steps(labeling))
        if len(waits) == 3:
            label(labeling, 4)

    done = run(labeling, maxiters=12, pace=Pace(frames=3, first=100, poll=1, rest=6), wait=wait)
    assert waits == [(6,)] * 3
    assert (done.last_step, done.labelled_frames) == (12, 5)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_a_snapshot(labeling, number):
    """A KeyboardInterrupt of the report, Ctrl-C and SIGTERM alike; the next call goes on and proposes at once."""

    def interrupt():
        if number is None:
            raise KeyboardInterrupt
        signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        run(labeling, report=Reports(_2=interrupt))
    assert steps(labeling) == (2,)
    reports = Reports(stage="new suggestions")
    done = run(labeling, maxiters=3, report=reports)
    assert (done.first_step, done.last_step) == (2, 3)
    assert [progress.values["step"] for progress in reports.seen] == [3]


@pytest.mark.usefixtures("quick")
def test_interrupted_while_it_waits_it_stops(labeling):
    """Waiting is heard as well."""
    with pytest.raises(KeyboardInterrupt):
        run(labeling, pace=Pace(frames=99), wait=lambda: signal.raise_signal(signal.SIGTERM))
    assert steps(labeling) == ()
    with pytest.raises(KeyboardInterrupt):
        run(
            labeling,
            pace=Pace(frames=3, first=100, poll=1),
            report=Reports(_2=lambda: unlabel(labeling)),
            wait=lambda: signal.raise_signal(signal.SIGTERM),
        )
    assert steps(labeling) == (2,)


@pytest.mark.usefixtures("quick")
def test_other_bodyparts_begin_another_network(labeling):
    """A bodypart that is renamed meanwhile has proposals of a new network."""
    config = labeling.project.config_path
    labeling.close()
    steps_seen = []

    def report(progress):
        if isinstance(progress, Progress) and progress.stage == "learning from your labels":
            steps_seen.append(progress.done)
            if steps_seen == [2, 4]:
                edit_bodyparts(config, rename={"white": "pale"})

    done = run(labeling, maxiters=8, report=report)
    assert steps_seen == [2, 4, 2, 4, 6, 8]
    assert read_proposals(done.proposals).bodyparts == ("pale", "black")


@pytest.mark.usefixtures("quick")
def test_nothing_else_of_the_project_changes(labeling):
    """Shuffles, training datasets, labels and config.yaml are as before."""
    root = labeling.project.root
    own = (root / "posecut-models" / "assistant", root / "posecut-jobs")

    def contents():
        files = (path for path in sorted(root.rglob("*")) if path.is_file() and not any(map(path.is_relative_to, own)))
        return {path: path.read_bytes() for path in files}

    before = contents()
    run(labeling, maxiters=5)
    assert contents() == before


@pytest.mark.usefixtures("quick")
def test_a_frame_that_is_taken_out_meanwhile_is_passed_over(labeling, monkeypatch):
    """The next proposals are made without it; damage that stays is told."""
    own, failures = assisting.proposals_for, [VideoError("gone")]

    def propose(*arguments, **options):
        if failures:
            raise failures.pop()
        return own(*arguments, **options)

    monkeypatch.setattr(assisting, "proposals_for", propose)
    reports = Reports(stage="new suggestions")
    run(labeling, maxiters=8, report=reports)
    assert [progress.values["step"] for progress in reports.seen] == [8]
    failures += [VideoError("gone")] * 2
    with pytest.raises(VideoError):
        run(labeling, maxiters=16)


def test_settings_that_cannot_work_are_told(labeling):
    """Before anything is trained."""
    with pytest.raises(ModelError, match="crop_size is 65"):
        run(labeling, settings={"crop_size": 65})


@pytest.mark.usefixtures("quick")
def test_frames_join_without_compiling(labeling, monkeypatch):
    """Steps on 4 and on 5 frames have the same shapes and settings: one program takes both."""
    quick, programs = training._train_step, set()

    def step(state, batch, mirror_order, *, spec, settings):
        programs.add((*(field.shape for field in batch), spec, settings))
        return quick(state, batch, mirror_order, spec=spec, settings=settings)

    monkeypatch.setattr(training, "_train_step", step)
    FrameStore.open(labeling.project.frame_store("dots")).append([(9, np.zeros((80, 96, 3), np.uint8), (0, 0))])
    assert run(labeling, maxiters=3, report=Reports(_2=lambda: label(labeling, 9))).labelled_frames == 5
    assert len(programs) == 1

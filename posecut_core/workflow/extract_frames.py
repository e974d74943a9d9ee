"""Steps B and C: choose frames of every video for labeling (`extract_frames`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.cameras.views import ViewSession, chosen_views, view_sessions
from posecut_core.errors import ArgumentError, PosecutError, Remedy, VideoError, raise_together, treat_each
from posecut_core.labels.images import adopt_project
from posecut_core.labels.neighbors import take_neighbors
from posecut_core.labels.store import known_frames, read_labels
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import forgiving, listed
from posecut_core.project.opening import check_videos, chosen_stems, project_videos, resolve_video
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state, update_state
from posecut_core.results import Summary, counted, spans
from posecut_core.types import Algorithm, Mode
from posecut_core.video.extraction import extract
from posecut_core.video.frame_store import FrameStore, numbers_in
from posecut_core.video.index import Gap, gap_sentences


@dataclass(frozen=True)
class ExtractedVideo:
    """The frames of one video that are there to label."""

    video: str
    store: Path
    added: tuple[int, ...]  # frame numbers that are new
    frames: tuple[int, ...]  # all frame numbers, new and old
    damaged: tuple[int, ...]  # frame numbers that could not be decoded
    short: int = 0  # frames that were asked for and that the video does not have
    gaps: tuple[Gap, ...] = ()  # where the file has lost frames, which have no numbers
    known: int = 0  # frames that were chosen, and had been extracted before
    labeled: int = 0  # frames that were chosen, and have labels
    around: int = 0  # frames that are new among those kept before and after these

    def _lines(self) -> list[str]:
        """Say how many frames there are, and what the video did not give."""
        lines = [f"{self.video}: {counted(len(self.added), 'new frame')}, {len(self.frames)} in all, in {self.store}"]
        if self.around:
            lines.append(f"  {self.video}: {counted(self.around, 'frame')} before and after these kept beside them")
        if self.damaged:
            lines.append(f"  {self.video}: left out because they are damaged: {spans(self.damaged)}")
        if self.short:
            lines.append(
                f"  {self.video}: {counted(self.short, 'frame')} fewer than asked for, because no more can be read "
                "between start and stop of config.yaml"
            )
        return lines + [f"  {self.video}: {sentence}" for sentence in gap_sentences(self.gaps)]


@dataclass(frozen=True)
class ExtractedFrames:
    """What `extract_frames` chose."""

    config_path: Path
    algorithm: str  # kmeans, uniform or given
    seed: int
    videos: tuple[ExtractedVideo, ...]

    def summary(self) -> Summary:
        """Say how many frames are new, and what there is to do."""
        root, lines = self.config_path.parent, tuple(line for video in self.videos for line in video._lines())
        following: tuple[Remedy, ...] = (Remedy("check_labels", config=root),)
        if not any(video.added or video.known for video in self.videos):
            text = "No frame could be extracted: none of those that were asked for can be read."
            return Summary(text, lines, exit_code=VideoError.exit_code)
        if all(video.labeled == len(video.added) + video.known for video in self.videos):
            next_step = "All of them are labeled already."
        else:
            next_step, following = "Now label them.", (Remedy("label_frames", config=root),)
        if added := sum(len(video.added) for video in self.videos):
            return Summary(f"{counted(added, 'new frame')} extracted. {next_step}", lines, following)
        no_others = self.algorithm == "given" or all(video.short for video in self.videos)
        others = () if no_others else (Remedy("extract_frames", config=root, seed=self.seed + 1),)
        text = f"The frames that were chosen had been extracted before. {next_step}"
        return Summary(f"{text} Another seed chooses others." if others else text, lines, (*following, *others))


@dataclass(frozen=True)
class _Wish:
    """How frames are chosen, the same for every video."""

    algorithm: str
    number_of_frames: int
    crop: bool
    seed: int
    step: int
    color: bool
    frames: tuple[int, ...] | None
    overwrite: bool
    neighbors: int


@forgiving
def extract_frames(
    config: str | os.PathLike[str],
    mode: Mode = "automatic",
    algo: Algorithm = "kmeans",
    crop: bool = False,
    *,
    videos: str | Sequence[str] | None = None,
    frames: Sequence[int] | None = None,
    seed: int | None = None,
    step: int = 1,
    colour: bool = False,
    number_of_frames: int | None = None,
    overwrite: bool = False,
    neighbors: int = 0,
    views: str | None = None,
    report: Report = silent,
) -> ExtractedFrames:
    """Choose frames of every video for labeling.

    They are kept, losslessly, in `labeled-data/<video>/frames.zarr`. Frames that were extracted before stay. The choice
    is between `start` and `stop` of config.yaml. Where several cameras saw one scene, the same frames of all views are
    taken: those chosen in the shortest video.

    Args:
        config: path of config.yaml.
        mode: "automatic", or "manual": then give the frames' numbers with `frames`.
        algo: "kmeans" takes frames that look different, "uniform" takes them at random times.
        crop: keep only each video's crop in config.yaml.
        videos: only these videos of the project; by default all.
        frames: take exactly these frames of one video, as 5,10-12; by default `algo` chooses.
        seed: another seed chooses other frames; by default the seed in posecut.yaml.
        step: let kmeans look at every n-th frame only; a larger n is faster.
        colour: let kmeans compare colors, not only brightness.
        number_of_frames: frames to choose per video; by default numframes2pick in config.yaml.
        overwrite: first remove extracted frames that have no labels.
        neighbors: also keep so many frames before and after each extracted one, old or new, for networks with a
            `context`. Training one reads them itself where the videos are at hand.
        views: pattern of the names of videos of several cameras, such as {session}_{camera}; posecut.yaml keeps it. By
            default it says already which videos belong together, or none do.
        report: called after each frame.

    Raises:
        ArgumentError: a mode, an algorithm or a number is not possible.
        VideoError: a video is missing, damaged or another than was added, or a frame number lies past its end; the
            others have their frames.
        StorageError: the disk refuses; frames of finished videos are kept, of the unfinished one none is added.
    """
    _check(mode, frames, videos, number_of_frames, step, neighbors)
    project = adopt_project(config, report=report)
    sessions = view_sessions(project_videos(project).values(), chosen_views(project, views))
    stems = _with_other_views(project, sessions, chosen_stems(project_videos(project), videos))
    if not stems:
        raise ArgumentError(
            f"The project {project.root} has no videos; add some first.", Remedy("add_new_videos", config=project.root)
        )
    wish = _Wish(
        algorithm=algo,
        number_of_frames=project.config.numframes2pick if number_of_frames is None else number_of_frames,
        crop=crop,
        seed=read_state(project.settings_path).seed if seed is None else seed,
        step=step,
        color=colour,
        frames=None if frames is None else tuple(frames),
        overwrite=overwrite,
        neighbors=neighbors,
    )
    done, failed = _extract_all(project, stems, sessions, wish, report)
    algorithm = "given" if frames is not None else algo
    extracted = ExtractedFrames(project.config_path, algorithm, wish.seed, tuple(done))
    wrong = "videos gave no frames"
    raise_together(failed, of=len(stems), what=wrong, kind=VideoError, done=extracted)
    return extracted


def _check(
    mode: Mode,
    frames: Sequence[int] | None,
    videos: str | Sequence[str] | None,
    number_of_frames: int | None,
    step: int,
    neighbors: int,
) -> None:
    """Refuse what no project could make right."""
    if mode == "manual" and frames is None:
        raise ArgumentError(
            "mode is 'manual' but no frame numbers were given; give them as `frames`, such as 5,10-12, or choose "
            "frames in the window.",
            Remedy("label_frames"),
        )
    if frames is not None and (videos is None or len(listed(videos)) != 1):
        raise ArgumentError("Frame numbers need exactly one video in `videos`; name it.")
    if frames is not None and (not frames or min(frames) < 0):
        raise ArgumentError(
            f"frames is {list(frames)}, expected at least one frame number of 0 or more; 0 is the first."
        )
    for name, value in (("number_of_frames", number_of_frames), ("step", step)):
        if value is not None and value < 1:
            raise ArgumentError(f"{name} is {value}, expected 1 or more.")
    if neighbors < 0:
        raise ArgumentError(f"neighbors is {neighbors}, expected 0 or more.")


def _with_other_views(project: Project, sessions: Sequence[ViewSession], stems: Sequence[str]) -> list[str]:
    """Add the other views of each session of which one was chosen, in the project's order."""
    wanted = {*stems}
    for session in sessions:
        views = {video.stem for video in session.views.values()}
        wanted |= views if views & wanted else set()
    return [stem for stem in project_videos(project) if stem in wanted]


def _extract_all(
    project: Project, stems: Sequence[str], sessions: Sequence[ViewSession], wish: _Wish, report: Report
) -> tuple[list[ExtractedVideo], dict[str, PosecutError]]:
    """Choose the frames of all videos; seeds are written once, as posecut.yaml takes long to write for many videos."""
    done: dict[str, ExtractedVideo] = {}
    session_of = {video.stem: session for session in sessions for video in session.views.values()}
    chosen: dict[str, tuple[int, ...]] = {}  # session -> frames that its first view has given

    def extract_one(stem: str) -> ExtractedVideo:
        session = session_of.get(stem)
        numbers = chosen.get(session.name) if session else None
        done[stem], found = _extract(project, stem, replace(wish, frames=numbers) if numbers else wish, report)
        if session:
            chosen.setdefault(session.name, found)
        return done[stem]

    try:
        _, failed = treat_each(_shortest_first(stems, sessions, report), extract_one)
    finally:
        if wish.frames is None and done:
            _remember_seed(project, list(done), wish.seed)
    return [done[stem] for stem in stems if stem in done], failed


def _shortest_first(stems: Sequence[str], sessions: Sequence[ViewSession], report: Report) -> list[str]:
    """Put the shortest view of each session first: the others have whatever frames it has."""
    cameras = dict.fromkeys(camera for session in sessions for camera in session.views)
    lengths: dict[str, int] = {}
    for session in sessions:
        views = {camera: video.stem for camera, video in session.views.items()}
        if not {*stems}.intersection(views.values()):
            continue
        try:
            told = session.lacking(cameras), session.differing()
            lengths |= {views[camera]: count for camera, count in session.frame_counts().items()}
        except VideoError:  # said of the video when its turn comes
            continue
        for sentence in filter(None, told):
            report(Notice(sentence))
    return sorted(stems, key=lambda stem: lengths.get(stem, 0))


def _extract(project: Project, stem: str, wish: _Wish, report: Report) -> tuple[ExtractedVideo, tuple[int, ...]]:
    """Choose the frames of one video; return them as well."""
    path, store = resolve_video(project, stem), project.frame_store(stem)
    check_videos(project, [path])
    before = {*numbers_in(store)}
    if wish.overwrite and before:
        needed = known_frames(project, stem)
        FrameStore.open(store).remove(sorted(before - needed))
        before &= needed
    done = extract(
        path,
        store,
        algorithm=wish.algorithm,
        number_of_frames=wish.number_of_frames,
        start=project.config.start,
        stop=project.config.stop,
        crop=project.config.crop_of(stem) if wish.crop else None,
        step=wish.step,
        color=wish.color,
        seed=wish.seed,
        numbers=wish.frames,
        report=report,
    )
    after = numbers_in(store)
    extracted = ExtractedVideo(
        stem,
        store,
        added=tuple(number for number in after if number not in before),
        frames=after,
        known=sum(number in before for number in done.numbers),
        labeled=len(_labeled(project, stem).intersection(done.numbers)),
        damaged=done.damaged,
        short=0 if wish.frames is not None else done.wanted - len(done.numbers),
        gaps=done.gaps,
        around=take_neighbors(project, stem, context=wish.neighbors, report=report),
    )
    return extracted, done.numbers


def _labeled(project: Project, stem: str) -> set[int]:
    try:
        return {*read_labels(project, stem).numbers.tolist()}
    except PosecutError:  # told where labels are needed
        return set()


def _remember_seed(project: Project, stems: Sequence[str], seed: int) -> None:
    seeds = dict.fromkeys(stems, seed)
    update_state(project, lambda settings: replace(settings, extraction_seeds={**settings.extraction_seeds, **seeds}))

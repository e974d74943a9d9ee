"""What a user's arguments stand for: which video files, which snapshots, which bodyparts, which prediction file."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from posecut_core.errors import ArgumentError, ModelError, VideoError, raise_together
from posecut_core.model.snapshots import read_info
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import GivenVideos, Videos, given_names, given_videos
from posecut_core.project.paths import Project, snapshot_folder, snapshot_steps
from posecut_core.workflow.opening import named_video, project_videos

Snapshots = int | str | Sequence[int]  # steps, "last" or "all"


def chosen_videos(
    project: Project, videos: Videos, *, videotype: str | Sequence[str] = "", report: Report = silent
) -> GivenVideos:
    """List the video files meant by files, names of project videos, folders and patterns, each file once.

    Args:
        project: the opened project.
        videos: what was given.
        videotype: suffixes of the videos to take from folders; by default any known one.
        report: told what is left out, and what is no video, before the work on the others begins.

    Raises:
        ArgumentError: nothing is given.
        VideoError: none of it is a video.
    """
    known = tuple(project_videos(project))
    given = given_videos(videos, videotype=videotype, named=lambda name: named_video(project, name), known=known)
    if not given.paths:
        raise_together(given.refused, of=len(given.refused), what="are no videos", kind=VideoError, done=None)
    for sentence in (*given.notes, *(str(error) for error in given.refused.values())):
        report(Notice(sentence))
    return given


def chosen_steps(model_folder: Path, snapshots: Snapshots | None, *, snapshotindex: int | str) -> tuple[int, ...]:
    """List the snapshots meant, as numbers of training steps.

    Args:
        model_folder: folder of the trained network.
        snapshots: "last", "all", a number of steps or several; None leaves it to `snapshotindex`.
        snapshotindex: of config.yaml: a position in the list of snapshots (-1 is the last), or "all".

    Raises:
        ModelError: there is no such snapshot.
    """
    steps = snapshot_steps(model_folder)
    if not steps:
        missing = "train-network" if (model_folder / "settings.yaml").exists() else "create-training-dataset"
        raise ModelError(
            f"Found no snapshot of a trained network in {model_folder}; run posecut {missing} first, or choose another "
            "shuffle."
        )
    if snapshots is None:
        snapshots = _by_index(steps, snapshotindex, model_folder)
    if snapshots == "all":
        return steps
    if snapshots == "last":
        return steps[-1:]
    wanted = [snapshots] if isinstance(snapshots, int | str) else list(snapshots)
    chosen = tuple(step for step in wanted if isinstance(step, int) and step in steps)
    if len(chosen) < len(wanted) or not wanted:
        missing = ", ".join(str(step) for step in wanted if step not in chosen) or "(none was given)"
        available = ", ".join(map(str, steps))
        raise ModelError(f"Found no snapshot {missing} in {model_folder}; choose among {available}, 'last' and 'all'.")
    return chosen


def chosen_bodyparts(known: tuple[str, ...], wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """List the bodyparts meant, in the network's order; None means all, as does "all" where no bodypart is called so.

    Raises:
        ArgumentError: one is not known.
    """
    if wanted is None:
        return known
    names = given_names(wanted, what="bodyparts", known=known)
    if names == ("all",) and "all" not in known:
        return known
    for name in names or ("",):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ArgumentError(
                f"The network knows no bodypart {name!r}{f', perhaps {near[0]!r}' if near else ''}; "
                f"choose among {', '.join(known)}."
            )
    return tuple(part for part in known if part in names)


def chosen_batch_size(project: Project, batch_size: int | None) -> int:
    """Return how many frames the network sees at once; None means config.yaml's batch_size.

    Raises:
        ArgumentError: it is less than 1.
    """
    if batch_size is None:
        return project.config.batch_size
    if batch_size < 1:
        raise ArgumentError(f"batch_size is {batch_size}, but the network needs at least one frame; give 1 or more.")
    return batch_size


def chosen_scorer(project: Project, shuffle: int, trainingsetindex: int, snapshot: Snapshots | None) -> str:
    """Name the network as its prediction files do, without loading it.

    Raises:
        ModelError: there is no such snapshot, or it is damaged.
    """
    model_folder = project.model_folder(shuffle, trainingsetindex)
    steps = chosen_steps(model_folder, snapshot, snapshotindex=project.config.snapshotindex)
    return read_info(snapshot_folder(model_folder, steps[-1])).scorer


def _by_index(steps: tuple[int, ...], snapshotindex: int | str, model_folder: Path) -> Snapshots:
    if snapshotindex == "all":
        return "all"
    index = int(snapshotindex)
    if not -len(steps) <= index < len(steps):
        raise ModelError(
            f"snapshotindex in config.yaml is {index}, but {model_folder} holds {len(steps)} snapshots; "
            "set it to -1 for the last one."
        )
    return steps[index]

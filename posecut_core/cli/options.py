"""Arguments and options that several verbs share, and how their words become values."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from posecut_core.errors import ArgumentError
from posecut_core.project.given import given_names, given_path, whole_numbers

Config = Annotated[
    Path | None,
    typer.Argument(
        metavar="CONFIG",
        help="The project's folder or its config.yaml; by default the current folder, if that is a project.",
        show_default=False,
    ),
]
ConfigAndVideos = Annotated[
    list[str],
    typer.Argument(
        metavar="[CONFIG] VIDEOS...",
        help="The project's folder or config.yaml (may be left out inside the project's folder), then videos: files, "
        "names of project videos, or folders with videos.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, for programs.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show technical details if something goes wrong.")]
Shuffle = Annotated[
    int, typer.Option(min=0, metavar="N", help="Which shuffle: which split of the labelled frames, and its network.")
]
TrainingSetIndex = Annotated[
    int,
    typer.Option(
        "--trainingsetindex", min=0, metavar="N", help="Which of config.yaml's training fractions, counted from 0."
    ),
]
Snapshot = Annotated[
    str | None,
    typer.Option(
        "--snapshot",
        help="Which snapshot of the network: its number of training steps, or 'last'. "
        "Default: as snapshotindex in config.yaml says.",
        show_default=False,
    ),
]
DestFolder = Annotated[
    Path | None,
    typer.Option("--destfolder", help="Folder of the predictions. Default: beside each video.", show_default=False),
]
VideoType = Annotated[
    str,
    typer.Option("--videotype", help="Take only videos of this suffix from folders, such as mp4. Default: all.",
                 show_default=False),
]  # fmt: skip
Bodyparts = Annotated[
    str | None,
    typer.Option(
        help="Only these bodyparts, separated by commas; in double quotes those with a comma. Default: all.",
        show_default=False,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Frames at once. Default: batch_size in config.yaml.", show_default=False),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Do again what was done before.")]
ARDegree = Annotated[
    int, typer.Option("--ardegree", min=1, help="For fitting and arima: how many earlier positions the model looks at.")
]
MADegree = Annotated[
    int, typer.Option("--madegree", min=0, help="For fitting and arima: how many earlier errors the model looks at.")
]
DlcNames = Annotated[
    bool,
    typer.Option("--dlc-names", help="Name files and columns as DeepLabCut 3 does, for programs that go by its names."),
]
SomeVideos = Annotated[
    list[str] | None,
    typer.Option("--video", help="Only this video of the project; may be repeated. Default: all.", show_default=False),
]


def project_path(config: Path | None) -> Path:
    """Return the path of config.yaml or its folder, as given or the current folder's.

    Raises:
        ArgumentError: none was given and the current folder is no project.
    """
    if config is not None:
        return config
    here = Path.cwd()
    if not (here / "config.yaml").is_file():
        raise ArgumentError(
            f"No project was given and the current folder {here} holds no config.yaml; name the project's folder, as "
            "in posecut VERB PROJECT_FOLDER, or change into it first."
        )
    return here


def project_and_videos(words: Sequence[str]) -> tuple[Path, list[str]]:
    """Tell the project, if it comes first, from the videos.

    Raises:
        ArgumentError: there is no project, or there are no videos.
    """
    projects = [word for word in words if _is_project(word)]
    first = next(iter(projects), "")
    # A project that is named later is meant as such too, unless the current folder is one.
    named = first == words[0] or (len(projects) == 1 and not _is_project("."))
    project = project_path(given_path(first) if named else None)
    videos = list(words)
    if named:
        videos.remove(first)
    if not videos:
        raise ArgumentError(
            f"Found the project {project} but no videos; name at least one video, a folder with videos, or the stem of "
            "one of the project's videos."
        )
    return project, videos


def _is_project(word: str) -> bool:
    path = given_path(word)
    return path.name == "config.yaml" or (path / "config.yaml").is_file()


def listed(words: str | None) -> list[str] | None:
    """Split words at commas, except in double quotes; None stays None."""
    return None if words is None else list(given_names(words, what="words"))


def integers(words: str | None, *, what: str) -> list[int] | None:
    """Read whole numbers and ranges separated by commas: 5,10-12 is 5, 10, 11, 12.

    Raises:
        ArgumentError: a part is neither.
    """
    return None if words is None else list(whole_numbers(words, what=what))


def pairs(words: str | None) -> list[tuple[str, str]]:
    """Read pairs such as snout:neck,neck:tailbase.

    Raises:
        ArgumentError: a part is not two names joined by a colon.
    """
    found = []
    for part in listed(words) or []:
        one, colon, other = part.partition(":")
        if not (one.strip() and colon and other.strip()):
            raise ArgumentError(
                f"{part!r} is no pair, expected two bodyparts joined by ':', as snout:neck; correct it."
            )
        found.append((one.strip(), other.strip()))
    return found


def snapshot(word: str | None) -> int | Literal["last"] | None:
    """Read the name of a snapshot: a number of training steps or 'last'.

    Raises:
        ArgumentError: it is neither.
    """
    if word is None:
        return None
    if word == "last":
        return "last"
    numbers = integers(word, what="snapshot")
    if numbers is None or len(numbers) != 1:
        raise ArgumentError(f"--snapshot is {word!r}, expected one number of training steps or 'last'.")
    return numbers[0]


def snapshots(word: str | None) -> list[int] | Literal["last", "all"] | None:
    """Read the names of several snapshots: numbers of training steps, 'last' or 'all'.

    Raises:
        ArgumentError: it is none of these.
    """
    if word == "last":
        return "last"
    if word == "all":
        return "all"
    return integers(word, what="snapshot")


def expanded(path: str | os.PathLike[str]) -> Path:
    """Replace a leading ~ by the user's home."""
    return Path(path).expanduser()

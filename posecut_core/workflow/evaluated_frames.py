"""The labelled frames that a network is measured on: gathered from the project, predicted, and drawn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from posecut_core.analysis.labelled_frames import FramePredictions, LabelledFrames, predict_labelled_frames
from posecut_core.analysis.predicting import Predicts
from posecut_core.dataset.split import Split
from posecut_core.errors import DatasetError
from posecut_core.labels.store import image_names, read_labels
from posecut_core.plots.colours import colours_of
from posecut_core.plots.evaluation_images import draw_evaluation_image
from posecut_core.progress import Progress, Report
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore


def labelled_frames(project: Project, split: Split) -> tuple[LabelledFrames, ...]:
    """Gather the split's frames that are still labelled, video by video, in increasing order of their numbers.

    Raises:
        DatasetError: none is left.
    """
    train = {(frame.video, frame.number) for frame in split.train}
    wanted = train | {(frame.video, frame.number) for frame in split.test}
    found = []
    for video in sorted({video for video, _ in wanted}):
        table = read_labels(project, video)
        keep = np.array([(video, number) in wanted for number in table.numbers.tolist()], dtype=bool)
        if not keep.any():
            continue
        numbers = table.numbers[keep]
        store = FrameStore.open(project.frame_store(video))
        places = np.searchsorted(store.numbers, numbers)
        is_train = np.array([(video, number) in train for number in numbers.tolist()])
        found.append(
            LabelledFrames(video, store, numbers, store.origins[places], store.sizes[places], table.xy[keep], is_train)
        )
    if not found:
        raise DatasetError(
            f"None of the {len(wanted)} frames of the training dataset is labelled any more; restore the labels or run "
            "create_training_dataset and train_network again."
        )
    return tuple(found)


def predict_all(
    predictor: Predicts, frames: tuple[LabelledFrames, ...], *, batch_size: int, report: Report
) -> tuple[FramePredictions, ...]:
    """Predict the labelled frames of every video."""
    advance = _counter(f"evaluating {predictor.scorer}", frames, report)
    return tuple(predict_labelled_frames(predictor, video, batch_size=batch_size, advance=advance) for video in frames)


def _counter(stage: str, frames: tuple[LabelledFrames, ...], report: Report) -> Callable[[int], None]:
    """Return a function that is told of finished frames and reports how many there are by now."""
    done, total = 0, sum(len(video.numbers) for video in frames)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(Progress(stage, done, total))

    return advance


def frame_names(project: Project, frames: LabelledFrames) -> list[str]:
    """List the names of the frames' images, as the labels have them."""
    names = image_names(project, frames.video, frames.numbers.tolist())
    return [names[number] for number in frames.numbers.tolist()]


def draw_all(
    folder: Path,
    project: Project,
    predictor: Predicts,
    frames: tuple[LabelledFrames, ...],
    predicted: tuple[FramePredictions, ...],
    bodyparts: tuple[str, ...],
    report: Report,
) -> tuple[Path, ...]:
    """Draw `Training-<video>-<image>` and `Test-<video>-<image>` with labels and predictions into `folder`."""
    config = project.config
    in_labels = [config.bodyparts.index(part) for part in bodyparts]
    in_network = [predictor.bodyparts.index(part) for part in bodyparts]
    colours = colours_of(config.colormap, len(config.bodyparts))[in_labels]
    advance = _counter("drawing labelled frames", frames, report)
    paths = []
    for video, found in zip(frames, predicted, strict=True):
        for place, name in enumerate(frame_names(project, video)):
            kind = "Training" if video.is_train[place] else "Test"
            number, origin = int(video.numbers[place]), video.origins[place]
            paths.append(folder / f"{kind}-{video.video}-{Path(name).stem}.png")
            draw_evaluation_image(
                paths[-1],
                video.store.read(number),
                video.xy[place, in_labels] - origin,
                found.xy[place, in_network] - origin,
                found.likelihood[place, in_network],
                bodyparts=bodyparts,
                colours=colours,
                pcutoff=config.pcutoff,
                title=f"{kind} frame {number} of {video.video}",
                dotsize=config.dotsize,
                alphavalue=config.alphavalue,
            )
            advance(1)
    return tuple(paths)

"""The labelled frames that a network is measured on: predicted, and drawn with labels and predictions."""

from collections.abc import Callable
from pathlib import Path

from posecut_core.analysis.labelled_frames import FramePredictions, LabelledFrames, predict_stored_frames
from posecut_core.analysis.predicting import Predicts
from posecut_core.labels.image_names import OWN
from posecut_core.plots.colours import colours_of
from posecut_core.plots.evaluation_images import evaluation_picture
from posecut_core.plots.markers import FramePicture
from posecut_core.progress import Progress, Report
from posecut_core.project.config import ProjectConfig
from posecut_core.project.disk import fitting_name
from posecut_core.project.layout import Project
from posecut_core.workflow.gathered_frames import frame_names


def predict_all(
    predictor: Predicts, frames: tuple[LabelledFrames, ...], *, batch_size: int, report: Report
) -> tuple[FramePredictions, ...]:
    """Predict the labelled frames of every video."""
    advance = _counter(f"evaluating {predictor.scorer}", frames, report)
    return tuple(predict_stored_frames(predictor, video, batch_size=batch_size, advance=advance) for video in frames)


def _counter(stage: str, frames: tuple[LabelledFrames, ...], report: Report) -> Callable[[int], None]:
    """Return a function that is told of finished frames and reports how many there are by now."""
    done, total = 0, sum(len(video.numbers) for video in frames)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(Progress(stage, done, total))

    return advance


def draw_all(
    folder: Path,
    project: Project,
    predictor: Predicts,
    frames: tuple[LabelledFrames, ...],
    predicted: tuple[FramePredictions, ...],
    bodyparts: tuple[str, ...],
    report: Report,
) -> tuple[Path, ...]:
    """Draw `Training-<video>-<image>`, `Test-...` and `Validation-...` with labels and predictions into `folder`."""
    advance = _counter("drawing labelled frames", frames, report)
    paths = []
    for video, found in zip(frames, predicted, strict=True):
        for place, name in enumerate(frame_names(project, video)):
            picture = fitting_name(f"{frame_kind(video, place)}-{video.video}", f"-{Path(name).stem}.png")
            paths.append(folder / picture)
            draw_frame(project.config, predictor, video, found, place, bodyparts, image=name).save(paths[-1])
            advance(1)
    return tuple(paths)


def draw_frame(
    config: ProjectConfig,
    predictor: Predicts,
    video: LabelledFrames,
    found: FramePredictions,
    place: int,
    bodyparts: tuple[str, ...],
    *,
    image: str = "",
) -> FramePicture:
    """Draw the frame at `place` of `video` with labels and predictions of `bodyparts`.

    `image` is the name of its image, which stands for its number where it is no frame of the video.
    """
    in_labels = [config.bodyparts.index(part) for part in bodyparts]
    in_network = [predictor.bodyparts.index(part) for part in bodyparts]
    number, origin = int(video.numbers[place]), video.origins[place]
    return evaluation_picture(
        video.store.read(number),
        video.xy[place, in_labels] - origin,
        found.xy[place, in_network] - origin,
        found.likelihood[place, in_network],
        bodyparts=bodyparts,
        colours=colours_of(config.colormap, len(config.bodyparts))[in_labels],
        pcutoff=config.pcutoff,
        title=f"{frame_kind(video, place)} {f'image {image}' if image and number >= OWN else f'frame {number}'} of "
        f"{video.video}",
        dotsize=config.dotsize,
        alphavalue=config.alphavalue,
    )


def frame_kind(video: LabelledFrames, place: int) -> str:
    """Say on which side of the split a frame is: Training, Validation or Test."""
    if video.validates[place]:
        return "Validation"
    return "Training" if video.is_train[place] else "Test"

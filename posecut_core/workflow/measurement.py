"""One snapshot's predictions of the labelled frames beside their labels: what an evaluation is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from posecut_core.analysis.calibration import Calibration, calibration
from posecut_core.analysis.evaluation import MeanErrors, mean_errors, mean_errors_by_bodypart, pixel_errors
from posecut_core.analysis.labelled_frames import FramePredictions, LabelledFrames
from posecut_core.analysis.predicting import Predicts
from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.dataset.split import Split, read_split, validation_part
from posecut_core.labels.store import read_labels
from posecut_core.progress import Progress, Report
from posecut_core.project.layout import Project
from posecut_core.workflow.arguments import chosen_bodyparts
from posecut_core.workflow.evaluated_frames import predict_all
from posecut_core.workflow.gathered_frames import gather_frames
from posecut_core.workflow.notes import note_bodyparts
from posecut_core.workflow.opening import strangers_among


@dataclass(frozen=True)
class EvaluationJob:
    """Which snapshot of which project is evaluated on which bodyparts."""

    project: Project
    shuffle: int
    trainingsetindex: int
    step: int
    bodyparts: str | Sequence[str] | None  # None: all

    @property
    def percent(self) -> int:
        """Return the share of training frames, truncated as in DeepLabCut's names."""
        return self.project.training_percent(self.trainingsetindex)


@dataclass(frozen=True)
class Measurement:
    """Predictions and errors in pixels; F frames of all videos, K bodyparts that are evaluated."""

    split: Split
    settings: TrainingSettings
    bodyparts: tuple[str, ...]
    left_out: tuple[str, ...]  # bodyparts of the project or the network that are not evaluated
    frames: tuple[LabelledFrames, ...]
    predicted: tuple[FramePredictions, ...]  # of all bodyparts that the network knows
    errors: Float64[np.ndarray, "F K"]
    likelihood: Float64[np.ndarray, "F K"]
    looked_for: Bool[np.ndarray, "F K"]
    is_train: Bool[np.ndarray, " F"]
    validates: Bool[np.ndarray, " F"]  # held out of the training frames by `validation_share`

    @property
    def is_test(self) -> Bool[np.ndarray, " F"]:
        """Tell which frames had no part in the training."""
        return ~self.is_train & ~self.validates

    def overall(self, pcutoff: int | float) -> MeanErrors:
        """Average over all bodyparts."""
        return mean_errors(self.errors, self.likelihood, self.is_train, pcutoff=pcutoff, validates=self.validates)

    def by_bodypart(self, pcutoff: int | float) -> tuple[MeanErrors, ...]:
        """Average for each bodypart alone."""
        return mean_errors_by_bodypart(
            self.errors, self.likelihood, self.is_train, pcutoff=pcutoff, validates=self.validates
        )

    @property
    def calibration(self) -> Calibration:
        """Compare likelihoods with how often predictions of test frames are right."""
        judged = self.looked_for & self.is_test[:, None]
        return calibration(self.errors, self.likelihood, judged, within=self.settings.pos_dist_thresh)


def measure(job: EvaluationJob, predictor: Predicts, *, batch_size: int, report: Report) -> Measurement:
    """Predict the frames of the shuffle's training dataset that are labelled, and hold them against their labels.

    Raises:
        DatasetError: there is no such training dataset, or none of its frames is labelled any more; or as many frames
            would have validated the training as no training allows.
        ModelError: the settings of the training are missing or unreadable.
    """
    project, config = job.project, job.project.config
    settings = read_settings(project.model_folder(job.shuffle, job.trainingsetindex) / "settings.yaml")
    split = read_split(project.split_path(job.shuffle, job.trainingsetindex))
    note_bodyparts(project, predictor.bodyparts, source=f"The network {predictor.scorer}", report=report)
    videos = sorted({frame.video for frame in (*split.train, *split.test)})
    strangers = strangers_among(project, videos)
    if strangers:
        text = f"Frames of {', '.join(map(repr, strangers))} are left out: `video_sets` does not list such videos"
        report(Progress(text, 0, 0))
    tables = {video: read_labels(project, video, report=report) for video in videos if video not in strangers}
    train, held_out = validation_part(split.train, share=settings.validation_share, seed=settings.seed)
    frames = gather_frames(project, tables, train=train, test=split.test, validation=held_out, report=report)
    bodyparts = chosen_bodyparts(tuple(p for p in predictor.bodyparts if p in config.bodyparts), job.bodyparts)
    in_labels = [config.bodyparts.index(part) for part in bodyparts]
    in_network = [predictor.bodyparts.index(part) for part in bodyparts]
    predicted = predict_all(predictor, frames, batch_size=batch_size, report=report)
    labels = np.concatenate([video.xy for video in frames])[:, in_labels]
    return Measurement(
        split=split,
        settings=settings,
        bodyparts=bodyparts,
        left_out=tuple(dict.fromkeys(p for p in (*config.bodyparts, *predictor.bodyparts) if p not in bodyparts)),
        frames=frames,
        predicted=predicted,
        errors=pixel_errors(np.concatenate([found.xy for found in predicted])[:, in_network], labels),
        likelihood=np.concatenate([found.likelihood for found in predicted])[:, in_network],
        looked_for=np.concatenate([video.looked_for for video in frames])[:, in_labels],
        is_train=np.concatenate([video.is_train for video in frames]),
        validates=np.concatenate([video.validates for video in frames]),
    )

"""The error of a network in training on frames that do not train it."""

import dataclasses

import numpy as np

from posecut_core.analysis.evaluation import mean_error, pixel_errors
from posecut_core.analysis.inference import Predictor
from posecut_core.analysis.labelled_frames import predict_stored_frames
from posecut_core.model.log import Metrics
from posecut_core.model.training import TrainState
from posecut_core.workflow.training_run import TrainingRun


def validated(run: TrainingRun, state: TrainState, metrics: Metrics) -> Metrics:
    """Add the mean error in pixels on the run's validation frames; without any, nothing is added.

    It is measured as `evaluate_network` measures, and only reported: no snapshot is chosen by it.
    """
    if not run.validation:
        return metrics
    predictor = Predictor(run.info(metrics.step), state.predicting)
    errors = [
        pixel_errors(
            predict_stored_frames(predictor, video, batch_size=run.settings.batch_size, advance=_untold).xy, video.xy
        )
        for video in run.validation
    ]
    together = np.concatenate(errors)
    return dataclasses.replace(metrics, validation_error=mean_error(together, ~np.isnan(together)))


def _untold(count: int) -> None:
    """Count nothing: validation is part of a step's time."""

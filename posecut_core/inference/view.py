"""What a network sees of the frames of a video: a window, or all of them, at its scale."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from posecut_core.dataset.frames import resize, scale_points, scaled_size
from posecut_core.errors import AnalysisError
from posecut_core.types import Crop
from posecut_core.video.index import VideoIndex
from posecut_core.video.neighbors import channels_of, frames_with_neighbors
from posecut_core.video.reader import VideoReader


@dataclass(frozen=True)
class View:
    """A window of frames, scaled, with the channels of the frames around each."""

    window: Crop
    size: tuple[int, int]  # height and width that it is scaled to
    is_whole: bool  # whether the window is the frame, which then is scaled while it is converted
    context: int = 0  # how many frames before and after each are seen with it

    @classmethod
    def of(cls, window: Crop, index: VideoIndex, *, scale: float, context: int = 0) -> "View":
        """See a window of a video at a scale."""
        size = scaled_size(window.y2 - window.y1, window.x2 - window.x1, scale=scale)
        return cls(window, size, window == Crop.of_frame(index.width, index.height), context)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return height, width and channels of the images that the network sees."""
        return (*self.size, channels_of(self.context))

    def frames(
        self, reader: VideoReader, numbers: range
    ) -> Iterator[tuple[int, UInt8[np.ndarray, "height width C"] | None]]:
        """Yield like `VideoReader.frames`, but what is seen of them."""
        read, count = partial(self._frames, reader), reader.index.frame_count
        return frames_with_neighbors(read, numbers, context=self.context, frame_count=count)

    def _frames(
        self, reader: VideoReader, numbers: range
    ) -> Iterator[tuple[int, UInt8[np.ndarray, "height width 3"] | None]]:
        if self.is_whole:
            yield from reader.frames(numbers, size=self.size)
            return
        window, (height, width) = self.window, self.size
        for number, image in reader.frames(numbers):
            cut = None if image is None else image[None, window.y1 : window.y2, window.x1 : window.x2]
            yield number, None if cut is None else np.asarray(resize(cut, height=height, width=width)[0])

    def placed(self, xy: Float64[np.ndarray, "... 2"]) -> Float64[np.ndarray, "... 2"]:
        """Turn positions in what is seen into those in the frame."""
        return scale_points(xy, source=self.size, target=self._source) + self._corner

    def seen(self, xy: Float64[np.ndarray, "... 2"]) -> Float64[np.ndarray, "... 2"]:
        """Turn positions in the frame into those in what is seen."""
        return scale_points(xy - self._corner, source=self._source, target=self.size)

    @property
    def pixel(self) -> float:
        """Return the side of a pixel of what is seen, in pixels of the frame, as the mean of both directions."""
        return float(np.mean(np.divide(self._source, self.size)))

    @property
    def _source(self) -> tuple[int, int]:
        return self.window.y2 - self.window.y1, self.window.x2 - self.window.x1

    @property
    def _corner(self) -> tuple[int, int]:
        return self.window.x1, self.window.y1


def analyzed_window(crop: Crop | None, index: VideoIndex, video: Path) -> Crop:
    """Check that the crop lies within the frame; without one the window is the frame.

    Raises:
        AnalysisError: the crop does not lie within the frame.
    """
    if crop is None:
        return Crop.of_frame(index.width, index.height)
    if not crop.lies_in(index.width, index.height):
        raise AnalysisError(
            f"The crop x {crop.x1} to {crop.x2}, y {crop.y1} to {crop.y2} does not fit into {video.name}, which is "
            f"{index.width} x {index.height} pixels; correct x1, x2, y1, y2 in config.yaml or set cropping to false."
        )
    return crop

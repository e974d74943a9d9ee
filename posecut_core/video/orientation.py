"""How pictures are turned and mirrored to be shown, as phones write into their files."""

from typing import NamedTuple, cast

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from jaxtyping import Shaped


class Orientation(NamedTuple):
    """What is done to a decoded picture, in this order."""

    transposed: bool = False
    mirrored: bool = False  # left for right
    inverted: bool = False  # top for bottom

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height of a picture after what is done to it, or before, given those after."""
        return (height, width) if self.transposed else (width, height)

    def apply(self, image: Shaped[np.ndarray, "rows columns C"]) -> Shaped[np.ndarray, "rows2 columns2 C"]:
        """Turn and mirror a picture; what is returned may share its memory."""
        image = image.swapaxes(0, 1) if self.transposed else image
        return image[:: -1 if self.inverted else 1, :: -1 if self.mirrored else 1]


AS_DECODED = Orientation()


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """Read the display matrix of a decoded picture, to the quarter of a turn (FFmpeg's `libavutil/display.h`).

    The matrix says where a pixel is shown: at (a x + c y, b x + d y). `picture.rotation` has no mirroring.
    """
    beside = cast("SideDataContainer", picture.side_data)  # of which PyAV's stub knows only the vectors of motion
    try:
        matrix = beside[Type.DISPLAYMATRIX]
    except KeyError:
        return AS_DECODED
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32, 5).tolist()
    transposed = abs(b) > abs(a)
    across, down = (c, b) if transposed else (a, d)
    return Orientation(transposed, across < 0, down < 0)

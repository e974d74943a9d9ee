"""Calibration boards in images: what a board is, and where its corners are seen.

OpenCV finds them; it is imported here alone, when a board is looked for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from posecut_core.errors import ArgumentError, CameraError

BoardKind = Literal["charuco", "checkerboard"]
_LEAST = 6  # corners for a pose that can be relied on
_TRIED = 5  # frames in which another board is looked for
_MARKERS = 4  # that tell a dictionary apart from chance
# Markers that boards have; those of the smaller dictionaries of a size are the first of the largest.
USUAL_DICTIONARIES = ("DICT_4X4_1000", "DICT_5X5_1000", "DICT_6X6_1000", "DICT_7X7_1000", "DICT_ARUCO_ORIGINAL")


@dataclass(frozen=True)
class Board:
    """A flat board of black and white squares, with or without ArUco markers in the white ones.

    Raises:
        ArgumentError: it has too few squares, or a length that is not positive.
    """

    columns: int  # squares along its first side, as printed
    rows: int
    square: float  # length of a square's side; the cameras' places come out in its unit
    kind: BoardKind = "charuco"
    dictionary: str = "DICT_4X4_1000"  # of a ChArUco board's markers
    marker: float = 0.75  # side of a marker, as a part of the square's
    inverted: bool = False  # white squares are black, and the reverse

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3:
            raise ArgumentError(
                f"A board of {self.columns} x {self.rows} squares is too small; it needs 3 x 3 or more."
            )
        if not self.square > 0 or not 0 < self.marker < 1:
            raise ArgumentError(
                f"The squares are {self.square} long and the markers {self.marker} of that; expected a positive length "
                "and a part between 0 and 1."
            )

    def __str__(self) -> str:
        return f"{self.kind} of {self.columns} x {self.rows} squares" + (
            f" with markers of {self.dictionary}" if self.kind == "charuco" else ""
        )

    @property
    def corners(self) -> Float64[np.ndarray, "P 3"]:
        """Where the inner corners are on the board, row by row, in the unit of `square`."""
        y, x = np.mgrid[1 : self.rows, 1 : self.columns]
        return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=-1) * self.square

    @property
    def ambiguous(self) -> bool:
        """Tell whether the board looks the same upside down."""
        return self.kind == "checkerboard" and (self.columns + self.rows) % 2 == 0


@dataclass(frozen=True, eq=False)
class Sighting:
    """The board in one image."""

    corners: Int64[np.ndarray, " S"]  # places in `Board.corners`
    pixels: Float64[np.ndarray, "S 2"]


@dataclass(frozen=True, eq=False)
class Sightings:
    """The board in the images of one camera."""

    size: tuple[int, int]  # width and height of the images
    frames: dict[int, Sighting]  # by frame number: the images in which it was found
    looked: int  # images in which it was looked for
    other: str = ""  # the board that is seen in place of the one given, where there is one


_Finder = Callable[[UInt8[np.ndarray, "H W"]], Sighting | None]


def find_boards(board: Board, images: Iterable[tuple[int, UInt8[np.ndarray, "H W 3"] | None]]) -> Sightings:
    """Look for a board in numbered images of one camera, one after the other; None is an image that is damaged.

    Raises:
        CameraError: OpenCV is not installed, it knows no such dictionary, or images are missing or of different sizes.
    """
    find = _finder(board)
    sizes, frames, looked = set[tuple[int, int]](), dict[int, Sighting](), 0
    without: list[UInt8[np.ndarray, "H W"]] = []
    for number, image in images:
        if image is None:
            continue
        looked += 1
        sizes.add((image.shape[1], image.shape[0]))
        gray = _gray(image, board)
        found = find(gray)
        if found is not None:
            frames[number] = found
        elif len(without) < _TRIED:
            without.append(gray)
    if len(sizes) != 1:
        listed = " and ".join(f"{width} x {height}" for width, height in sorted(sizes))
        told = f"have different sizes ({listed})" if sizes else "are missing"
        raise CameraError(f"The images of the board {told}; give images of one camera, all of one size.")
    other = _other_board(board, without) if len(frames) < looked / 10 else ""
    return Sightings(sizes.pop(), frames, looked, other)


def opencv() -> Any:
    """Return the module `cv2`.

    Raises:
        CameraError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise CameraError(
            "Finding a board needs OpenCV, which is not installed; pip install 'posecut[calibration]' adds it."
        ) from error
    return cv2


def _gray(image: UInt8[np.ndarray, "H W 3"], board: Board) -> UInt8[np.ndarray, "H W"]:
    gray = opencv().cvtColor(image, opencv().COLOR_RGB2GRAY)
    return 255 - gray if board.inverted else gray


def _finder(board: Board) -> _Finder:
    return _charuco_finder(board) if board.kind == "charuco" else _checkerboard_finder(board)


def _checkerboard_finder(board: Board) -> _Finder:
    cv2 = opencv()
    columns, rows = board.columns - 1, board.rows - 1
    flags = cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_NORMALIZE_IMAGE
    until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 1e-4)

    def find(gray: UInt8[np.ndarray, "H W"]) -> Sighting | None:
        found, pixels = cv2.findChessboardCornersSB(gray, (columns, rows), flags=flags)
        if not found:
            return None
        # A window of half a square is refined in: larger ones see the next corner, smaller ones more noise.
        steps = np.linalg.norm(np.diff(pixels.reshape(rows, columns, 2), axis=1), axis=-1)
        window = int(np.clip(round(steps.min() / 4), 2, 11))
        pixels = cv2.cornerSubPix(gray, pixels.astype(np.float32), (window, window), (-1, -1), until)
        return Sighting(np.arange(columns * rows), pixels.reshape(-1, 2).astype(np.float64))

    return find


def _dictionary(name: str) -> Any:
    aruco = opencv().aruco
    if not name.startswith("DICT_") or not hasattr(aruco, name):
        known = ", ".join(sorted(key for key in dir(aruco) if key.startswith("DICT_")))
        raise CameraError(f"OpenCV knows no dictionary of markers {name!r}; give one of {known}.")
    return aruco.getPredefinedDictionary(getattr(aruco, name))


def _charuco_finder(board: Board) -> _Finder:
    """Return a function that finds the board; boards that OpenCV printed before 4.6 begin with another square."""
    cv2 = opencv()
    dictionary = _dictionary(board.dictionary)
    detectors = []
    for legacy in (False, True):
        made = cv2.aruco.CharucoBoard(
            (board.columns, board.rows), board.square, board.square * board.marker, dictionary
        )
        made.setLegacyPattern(legacy)
        parameters = cv2.aruco.DetectorParameters()
        parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        detectors.append(cv2.aruco.CharucoDetector(made, cv2.aruco.CharucoParameters(), parameters))

    def find(gray: UInt8[np.ndarray, "H W"]) -> Sighting | None:
        for detector in [*detectors]:
            pixels, numbers, _, _ = detector.detectBoard(gray)
            if numbers is not None and len(numbers) >= _LEAST:
                if len(detectors) > 1:
                    detectors[:] = [detector]
                return Sighting(numbers.ravel().astype(np.int64), pixels.reshape(-1, 2).astype(np.float64))
        return None

    return find


def _other_board(board: Board, grays: list[UInt8[np.ndarray, "H W"]]) -> str:
    """Say which board is seen instead of the one given; "" where none is."""
    cv2 = opencv()
    for gray in grays:
        for name in dict.fromkeys((board.dictionary, *USUAL_DICTIONARIES)):
            for image, kind in ((gray, "ChArUco board"), (255 - gray, "inverted ChArUco board")):
                numbers = cv2.aruco.ArucoDetector(_dictionary(name)).detectMarkers(image)[1]
                if numbers is not None and len(numbers) >= _MARKERS:
                    return f"{kind} with markers of {name}, numbered up to {numbers.max()}"
        flags = cv2.CALIB_CB_LARGER | cv2.CALIB_CB_NORMALIZE_IMAGE
        found, _, squares = cv2.findChessboardCornersSBWithMeta(gray, (3, 3), flags=flags)
        if found:
            return f"checkerboard of {max(squares.shape) + 1} x {min(squares.shape) + 1} squares"
    return ""

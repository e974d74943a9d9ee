"""What vispy and napari compute anew for each window and layer, though it is the same each time: once in a process.

A tenth of the time of a window's test went into it. What is computed is what they compute.
"""

import inspect
from collections.abc import Callable
from functools import wraps

import numpy as np
from napari.utils.events import EventEmitter
from vispy.gloo import Program, TextureAtlas
from vispy.visuals.text.text import SDFRendererCPU


def install() -> None:
    """Remember the variables of shaders, the pictures of letters, and whether a function takes an event."""
    Program._parse_variables_from_code = _parsing_once(Program._parse_variables_from_code)
    SDFRendererCPU.render_to_texture = _rendering_once(SDFRendererCPU.render_to_texture)
    EventEmitter._check_signature = staticmethod(_checking_once(EventEmitter._check_signature))


def _parsing_once(parse: Callable[..., None]) -> Callable[..., None]:
    known: dict[tuple[str, ...], dict[str, tuple[str, str, str, int]]] = {}  # code of shaders -> variables by name

    @wraps(parse)
    def parsed(program: Program, update_variables: bool = True) -> None:
        code = tuple(shader.code for shader in program._shaders)
        if code not in known:
            parse(program, update_variables=False)
            known[code] = program._code_variables
        program._code_variables = dict(known[code])
        if update_variables:
            program._process_pending_variables()

    return parsed


def _rendering_once(render: Callable[..., None]) -> Callable[..., None]:
    known: dict[tuple[bytes, tuple[int, ...], tuple[int, int]], np.ndarray] = {}  # letter and size -> its picture

    @wraps(render)
    def rendered(
        self: SDFRendererCPU, data: np.ndarray, texture: TextureAtlas, offset: tuple[int, int], size: tuple[int, int]
    ) -> None:
        letter = data.tobytes(), data.shape, size
        if letter not in known:
            picture = np.zeros((size[1], size[0], 3), np.uint8)
            render(self, data, picture, (0, 0), size)
            known[letter] = picture
        (left, top), (width, height) = offset, size
        texture[top : top + height, left : left + width, :] = known[letter]

    return rendered


def _checking_once(check: Callable[[Callable[..., object]], bool]) -> Callable[[Callable[..., object]], bool]:
    takes_event: dict[object, bool] = {}  # by the function of a method, whatever it is bound to

    @wraps(check)
    def checked(function: Callable[..., object]) -> bool:
        if not inspect.ismethod(function):
            return check(function)
        if function.__func__ not in takes_event:
            takes_event[function.__func__] = check(function)
        return takes_event[function.__func__]

    return checked

"""Keep the whole picture in the view while a window and its docks change their sizes, until a person moves the view."""

from napari import Viewer


class WholeView:
    """Watches one viewer; napari itself fits the picture once, to the size that the canvas has by then."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._fitted: tuple[float, ...] = ()
        viewer.events.reset_view.connect(self._remember)
        viewer.canvas.events.size.connect(self._fit)

    def _remember(self) -> None:
        self._fitted = self._camera()

    def _fit(self) -> None:
        if self._fitted == self._camera():
            self._viewer.reset_view()

    def _camera(self) -> tuple[float, ...]:
        camera = self._viewer.scene.camera
        return (*camera.center, *camera.angles, camera.zoom)

"""Tables and videos as napari layers."""

"""The napari plugin of PoseCut; it imports `posecut_core`, never the reverse."""

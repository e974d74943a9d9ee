"""Calibrated cameras: their model and files, calibration with boards, points in space from several views."""

"""Predictions: inference on videos and frames, evaluation, and their files."""

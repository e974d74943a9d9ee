"""Predictions: values, files, filters and skeletons."""

"""Predictions: values, files, filters, and proposals for unlabelled frames."""

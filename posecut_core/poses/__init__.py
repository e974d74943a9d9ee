"""Predictions: values, files, filters, and proposals for unlabeled frames."""

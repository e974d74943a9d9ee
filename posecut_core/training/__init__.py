"""Training: its datasets, what a run begins with, its loop."""

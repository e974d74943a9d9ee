"""Labeling without a window: frames, keypoints, keys and what they do."""

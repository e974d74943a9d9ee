"""The demonstration: an animal drawn with exact ground truth, and the whole workflow run on it."""

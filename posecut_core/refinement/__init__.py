"""Frames worth correcting: where predictions look wrong, by what they say and how they move."""

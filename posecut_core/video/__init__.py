"""Decoding with exact frame numbers, the store of extracted frames, choosing frames to label, encoding."""

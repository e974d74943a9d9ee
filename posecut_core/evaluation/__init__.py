"""Errors, reliability of likelihoods, and their tables."""

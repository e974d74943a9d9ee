"""The assistant: a network that learns while somebody labels, and what networks propose."""

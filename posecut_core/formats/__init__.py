"""Other tools' files in and out; imported by the workflow only."""

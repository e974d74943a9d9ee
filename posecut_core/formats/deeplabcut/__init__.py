"""DeepLabCut's files: label tables, images of labelled frames, and results."""

"""DeepLabCut's files: label tables, images of labeled frames, and results."""

"""Pictures of labels and predictions; the only room that imports matplotlib, and never pyplot."""

"""The folder on disk, config.yaml and posecut.yaml: the only room that builds paths."""

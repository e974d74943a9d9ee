"""The keys that a config.yaml may have."""

# What DeepLabCut 3.0.2 accepts; any other key would stop it from opening the project.
DEEPLABCUT_KEYS = frozenset(
    [
        "Task",
        "scorer",
        "date",
        "multianimalproject",
        "identity",
        "project_path",
        "pose_config_path",
        "engine",
        "video_sets",
        "bodyparts",
        "individuals",
        "uniquebodyparts",
        "multianimalbodyparts",
        "start",
        "stop",
        "numframes2pick",
        "skeleton",
        "skeleton_color",
        "pcutoff",
        "dotsize",
        "alphavalue",
        "colormap",
        "TrainingFraction",
        "iteration",
        "default_net_type",
        "default_augmenter",
        "default_track_method",
        "snapshotindex",
        "detector_snapshotindex",
        "batch_size",
        "detector_batch_size",
        "cropping",
        "x1",
        "x2",
        "y1",
        "y2",
        "corner2move2",
        "move2corner",
        "SuperAnimalConversionTables",
        "resnet",
        "croppedtraining",
        "with_identity",
        "unique_bodyparts",
        "config_version",
    ]
)

# Found in files of older or newer DeepLabCut; read past, never written.
KEYS_OF_OTHER_RELEASES = frozenset(["video_sets_original", "bboxes_pcutoff"])

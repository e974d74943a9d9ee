"""Train DeepLabCut 3.0.2 on a project of any animal; run by the interpreter of an environment that has it.

    PYTHON tests/benchmarks/peer_project.py < REQUEST

The request is a JSON object: `config` of a project that may be changed, with the images in `labeled-data`; `labels` (x
and y of each bodypart in pixels, by image, as VIDEO/IMAGE), and which of them `train`; the others test; `size` of the
frames (width, height), `scale`, `crop_size`, `rotation` and `steps` of 8 frames. All else is as installed, except that
the rate falls after 70 and 90 % of the epochs, however many there are, and that weights are drawn: none can be fetched
where there is no network. The last line is a JSON object: `poses` (x, y and likelihood of each bodypart, by
image, in pixels of the frames) and `processor_minutes` of the training.
"""

import json
import os
import sys
from pathlib import Path

os.environ["DLClight"] = "True"  # noqa: SIM112 (DeepLabCut's own name)

import deeplabcut
import numpy as np
import pandas as pd
import yaml
from deeplabcut.pose_estimation_pytorch.models import PoseModel
from deeplabcut.utils.auxiliaryfunctions import edit_config

_BATCH = 8


def write_labels(request: dict) -> dict[str, int]:
    """Write the labels as DeepLabCut reads them; return which row each image becomes."""
    config, labels = yaml.safe_load(Path(request["config"]).read_text()), request["labels"]
    columns = pd.MultiIndex.from_product(
        [[config["scorer"]], config["bodyparts"], ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    for video in {name.split("/")[0] for name in labels}:
        own = sorted(name for name in labels if name.split("/")[0] == video)
        index = pd.MultiIndex.from_tuples([("labeled-data", *name.split("/")) for name in own])
        table = pd.DataFrame(np.array([labels[name] for name in own]).reshape(len(own), -1), index, columns)
        path = Path(request["config"]).parent / "labeled-data" / video / f"CollectedData_{config['scorer']}.h5"
        table.to_hdf(path, key="df_with_missing", mode="w")
    return {name: row for row, name in enumerate(sorted(labels))}


def create(request: dict) -> Path:
    """Create shuffle 1 on the given images; return the file of its settings."""
    config, rows = request["config"], write_labels(request)
    train = [rows[name] for name in request["train"]]
    fraction = round(len(train) / len(rows), 2)
    edit_config(config, {"project_path": str(Path(config).parent), "TrainingFraction": [fraction]})
    deeplabcut.create_training_dataset(
        config,
        num_shuffles=1,
        Shuffles=[1],
        trainIndices=[train],
        testIndices=[sorted({*rows.values()} - {*train})],
        net_type="resnet_50",
        engine=deeplabcut.Engine.PYTORCH,
        userfeedback=False,
    )
    return next(Path(config).parent.glob("dlc-models-pytorch/**/train/pytorch_config.yaml"))


def configure(path: Path, request: dict) -> None:
    """Set size, crops, rotation and epochs."""
    values, (width, height), scale = yaml.safe_load(path.read_text()), request["size"], request["scale"]
    epochs = max(1, round(request["steps"] * _BATCH / len(request["train"])))
    for part in ("train", "inference"):
        resize = {"width": round(width * scale), "height": round(height * scale), "keep_ratio": True}
        values["data"][part]["resize"] = resize
    values["data"]["train"]["crop_sampling"].update(width=request["crop_size"], height=request["crop_size"])
    values["data"]["train"]["affine"]["rotation"] = request["rotation"]
    values["train_settings"].update(epochs=epochs, display_iters=1000)
    values["runner"]["snapshots"].update(save_epochs=epochs, max_snapshots=1)
    values["runner"]["eval_interval"] = epochs
    values["runner"]["scheduler"]["params"]["milestones"] = [int(epochs * 0.7), int(epochs * 0.9)]
    path.write_text(yaml.safe_dump(values))


def poses(config: str) -> dict[str, list[list[float]]]:
    """Evaluate, and return x, y and likelihood of each bodypart, by image."""
    deeplabcut.evaluate_network(config, Shuffles=[1], plotting=False, device="cpu")
    table = pd.read_hdf(next(Path(config).parent.glob("evaluation-results-pytorch/**/*.h5"))).dropna(how="all")
    return {
        "/".join(name[1:]): row.reshape(-1, 3).tolist() for name, row in zip(table.index, table.to_numpy(), strict=True)
    }


def main():
    """Train and evaluate, print one JSON object."""
    request = json.load(sys.stdin)
    build = PoseModel.build
    PoseModel.build = staticmethod(lambda cfg, weight_init=None, pretrained_backbone=False: build(cfg))
    configure(create(request), request)
    start = os.times()
    deeplabcut.train_network(request["config"], shuffle=1, device="cpu")
    end = os.times()
    minutes = (end.user + end.system - start.user - start.system) / 60
    print(json.dumps({"poses": poses(request["config"]), "processor_minutes": round(minutes, 2)}))


if __name__ == "__main__":
    main()

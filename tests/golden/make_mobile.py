"""Make mobile.npz: what timm's light networks compute, for tests/core/backbones/test_mobile.py.

    python tests/golden/make_mobile.py    (needs torch and timm, which the tests do not)

Weights and image are drawn as for the ResNets. Each network is run with output stride 16, and as it was trained.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.golden.make_resnet import store

NAMES = {
    "mobilenet_v2_0.5": "mobilenetv2_050",
    "mobilenet_v2_1.0": "mobilenetv2_100",
    "mobilenet_v2_1.4": "mobilenetv2_140",
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite2": "tf_efficientnet_lite2",
}
UNUSED = ("conv_head.", "bn2.", "classifier.")


def _networks():
    import timm

    for net_type, name in NAMES.items():
        yield net_type, timm.create_model(name, output_stride=16, num_classes=0)
        yield f"{net_type}-plain", timm.create_model(name, num_classes=0)


def _layers(model):
    return {"stem": model.bn1, **{f"group{number}": group for number, group in enumerate(model.blocks)}}


if __name__ == "__main__":
    store("mobile.npz", _networks(), _layers, unused=UNUSED)

"""
Label frames from Python
========================

A program, or a table from elsewhere, can label frames too. Here a drawn video comes with the truth, which stands in for
whatever knows where the bodyparts are.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import imageio.v3
import matplotlib.pyplot as plt
import numpy as np

import posecut_core as posecut
from posecut_core import demo

folder = Path(tempfile.mkdtemp())
scene = replace(demo.TO_LABEL[0], frames=30)
video = demo.film(scene, folder)
truth = demo.prepare(scene).truth.xy  # frames x bodyparts x (x, y)
print(truth.shape)

# %%
# A project, and frames that look different from each other
# ---------------------------------------------------------

bodyparts = ("snout", "leftear", "rightear", "tailbase")
skeleton = [("snout", "leftear"), ("snout", "rightear")]
project = posecut.create_new_project("openarena", "ada", [video], folder, bodyparts=bodyparts, skeleton=skeleton)
extracted = posecut.extract_frames(project, number_of_frames=2)
numbers = np.array(extracted.videos[0].frames)
print(numbers)

# %%
# Labels are a table of frames x bodyparts x (x, y)
# -------------------------------------------------
# Positions are pixels of the full frame. NaN in x and y is a bodypart that cannot be seen.

columns = [demo.BODYPARTS.index(name) for name in bodyparts]
xy = truth[numbers][:, columns]
table = posecut.LabelTable(video=video.stem, bodyparts=bodyparts, numbers=numbers, xy=xy)
posecut.write_labels(project, table)

# %%
# Look at them before you train
# -----------------------------

posecut.check_labels(project)
pictures = sorted(project.config_path.parent.glob("labeled-data/*_labeled/*.png"))
figure, axes = plt.subplots(1, len(pictures), figsize=(10, 5))
for axis, picture in zip(axes, pictures, strict=True):
    axis.imshow(imageio.v3.imread(picture))
    axis.set_axis_off()
figure.tight_layout()

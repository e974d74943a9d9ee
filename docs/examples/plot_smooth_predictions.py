"""
Smooth predictions
==================

The median of the frames around each frame takes out single errors and leaves fast movements alone. Here a bodypart runs
along a curve, with some noise, and in a few frames the network took another place for it.
"""

import matplotlib.pyplot as plt
import numpy as np

import posecut_core as posecut

rng = np.random.default_rng(0)
time = np.arange(200)
path = np.stack([200 + 120 * np.cos(time / 25), 150 + 80 * np.sin(time / 12)], axis=-1)
seen = path + rng.normal(0, 1.0, path.shape)
wrong = rng.choice(time, 8, replace=False)
seen[wrong] += rng.normal(0, 60, (8, 2))
likelihood = np.where(np.isin(time, wrong), 0.3, 0.98)

found = posecut.Predictions("network", ("snout",), xy=seen[:, None], likelihood=likelihood[:, None])
smooth = posecut.median_filtered(found, windowlength=5)

# %%
# `filterpredictions` does the same for the files of analyzed videos.

figure, axis = plt.subplots(figsize=(9, 3))
axis.plot(time, found.xy[:, 0, 0], color="0.7", label="as predicted")
axis.plot(time, smooth.xy[:, 0, 0], color="tab:blue", label="median of 5 frames")
axis.set(xlabel="frame", ylabel="x (px)")
axis.legend()
figure.tight_layout()

error_before = np.linalg.norm(found.xy[:, 0] - path, axis=-1)
error_after = np.linalg.norm(smooth.xy[:, 0] - path, axis=-1)
print(f"largest error: {error_before.max():.1f} px as predicted, {error_after.max():.1f} px smoothed")

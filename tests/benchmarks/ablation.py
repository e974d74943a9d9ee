"""What each part of the training recipe is worth: openfield, several splits, one setting changed at a time.

    python tests/benchmarks/ablation.py [--weights random|FILE] [--splits N] [--steps N] [--scale S] [--only NAME,NAME]

Small and short, so that it ends within the hour on two cores: a quarter of the frames' size, 300 steps of 8 crops of
112 pixels. Every candidate trains the same splits with the same seed, so that differences from the shipped recipe are
paired.
"""

import numpy as np
from openfield import parser, print_result, splits, trained_error, working_copy

CANDIDATES = {
    "as shipped": {},
    "group norm": {"norm": "group"},
    "no statistics (frozen_batch)": {"norm": "frozen_batch"},
    "ema_decay 0.98": {"ema_decay": 0.98},
    "no ema": {"ema_decay": 0.0},
    "intermediate_supervision": {"intermediate_supervision": True},
    "learning_rate 3e-3": {"learning_rate": 3e-3},
    "learning_rate 3e-4": {"learning_rate": 3e-4},
    "crop_on_animal 0.4": {"crop_on_animal": 0.4},
    "rotation 180": {"rotation": 180.0},
    "rotation 10": {"rotation": 10.0},
    "scale jitter 0.5 to 1.5": {"scale_jitter_lo": 0.5, "scale_jitter_up": 1.5},
    "no light nor noise": {"brightness": 0.0, "contrast": 0.0, "noise": 0.0, "blur": 0.0},
    "pos_dist_thresh 10": {"pos_dist_thresh": 10.0},
    "locref_loss_weight 0.05": {"locref_loss_weight": 0.05},
    "locref_loss_weight 1": {"locref_loss_weight": 1.0},
    "weight_decay 0.05": {"weight_decay": 0.05},
}


def main():
    """Train and evaluate each candidate on each split; print a table, then one JSON object."""
    options = parser(__doc__)
    options.add_argument("--weights", default="random", help="random (default) or a .safetensors file")
    options.add_argument("--splits", type=int, default=3, help="how many splits (default: 3)")
    options.add_argument("--steps", type=int, default=300, help="training steps of 8 crops (default: 300)")
    options.add_argument("--scale", type=float, default=0.25, help="of the frames (default: 0.25)")
    options.add_argument("--net-type", default="resnet_50", help="which ResNet (default: resnet_50)")
    options.add_argument("--only", help="names of candidates, separated by commas (default: all)")
    arguments = options.parse_args()
    shared = {"global_scale": arguments.scale, "crop_size": 112, "maxiters": arguments.steps, "display_iters": 100}
    shared |= {"net_type": arguments.net_type, "seed": 0, "rotation": 30.0}  # as it was shipped when the table was made
    names = arguments.only.split(",") if arguments.only else list(CANDIDATES)
    chosen, table, shuffle = list(splits(arguments.data, count=arguments.splits)), {}, 0
    with working_copy(arguments.data) as config:
        for name in names:
            results = []
            for split in chosen:
                shuffle += 1
                results.append(trained_error(config, shuffle, *split, arguments.weights, shared | CANDIDATES[name]))
            table[name] = np.array(results)
            print(f"{name}: {summary(table[name], table[names[0]])}", flush=True)
    figures = {name: summary(found, table[names[0]]) for name, found in table.items()}
    print_result({"steps": arguments.steps, "scale": arguments.scale, "weights": arguments.weights, **figures})


def summary(found, first):
    """Return mean and standard deviation of the test errors, of their differences from `first`, and the minutes."""
    difference = found[:, 0] - first[:, 0]
    return {
        "test_error_px": round(float(found[:, 0].mean()), 2),
        "sd_px": round(float(found[:, 0].std(ddof=1)), 2),
        "difference_px": round(float(difference.mean()), 2),
        "difference_sd_px": round(float(difference.std(ddof=1)), 2),
        "train_error_px": round(float(found[:, 1].mean()), 2),
        "minutes": round(float(found[:, 2].mean()), 1),
    }


if __name__ == "__main__":
    main()

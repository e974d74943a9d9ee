"""How many planted mistakes stand among the first tenth of the labels that `check_labels` ranks.

    python tests/benchmarks/wrong_labels.py [--seeds N] [--distance PIXELS]

Of the labels of openfield, of flies (`../shared/tools/flies_project.py`) and of the drawn mice, 5 % are planted: moved
by 20 pixels in a random direction, or, each other one, exchanged with that of the other side. The aim is 80 % of them
among the first tenth. What people labeled wrong before counts against it.
"""

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from openfield import PROJECT, parser, print_result

from posecut_core.demo.scene import TO_LABEL, human_labels, prepare
from posecut_core.labels.suspects import rank_labels
from posecut_core.labels.table import LabelTable

_SIDES = (("left", "right"), ("L", "R"))
_SHARE, _FIRST = 0.05, 0.1


def of_csv(path):
    """Read the labels of one CollectedData file."""
    found = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    values = found.loc[:, [name for name in found.columns if name[2] in ("x", "y")]]
    bodyparts = tuple(dict.fromkeys(name[1] for name in values.columns))
    xy = values.to_numpy(float).reshape(len(values), -1, 2)
    return LabelTable(path.parent.name, bodyparts, np.arange(len(xy)), xy)


def sets(data):
    """Return the tables of each set."""
    found = {"openfield": [*map(of_csv, sorted((data / PROJECT).glob("labeled-data/*/CollectedData*.csv")))]}
    with tempfile.TemporaryDirectory() as folder:
        tool = data.parent / "tools" / "flies_project.py"
        subprocess.run([sys.executable, str(tool), folder], check=True, stdout=subprocess.DEVNULL)
        found["flies"] = [of_csv(Path(folder) / "labeled-data" / "flies" / "CollectedData_flies.csv")]
    every = tuple(range(0, TO_LABEL[0].frames, 6))
    rng = np.random.default_rng(0)
    found["rendered"] = [human_labels(rng, prepare(scene).truth, scene.name, every, jitter=0.7) for scene in TO_LABEL]
    return found


def other_side(bodyparts):
    """Return the place of each bodypart's counterpart, its own where it has none."""
    names = list(bodyparts)
    return [
        next(
            (
                names.index(other)
                for one, another in (*_SIDES, *(pair[::-1] for pair in _SIDES))
                if one in part and (other := part.replace(one, another)) in names and other != part
            ),
            names.index(part),
        )
        for part in names
    ]


def planted(tables, distance, rng):
    """Return tables with mistakes, and which labels these are: (video, frame, bodypart)."""
    others = other_side(tables[0].bodyparts)
    labeled = [np.argwhere(~np.isnan(table.xy[..., 0])).tolist() for table in tables]
    places = [(number, row, part) for number, found in enumerate(labeled) for row, part in found]
    count, wrong = round(_SHARE * len(places)), set()
    xy = [table.xy.copy() for table in tables]
    for turn, place in enumerate(rng.permutation(len(places))):
        table, row, part = places[place]
        other = others[part]
        pair = {(table, row, part), (table, row, other)}
        if len(wrong) >= count or pair & wrong or np.isnan(xy[table][row, other, 0]):
            continue
        if turn % 2 and other != part:
            xy[table][row, [part, other]] = xy[table][row, [other, part]]
            wrong |= pair
        else:
            angle = rng.uniform(0, 2 * np.pi)
            xy[table][row, part] += distance * np.array([np.cos(angle), np.sin(angle)])
            wrong.add((table, row, part))
    made = [replace(table, xy=values) for table, values in zip(tables, xy, strict=True)]
    return made, {(made[t].video, int(made[t].numbers[row]), made[t].bodyparts[part]) for t, row, part in wrong}


def main():
    """Plant and rank for every seed, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5, help="(default: %(default)s)")
    options.add_argument("--distance", type=float, default=20.0, help="pixels (default: %(default)s)")
    arguments = options.parse_args()
    shares = {}
    for name, tables in sets(arguments.data).items():
        shares[name] = []
        for seed in range(arguments.seeds):
            made, wrong = planted(tables, arguments.distance, np.random.default_rng(seed))
            ranked = rank_labels(made)
            first = {(one.video, one.number, one.bodypart) for one in ranked[: round(_FIRST * len(ranked))]}
            shares[name].append(len(first & wrong) / len(wrong))
    print_result(
        {name: {"mean": round(np.mean(found), 3), "sd": round(np.std(found), 3)} for name, found in shares.items()}
    )


if __name__ == "__main__":
    main()

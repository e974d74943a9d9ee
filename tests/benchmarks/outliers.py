"""Time `_fitting` on 2,330 frames of 4 bodyparts, alone or beside DeepLabCut.

    python tests/benchmarks/outliers.py [--data FOLDER] [--peer PYTHON]

The movement is the random walk that peer_deeplabcut.py makes, with the same parameters: p_bound 0.01, alpha 0.01,
ARdegree 3, MAdegree 1. Importing does not count. The last line is one JSON object: `fitting_s` is the median of three
runs, `fitting_best_s` the fastest; with `--peer`, an interpreter that has DeepLabCut 3.0.2, also `peer_fitting_s`
(median of three runs taken in turn with ours) and `ratio`, theirs divided by ours. `distance_px` is how far our
expectations lie from those of statsmodels left to itself, the greatest over all values, where a step of the walk is
2 pixels. `candidates_agree` says whether both find the same frames after ten of them were displaced by 120 pixels.
"""

import json
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from posecut_core.poses.predictions import Predictions
from tests.benchmarks.openfield import parser, print_result

RUNS = 3
SETTINGS = {"p_bound": 0.01, "alpha": 0.01, "ar_degree": 3, "ma_degree": 1}
DISPLACED = range(200, 2330, 230)


def main() -> int:
    made = parser(__doc__ or "")
    made.add_argument("--peer", metavar="PYTHON", help="interpreter that has DeepLabCut, to run beside")
    arguments = made.parse_args()
    script = arguments.data.parent / "tools" / "peer_deeplabcut.py"
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(fitting_seconds(walk()))
        if arguments.peer:
            theirs.append(peer_seconds(arguments.peer, script))
    print_result(result(ours, theirs) | agreement())
    return 0


def walk() -> Predictions:
    """Make the trajectory that the peer is timed on, number by number."""
    rng = np.random.default_rng(0)
    series = [200 + np.cumsum(rng.normal(0, 2, 2330)) for _ in range(8)]
    xy = np.stack(series, axis=1).reshape(2330, 4, 2)
    return Predictions("walk", ("snout", "leftear", "rightear", "tailbase"), xy, np.ones((2330, 4)))


def fitting_seconds(predictions: Predictions) -> float:
    """Fit all coordinates and return the seconds it took."""
    from posecut_core.refinement.heuristics import deviations

    start = time.perf_counter()
    deviations(predictions, **SETTINGS)
    return time.perf_counter() - start


def peer_seconds(python: str, script: Path) -> float:
    """Run DeepLabCut's fit through the script that is shared for comparisons."""
    run = subprocess.run([python, str(script), "outliers"], capture_output=True, text=True, check=True)
    return float(json.loads(run.stdout.strip().splitlines()[-1])["fitting_s"])


def result(ours: list[float], theirs: list[float]) -> dict[str, object]:
    """Summarize the runs."""
    summary = {"fitting_s": round(statistics.median(ours), 2), "fitting_best_s": round(min(ours), 2)}
    if theirs:
        peer = statistics.median(theirs)
        summary |= {"peer_fitting_s": round(peer, 2), "ratio": round(peer / statistics.median(ours), 2)}
    return dict(summary)


def agreement() -> dict[str, object]:
    """Compare with statsmodels left to itself, as DeepLabCut uses it: the walk, and the walk with displaced frames."""
    from posecut_core.poses.filters import _expect
    from posecut_core.refinement.candidates import numbers_of
    from posecut_core.refinement.heuristics import _Deviations, _fitting, deviations

    clean, displaced = walk(), walk()
    displaced.xy[list(DISPLACED), 1] += 120.0
    series = clean.xy.reshape(2330, 8)
    expected = np.stack([_expect(one, ar_degree=3, ma_degree=1).mean for one in series.T], axis=1)
    apart = np.abs(expected - alone(series))[1:].max()
    theirs = np.linalg.norm(displaced.xy - alone(displaced.xy.reshape(2330, 8)).reshape(2330, 4, 2), axis=-1)
    theirs[0] = np.nan  # of which nothing can be expected
    found = [deviations(displaced, **SETTINGS), _Deviations(theirs, np.zeros(theirs.shape, bool))]
    numbers = [numbers_of(_fitting(displaced, one, epsilon=20.0)) for one in found]
    return {
        "distance_px": round(float(apart), 2),
        "candidates": len(numbers[0]),
        "candidates_agree": numbers[0] == numbers[1],
    }


def alone(series: np.ndarray) -> np.ndarray:
    """Predict each column by a model that statsmodels fits with its own start and tolerance."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")
        fits = [SARIMAX(one, order=(3, 0, 1)).fit(disp=False) for one in series.T]
        return np.stack([fit.get_prediction().predicted_mean for fit in fits], axis=1)


if __name__ == "__main__":
    sys.exit(main())

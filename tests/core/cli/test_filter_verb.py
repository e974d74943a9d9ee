"""Words about filters reach the step."""

from pathlib import Path

from posecut_core.workflow.filterpredictions import FilteredPredictions


def test_predictions_are_filtered_as_asked(posecut, step, project):
    """Options reach the step; pictures of the filtered predictions come next."""
    calls = step(
        "posecut_core.workflow.filterpredictions.filterpredictions",
        FilteredPredictions("net", "arima", (Path("a_filtered.h5"),)),
    )
    words = ["--filtertype", "arima", "--ardegree", "7", "--windowlength", "3", "--p-bound", "0.2", "--shuffle", "2"]
    code, out, _ = posecut("filterpredictions", project, "a.mp4", *words)
    expected = {"filtertype": "arima", "ARdegree": 7, "windowlength": 3, "p_bound": 0.2, "shuffle": 2}
    assert (code, {name: calls[0][name] for name in expected}) == (0, expected)
    assert "Filtered by arima: a_filtered.h5" in out
    assert out.splitlines()[-1].endswith("--shuffle 2 --filtered")

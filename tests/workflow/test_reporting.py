"""report.html."""

import re

import pytest
from markupsafe import escape

from posecut_core.model.log import Metrics, append_log, start_log
from posecut_core.project.config import read_config
from posecut_core.project.opening import open_project
from posecut_core.workflow.evaluate_network import evaluate_network


@pytest.fixture
def report_of(spot_project):
    """A function that evaluates and returns the text of the report without its pictures, and their number."""

    def text(**options):
        path = evaluate_network(spot_project, **options).rows[-1].report
        whole = path.read_text(encoding="utf-8")
        short = re.sub(r'src="data:image/png;base64,[A-Za-z0-9+/=]+"', "PICTURE", whole)
        return short, short.count("PICTURE")

    return text


def test_all_is_on_one_page(spot_project, report_of):
    """Errors, curves, calibration, worst frames, settings, seeds and versions, in a file that fetches nothing."""
    log = open_project(spot_project).training(1).log
    start_log(log, step=0)
    append_log(log, Metrics(10, 0.5, 1e-3, 2.0, validation_error=4.0))
    text, pictures = report_of()
    headings = re.findall("<h2>(.*?)</h2>", text)
    assert headings == [
        "Result", "Errors of each bodypart", "Training", "Likelihood", "Worst frames",
        "Seeds and data", "Settings of the training", "Versions",
    ]  # fmt: skip
    assert pictures == 2 + 1 + 1
    assert "<td>mean error</td><td>3.25 px</td><td>10.00 px</td>" in text
    assert "<p>Errors and labeled points are those of spot, beside.</p>" in text
    assert "<p>The error of only 1 test frame says little about new frames.</p>" in text
    assert "<td>beside</td><td>5.00 px</td><td></td><td></td><td>0</td>" in text
    assert "<td>suggested pcutoff</td><td></td><td>0.600</td>" in text
    assert "<td>pos_dist_thresh</td><td>17.0</td>" in text
    assert not re.search(r"(src|href)=|https?:|@import|url\(", text)


def test_the_suggestion_is_not_written_down(spot_project, report_of):
    """config.yaml is the same after an evaluation; the report names both cutoffs."""
    before = spot_project.read_bytes()
    text, _ = report_of()
    assert spot_project.read_bytes() == before
    assert read_config(spot_project).pcutoff == 0.6
    assert "A pcutoff of 0.60 separates right from wrong best" in text


def test_a_report_is_of_one_shuffle_and_the_last_snapshot(spot_project, report_of):
    """Several snapshots of a shuffle leave one report, about the last; without test labels training frames stand in."""
    text, _ = report_of(shuffle=2, snapshots="all")
    assert "<title>Fake_20</title>" in text
    text, _ = report_of(bodyparts=["beside"])
    assert "The training frames with the largest mean errors" in text
    assert "<p>Errors and labeled points are those of beside; spot left out.</p>" in text
    assert "They suggest no pcutoff" in text
    folders = {path.parent for path in open_project(spot_project).evaluation_results.glob("*/report.html")}
    assert len(folders) == 2


def test_texts_are_escaped(spot_project, report_of, monkeypatch):
    """A text that looks like a tag is shown as it is."""
    odd = '<b>&"spot'
    monkeypatch.setattr("posecut_core.plots.report.__version__", odd)
    text, _ = report_of()
    assert odd not in text
    assert escape(odd) in text

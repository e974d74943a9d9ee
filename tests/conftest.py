"""Strict flags for the whole suite: shapes are checked, rank promotion is an error, plots need no screen."""

import os
import signal

import hypothesis
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `nohup` and a script's `&`: children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # nobody answers there: no test reaches a hub
os.environ["NAPARI_CONFIG"] = ""  # nobody's preferences are read or written
os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "0")  # tests leave nothing in the user's cache folder
# Nearly all time of these networks goes into compiling them: a third of it without the compiler's own optimizations,
# with XLA's older way of writing kernels, and with each program in one piece. Whoever asks for other flags gets them.
os.environ["XLA_FLAGS"] = (
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1 "
    + os.environ.get("XLA_FLAGS", "")
).strip()

from tests import type_checks

type_checks.install("posecut_core")

import jax  # noqa: E402 (after the environment that it reads)

jax.config.update("jax_numpy_rank_promotion", "raise")

# The same examples in every run, however long they take: no test depends on chance or on the clock.
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis.settings.load_profile("fixed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of one file in one process, and all windows of a screen, which share its focus."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            path = item.path.as_posix()
            shares = "/tests/plugin/" in path and "SCREEN_PER_PROCESS" not in os.environ
            item.add_marker(pytest.mark.xdist_group("window" if shares else path))

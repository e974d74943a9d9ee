"""Every error that PoseCut raises on purpose can be told from the others."""

import pytest

from posecut_core import errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PosecutError)]


def test_exit_codes_differ() -> None:
    """No two kinds of error end `posecut` with the same code, and none ends it as success."""
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes


@pytest.mark.parametrize("kind", KINDS)
def test_tree_is_drawn(kind: type[errors.PosecutError]) -> None:
    """The tree at the module's head names every error with its exit code."""
    assert f"{kind.__name__} ({kind.exit_code})" in (errors.__doc__ or "")

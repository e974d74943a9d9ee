"""`python -m napari_posecut [PROJECT]`: the window, on a project or on none; `posecut label` starts it."""

import sys

from posecut_core.errors import PosecutError


def main() -> int:
    """Open the window, wait until it is closed, and return the exit code."""
    from napari_posecut.window import work

    try:
        work(sys.argv[1] if len(sys.argv) > 1 else None)
    except PosecutError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

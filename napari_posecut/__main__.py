"""`python -m napari_posecut [PROJECT]`: the window, on a project or on none; `posecut label` starts it."""

import sys

from napari_posecut.loading import loading


def main() -> int:
    """Open the window, wait until it is closed, and return the exit code."""
    with loading():
        from napari_posecut import window

    return window.exit_code(lambda: window.work(sys.argv[1] if len(sys.argv) > 1 else None))


if __name__ == "__main__":
    sys.exit(main())

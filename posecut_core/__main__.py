"""`python -m posecut_core VERB` is `posecut VERB`."""

from posecut_core.cli import main

main()

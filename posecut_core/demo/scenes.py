"""The videos of the demonstration: two to label, one to find outliers in, and those that the network never sees."""

from dataclasses import replace

from posecut_core.demo.animal import Individual
from posecut_core.demo.arena import Plank
from posecut_core.demo.render import Scene

TO_LABEL = (
    Scene(
        name="dark-mouse",
        seed=11,
        frames=300,
        individual=Individual(size=1.32, girth=1.0, coat=(0.115, 0.10, 0.095), belly=(0.20, 0.18, 0.17)),
        floor=(0.66, 0.65, 0.62),
        plank=Plank(x=96.0, y=160.0, angle=0.5),
    ),
    Scene(
        name="brown-mouse",
        seed=15,
        frames=300,
        individual=Individual(size=1.2, girth=0.94, coat=(0.26, 0.18, 0.12), belly=(0.40, 0.31, 0.23)),
        floor=(0.60, 0.62, 0.64),
        plank=Plank(x=160.0, y=104.0, angle=2.2),
        exposure=0.92,
    ),
)
UNSEEN = Scene(
    name="unseen-mouse",
    seed=19,
    frames=240,
    individual=Individual(size=1.4, girth=1.06, coat=(0.19, 0.165, 0.15), belly=(0.31, 0.28, 0.26)),
    floor=(0.63, 0.63, 0.60),
    plank=Plank(x=108.0, y=100.0, angle=1.25),
    exposure=1.06,
    noise=0.022,
)
FURTHER = replace(
    TO_LABEL[0], name="dark-mouse-again", seed=23, frames=600, dusk=((0.20, 0.23), (0.86, 0.89))
)  # long, and mostly as before: twice the lamp is down for 18 frames
UNSEEN_AT_DUSK = replace(UNSEEN, name="unseen-mouse-at-dusk", dusk=((0.10, 0.14), (0.45, 0.49), (0.72, 0.76)))

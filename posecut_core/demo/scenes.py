"""The videos of the demonstration: two to label, one to find outliers in, one that the network never sees."""

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
FURTHER = Scene(
    name="grey-mouse",
    seed=23,
    frames=600,
    individual=Individual(size=1.36, girth=1.03, coat=(0.235, 0.225, 0.22), belly=(0.36, 0.345, 0.33)),
    floor=(0.61, 0.61, 0.58),
    plank=Plank(x=146.0, y=150.0, angle=-0.6),
    exposure=0.97,
    noise=0.021,
)  # long, so that there is something to choose from
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

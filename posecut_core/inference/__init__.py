"""A trained network at work: on stored frames and on whole videos."""

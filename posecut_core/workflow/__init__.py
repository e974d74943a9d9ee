"""The steps of the paper, each one function: what the command line and the plugin call."""

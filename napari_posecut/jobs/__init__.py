"""Work in child processes that outlive the window."""

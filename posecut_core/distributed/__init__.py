"""Many things at once: in processes of this computer, or by workers of a cluster."""

"""The network: heads on a backbone, losses, initial weights, snapshots, training."""

"""The network: ResNet, heads, losses, initial weights, snapshots, training."""

"""Training datasets: splits, batches, augmentation, score-map targets and their inverse."""

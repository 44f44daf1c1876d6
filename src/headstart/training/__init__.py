"""Training: the loop, its optimiser, frozen features and fitted heads."""

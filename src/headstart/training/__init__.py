"""Training: the loop, its optimiser, frozen features and solved heads."""

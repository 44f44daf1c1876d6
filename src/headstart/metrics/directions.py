"""Which scores are errors or losses."""

LOWER_IS_BETTER = frozenset({"log_loss", "ece", "rmse", "mae"})
"""Names of the scores of all tasks that are better the lower they are."""

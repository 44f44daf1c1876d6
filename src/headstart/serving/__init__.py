"""Serving: predictions for files, pipes and callers."""

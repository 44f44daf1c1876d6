"""Evaluation: calibrated scores with intervals, as a whole and by group."""

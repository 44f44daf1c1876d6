"""Metrics: scores, intervals, paired tests, calibration; numpy only."""

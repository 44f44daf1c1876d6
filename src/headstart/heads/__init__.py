"""Heads: small modules on top of a backbone, and the model that joins them."""

HEAD = "classification"
"""Name of the head of a task on one network."""

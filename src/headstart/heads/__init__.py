"""Heads: small modules on top of a backbone, and the model that joins them."""

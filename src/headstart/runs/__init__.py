"""Runs: from a recipe to an artifact or a network, and everything between."""

"""Checks of the data before anything is learnt from it."""

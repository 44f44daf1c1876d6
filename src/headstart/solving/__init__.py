"""Heads fitted in closed form or by convex optimisation, in numpy; no torch."""

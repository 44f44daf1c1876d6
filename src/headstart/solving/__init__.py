"""Heads solved in closed form or by convex optimisation, in numpy; no torch."""

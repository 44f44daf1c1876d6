"""Which way of solving heads suits which kind of targets."""

from headstart.solving.label_sets import SETS
from headstart.solving.logistic import SOFTMAX, Solver
from headstart.solving.numbers import NUMBERS

SOLVERS: dict[str, Solver] = {"label": SOFTMAX, "labels": SETS, "number": NUMBERS}
"""By what a row has: one label, any number of them, or a number."""

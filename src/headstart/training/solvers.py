"""Which way of solving heads suits a task."""

from headstart.tasks.base import Task
from headstart.training.solve import SOFTMAX, Solver
from headstart.training.solve_numbers import NUMBERS
from headstart.training.solve_sets import SETS


def solver_of(task: Task) -> Solver:
    """By what a row has: one label, any number of them, or a number."""
    return {"label": SOFTMAX, "labels": SETS, "number": NUMBERS}[task.answers]

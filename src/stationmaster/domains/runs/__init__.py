"""Entities on their way through a process: runs and their step runs.

A run is made with one step run for each step of the version that is present then, in one transaction. Step runs are reported
from outside, or carried out by us; the status of the run follows from theirs by one rule (`status`), which the database
applies to the rows as they are.

What makes that right with any number of robots: whoever changes a step run locks the run first (`repository.lock_runs`). So
of two that finish different steps at once, the second reads what the first wrote before it derives the status.

Nothing is lost by doing a step again: a rerun is a new step run that names the one before; `is_current` says which counts.

Columns that may say something of a person are marked in `models`; `neutralising` empties them, for good.
"""

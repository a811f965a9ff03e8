"""Work that a script began elsewhere, and that must not go on when its execution is stopped.

A program tells of it (`::external earthengine TASK_ID`, or by the reporting API), and the task is recorded in the same
transaction as its other words. As long as the execution goes on its task is `running`. When the execution was cancelled or
ran out of time, or only the attempt that began the task did, it becomes `cancelling`: due rows, from which any replica takes
some, asks the other side to cancel them, and writes down what came of it. A replica that dies in between leaves rows that are
due again soon; asking twice does no harm.

What cannot be cancelled ends as `not_cancelled` with the reason, and what cannot be reached is tried again with growing
waits until its time is over. The task of an execution that ended by itself is `left` alone.
"""

"""What to do and when: jobs, their schedules, and the tick that turns due slots into executions.

A schedule lives in its row: `next_run_at` is the earliest slot that has not been decided, `last_slot_at` the high-water mark.
The tick moves them in the transaction that writes the executions, so no slot is decided twice and none is left out, whoever
crashes when. Timers only decide when the tick looks.
"""

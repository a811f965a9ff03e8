"""The record of work, and the engine that does it.

An execution is the durable record of one slot of a schedule or of one request. Its life:

    queued ──claim──▶ running ──finish──▶ succeeded | failed | timed_out | cancelled
      ▲                  │
      └──retry, rescue───┘   rescue may also end it: lost | failed (poison) | cancelled
    skipped: written in this state, with the reason, when a slot must not run

Who may move it is in `states`. What makes it survive a crash at any instant:

- *claim* is committed before the first byte leaves the house: the row carries a fresh lease token, the attempt's number and
  an expiry. A row that is still queued certainly had no effect; one that is running may have had one, and when its lease
  runs out the job's `on_lost` decides (`rescue`).
- *every later write* names the attempt and the token. No row matched means that somebody else owns the execution by now,
  and the result is dropped.
- no session is held while the outside world works; results are written in batches a few milliseconds apart.

What an execution does and by which policies (`specs`) is immutable and shared by all executions of one version of a job.
"""

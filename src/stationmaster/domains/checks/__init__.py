"""Dead-man switches: who should give a sign of life and does not, is told about.

A check expects signs by a period, by a cron expression, or by the schedules of one of our own jobs, and allows some grace.
Signs come as calls of its ping address (`ping_router`), or as ends of the job's executions, which a duty collects.

             success                    nothing by due_at            nothing by down_at
    new ───────────────> up ─────────────────────> late ─────────────────────> down
     ^                    ^ <──────── success ───────┘                            │
     └─ resume ── paused  └────────────────────── success (told) ─────────────────┘
                                          failure: down at once (told)

- `due_at` is when the next sign is expected, `down_at` when silence becomes an alarm: `due_at` and the grace, or the grace
  after a `start` whose end is missing. Both stand in the row; a duty compares them with the clock every few seconds.
- Each move is one guarded UPDATE: of two replicas one makes it, and what it tells is in the same transaction. So an alarm
  is told once for each change, besides the reminders that the check asks for.
- Nobody hears signs of life while the service itself is away. So silence counts only once the service has listened for the
  whole grace without a pause (`watch.listening_since`).
"""

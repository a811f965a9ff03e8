"""The database: two dialects, one behaviour.

- `base` what every table shares; `engine` opens the engines; `session` is THE place that commits.
- `clock` the time that replicas agree on; `leases` rights that run out; `notify` wake-ups between replicas.
- `idempotency` answers that are given again when the same request comes again.

SQLite has one writer at a time. Instead of letting writers collide and fail with "database is locked", the writer engine
has exactly one connection: writers queue for it in this process, and `BEGIN IMMEDIATE` with a busy time-out queues them
behind other processes (a CLI command, say). Readers have their own connections and never wait (WAL).
PostgreSQL needs none of that; reader and writer are the same pool there. Leases and wake-ups use a pool of their own, so
that requests which occupy all connections cannot cost a replica its leadership.
"""

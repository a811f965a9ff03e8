"""Kills and freezes real replicas at random while they work, restarts their database, and looks for anything lost.

- `cluster`   the replicas, as processes
- `nemesis`   what is done to them, by a seed
- `witness`   what the lease of the leader looked like all the time
- `customer`  somebody who asks for executions meanwhile
- `checker`   the timetable against the records, the records against what the receiver saw
- `recovery`  how long it took, from the records
- `report`    the figures

Nothing here trusts the service: slots are counted by arithmetic of our own, effects are those that a receiver wrote down,
and instants of faults are ours. (One machine: its clocks are the database's.)
"""

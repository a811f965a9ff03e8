"""What administrators set while the service runs: one row for each group, its secret sealed and never shown.

What the operator sets stands in the environment (`config.Settings`); here stands what must be changeable without a restart.
The room knows how to keep a group, not what is in it: that belongs to the room which uses it.
"""

"""What entities go through: processes, their steps, and the versions of both.

A process is a definition. Every change of its steps makes a new version, which is never changed; a run keeps the version it
began with, so an edit touches only runs that begin later. Steps keep their id over all versions.

Deleting marks the process alone. Its steps and runs are not seen while the mark stands, and are seen again, exactly those,
when it is taken away.
"""

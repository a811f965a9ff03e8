"""The status log: how many executions are where, how many people and scripts there are, and how busy the machine is.

The leader looks once a second and writes a row when something has changed, and every two minutes in any case. Counting costs
more the more executions there are, so it looks less often when a look takes long: never more than a fiftieth of its time.
"""

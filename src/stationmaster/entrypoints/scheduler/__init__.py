"""What runs by itself: the leader's term and the duties, driven by APScheduler in the application's lifespan.

APScheduler is the clock that wakes, nothing more: its jobs live in memory and are the same on every replica. What is due,
who leads and what was done is in the database. So a lost or late wake-up delays work by a second at most and loses none.
"""

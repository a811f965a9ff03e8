"""Secrets: values that people put in and never get out again.

A secret is stored sealed to its own row and leaves it at one place, `service.open_granted`, for work that was granted it:

- a *script* gets what its owner (or an admin) granted to that script, by name;
- a *job* gets what its owner owns, or what was granted to that job.

Whoever opens secrets masks them in everything that comes back from where they went.
"""

"""Accounts: who people are, which role they have, and the rules by which others may change that.

- An e-mail address or a user name names one account, whatever the letters' case: both are stored in a comparable form.
- `version` counts up whenever everything issued before must die (password, role or activity changed). Sessions
  remember the version they began with, so this room ends them without knowing what a session is.
- At least one active superadmin stays: whoever takes one away locks all of them first (`service.py`).
- Hashing a password takes 20 ms. It happens before the first statement of a transaction, in a thread (`passwords.py`).
"""

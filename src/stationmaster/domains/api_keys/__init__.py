"""API keys: how programs act for the person who made the key.

A key is `sm_<id>_<secret><checksum>`. The checksum refuses mistyped keys for free, the id finds the row, and the SHA-256 of
the whole key is compared. Only that digest is stored; the key itself is shown once.

- A key's role in force is the lesser of its own and its owner's present one; it dies with its owner's activity.
- A key with `scopes` may only call operations that one of them covers: `jobs:read` is every GET under `/jobs`.
- A rotated key goes on for a while beside its successor, so that programs can be changed over one by one.
- Uses are counted in memory and written in batches (`usage.py`): a call costs no write.
"""

"""Retention: every room offers rules for its old rows, this room collects and applies them, and keeps what it removed.

- `rules` collects: a new rule is one function in its room and one line there.
- `service` counts what would go (the preview, and a dry run: they write nothing), and removes.
- The leader's duty removes a little of everything each few seconds; `POST /admin/retention/sweep` does it now.
"""

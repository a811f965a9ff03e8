"""Calendars: times in which schedules leave their slots out, such as public holidays and freezes.

A schedule names calendars and keeps a copy of their times (`closed`), so that a tick reads nothing but its own row; changing
a calendar changes the copies in the same transaction.
"""

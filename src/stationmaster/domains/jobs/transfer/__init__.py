"""Jobs in and out of the house: one document with everything (YAML or JSON), CSV files, and what other schedulers write.

A document has *sections* (categories, teams, calendars, jobs, and what the rooms above offer), each a list of items that are
known by their name. Every section can say what is there, in a normal form without defaults; a plan compares that with the
document, and applying it is carrying the differences out by the rooms' own services. So export, import, export is one text.
"""

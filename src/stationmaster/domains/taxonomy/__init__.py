"""What jobs are sorted by: categories (what for) and teams (whose).

Both are rows with keys that jobs point to. Their slug is made from the name and follows it; deleting one only switches it
off, so that no job loses what it points to.
"""

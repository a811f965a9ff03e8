"""Files that people upload for their scripts.

A file is a row here and a content in `db.blobs`. Its name is a label that is shown and never a path: nothing a user writes
is ever opened. Where a script needs the content as a file, the executor makes the path up (`service.suffix_of` gives the
ending that the script may look at).
"""

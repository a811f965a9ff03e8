"""Registered scripts: what they are, which versions of them there are, who may use them, what values they take.

A script is a name with versions. A version never changes: it is an archive (in `db.blobs`), a source given inline (which we
pack into an archive), or a reference to an image, with a manifest that says how it is run. What can be run at once becomes
the current version at once; an archive for a container is PENDING until its image is built, and the former version stays
current meanwhile, and for good if the build fails.

- `manifest` what authors say of a script; `sources` the ways in which a version can be handed in;
- `parameters/` what values it takes and how they reach it; `archives/` reading what people upload;
- `access` who may do what, pure, with the SQL condition that says the same; `sharing` changes who may;
- `usage` what the rooms above need: to check that somebody may run a script with certain values, and to prepare a run.
"""

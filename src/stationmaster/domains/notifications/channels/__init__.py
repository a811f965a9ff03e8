"""The ways by which people are told, one file each; a new one is its file and one line in `registry`."""

"""From what other schedulers write to jobs of ours: each returns items of the section `jobs`, and notes for the reader."""

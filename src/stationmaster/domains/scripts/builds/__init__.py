"""Images of scripts that were uploaded to run in a container.

    PENDING ──claim──▶ BUILDING ──▶ SUCCESS (the version becomes the current one) | FAILED (the former one stays)
       ▲                  │
       └── lease ran out ─┘   a third time it fails

- `claims` is the queue: any replica with an engine takes the oldest version, under a lease, in a short transaction; every
  later write names the lease's token, so that a replica that lost it writes nothing;
- `template` makes the folder that is built: a fixed Dockerfile, the files of the archive as data, and a list of
  requirements that can name nothing but packages;
- `builder` has it built, within limits of time, memory and size, and stores what the engine says as it comes.
"""

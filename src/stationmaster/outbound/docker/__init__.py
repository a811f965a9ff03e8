"""The Docker engine, as far as work in containers needs it.

One client (aiodocker on a session of our own), with a time limit on every call that must end by itself, and four errors
(`errors`) in the place of the library's many. Logs, archives and builds are streams: they are read as they come, in
bounded memory.

- `address`: where the engine is, and how it is reached; `report`: what it says of itself;
- `engine`: containers and images; `swarm`: services; `building`: images from an archive;
- `log_stream`: lines with their stream, from a multiplexed log;
- `archive`: small tar files in and out of a container.
"""

"""`stationmaster doctor`: is this machine fit for the service, and if not, what is to be done?

- `finding` what an examination says; `machine` the machine: folder, disk, files, zones, port, Docker, sandbox;
- `storage` the database and the key; `command` asks them all and writes the answers.
"""

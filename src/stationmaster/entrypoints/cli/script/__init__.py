"""`stationmaster script ...`: a client for those who write scripts, of a service anywhere.

- `commands` what the author types; `station` the service, as this client sees it.
- `project` the folder of a script: made, and packed. `values` what is written as `name=value`.
- `following` an execution to its end: its log, and how far it is.

It needs nothing but an address and an API key, reads no settings, and opens no database.
"""

"""HTTP without domain knowledge: what every router needs and no router should write itself.

- `middleware` everything around a request, outermost to innermost; `access_log` and `address` are two of its layers.
- `problems` every refusal as `application/problem+json`; `validation_errors` and `database_errors` translate for it.
- `schema` base classes and types of bodies; `hardening`, `instants` and `json_values` are its parts.
- `application` and `session` what the lifespan opened, as dependencies; a session is the transaction of a request.
- `paging` lists; `strict_request` refuses what no operation declares.
- `operation` the kind of route that the API's routers have: `etag` tags its answers, `idempotency` keeps them.
- `streams` answers that go on: server-sent events, woken by the database, ended with the service.
- `limits` which operations share a budget; `throttle` counts, `limit_counters` reads back what was counted.
- `routes` all routes with their full paths; `openapi`, `examples` and `docs` describe them; `metrics` is the scrape.
"""

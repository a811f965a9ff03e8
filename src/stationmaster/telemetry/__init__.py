"""What the service says about itself: structured log lines and metrics.

- `logging` sets up the standard library's loggers so that `logger.info("execution.finished", extra={...})` becomes one
  structured line; `processors` are its steps (secrets masked, control characters escaped).
- `metrics` declares every metric there is.

Facts of the present piece of work (`request_id`, `execution_id`) are context variables: whoever starts such a piece binds
them with `structlog.contextvars.bound_contextvars(execution_id=...)` and every line below carries them.
"""

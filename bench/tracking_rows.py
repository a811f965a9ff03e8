"""Statements that store a great many runs: one every ten seconds up to the end of 2026-11-20, in ten processes.

Of a hundred, 90 are completed, five failed, and one to two are in each other status. Each has one step and two metadata
fields, of ten and of a hundred values.
"""

CHUNK = 50_000
PROCESSES = 10
PROCESS_ID = "00000000-0000-7000-8000-000000000003"
STEP_ID = "00000000-0000-7000-9000-000000000003"

_STATUS = (
    "CASE WHEN n % 100 < 90 THEN 'completed' WHEN n % 100 < 95 THEN 'failed' WHEN n % 100 < 97 THEN 'running'"
    " WHEN n % 100 < 98 THEN 'cancelled' ELSE 'pending' END"
)
_STEP_STATUS = (
    "CASE status WHEN 'completed' THEN 'success' WHEN 'failed' THEN 'failed' WHEN 'running' THEN 'running'"
    " WHEN 'cancelled' THEN 'cancelled' ELSE 'pending' END"
)
_RUN_COLUMNS = (
    "id, created_at, updated_at, process_id, version, entity_id, meta, status, started_at, finished_at,"
    " duration_seconds"
)
_STEP_RUN_COLUMNS = (
    'id, created_at, updated_at, run_id, step_id, "index", name, status, is_optional, is_current, started_at, finished_at,'
    " meta"
)
_SCHEMA = '{"region": {"type": "string"}, "type": {"type": "string"}}'

_SQLITE_MADE = f"""
WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
made AS (
    SELECT n, (1795219200 - (:rows - n) * 10) * 1000 AS ms,
        strftime('%Y-%m-%d %H:%M:%S.000000', 1795219200 - (:rows - n) * 10, 'unixepoch') AS at,
        strftime('%Y-%m-%d %H:%M:%S.000000', 1795219200 - (:rows - n) * 10 + n % 3600, 'unixepoch') AS ended,
        {_STATUS} AS status
    FROM numbers
)
"""
_POSTGRESQL_MADE = f"""
WITH made AS (
    SELECT n, (extract(epoch FROM at) * 1000)::bigint AS ms, at, at + n % 3600 * interval '1 s' AS ended,
        {_STATUS} AS status
    FROM (
        SELECT n, timestamptz '2026-11-21 00:00Z' - (:rows - n) * interval '10 s' AS at
        FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    ) AS numbered
)
"""
_OVER = "('completed', 'failed', 'cancelled')"


def rows_statements(is_sqlite: bool) -> tuple[list[str], list[str]]:
    """Return the statements to begin with, and those for each chunk."""
    return (_first(is_sqlite), _chunk(is_sqlite))


def _first(is_sqlite: bool) -> list[str]:
    source = (
        "(WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < :processes) SELECT n FROM c)"
        if is_sqlite
        else "(SELECT generate_series(0, CAST(:processes AS int) - 1) AS n)"
    )
    process_id, step_id = _id(is_sqlite, "8", "n"), _id(is_sqlite, "9", "n")
    version_id = _id(is_sqlite, "a", "n")
    json = "" if is_sqlite else "\\:\\:jsonb"
    at = "'2026-01-01 00:00:00.000000'" if is_sqlite else "timestamptz '2026-01-01 00:00Z'"
    false = "0" if is_sqlite else "false"
    columns = "id, created_at, updated_at, name, meta, run_metadata_schema, retention_months, version"
    values = f"{process_id}, {at}, {at}, 'process ' || n, '{{}}'{json}, '{_escape(_SCHEMA)}'{json}, 12, 1"
    processes = f"INSERT INTO processes ({columns}) SELECT {values} FROM {source} AS s"
    columns = 'id, created_at, updated_at, process_id, "index", name, is_optional, is_rerunnable'
    values = f"{step_id}, {at}, {at}, {process_id}, 0, 'only', {false}, {false}"
    steps = f"INSERT INTO steps ({columns}) SELECT {values} FROM {source} AS s"
    columns, values = "id, process_id, number, created_at, steps", f"{version_id}, {process_id}, 1, {at}, '[]'{json}"
    return [processes, steps, f"INSERT INTO process_versions ({columns}) SELECT {values} FROM {source} AS s"]


def _escape(text: str) -> str:
    """Write colons so that they are no parameters."""
    return text.replace(":", "\\:")


def _id(is_sqlite: bool, kind: str, number: str) -> str:
    if is_sqlite:
        return f"printf('0000000000007000{kind}000%012x', {number})"
    return f"('00000000-0000-7000-{kind}000-' || lpad(to_hex({number}), 12, '0'))\\:\\:uuid"


def _chunk(is_sqlite: bool) -> list[str]:
    process_id, step_id = _id(is_sqlite, "8", "n % :processes"), _id(is_sqlite, "9", "n % :processes")
    ids = [_row_id(is_sqlite, kind) for kind in "8b"]
    meta = (
        """'{"region"\\: "r' || (n % 10) || '", "type"\\: "t' || (n / 10 % 100) || '"}'"""
        if is_sqlite
        else "jsonb_build_object('region', 'r' || n % 10, 'type', 't' || n / 10 % 100)"
    )
    made = _SQLITE_MADE if is_sqlite else _POSTGRESQL_MADE.replace("::", "\\:\\:")
    empty, true, false = ("'{}'", "1", "0") if is_sqlite else ("'{}'\\:\\:jsonb", "true", "false")
    started = "CASE WHEN status <> 'pending' THEN at END"
    ended = f"CASE WHEN status IN {_OVER} THEN ended END"
    runs = (
        f"SELECT {ids[0]}, at, at, {process_id}, 1, 'entity-' || n, {meta}, status, {started}, {ended},"
        f" CASE WHEN status IN {_OVER} THEN n % 3600 END FROM made"
    )
    step_runs = (
        f"SELECT {ids[1]}, at, at, {ids[0]}, {step_id}, 0, 'only', {_STEP_STATUS}, {false}, {true}, {started}, {ended},"
        f" {empty} FROM made"
    )
    if is_sqlite:
        return [
            f"{made} INSERT INTO runs ({_RUN_COLUMNS}) {runs}",
            f"{made} INSERT INTO step_runs ({_STEP_RUN_COLUMNS}) {step_runs}",
        ]
    return [
        f"INSERT INTO runs ({_RUN_COLUMNS}) {made} {runs}",
        f"INSERT INTO step_runs ({_STEP_RUN_COLUMNS}) {made} {step_runs}",
    ]


def _row_id(is_sqlite: bool, kind: str) -> str:
    if is_sqlite:
        return f"printf('%012x7%03x{kind}%015x', ms, n % 4096, n)"
    text = f"lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '{kind}' || lpad(to_hex(n), 15, '0')"
    return f"({text})\\:\\:uuid"

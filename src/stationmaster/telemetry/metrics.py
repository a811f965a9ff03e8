"""Every metric there is, in one registry.

Names start with `stationmaster_`, units are base units (seconds), and every label has a bounded set of values: route
templates, kinds, states, reasons; never ids, names or addresses.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)

http_requests = Counter(
    "stationmaster_http_requests_total",
    "Requests answered, by route template, method and class of status (2xx, 4xx, ...).",
    ["method", "route", "status"],
    registry=REGISTRY,
)
http_request_seconds = Histogram(
    "stationmaster_http_request_duration_seconds",
    "Time from the arrival of a request to the first byte of its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
executions_finished = Counter(
    "stationmaster_executions_finished_total",
    "Executions that reached a terminal state, by kind of target and state.",
    ["kind", "state"],
    registry=REGISTRY,
)
start_lateness_seconds = Histogram(
    "stationmaster_execution_start_lateness_seconds",
    "Time from the planned instant of an execution to the start of its first attempt.",
    ["kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600),
    registry=REGISTRY,
)
queue_depth = Gauge(
    "stationmaster_queue_depth",
    "Executions that are due and wait to be started.",
    registry=REGISTRY,
)
is_leader = Gauge(
    "stationmaster_leader",
    "1 while this replica is the leader, else 0.",
    registry=REGISTRY,
)
leader_epoch = Gauge(
    "stationmaster_leader_epoch",
    "The leader's term, as this replica last saw it.",
    registry=REGISTRY,
)
tick_seconds = Histogram(
    "stationmaster_tick_duration_seconds",
    "Duration of one tick: due slots turned into executions.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
containers_reaped = Counter(
    "stationmaster_containers_reaped_total",
    "Containers, services and networks of ended attempts that were removed.",
    registry=REGISTRY,
)
script_builds = Counter(
    "stationmaster_script_builds_total",
    "Images built of scripts, by how it ended (success, failed).",
    ["result"],
    registry=REGISTRY,
)
stale_writes = Counter(
    "stationmaster_stale_writes_rejected_total",
    "Writes refused because their lease or term had passed to somebody else, by what was written.",
    ["what"],
    registry=REGISTRY,
)
leases_rescued = Counter(
    "stationmaster_leases_rescued_total",
    "Attempts taken over after their holder's lease had run out, by kind of target.",
    ["kind"],
    registry=REGISTRY,
)
followers_failed = Counter(
    "stationmaster_followers_failed_total",
    "Ends of executions that a follower could not deal with, by follower; the log says why.",
    ["follower"],
    registry=REGISTRY,
)
database_connections = Gauge(
    "stationmaster_database_connections_in_use",
    "Connections checked out of a pool at this moment, by pool (writer, reader, control).",
    ["pool"],
    registry=REGISTRY,
)
rate_limited = Counter(
    "stationmaster_rate_limited_total",
    "Calls refused because their caller made too many, by class of operations.",
    ["limit"],
    registry=REGISTRY,
)
deliveries = Counter(
    "stationmaster_deliveries_total",
    "Tries to deliver a message of the outbox, by channel and outcome (sent, delayed, given_up).",
    ["channel", "outcome"],
    registry=REGISTRY,
)
log_records_lost = Counter(
    "stationmaster_log_records_lost_total",
    "Records of the log that are not in its files because those could not be written quickly enough.",
    registry=REGISTRY,
)
rows_removed = Counter(
    "stationmaster_retention_removed_rows_total",
    "Rows that retention removed, by rule.",
    ["rule"],
    registry=REGISTRY,
)

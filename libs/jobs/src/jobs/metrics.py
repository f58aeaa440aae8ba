"""Prometheus metrics of jobs and periodic tasks."""

from prometheus_client import Counter, Gauge, Histogram

OUTCOMES = Counter(
    "zhuxue_job_attempts_total",
    "Attempts by outcome: succeeded, retried, dead, cancelled, interrupted, superseded",
    ["service", "kind", "outcome"],
)
SECONDS = Histogram(
    "zhuxue_job_attempt_seconds",
    "Duration of attempts in seconds",
    ["service", "kind"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)
LAST_SUCCESS = Gauge(
    "zhuxue_periodic_last_success_timestamp_seconds",
    "When a periodic task last succeeded in any process; if never, when it was declared",
    ["service", "task"],
    multiprocess_mode="max",
)
WAITING = Gauge(
    "zhuxue_jobs_waiting", "Jobs that are due and not running", ["service"], multiprocess_mode="mostrecent"
)
RUNNING = Gauge("zhuxue_jobs_running", "Jobs that are running", ["service"], multiprocess_mode="mostrecent")
OLDEST = Gauge(
    "zhuxue_jobs_oldest_waiting_seconds",
    "How long the oldest job has been due and not running",
    ["service"],
    multiprocess_mode="mostrecent",
)
SKIPPED = Counter(
    "zhuxue_periodic_skipped_total",
    "Due runs left out because the last one had not ended",
    ["service", "task"],
)

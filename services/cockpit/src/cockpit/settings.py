"""Settings of Cockpit, from environment variables `ZHUXUE_COCKPIT_*`."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from replica.settings import SnapshotSettings
from servicekit.settings import ServiceSettings


class Settings(ServiceSettings, SnapshotSettings):
    """Settings of Cockpit; `docs/operators.md` describes each of them."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_COCKPIT_", extra="ignore")

    port: int = Field(default=8003, ge=0, le=65535)

    analytics_dsn: str = Field(pattern=r"^(chdb|clickhouse|clickhouses|http|https)://")
    """`chdb:///directory` for the engine in this process (one process per directory), or a server's DSN."""
    analytics_database: str = Field(default="cockpit", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    analytics_threads: int = Field(default=4, ge=1, le=64)
    analytics_queue: int = Field(default=32, ge=0, le=10_000)
    """Requests that may wait for a thread; more are refused with 503."""

    upload_limit_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    resumable_upload_limit_bytes: int = Field(default=5 * 1024**3, ge=1024)
    """Of a file that arrives in parts."""
    stale_batch_seconds: int = Field(default=900, ge=1)
    """A batch that has not moved for so long belongs to a process that is gone. With chDB every unfinished
    batch found at start does, because nobody else can have the directory open."""

    @model_validator(mode="after")
    def _one_process_for_one_directory(self) -> Self:
        if self.analytics_embedded and self.workers > 1:
            raise ValueError("workers must be 1 with chDB: one process can have its directory open")
        if self.analytics_embedded and not self.run_jobs:
            raise ValueError(
                "run_jobs must be true with chDB: jobs run in the process that has its directory open"
            )
        return self

    @property
    def analytics_embedded(self) -> bool:
        """Return whether the engine runs inside this process."""
        return self.analytics_dsn.startswith("chdb:")

"""Settings of Cockpit, from environment variables `ZHUXUE_COCKPIT_*`."""

import secrets
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from replica.settings import SnapshotSettings
from servicekit.cipher import Key, check_versions, keys_of
from servicekit.settings import ServiceSettings, none_if_empty


class Settings(ServiceSettings, SnapshotSettings):
    """Settings of Cockpit; `docs/operators.md` describes each of them."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_COCKPIT_", extra="ignore")

    port: int = Field(default=8003, ge=0, le=65535)

    analytics_dsn: str = Field(pattern=r"^(chdb|clickhouse|clickhouses|http|https)://")
    """`chdb:///directory` for the engine in this process (one process per directory), or a server's DSN."""
    analytics_database: str = Field(default="cockpit", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    analytics_cluster: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{0,64}$")
    """The cluster of ClickHouse (`remote_servers`) whose nodes share the facts; none or empty is one node."""
    analytics_threads: int = Field(default=4, ge=1, le=64)
    analytics_queue: int = Field(default=32, ge=0, le=10_000)
    """Requests that may wait for a thread; more are refused with 503."""

    upload_limit_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    resumable_upload_limit_bytes: int = Field(default=5 * 1024**3, ge=1024)
    """Of a file that arrives in parts."""
    upload_quota_bytes: int = Field(default=50 * 1024**3, ge=1024)
    """Of all files that arrive in parts or are being taken in; more are refused until others have ended."""
    upload_key: SecretStr | None = None
    """32 bytes in hex: AES-256-GCM for the parts. Without it each process makes one, so an upload that is not
    complete ends with the process."""
    other_upload_key: SecretStr | None = None
    """A second key that only decrypts, while the upload key is replaced."""
    stale_batch_seconds: int = Field(default=900, ge=1)
    """A batch that has not moved for so long belongs to a process that is gone. With chDB every unfinished
    batch found at start does, because nobody else can have the directory open."""

    hide_small_cells: bool = True
    """Hide figures about 1 to 4 persons and what would give them back. Off in dev mode only."""

    @model_validator(mode="after")
    def _small_cells_are_hidden(self) -> Self:
        if not self.hide_small_cells and self.mode != "dev":
            raise ValueError("hide_small_cells can be off in dev mode only: figures would tell about persons")
        return self

    @model_validator(mode="after")
    def _one_process_for_one_directory(self) -> Self:
        if self.analytics_embedded and self.workers > 1:
            raise ValueError("workers must be 1 with chDB: one process can have its directory open")
        if self.analytics_embedded and not self.run_jobs:
            raise ValueError(
                "run_jobs must be true with chDB: jobs run in the process that has its directory open"
            )
        return self

    @model_validator(mode="after")
    def _a_cluster_of_servers(self) -> Self:
        if self.analytics_embedded and self.analytics_cluster:
            raise ValueError("analytics_cluster needs a server: chDB is one node")
        return self

    @model_validator(mode="after")
    def _one_key_for_all_processes(self) -> Self:
        if self.upload_key is None and not self.analytics_embedded:
            raise ValueError("upload_key is required without chDB: processes read the parts of each other")
        return self

    _empty_keys = field_validator("upload_key", "other_upload_key", mode="before")(none_if_empty)

    @model_validator(mode="after")
    def _keys_are_keys(self) -> Self:
        if self.upload_key is None and self.other_upload_key is not None:
            raise ValueError("other_upload_key is only used together with upload_key")
        check_versions(self.upload_keys, "upload_key and other_upload_key")
        return self

    @property
    def upload_keys(self) -> list[Key]:
        """Keys of the parts of uploads, the first of which encrypts; without a setting, of this process."""
        return keys_of(self.upload_key or SecretStr(secrets.token_hex(32)), self.other_upload_key)

    @property
    def analytics_embedded(self) -> bool:
        """Return whether the engine runs inside this process."""
        return self.analytics_dsn.startswith("chdb:")

    @property
    def facts_folder(self) -> Path | None:
        """Return the folder of chDB, which one process at a time can have open; None if there is none."""
        path = urlsplit(self.analytics_dsn).path if self.analytics_embedded else ""
        return Path(path) if path else None

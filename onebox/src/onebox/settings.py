"""Settings of `make run`, from environment variables `ZHUXUE_ONEBOX_*`."""

import hashlib
import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.vocabulary import Audience

REPOSITORY = Path(__file__).parents[3]


class Settings(BaseSettings):
    """Settings; all have defaults, so `make run` needs no configuration."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_ONEBOX_", extra="ignore")

    state_dir: Path | None = None
    """The directory of databases, facts and keys; by default `.state` in the repository."""
    first_port: int = Field(default=8000, ge=1024, le=65_000)
    """The port of the start page; the services use the next ports (`PORTS`)."""
    log_level: str = "WARNING"
    awards: int = Field(default=14_000, ge=0, le=1_000_000)
    """About how many generated awards Cockpit gets after the first start, with some 55,000 facts of other
    feeds; 0: none."""

    notices: bool = True
    """Whether a few notices and 机关代字 are there after the first start."""

    @property
    def state(self) -> Path:
        """Return the state directory.

        PostgreSQL refuses to run as root, so it then runs as `nobody`, who must have access to the data. If
        the repository is in a directory without this access, the state is below /var/tmp instead.
        """
        if self.state_dir is not None:
            return self.state_dir.resolve()
        inside = REPOSITORY / ".state"
        if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in inside.parents):
            return inside
        return Path("/var/tmp") / f"zhuxue-{hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:12]}"  # noqa: S108 - of `make run` only


HOST = "127.0.0.1"
PORTS = {"start": 0, **{audience.service: number for number, audience in enumerate(Audience, 1)}}
"""Offsets from `first_port`, by name."""

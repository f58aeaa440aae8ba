"""Settings of Sample, from environment variables `ZHUXUE_SAMPLE_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from replica.settings import SnapshotSettings
from servicekit.settings import ServiceSettings


class Settings(ServiceSettings, SnapshotSettings):
    """The settings of every service, and the address of Identity's directory."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_SAMPLE_", extra="ignore")

    port: int = Field(default=8000, ge=0, le=65535)

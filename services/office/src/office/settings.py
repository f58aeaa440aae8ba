"""Settings of Office, from environment variables `ZHUXUE_OFFICE_*`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from replica.settings import SnapshotSettings
from servicekit.settings import ServiceSettings


class Settings(ServiceSettings, SnapshotSettings):
    """The settings of every service, and the address of Identity's directory."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_OFFICE_", extra="ignore")

    port: int = Field(default=8002, ge=0, le=65535)
    notice_archive_days: int = Field(
        default=365, ge=30, le=36_500, description="days from a notice's publication to its archive"
    )
    font_folder: Path | None = Field(
        default=None, description="folder with fonts for printing, in addition to the system's"
    )

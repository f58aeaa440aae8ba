"""Settings of Office, from environment variables `ZHUXUE_OFFICE_*`."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from filekit.store import FileStore, store_of
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
    file_store_url: str | None = Field(
        default=None,
        pattern=r"^(file:///|s3://)",
        description="place of uploaded files: file:///folder or s3://bucket/prefix; None: files are refused",
    )
    file_store_options: dict[str, SecretStr] = Field(
        default={}, description="options of S3: endpoint, region, access_key_id, secret_access_key"
    )
    file_scanner_url: str | None = Field(
        default=None,
        pattern=r"^(tcp|unix)://",
        description="ClamAV's daemon: tcp://host:port or unix:///path; None: uploads are not scanned",
    )

    @field_validator("file_store_url", "file_scanner_url", mode="before")
    @classmethod
    def _empty_place_is_none(cls, value: object) -> object:
        """Convert an empty value, as in an environment file, to None."""
        return None if isinstance(value, str) and not value.strip() else value

    def file_store(self) -> FileStore | None:
        """Return the place of uploaded files; None if none is configured."""
        options = {name: value.get_secret_value() for name, value in self.file_store_options.items()}
        return None if self.file_store_url is None else store_of(self.file_store_url, **options)

    file_limit_bytes: int = Field(default=100 * 1024 * 1024, ge=1024, description="largest file")
    file_unpacked_limit_bytes: int = Field(
        default=1024 * 1024 * 1024, ge=1024, description="largest unpacked content of a document"
    )
    file_download_days: int = Field(
        default=1096, ge=180, description="how long the record of downloads is kept"
    )

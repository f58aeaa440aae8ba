"""Settings of the portal, from environment variables `ZHUXUE_PORTAL_*`."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from servicekit.cipher import Key, check_versions, keys_of
from servicekit.settings import ServiceSettings, SiteSettings


class Settings(ServiceSettings, SiteSettings):
    """Settings of the portal; `docs/operators.md` describes each of them."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_PORTAL_", extra="ignore")

    has_events: ClassVar[bool] = False
    takes_proofs: ClassVar[bool] = False

    port: int = Field(default=8000, ge=0, le=65535)

    identity_url: AnyHttpUrl
    """Where the portal reaches Identity, which browsers reach as `issuer`."""
    office_url: AnyHttpUrl
    cockpit_url: AnyHttpUrl
    office_public_url: AnyHttpUrl | None = None
    """How Office knows itself, if otherwise than the portal reaches it: proofs of possession name it."""
    cockpit_public_url: AnyHttpUrl | None = None

    client_id: str = "workbench"
    wall_client_id: str = "wall"
    """Client of wall displays, which authenticates with the same key."""
    client_key: SecretStr
    """32 bytes in hex: the private key with which the portal authenticates at Identity (ES256)."""
    encryption_key: SecretStr
    """32 bytes in hex: AES-256-GCM for tokens and keys in the database."""
    other_encryption_key: SecretStr | None = None
    """For reading what an earlier key has encrypted, while keys are being replaced."""

    session_idle_seconds: int = Field(default=7200, ge=60)
    session_absolute_seconds: int = Field(default=43_200, ge=60)
    upstream_timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    proxied_body_bytes: int = Field(default=134_217_728, ge=1024)
    """Largest body that is passed on; the services have limits of their own."""

    pages_dir: Path | None = None
    """The folder of the built pages, if it is not the one beside the source."""

    @field_validator("other_encryption_key", mode="before")
    @classmethod
    def _empty_is_no_key(cls, value: object) -> object:
        """Convert an empty value, as in an environment file, to None."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("client_key", "encryption_key", "other_encryption_key")
    @classmethod
    def _key(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None:
            Key.parse(given.get_secret_value())
        return given

    @model_validator(mode="after")
    def _reached_by_browsers(self) -> Self:
        if self.public_url is None:
            raise ValueError("public_url is required: people come back to it after signing in")
        check_versions(self.encryption_keys, "encryption_key and other_encryption_key")
        return self

    @property
    def origin(self) -> str:
        """Return the origin at which browsers reach the portal."""
        assert self.public_origin is not None
        return self.public_origin

    @property
    def pages(self) -> Path:
        """The folder of the built pages."""
        return self.pages_dir or Path(__file__).parents[2] / "web" / "dist"

    @property
    def encryption_keys(self) -> list[Key]:
        """The keys of what is stored; the first one encrypts."""
        return keys_of(self.encryption_key, self.other_encryption_key)

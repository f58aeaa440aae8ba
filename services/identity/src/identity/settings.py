"""Settings of Identity, from environment variables `ZHUXUE_IDENTITY_*`."""

import re
from pathlib import Path
from typing import ClassVar, Self

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    IPvAnyNetwork,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.vocabulary import Audience
from servicekit.cipher import Key, check_versions, keys_of
from servicekit.settings import ServiceSettings, SiteSettings, none_if_empty


class CountAddress(BaseModel):
    """Where a front end asks how many things of a kind wait for somebody."""

    model_config = ConfigDict(extra="forbid")

    audience: Audience
    href: str
    pointer: str = Field(pattern=r"^(/[^/]+)+$")
    """The place of the integer in the answer, a JSON Pointer (RFC 6901)."""


class Settings(ServiceSettings, SiteSettings):
    """`docs/operators.md` describes each setting and how to create the keys."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_IDENTITY_", extra="ignore")

    # The issuer is its address.
    takes_proofs: ClassVar[bool] = False

    port: int = Field(default=8001, ge=0, le=65535)

    encryption_key: SecretStr
    """32 bytes in hex: AES-256-GCM for phone numbers and private signing keys. `2:` before it: version 2."""
    other_encryption_key: SecretStr | None = None
    """A second key that only decrypts, during a rotation."""
    index_key: SecretStr
    """32 bytes in hex: HMAC-SHA-256 for blind indexes and stored codes; different from `encryption_key`."""
    other_index_key: SecretStr | None = None
    """A second key of the blind indexes, during a rotation."""

    sms_gateway_url: AnyHttpUrl | None = None
    sms_gateway_secret: SecretStr | None = None
    sms_inbound_number: str | None = Field(
        default=None, pattern=r"^[0-9]{4,20}$", description="Number that people send text messages to"
    )
    sms_inbound_secret: SecretStr | None = Field(
        default=None, description="Key by which the gateway signs the messages that people sent"
    )
    sms_budget_per_number: int = Field(
        default=10, ge=2, description="SMS codes per day and number, and per day and remembered device"
    )
    sms_budget_per_number_and_address: int = Field(
        default=3, ge=1, description="SMS codes per day and number, asked for from one address"
    )
    sms_budget_per_address: int = Field(
        default=30, ge=1, description="SMS codes per hour and IPv4 address or IPv6 /64"
    )
    sms_budget_total: int = Field(default=100_000, ge=1, description="SMS codes per hour for all numbers")
    invite_budget_per_unit: int = Field(
        default=2_000, ge=1, description="Invitations by tables per day and unit, each an SMS"
    )
    invite_budget_total: int = Field(
        default=100_000, ge=1, description="Invitations by tables per day for all units"
    )
    reminder_budget_per_unit: int = Field(
        default=4, ge=0, description="Text messages of reminders and waiting recoveries per day and unit"
    )
    reminder_budget_total: int = Field(
        default=100_000,
        ge=0,
        description="Text messages of reminders and waiting recoveries per day for all units",
    )
    real_name_url: AnyHttpUrl | None = None
    real_name_secret: SecretStr | None = None
    real_name_timeout_seconds: float = Field(
        default=5, gt=0, le=30, description="Time for one call of the provider of real-name checks"
    )
    policies_directory: Path | None = Field(
        default=None, description="Own privacy policy and terms, in place of the packaged ones"
    )
    password_days: int = Field(default=90, ge=0, description="Days a password is valid; 0: for ever")
    sign_in_days: int = Field(default=400, ge=180, description="Days the sign-in history is kept")
    sign_in_notices: bool = Field(
        default=True, description="Send an SMS after a sign-in from a browser that is not remembered"
    )
    place_tables: list[FilePath] = Field(
        default=[], description="Tables of ip2region (`.xdb`) that name the place of a sign-in"
    )
    access_token_seconds: int = Field(default=300, ge=30, le=900)
    key_rotation_days: int = Field(default=90, ge=0, description="Days a signing key signs; 0: never rotated")
    client_secret_overlap_hours: int = Field(
        default=72, ge=0, le=720, description="How long a client's old secret works beside its new one"
    )
    code_seconds: int = Field(default=60, ge=10, le=60)
    session_idle_seconds: int = Field(default=1800, ge=60)
    session_absolute_seconds: int = Field(default=43_200, ge=60)
    device_grant_days: int = Field(
        default=90, ge=1, le=365, description="How long a device with `offline_access` stays signed in"
    )

    import_limit_bytes: int = Field(
        default=128 * 1024 * 1024, ge=1024, description="largest table of units for an import, in bytes"
    )
    file_scanner_url: str | None = Field(
        default=None, description="ClamAV's daemon for uploads: `tcp://host:3310` or `unix:///path`"
    )

    unread_counts: dict[str, CountAddress] = Field(
        default={}, description="Where front ends count what waits for people at other services, as in /me"
    )

    client_networks: list[IPvAnyNetwork] = Field(
        default=[], description="Networks that are not public and in which clients have their servers"
    )

    @property
    def encryption_keys(self) -> list[Key]:
        """Keys of encryption; the first one encrypts."""
        return keys_of(self.encryption_key, self.other_encryption_key)

    @property
    def texting_number(self) -> str | None:
        """The number that people send text messages to, None if there is none whose messages are verified."""
        return None if self.sms_inbound_secret is None else self.sms_inbound_number

    @property
    def index_keys(self) -> list[Key]:
        """Keys of blind indexes; the first one is used where one is enough."""
        return keys_of(self.index_key, self.other_index_key)

    _empty_options = field_validator(
        "other_encryption_key",
        "other_index_key",
        "sms_inbound_number",
        "sms_inbound_secret",
        "file_scanner_url",
        "real_name_url",
        "real_name_secret",
        mode="before",
    )(none_if_empty)

    @model_validator(mode="after")
    def _keys_are_keys(self) -> Self:
        encryption, index = self.encryption_keys, self.index_keys
        secrets = [key.secret for key in [*encryption, *index]]
        if len(set(secrets)) != len(secrets):
            raise ValueError("encryption_key, index_key and the other keys must be different keys")
        check_versions(encryption, "encryption_key and other_encryption_key")
        if len(index) == 2 and abs(index[0].version - index[1].version) != 1:
            raise ValueError("index_key and other_index_key need successive versions: 2:00ff…")
        if not self.dev and (self.sms_gateway_url is None or self.sms_gateway_secret is None):
            raise ValueError(
                "sms_gateway_url and sms_gateway_secret are required: the inbox is for dev mode only"
            )
        if (self.sms_inbound_number is None) != (self.sms_inbound_secret is None):
            raise ValueError("sms_inbound_number and sms_inbound_secret are only used together")
        if self.sms_inbound_secret is not None and len(self.sms_inbound_secret.get_secret_value()) < 32:
            raise ValueError("sms_inbound_secret needs 32 characters or more")
        return self


_SERVICES = [audience.service for audience in Audience]
_CLIENTS = [name for name in _SERVICES if name != Audience.IDENTITY.service]
_EXCHANGE = re.compile(rf"({'|'.join(_CLIENTS)}) (?!\1)({'|'.join(_SERVICES)})(:[a-z]+)?")


class BootstrapSettings(BaseSettings):
    """Settings that only `python -m identity bootstrap` needs."""

    model_config = SettingsConfigDict(env_prefix="ZHUXUE_IDENTITY_", extra="ignore")

    office_client_secret: SecretStr = Field(min_length=32)
    cockpit_client_secret: SecretStr = Field(min_length=32)
    portal_redirect_uris: list[str] = []
    portal_url: AnyHttpUrl | None = None
    """Public origin of the portal; its server is registered if this and its key are given."""
    portal_client_key: SecretStr | None = None
    """The portal's key, 32 bytes in hex; only its public part is stored."""
    token_exchange: list[str] = []
    """`office cockpit:read`: Office may exchange tokens of people with this scope for Cockpit (RFC 8693)."""
    first_admin_phone: str | None = None
    """First administrator of the centre; required only when the units are loaded."""
    first_admin_name: str | None = None

    @field_validator("token_exchange")
    @classmethod
    def _service_and_scope(cls, value: list[str]) -> list[str]:
        for entry in value:
            if not _EXCHANGE.fullmatch(entry):
                raise ValueError("token_exchange: each entry is a service and one scope of another service")
        return value

    @property
    def client_secrets(self) -> dict[str, str]:
        """Secrets of the services that call Identity, by client."""
        secrets: dict[str, SecretStr] = {name: getattr(self, f"{name}_client_secret") for name in _CLIENTS}
        return {name: secret.get_secret_value() for name, secret in secrets.items()}

    def exchanges_of(self, client_id: str) -> list[str]:
        """Return the scopes for which a service may exchange people's tokens."""
        return [
            scope for name, _, scope in (e.partition(" ") for e in self.token_exchange) if name == client_id
        ]

"""Common settings; each service subclasses `ServiceSettings` and adds its own.

Values come from environment variables with the service's prefix, e.g. `ZHUXUE_OFFICE_DATABASE_URL`.
Secrets have no defaults, so a service with a missing secret does not start.
"""

import re
from typing import ClassVar, Literal, Self

from pydantic import AnyHttpUrl, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from servicekit.cors import LOCAL
from servicekit.outages import Waits


def none_if_empty(value: object) -> object:
    """Convert an empty value, as an environment file has it, to None.

    A validator that uses it has a name of its own: one of the same name would replace the inherited one.
    """
    return None if isinstance(value, str) and not value.strip() else value


class ServiceSettings(BaseSettings):
    """The settings that all services have."""

    model_config = SettingsConfigDict(extra="ignore")

    has_events: ClassVar[bool] = True
    """Whether the service publishes or consumes events, for which production needs a broker."""
    takes_proofs: ClassVar[bool] = True
    """Whether callers prove possession for the service's own address (`public_url`, RFC 9449 §4.2)."""

    mode: Literal["dev", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64, description="Processes that share the port")
    run_jobs: bool = Field(default=True, description="Whether `serve` runs jobs and periodic tasks too")
    database_url: str
    database_pool_size: int = Field(default=10, ge=1)
    database_connect_seconds: float = Field(default=3, gt=0)
    database_wait_seconds: float = Field(
        default=5, gt=0, description="How long a request waits for a free connection"
    )
    database_statement_seconds: float = Field(
        default=10, gt=0, description="How long one statement of a request may take"
    )
    consumer_concurrency: int = Field(default=4, ge=1, le=64)
    rabbitmq_url: str | None = None
    event_namespace: str = "zhuxue"
    issuer: AnyHttpUrl
    jwks_url: AnyHttpUrl | None = None
    public_url: AnyHttpUrl | None = None
    cors_origins: list[str] = []
    max_body_bytes: int = Field(default=1_048_576, ge=1024)
    log_json: bool = True
    log_level: str = "INFO"

    @property
    def dev(self) -> bool:
        """Return whether development mode is enabled."""
        return self.mode == "dev"

    @property
    def database_waits(self) -> Waits:
        """Return how long requests wait for the database."""
        return Waits(
            self.database_connect_seconds, self.database_wait_seconds, self.database_statement_seconds
        )

    @property
    def issuer_url(self) -> str:
        """Return the issuer identifier exactly as in tokens, without a trailing slash."""
        return str(self.issuer).rstrip("/")

    @property
    def public_origin(self) -> str | None:
        """Return the external origin as `scheme://host[:port]`; None if there is no gateway."""
        return None if self.public_url is None else str(self.public_url).rstrip("/")

    _empty_broker = field_validator("rabbitmq_url", mode="before")(none_if_empty)

    @field_validator("public_url")
    @classmethod
    def _origin_only(cls, value: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if value is not None and (value.path not in (None, "/") or value.query or value.fragment):
            raise ValueError("public_url must be scheme://host[:port], without a path")
        return value

    @model_validator(mode="after")
    def _production_is_closed(self) -> Self:
        if self.mode == "production":
            if "*" in self.cors_origins:
                raise ValueError("cors_origins must not be '*' in production")
            if any(re.fullmatch(LOCAL, origin) for origin in self.cors_origins):
                raise ValueError("cors_origins must not name localhost in production")
            if self.has_events and self.rabbitmq_url is None:
                raise ValueError("rabbitmq_url is required in production")
            if self.takes_proofs and self.public_url is None:
                # Otherwise `htu` of a proof (RFC 9449 §4.3) is compared with what the caller says in Host.
                raise ValueError("public_url is required in production: DPoP proofs name it")
        return self


class SiteSettings(BaseSettings):
    """What the operator puts at the foot of pages: for services that have some."""

    site_organiser: str = Field(
        default="全国学生资助管理中心", max_length=100, description="主办单位 at the foot of every page"
    )
    site_support_phone: str | None = Field(
        default=None, max_length=50, description="Telephone of the help desk"
    )
    site_help_url: AnyHttpUrl | None = Field(
        default=None, description="Help pages of the operator in place of /help"
    )
    site_icp_number: str | None = Field(default=None, max_length=50, description="ICP备案号")
    site_police_number: str | None = Field(default=None, max_length=50, description="公安备案号")

    @field_validator(
        "site_support_phone", "site_help_url", "site_icp_number", "site_police_number", mode="before"
    )
    @classmethod
    def _empty_is_left_out(cls, value: object) -> object:
        """Convert an empty value, as in an environment file, to None."""
        return None if isinstance(value, str) and not value.strip() else value

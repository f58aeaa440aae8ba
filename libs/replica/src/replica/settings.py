"""Settings of the snapshot API, which a service mixes into its own."""

from pydantic import AnyHttpUrl, SecretStr
from pydantic_settings import BaseSettings


class SnapshotSettings(BaseSettings):
    """Identity's URL and this service's client credentials."""

    identity_url: AnyHttpUrl
    client_id: str
    client_secret: SecretStr

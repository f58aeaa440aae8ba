"""Where the snapshot comes from, as settings a service mixes into its own."""

from pydantic import AnyHttpUrl, SecretStr
from pydantic_settings import BaseSettings


class SnapshotSettings(BaseSettings):
    """Identity's address and this service's own client there."""

    identity_url: AnyHttpUrl
    client_id: str
    client_secret: SecretStr

"""Application dependencies shared by several features."""

from typing import Annotated

from fastapi import Depends, Request

from identity.settings import Settings
from identity.vault import Vault


async def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


ServiceVault = Annotated[Vault, Depends(_vault)]
"""The operator's keys."""

ServiceSettings = Annotated[Settings, Depends(_settings)]
"""The application's settings."""

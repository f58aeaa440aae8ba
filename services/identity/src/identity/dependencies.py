"""What endpoints of several features take from the application."""

from typing import Annotated

from fastapi import Depends, Request

from identity.settings import Settings as SettingsModel
from identity.vault import Vault as VaultType
from servicekit.clock import Clock as ClockProtocol


async def _clock(request: Request) -> ClockProtocol:
    clock: ClockProtocol = request.app.state.clock
    return clock


async def _vault(request: Request) -> VaultType:
    vault: VaultType = request.app.state.vault
    return vault


async def _settings(request: Request) -> SettingsModel:
    settings: SettingsModel = request.app.state.settings
    return settings


Clock = Annotated[ClockProtocol, Depends(_clock)]
Vault = Annotated[VaultType, Depends(_vault)]
Settings = Annotated[SettingsModel, Depends(_settings)]

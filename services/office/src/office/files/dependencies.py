"""Build the feature's services for each request."""

from typing import Annotated

from fastapi import Depends, Request

from filekit.store import FileStore
from office.directory.dependencies import UnitService
from office.files.guards import Guards
from office.files.service import Attachments, Files
from office.settings import Settings
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


FileSettings = Annotated[Settings, Depends(_settings)]
"""The settings of Office: the limits of uploads."""


async def _files(
    request: Request, session: Session, clock: ServiceClock, units: UnitService, settings: FileSettings
) -> Files:
    store: FileStore | None = request.app.state.file_store
    guards: Guards = request.app.state.file_guards
    return Files(session, clock, units, store, guards, settings.file_unpacked_limit_bytes)


FileService = Annotated[Files, Depends(_files)]
"""The API of files."""


async def _attachments(session: Session, clock: ServiceClock) -> Attachments:
    return Attachments(session, clock)


AttachmentService = Annotated[Attachments, Depends(_attachments)]
"""For features that attach files to their subjects."""

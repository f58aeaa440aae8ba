"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.directory.service import Directory
from servicekit.db import Session


async def _directory(session: Session) -> Directory:
    return Directory(session)


DirectoryService = Annotated[Directory, Depends(_directory)]

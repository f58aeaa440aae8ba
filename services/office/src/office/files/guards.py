"""Who may see the files of a subject: each feature says it for its own kind of subject."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.directory.models import Unit
from servicekit.clock import Clock

Guard = Callable[[AsyncSession, Clock, Actor, Unit, UUID], Awaitable[None]]
"""Raises a `Problem` unless the actor, who acts for the unit, may see the content of the subject."""

Guards = Mapping[str, Guard]
"""The guards by kind of subject."""

"""Who may see the files of a subject: each feature says it for its own kind of subject."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.directory.models import Unit
from servicekit.clock import Clock


@dataclass(frozen=True)
class Shown:
    """The files of a subject that an actor may see: `current` ones are listed, in this order; the others can
    be fetched, because earlier versions that the actor may see have them.
    """

    current: Sequence[UUID]
    earlier: Collection[UUID] = ()


Guard = Callable[[AsyncSession, Clock, Actor, Unit, UUID], Awaitable[Shown]]
"""Returns which files of a subject the actor, who acts for the unit, may see.

Raises a `Problem` if the actor may not see the subject at all.
"""

Guards = Mapping[str, Guard]
"""The guards by kind of subject."""

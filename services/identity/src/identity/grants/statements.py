"""Statements that change grants, on a lane or in a session."""

from typing import Any, Final

from sqlalchemy import DateTime, Uuid, bindparam, update

from identity.grants.models import Grant
from servicekit.lanes import Statement

_TABLE: Final[Any] = Grant.__table__
REVOKE: Final = Statement(
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("grant", type_=Uuid()))
    .values(revoked_at=bindparam("now", type_=DateTime(timezone=True)))
)
